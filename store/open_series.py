"""Open series as the explorer looks at them. A household's series are not among them, whatever is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from store.batch import Float64, Int64
from store.connect import Connection
from store.copy import float8s, instants
from store.queries import queries
from store.times import instant

_SQL = queries("open_series")


class Found(NamedTuple):
    """One of the series that were searched for; ``time`` and ``value`` of its newest reading, None without one."""

    device: str
    family: str
    property: str
    id: int
    time: datetime | None
    value: float | None


class OpenSeries(NamedTuple):
    """One series. ``unit`` (UCUM) and ``kind`` are None for a property that the program dropped; ``interval`` and
    ``heartbeat`` are the device's attributes (ISO 8601 durations)."""

    id: int
    device: str
    family: str
    property: str
    unit: str | None
    kind: str | None
    origin: str
    model: str
    interval: str | None
    heartbeat: str | None


class Change(NamedTuple):
    """A reading at ``time`` [us] that was corrected (``correction``: its number), restated (None) or, where ``old`` is
    None, added afterwards; ``at``: when."""

    time: int
    old: float | None
    new: float
    correction: int | None
    reason: str | None
    at: datetime


def find(
    connection: Connection,
    prefix: str = "",
    family: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 50,
) -> list[Found]:
    """Open series by device and property, from the one after ``after`` on. Raises psycopg.Error."""
    device, name = after or (None, None)
    wanted = {"prefix": prefix, "family": family, "after": device, "after_property": name, "limit": limit}
    return [Found(*row) for row in connection.execute(_SQL["find"], wanted).fetchall()]


def get(connection: Connection, device: str, name: str) -> OpenSeries | None:
    """One open series; None where there is none, or it is a household's. Raises psycopg.Error."""
    row = connection.execute(_SQL["get"], (device, name)).fetchone()
    return None if row is None else OpenSeries(*row)


def extent(connection: Connection, series: int) -> tuple[int, int] | None:
    """Times of the first and the last reading [us], None where there is none. Raises psycopg.Error."""
    row = connection.execute(_SQL["extent"], {"series": series}).fetchone()
    return None if row is None else (row[0], row[1])


def count_changes(connection: Connection, series: int, start: int, end: int) -> tuple[int, int]:
    """How many readings were changed from ``start`` to ``end`` [us], and how many changes that were.

    Raises psycopg.Error.
    """
    row = connection.execute(_SQL["count_changes"], (series, instant(start), instant(end))).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def changes(connection: Connection, series: int, start: int, end: int, limit: int) -> list[Change]:
    """The first changes from ``start`` to ``end`` [us], by the readings' time. Raises psycopg.Error."""
    rows = connection.execute(_SQL["changes"], (series, instant(start), instant(end), limit)).fetchall()
    return [Change(*row) for row in rows]


def marks(connection: Connection, series: int, start: int, end: int, width: int) -> tuple[Int64, Float64]:
    """Of each piece of ``width`` [us] the first reading that was changed: times [us] and the values that count.

    Raises psycopg.Error.
    """
    wanted = {"series": series, "start": instant(start), "end": instant(end), "width": timedelta(microseconds=width)}
    rows = connection.execute(_SQL["marks"], wanted).fetchall()
    return np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64)


def block(connection: Connection, series: int, start: int, end: int, limit: int) -> tuple[Int64, Float64]:
    """The first ``limit`` readings from ``start`` on, before ``end`` [us]: times [us] and values, ``(readings,)``.

    Raises psycopg.Error.
    """
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["block"], (series, instant(start), instant(end), limit)).fetchone()
    assert row is not None
    return instants(row[0] or b""), float8s(row[1] or b"")


def changed(connection: Connection, series: int, first: int, last: int) -> Int64:
    """Times [us], rising, of the changed readings from ``first`` to ``last`` (included). Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["changed"], (series, instant(first), instant(last))).fetchone()
    assert row is not None
    return instants(row[0])
