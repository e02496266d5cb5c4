"""What days of bays are computed from: the register as arrays and rows, and when readings of a bay begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from devices.bays import Restriction
from store.batch import Int32, Int64
from store.connect import Connection
from store.copy import Instants, Int4s, instants
from store.queries import queries
from store.times import microseconds

_SQL = queries("parking_sources")


class Link(NamedTuple):
    """A sensor in a bay; ``heartbeat`` is the device's attribute, ``series`` that of ``occupied``, where it has one."""

    bay: str
    device: str
    start: datetime
    end: datetime | None
    heartbeat: str | None
    series: int | None


def bays(connection: Connection, others: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(id, zone) of all bays that have or had a sensor, and of ``others`` that are registered, by id.

    Raises psycopg.Error.
    """
    return [(row[0], row[1]) for row in connection.execute(_SQL["bays"], (list(others),)).fetchall()]


def links(connection: Connection) -> list[Link]:
    """All links, by bay and time. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        return [Link(*row) for row in cursor.execute(_SQL["links"]).fetchall()]


def restrictions(connection: Connection) -> list[tuple[str, Restriction]]:
    """The restrictions of all bays, by bay. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        return [(row[0], Restriction(*row[1:])) for row in cursor.execute(_SQL["restrictions"]).fetchall()]


def first_reading(connection: Connection, series: Int32, start: Int64, end: Int64) -> int | None:
    """When [us] the first reading is of that any of these series has in its time, or None. All ``(series,)``, [us].

    Raises psycopg.Error.
    """
    if not len(series):
        return None
    with connection.cursor(binary=True) as cursor:
        given = (Int4s(series), Instants(start), Instants(end))
        row = cursor.execute(_SQL["first_readings"], given).fetchone()
    return None if row is None or row[0] is None else int(instants(row[0])[0])


def moments(values: Sequence[datetime | None], without: int) -> Int64:
    """Aware instants as [us]; ``without`` in the place of None."""
    found = [without if value is None else microseconds(value) for value in values]
    return np.array(found, np.int64)
