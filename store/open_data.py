"""What is open: series of no household, of real devices or of simulated ones, and one state of the database to read
them from.

Open is what the role ``borough_open`` may read (docs/decisions/014-open-by-default.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, NamedTuple

import numpy as np

from devices.device import Origin
from devices.families import FAMILIES as ALL
from store.arrays import SeriesBlock, block_of
from store.batch import Int32, Int64
from store.connect import Connection, connect, see_one_moment
from store.copy import Instants, Int4s, int4s
from store.parking import ZoneDay
from store.queries import queries
from store.times import instant

_SQL = queries("open_data")

#: Families whose devices are of no household by themselves, in the order in which they are offered.
FAMILIES = tuple(name for name, family in ALL.items() if not family.personal)

#: A long series is read in spans of whole weeks [us], which are chunks: a reading a second is 10 MB of arrays a week.
WEEK = 7 * 86_400_000_000
#: Spans that one statement asks for.
_SPANS = 100_000
#: Bytes of arrays that are handed on together.
_BLOCK = 1024 * 1024
#: And at first: somebody waits for it.
_FIRST = 64 * 1024
#: How long a transaction may wait for us between two statements [ms].
_IDLE = 60_000
_NO_EDGES: Int64 = np.empty(0, np.int64)


class OpenSeries(NamedTuple):
    """One open series; ``unit`` (UCUM) and ``kind`` are "" for a property that the program dropped."""

    id: int
    device: str
    property: str
    unit: str
    kind: str


class Newest(NamedTuple):
    """What a series said last: ``time`` [us since the Unix epoch]."""

    property: str
    unit: str | None
    time: int
    value: float


class OpenDevice(NamedTuple):
    """An open device in service with what it said last; ``lon`` and ``lat`` [degrees, WGS 84] or None."""

    id: str
    family: str
    model: str
    lon: float | None
    lat: float | None
    attributes: Mapping[str, str]
    newest: Sequence[Newest]


@contextmanager
def one_state(url: str, *, seconds: float = 600.0) -> Iterator[Connection]:
    """A connection of its own in which everything that is read is of one moment, and nothing can be written.

    The transaction ends with the block, and by itself after ``seconds``: until then the database keeps for it what
    others have deleted meanwhile, and nobody drops a table that it has read. Raises psycopg.Error.
    """
    with connect(url, "borough export") as connection:
        connection.read_only = True
        see_one_moment(connection)
        limit = f"{round(seconds * 1000)}ms"
        connection.execute(_SQL["begin"], {"limit": limit, "idle": f"{min(_IDLE, round(seconds * 1000))}ms"})
        yield connection


def state(connection: Connection) -> str:
    """Which moment a transaction of `one_state` sees: two with the same text see the same. Raises psycopg.Error."""
    row = connection.execute(_SQL["state"]).fetchone()
    assert row is not None
    return str(row[0])


def open_series(
    connection: Connection,
    family: str,
    *,
    origin: Origin,
    properties: Sequence[str] | None = None,
    devices: Sequence[str] | None = None,
) -> list[OpenSeries]:
    """Open series of a family, of retired devices too, by device and property (by code point).

    Those that are asked for and are not there, or are a household's, are left out. Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["series"], _asked(family, origin, properties, devices))
    return [OpenSeries(*row) for row in rows]


def open_devices(
    connection: Connection,
    family: str,
    *,
    origin: Origin,
    properties: Sequence[str] | None = None,
    devices: Sequence[str] | None = None,
) -> list[OpenDevice]:
    """Open devices of a family that are in service, by id (by code point). Raises psycopg.Error."""
    rows = connection.execute(_SQL["devices"], _asked(family, origin, properties, devices))
    return [
        OpenDevice(
            device, family_, model, lon, lat, attributes,
            [Newest(name, unit, time, float(value)) for name, unit, time, value in newest],
        )
        for device, family_, model, lon, lat, attributes, newest in rows
    ]  # fmt: skip


def readings(
    connection: Connection,
    series: Sequence[OpenSeries],
    start: int,
    end: int,
    block_bytes: int = _BLOCK,
    *,
    weeks: int = 1,
    dense: Sequence[tuple[int, int]] = (),
) -> Iterator[SeriesBlock]:
    """Readings from ``start`` (included) to ``end`` (not) [us since the Unix epoch], series after series.

    ``places`` are indices in ``series``; a long series comes in several blocks, in the order of time. Memory stays near
    ``block_bytes`` and ``weeks`` of one series, whatever is asked for; where series are thin, more weeks at once are
    quicker. ``dense``: spans [us], rising, that are read week by week all the same. A query runs until its last block
    is taken or the generator is closed. Raises psycopg.Error.
    """
    together = min(block_bytes, _FIRST)
    starts, stops = _spans(start, end, weeks, dense)
    ids = np.array([one.id for one in series], np.int32)
    asked = max(1, _SPANS // max(1, len(starts)))
    for first in range(0, len(ids) if len(starts) else 0, asked):
        part = ids[first : first + asked]
        keys = {
            "series": Int4s(np.repeat(part, len(starts))),
            "starts": Instants(np.tile(starts, len(part))),
            "stops": Instants(np.tile(stops, len(part))),
            "start": instant(start),
            "stop": instant(end),
        }
        places: list[int] = []
        times: list[list[bytes]] = []
        values: list[list[bytes]] = []
        size = 0
        with connection.cursor(binary=True) as cursor:
            for row, time, value in cursor.stream(_SQL["readings"], keys):
                place = first + row // len(starts)
                if not places or places[-1] != place:
                    places.append(place)
                    times.append([])
                    values.append([])
                times[-1].append(time)
                values[-1].append(value)
                size += len(time) + len(value)
                if size >= together:
                    yield _block(places, times, values)
                    places, times, values, size = [], [], [], 0
                    together = block_bytes
        if places:
            yield _block(places, times, values)


def _spans(start: int, end: int, weeks: int, dense: Sequence[tuple[int, int]]) -> tuple[Int64, Int64]:
    """Where spans begin and end that cover all once: of whole weeks, so many of them but where it is ``dense``."""
    edges = [np.array([start, end], np.int64)]
    rest = start
    for begin, stop in [*dense, (end, end)]:
        edges += [_weeks(rest, begin, weeks), _weeks(begin, stop, 1)]
        rest = stop
    found = np.unique(np.concatenate(edges))
    found = found[(found >= start) & (found <= end)]
    return found[:-1], found[1:]


def _weeks(start: int, end: int, weeks: int) -> Int64:
    """Edges in a span: each so many weeks, and where the week ends that it begins or ends in."""
    first, last = -(-start // WEEK) * WEEK, end // WEEK * WEEK
    return np.array([start, *range(first, last, weeks * WEEK), last, end], np.int64) if start < end else _NO_EDGES


def expected(connection: Connection, series: Sequence[OpenSeries], start: int, end: int) -> int:
    """How many readings the planner expects in the whole weeks of a span: a guess that may be several times off.

    Weeks are chunks: of a part of one that is in the columnstore the planner knows next to nothing (269 readings were
    expected where there were 20,275, TimescaleDB 2.29.2), of a whole one it knows the number. Raises psycopg.Error.
    """
    weeks = _span(series, start // WEEK * WEEK, -(-end // WEEK) * WEEK)
    row = connection.execute(_SQL["estimate"], weeks).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


def count(connection: Connection, series: Sequence[OpenSeries], start: int, end: int, most: int) -> int:
    """How many readings there are, ``most`` where there are more. Raises psycopg.Error."""
    row = connection.execute(_SQL["count"], {**_span(series, start, end), "most": most}).fetchone()
    assert row is not None
    return int(row[0])


def zone_days(
    connection: Connection, start: date, end: date, *, origin: Origin, zones: Sequence[str] | None = None
) -> Iterator[ZoneDay]:
    """Local days of parking zones from ``start`` to ``end`` (not included), by day and zone, while they are read.

    Without bays of households, and without zones that have open bays, or sensors in them, of the other origin: a figure
    mixes no real bays with simulated ones. Nor is there a zone whose days were made with a bay that is a household's
    since, until they are computed again. Raises psycopg.Error.
    """
    given = {"start": start, "stop": end, "origin": origin, "zones": None if zones is None else list(zones)}
    with connection.cursor(binary=True) as cursor:
        for day, zone, bays, quarters, arrivals in cursor.stream(_SQL["zone_days"], given):
            yield ZoneDay(zone, day, bays, int4s(quarters).reshape(-1, 4), int4s(arrivals))


def _asked(
    family: str, origin: Origin, properties: Sequence[str] | None, devices: Sequence[str] | None
) -> dict[str, Any]:
    return {
        "family": family,
        "origin": origin,
        "properties": None if properties is None else list(properties),
        "devices": None if devices is None else list(devices),
    }


def _span(series: Sequence[OpenSeries], start: int, end: int) -> dict[str, Any]:
    ids: Int32 = np.array([one.id for one in series], np.int32)
    return {"series": Int4s(ids), "start": instant(start), "stop": instant(end)}


def _block(places: Sequence[int], times: Sequence[Sequence[bytes]], values: Sequence[Sequence[bytes]]) -> SeriesBlock:
    return block_of(places, [b"".join(parts) for parts in times], [b"".join(parts) for parts in values])
