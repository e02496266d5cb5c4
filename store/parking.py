"""What pages read of parking: the newest states, stays, days of zones and of bays. Written by store/parking_record.py.

Bays of households are among what is read of bays, unless it says otherwise; days of zones are without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64
from store.connect import Connection
from store.copy import float8s, int4s
from store.parking_record import NONE, received
from store.queries import queries

_SQL = queries("parking")


class LatestStates(NamedTuple):
    """Bays that have a sensor now, ``(bays,)``, in no order.

    ``time`` [us], ``value`` (0 free, 1 occupied) and ``arrival`` [us] of its newest reading of ``occupied`` since it
    lies there; NONE, NaN and NONE where there is none. ``battery`` [%], NaN where it never said.
    """

    bays: list[str]
    devices: list[str]
    time: Int64
    value: Float64
    arrival: Int64
    battery: Float64


class Stays(NamedTuple):
    """Stays, ``(stays,)``: moments [us]; ``departure`` ``NONE`` while it lasts, ``over_from`` where nothing is over.

    ``begins`` and ``ends`` in words (store.parking_record.BEGINS, ENDS); ``over`` and ``suspended`` [s].
    """

    bays: list[str]
    arrival: Int64
    departure: Int64
    begins: list[str]
    ends: list[str]
    over_from: Int64
    over: Int64
    suspended: Int64


class ZoneDay(NamedTuple):
    """A local day of a zone, without bays of households.

    ``quarters`` ``(quarter hours, 4)``: occupied, free, suspended, unknown bay-seconds; ``arrivals`` by quarter hour.
    """

    zone: str
    day: date
    bays: int
    quarters: NDArray[np.int32]
    arrivals: NDArray[np.int32]


class BayDay(NamedTuple):
    """A local day of a bay: ``quarters`` ``(quarter hours, 3)``: occupied, free, suspended [ms]; else unknown."""

    day: date
    quarters: NDArray[np.int32]
    arrivals: int
    repeated: int


def latest_states(connection: Connection) -> LatestStates:
    """The newest states of all bays that have a sensor now, in one query. Raises psycopg.Error."""
    row = _one(connection, _SQL["latest_states"], {})
    return LatestStates(
        row[0] or [], row[1] or [], received(row[2] or b""), float8s(row[3] or b""), received(row[4] or b""),
        float8s(row[5] or b""),
    )  # fmt: skip


def open_stays(connection: Connection) -> Stays:
    """The stays that last, in no order, as of the record's end. Raises psycopg.Error."""
    return _stays(_one(connection, _SQL["open_stays"], {}))


def stays(
    connection: Connection,
    start: datetime,
    end: datetime,
    *,
    zones: Sequence[str] | None = None,
    personal: bool = True,
    over: bool = False,
) -> Stays:
    """The stays that arrived from ``start`` to ``end`` (not included), by arrival.

    ``zones``: of these alone; ``personal`` False: without bays of households; ``over``: only those with time over.
    Raises psycopg.Error.
    """
    given = {"start": start, "stop": end, "zones": None if zones is None else list(zones)}
    return _stays(_one(connection, _SQL["stays"], {**given, "personal": personal, "over": over}))


def zone_days(connection: Connection, start: date, end: date, zones: Sequence[str] | None = None) -> list[ZoneDay]:
    """Local days of all zones or some, from ``start`` to ``end`` (not included), by day. Raises psycopg.Error."""
    given = {"start": start, "stop": end, "zones": None if zones is None else list(zones)}
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["zone_days"], given).fetchall()
    return [
        ZoneDay(zone, day, bays, int4s(quarters).reshape(-1, 4), int4s(arrivals))
        for zone, day, bays, quarters, arrivals in rows
    ]


def bay_days(connection: Connection, bay: str, start: date, end: date) -> list[BayDay]:
    """Local days of a bay, from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["bay_days"], (bay, start, end)).fetchall()
    return [BayDay(day, int4s(quarters).reshape(-1, 3), *counts) for day, quarters, *counts in rows]


def repeated(connection: Connection, start: date, end: date, least: int) -> tuple[list[str], Int64, Int64]:
    """Bays that said occupied again ``least`` times or more from ``start`` to ``end`` (not included), by id: how often,
    and how many stays arrived, ``(bays,)``. Raises psycopg.Error."""
    rows = connection.execute(_SQL["repeated"], {"start": start, "stop": end, "least": least}).fetchall()
    numbers = np.array([row[1:] for row in rows], np.int64).reshape(-1, 2)
    return [row[0] for row in rows], numbers[:, 0], numbers[:, 1]


def recorded_to(connection: Connection) -> datetime | None:
    """How far all of it is computed, or None where nothing is. Raises psycopg.Error."""
    row = connection.execute(_SQL["recorded"]).fetchone()
    return None if row is None else row[0]


def _one(connection: Connection, query: bytes, given: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(query, given).fetchone()
    assert row is not None
    return row


def _stays(row: tuple[Any, ...]) -> Stays:
    bays = row[0] or []
    departure = np.full(len(bays), NONE, np.int64) if row[2] is None else received(row[2])
    over, suspended = (int4s(part or b"").astype(np.int64) for part in row[6:])
    return Stays(
        bays, received(row[1] or b""), departure, row[3] or [], row[4] or [], received(row[5] or b""), over, suspended
    )
