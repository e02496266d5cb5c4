"""How zones are used by hour of the week, and where a full one lies beside an emptier one. Arrays in, arrays out.

Hours of the week are local: 0 is Monday from midnight to one, 167 the last of Sunday.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.places import metres
from store.batch import Float64, Int64
from store.times import midnight

WEEK_HOURS = 168
#: A zone is full above the one and has room below the other, and so far apart [m] they are beside each other.
FULL, ROOM, BESIDE = 0.85, 0.60, 300.0

_QUARTER = 900_000_000


class Relief(NamedTuple):
    """From ``start`` to ``end`` (hours of the week, one day) the zone ``full`` is full and ``room`` has room.

    Zones are places in what was given; ``full_share`` and ``room_share`` their occupancy in that time, 0 to 1.
    """

    full: int
    room: int
    start: int
    end: int
    full_share: float
    room_share: float


def week_hours(day: date, quarters: int, zone: ZoneInfo) -> Int64:
    """The hour of the week of each quarter hour of a local day, ``(quarters,)``."""
    if quarters == 96:
        clock = np.arange(96) // 4
    else:
        begin = midnight(day, zone)
        starts = [(begin + place * _QUARTER) / 1e6 for place in range(quarters)]
        clock = np.array([datetime.fromtimestamp(start, UTC).astimezone(zone).hour for start in starts], np.int64)
    return day.weekday() * 24 + clock


def by_hour(hour: Int64, values: NDArray[np.signedinteger[Any]]) -> Int64:
    """Sums by hour of the week: ``hour`` ``(quarters,)``, ``values`` ``(quarters, columns)`` -> ``(168, columns)``."""
    found = np.zeros((WEEK_HOURS, values.shape[1]), np.int64)
    np.add.at(found, hour, values)
    return found


def shares(occupied: Int64, free: Int64) -> Float64:
    """Occupied of occupied and free, NaN where nothing was known."""
    known = occupied + free
    return np.where(known > 0, occupied / np.maximum(known, 1), np.nan)


def zone_distances(zone: Int64, lon: Float64, lat: Float64, zones: int) -> Float64:
    """How far apart the nearest bays of two zones are, ``(zones, zones)`` [m]; infinite beyond BESIDE.

    ``zone``, ``lon`` and ``lat`` [degrees]: ``(bays,)``.
    """
    found = np.full((zones, zones), np.inf)
    if not len(zone):
        return found
    x, y = metres(lon, lat)
    places = [np.flatnonzero(zone == number) for number in range(zones)]
    for one in range(zones):
        for other in range(one + 1, zones):
            a, b = places[one], places[other]
            if len(a) and len(b) and _near(x[a], x[b]) and _near(y[a], y[b]):
                apart = _nearest(x[a], y[a], x[b], y[b])
                if apart <= BESIDE:
                    found[one, other] = found[other, one] = apart
    return found


def reliefs(occupied: Int64, free: Int64, distance: Float64) -> list[Relief]:
    """Full zones beside ones with room, hour by hour: ``occupied`` and ``free`` ``(zones, 168)``, ``distance`` as
    `zone_distances` has it. Hours that follow each other on one day are one row; those with most hours come first."""
    share = shares(occupied, free)
    found = [
        Relief(int(full), int(room), start, end, _share(occupied, free, full, start, end),
               _share(occupied, free, room, start, end))
        for full, room in np.argwhere(distance <= BESIDE)
        for start, end in _runs((share[full] > FULL) & (share[room] < ROOM))
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.start - one.end, one.start, one.full, one.room))


def _share(occupied: Int64, free: Int64, zone: int, start: int, end: int) -> float:
    held, open_ = int(occupied[zone, start:end].sum()), int(free[zone, start:end].sum())
    return held / (held + open_)


def _runs(holds: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    for day in range(7):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], holds[day * 24 : day * 24 + 24].astype(np.int8), [0]))))
        for start, end in edges.reshape(-1, 2).tolist():
            yield day * 24 + start, day * 24 + end


def _near(a: Float64, b: Float64) -> bool:
    return bool(a.min() - b.max() <= BESIDE and b.min() - a.max() <= BESIDE)


def _nearest(ax: Float64, ay: Float64, bx: Float64, by: Float64) -> float:
    best = np.inf
    for start in range(0, len(ax), 512):
        part = slice(start, start + 512)
        best = min(best, float(np.hypot(ax[part, None] - bx, ay[part, None] - by).min()))
    return best
