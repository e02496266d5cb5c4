"""What daily use is computed from: which meter measures which home when, its series, readings with their neighbours;
and what an operator who explains a day is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.arrays import Readings, read_series
from store.batch import Float64, Int32, Int64
from store.connect import Connection
from store.copy import Instants, Int4s, Int8s, float8s, instants
from store.queries import queries
from store.times import FIRST, LAST, instant

_SQL = queries("meters")

#: Read with every span at once: its neighbours are then there for all that report by half-hours [us].
_PAD = 8 * 3_600_000_000
#: Where neighbours are looked for before all chunks are asked [us].
_NEAR = 14 * 86_400_000_000


class Link(NamedTuple):
    """A meter measures a home from a local day to another (not included; None: still) [days since 1970-01-01].

    One tenancy long at most: days without a tenancy are nobody's to know.
    """

    home: int
    device: str
    start: int
    end: int | None


class MeterSeries(NamedTuple):
    """One property of a meter; ``interval`` and ``supply`` are the device's attributes."""

    device: str
    property: str
    id: int
    interval: str | None
    supply: str | None


class DayReadings(NamedTuple):
    """Readings of one series on one local day: how many, the first and the last."""

    series: int
    device_id: str
    property: str
    day: date
    number: int
    first: datetime
    last: datetime


def devices_of(connection: Connection, series: Int64) -> list[str]:
    """Ids of the devices of some series, each once, in order. Raises psycopg.Error."""
    if not len(series):
        return []
    return [row[0] for row in connection.execute(_SQL["devices_of"], (Int8s(series),)).fetchall()]


def homes(connection: Connection) -> Int64:
    """Homes that have or had a meter, rising. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["homes"]).fetchone()
    assert row is not None
    return np.sort(np.frombuffer(row[0] or b"", ">i8").astype(np.int64))


def links(connection: Connection, of: Int64, zone: str) -> list[Link]:
    """The meters of some homes, by home. ``zone``: IANA name of the local days. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        return [Link(*row) for row in cursor.execute(_SQL["links"], (zone, Int8s(of))).fetchall()]


def series(connection: Connection, devices: Sequence[str], properties: Sequence[str]) -> list[MeterSeries]:
    """The series that some meters have of these properties. Raises psycopg.Error."""
    rows = connection.execute(_SQL["series"], (list(devices), list(properties))).fetchall()
    return [MeterSeries(*row) for row in rows]


def spans(connection: Connection, ids: Int32) -> tuple[Int64, Int64, Int64]:
    """Of the series that have readings: place in ``ids``, first and last time [us]. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        rows = np.array(cursor.execute(_SQL["spans"], (Int4s(ids),)).fetchall(), np.int64).reshape(-1, 3)
    return rows[:, 0], rows[:, 1], rows[:, 2]


def read_around(connection: Connection, ids: Int32, start: int, end: int, margin: int) -> Readings:
    """Read series from ``start`` to ``end`` (not included) [us] with at least ``margin`` readings before and after.

    However far away they are, as far as there are any; some more may come. Raises psycopg.Error.
    """
    low, high = start - _PAD, end + _PAD
    found = read_series(connection, ids, low, high)
    lacking = (_counts(found, found.times < start) < margin, _counts(found, found.times >= end) < margin)
    sides: dict[tuple[int, int], tuple[Int64, Float64]] = {}
    for first, last in ((max(FIRST, low - _NEAR), min(LAST, high + _NEAR)), (FIRST, LAST)):
        asked = np.flatnonzero(lacking[0] | lacking[1])
        if not len(asked):
            break
        with connection.cursor(binary=True) as cursor:
            rows = cursor.execute(
                _SQL["around"],
                {
                    "series": Int4s(ids[asked]),
                    "before": lacking[0][asked].tolist(),
                    "after": lacking[1][asked].tolist(),
                    "first": instant(first),
                    "start": instant(low),
                    "stop": instant(high),
                    "last": instant(last),
                    "margin": margin,
                },
                # a plan that is kept would be one for all chunks
                prepare=False,
            ).fetchall()
        for place, later, *parts in rows:
            row = int(asked[place])
            lacking[1][row] &= later
            for side, (moments, numbers) in enumerate((parts[:2], parts[2:])):
                if moments is not None:
                    time, value = instants(moments), float8s(numbers)
                    order = np.argsort(time)
                    sides[row, side] = time[order], value[order]
                    lacking[side][row] = len(time) < margin
    places: list[int] = []
    times: list[Int64] = []
    values: list[Float64] = []
    added = np.zeros(len(ids), np.int64)
    for (row, side), (time, value) in sorted(sides.items()):
        places += [int(found.offsets[row + side])] * len(time)
        times.append(time)
        values.append(value)
        added[row] += len(time)
    if not places:
        return found
    return Readings(
        found.offsets + np.concatenate(([0], np.cumsum(added))),
        np.insert(found.times, places, np.concatenate(times)),
        np.insert(found.values, places, np.concatenate(values)),
    )


def day_readings(
    connection: Connection, home_id: int, properties: Sequence[str], days: Sequence[date], edges: Int64
) -> list[DayReadings]:
    """Readings of a home's meters by local day and series; days without any are left out. Raises psycopg.Error.

    ``edges``: when the days begin and the last ends [us since the Unix epoch], shape ``(days + 1,)``.
    """
    rows = connection.execute(
        _SQL["day_readings"],
        {
            "home": home_id,
            "properties": list(properties),
            "days": list(days),
            "starts": Instants(edges[:-1]),
            "stops": Instants(edges[1:]),
        },
    ).fetchall()
    return [DayReadings(*row) for row in rows]


def _counts(found: Readings, which: NDArray[np.bool_]) -> Int64:
    sums = np.concatenate(([0], np.cumsum(which)))
    counts: Int64 = sums[found.offsets[1:]] - sums[found.offsets[:-1]]
    return counts
