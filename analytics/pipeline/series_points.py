"""What of a series is drawn: read as it is where the span is short, from digests of its days where it is long.

A digest (`store.digests`) holds of each hour what `decimation.keep` keeps, and decimating twice is decimating once: the
points are the same, whether they come of readings or of digests. Days without one are read and get one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from analytics.pipeline.decimation import HOUR, PIECES, Float64, Int64, decimate, keep, piece_width
from store import digests, open_series
from store.arrays import read_series
from store.connect import Connection
from store.digests import Digest
from store.times import microseconds

_DAY = 24 * HOUR
#: Spans beyond it [us] have pieces of whole hours.
LONG = (PIECES - 1) * HOUR
#: The database does not say when these last days (UTC) are written to: they get no digest.
_LIVE_DAYS = 2
#: Days that are read at once while digests are made; a year of minutes is some of these.
_PORTION = 92
_EPOCH = date(1970, 1, 1)

#: How many readings something has, and of these the kept ones: times [us] and values.
_Part = tuple[int, Int64, Float64]


@dataclass(frozen=True, slots=True)
class Points:
    """What is drawn of a series: ``times`` [us] rising and ``values``, ``(points,)``, of so many ``readings``.

    ``width`` [us]: of the pieces of which the first, least, greatest and last reading are drawn; 0: all are. ``usual``
    [us]: the median time between two readings, 0 where it was not looked at or there are not two.
    """

    times: Int64
    values: Float64
    readings: int
    width: int
    usual: int


def read_points(connection: Connection, series: int, start: int, end: int, now: datetime) -> Points:
    """The points of a series from ``start`` to ``end`` (not included) [us]; digests that lack are made.

    ``now``: of the database's clock or near it. The connection commits each statement. Raises psycopg.Error;
    ValueError for an empty span.
    """
    piece_width(start, end)
    extent = open_series.extent(connection, series)
    if extent is None or extent[0] >= end or extent[1] < start:
        return Points(np.empty(0, np.int64), np.empty(0), 0, 0, 0)
    if end - start <= LONG:
        times, values = _read(connection, series, start, end)
        places, width = decimate(times, values, start, end)
        usual = int(np.median(np.diff(times))) if len(times) > 1 else 0
        return Points(times[places], values[places], len(times), width, usual)
    # whole days where all of them is looked at: so that none of them needs its readings
    first, last = max(start, extent[0] // _DAY * _DAY), min(end, (extent[1] // _DAY + 1) * _DAY)
    parts = list(_parts(connection, series, first, last, now))
    times = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts])
    order = np.argsort(times)
    times, values = times[order], values[order]
    count = sum(part[0] for part in parts)
    if count == len(times):
        places, width = decimate(times, values, start, end)
        usual = int(np.median(np.diff(times))) if count > 1 else 0
    else:
        width, usual = piece_width(start, end, step=HOUR), 0
        places = keep(times, values, width)
    return Points(times[places], values[places], count, width, usual)


def _parts(connection: Connection, series: int, start: int, end: int, now: datetime) -> Iterator[_Part]:
    """What is kept of each hour between two instants, in no order."""
    live = microseconds(now) // _DAY - _LIVE_DAYS
    first, last = -(-start // _DAY), min(end // _DAY, live)
    if first >= last:
        yield _kept(connection, series, start, end)
        return
    if start < first * _DAY:
        yield _kept(connection, series, start, first * _DAY)
    known = digests.read(connection, series, _date(first), _date(last))
    yield known.readings, known.times, known.values
    # from each known day to the next one, and to the end
    edges = np.concatenate(([first - 1], known.days, [last]))
    for place in np.flatnonzero(np.diff(edges) > 1).tolist():
        yield from _made(connection, series, int(edges[place]) + 1, int(edges[place + 1]))
    if last * _DAY < end:
        yield _kept(connection, series, last * _DAY, end)


def _made(connection: Connection, series: int, first: int, last: int) -> Iterator[_Part]:
    """What is kept of days that have no digest, kept for the next time if nobody writes to old days just now."""
    for low in range(first, last, _PORTION):
        high = min(low + _PORTION, last)
        with connection.transaction():
            alone = digests.alone(connection)
            times, values = _read(connection, series, low * _DAY, high * _DAY)
            made = list(_digests(times, values, low, high))
            if alone:
                digests.write(connection, series, made)
        yield sum(one.readings for one in made), *_joined(made)


def _digests(times: Int64, values: Float64, first: int, last: int) -> Iterator[Digest]:
    kept = keep(times, values, HOUR)
    edges = np.arange(first, last + 1) * _DAY
    all_places, kept_places = np.searchsorted(times, edges), np.searchsorted(times[kept], edges)
    for number, day in enumerate(range(first, last)):
        some = kept[kept_places[number] : kept_places[number + 1]]
        yield Digest(day, int(all_places[number + 1] - all_places[number]), times[some], values[some])


def _joined(made: list[Digest]) -> tuple[Int64, Float64]:
    return np.concatenate([one.times for one in made]), np.concatenate([one.values for one in made])


def _kept(connection: Connection, series: int, start: int, end: int) -> _Part:
    times, values = _read(connection, series, start, end)
    kept = keep(times, values, HOUR)
    return len(times), times[kept], values[kept]


def _read(connection: Connection, series: int, start: int, end: int) -> tuple[Int64, Float64]:
    found = read_series(connection, [series], start, end)
    return found.times, found.values


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
