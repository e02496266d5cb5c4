"""Readings of one open series for a page of its Observations: one statement that is planned once, rows as two arrays.

What `store.sta_observations` reads for any question in several journeys is here one: a single statement sees one state
of the database without a transaction around it. The connection has its limit of time and its way to plan as settings
(`PLANNED`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import psycopg

from devices.families import FAMILIES
from store import chunks
from store.batch import Float64, Int64
from store.chunks import Chunks, Span
from store.connect import Connection
from store.copy import float8s, instants
from store.queries import queries
from store.sta_read import TooCostly
from store.times import instant

_SQL = queries("sta_series")

#: How a connection is set on which these statements run: a plan that knows no parameter is as good here, so that it is
#: made once a connection. To plan anew costs more than to read a hundred rows.
#: Such a plan locks all chunks before it leaves any out: where somebody holds one, the long way is quicker.
PLANNED: Mapping[str, str] = {"plan_cache_mode": "force_generic_plan", "lock_timeout": "200ms"}

_EVERYWHERE = Span(None, None)
NO_CHUNKS = Chunks()


class Held(Exception):
    """Somebody holds a chunk of the readings, perhaps one that the question does not need."""


class Asked(NamedTuple):
    """Readings of a series from ``first`` to ``last`` [us since the Unix epoch, both included], at most ``limit`` after
    the first ``skip``; ``falling``: from the newest on."""

    series: int
    first: int
    last: int
    limit: int
    skip: int = 0
    falling: bool = False


class Found(NamedTuple):
    """Readings in the order asked for. Shapes ``(readings,)``, ``times`` [us since the Unix epoch].

    ``interval``: each stands for the time after it, which is not told here.
    """

    times: Int64
    values: Float64
    interval: bool


def read(connection: Connection, origin: str, asked: Asked, known: Chunks = NO_CHUNKS) -> Found | None:
    """The readings; None where there is no such open series of an origin. The connection is in autocommit.

    Where the chunks are ``known``, and are many, those are asked first that most likely hold the page. One statement
    gives the answer in any case: the first one that finds a full page, or that asks all chunks.

    Raises TooCostly where the connection's ``statement_timeout`` is over, Held where its ``lock_timeout`` is;
    psycopg.Error.
    """
    weeks = chunks.WEEKS
    while near := chunks.near(known, asked.first, asked.last, weeks, falling=asked.falling):
        found = _read(connection, origin, asked, near)
        if found is None or len(found.times) == asked.limit:
            return found
        if not len(found.times):
            break
        weeks = chunks.wider(weeks, len(found.times), asked.limit)
    return _read(connection, origin, asked, _EVERYWHERE)


def _read(connection: Connection, origin: str, asked: Asked, near: Span) -> Found | None:
    given = {
        "id": asked.series,
        "origin": origin,
        "first": instant(asked.first),
        "last": instant(asked.last),
        "limit": asked.limit,
        "skip": asked.skip,
    }
    query = (_SQL["falling"] if asked.falling else _SQL["rising"]).replace(b"{near}", near.condition())
    with connection.cursor(binary=True) as cursor:
        try:
            row = cursor.execute(query, given, prepare=True).fetchone()
        except psycopg.errors.QueryCanceled:
            raise TooCostly from None
        except psycopg.errors.LockNotAvailable:
            raise Held from None
    if row is None:
        return None
    family, name, times, values = row
    item = FAMILIES[family].properties.get(name) if family in FAMILIES else None
    interval = item is not None and item.kind == "interval"
    if times is None:
        return Found(np.empty(0, np.int64), np.empty(0), interval)
    return Found(instants(times), float8s(values), interval)
