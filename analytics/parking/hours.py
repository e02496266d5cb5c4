"""Restrictions to intervals of instants, once for each regime.

A restriction holds at the instants whose local wall time lies in its minutes, on days that it holds on: of a time that
the clock skips nothing, of one that comes twice both. So 01:00 to 03:00 is one hour where the clock goes forward and
three where it goes back, and 01:00 to 01:30 is then two intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta, tzinfo
from typing import NamedTuple

import numpy as np

from analytics.parking.arrays import DAY, HOUR, MINUTE, NONE, OPEN, Bools, Hours, Int64
from devices.bays import Restriction
from store.times import instant

_EPOCH = date(1970, 1, 1)
#: No zone is further from UTC.
_WIDEST = DAY
_SECOND = 1_000_000


class Regime(NamedTuple):
    """What bays have in common: their restrictions, and the local days on which event restrictions hold."""

    restrictions: tuple[Restriction, ...]
    event_days: frozenset[date] = frozenset()


def compile_hours(
    regimes: Sequence[Regime], first: date, days: int, zone: tzinfo, bank_holidays: AbstractSet[date] = frozenset()
) -> Hours:
    """When the restrictions of each regime hold, on ``days`` local days from ``first`` on.

    An overstay is told from these alone: they must reach from the first arrival to the last departure that is asked of.
    """
    number = (first - _EPOCH).days + np.arange(days, dtype=np.int64)
    holiday = _among(number, bank_holidays)
    pieces = _pieces(int(number[0]) * DAY - _WIDEST, (int(number[0]) + days) * DAY + _WIDEST, zone) if days else []
    offsets, parts = [0], [np.empty((3, 0), np.int64)]
    for regime in regimes:
        event = _among(number, regime.event_days)
        walls = [np.empty((3, 0), np.int64)]
        for restriction in regime.restrictions:
            on = number[_holds(restriction, number, holiday, event)] * DAY
            length = NONE if restriction.maximum_stay is None else restriction.maximum_stay * MINUTE
            walls.append(
                np.stack((on + restriction.start * MINUTE, on + restriction.end * MINUTE, np.full_like(on, length)))
            )
        found = _instants(np.concatenate(walls, axis=1), pieces)
        parts.append(found[:, np.argsort(found[0])])
        offsets.append(offsets[-1] + found.shape[1])
    start, end, maximum = np.concatenate(parts, axis=1)
    return Hours(np.array(offsets, np.int64), start, end, maximum)


def _among(number: Int64, days: AbstractSet[date]) -> Bools:
    return np.isin(number, np.array([(day - _EPOCH).days for day in days], np.int64))


def _holds(restriction: Restriction, number: Int64, holiday: Bools, event: Bools) -> Bools:
    """On which of these days a restriction holds at all."""
    on: Bools = (restriction.days >> ((number + 3) % 7)) & 1 == 1  # day 0, 1 January 1970, was a Thursday
    if restriction.from_day is not None:
        on &= number >= (restriction.from_day - _EPOCH).days
    if restriction.to_day is not None:
        on &= number < (restriction.to_day - _EPOCH).days
    if restriction.bank_holidays != "as-usual":
        on &= holiday == (restriction.bank_holidays == "only")
    if restriction.event_days != "any":
        on &= event == (restriction.event_days == "only")
    return on


def _instants(walls: Int64, pieces: Sequence[tuple[int, int, int]]) -> Int64:
    """Intervals of wall time (start, end, maximum) as instants, in each piece of time with one offset."""
    found = [np.empty((3, 0), np.int64)]
    for begin, stop, offset in pieces:
        start, end = np.maximum(walls[0] - offset, begin), np.minimum(walls[1] - offset, stop)
        some = start < end
        found.append(np.stack((start[some], end[some], walls[2][some])))
    return np.concatenate(found, axis=1)


def _pieces(start: int, end: int, zone: tzinfo) -> list[tuple[int, int, int]]:
    """Time in pieces of one offset from UTC: (start, end, offset) [us], its ends open. Changes are on whole seconds."""
    found, begin, offset = [], -OPEN, _offset(start, zone)
    at = start
    while at < end:
        after = at + HOUR
        if (new := _offset(after, zone)) != offset:
            low, high = at, after
            while high - low > _SECOND:
                middle = (low + high) // (2 * _SECOND) * _SECOND
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            found.append((begin, high, offset))
            begin, offset = high, new
        at = after
    return [*found, (begin, OPEN, offset)]


def _offset(at: int, zone: tzinfo) -> int:
    """A zone's offset from UTC at an instant [us]."""
    return (instant(at).astimezone(zone).utcoffset() or timedelta()) // timedelta(microseconds=1)
