"""How long stays are beyond what is permitted.

Active time, that is time in which a restriction holds, that touches is one stretch: a new clock begins with it, or with
the arrival where that is later. In each restriction with a maximum stay, what is later than clock and maximum is over.
While a bay is suspended or has a permit none holds, so a stretch ends there and another begins after it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analytics.parking.arrays import (
    NONE,
    OPEN,
    BayTable,
    Closed,
    Hours,
    Int64,
    Ints,
    Stays,
    begins,
    blocks,
    closed,
    last_begun,
    pairs,
    part,
)

#: Pairs of stays and intervals that are looked at at once.
_SIZE: Final = 1 << 16


class Over(NamedTuple):
    """By stay, ``(stays,)``: when the time over begins (``NONE``: there is none), how long it is in all [us].

    ``suspended_time``: how long the bay was suspended while somebody stood there [us].
    """

    over_from: Int64
    over: Int64
    suspended_time: Int64


class _Active(NamedTuple):
    """When something holds, by row and start: a regime's, or of a bay of which something is cut out.

    ``of_bay``, ``(bays,)``: each bay's row; ``offsets``, ``(rows + 1,)``; ``stretch``: where active time that touches
    begins [us].
    """

    of_bay: Int64
    offsets: Int64
    row: Int64
    start: Int64
    end: Int64
    maximum: Int64
    stretch: Int64


def over(stays: Stays, hours: Hours, table: BayTable, suspended: Closed, permits: Closed, grace: int = 0) -> Over:
    """Time over of stays. With a ``grace`` [us], stays with no more than that have none.

    ``hours`` must reach from the earliest arrival to the latest departure.
    """
    count, regimes = len(stays.bay), len(hours.offsets) - 1
    found = Over(np.full(count, NONE, np.int64), np.zeros(count, np.int64), np.zeros(count, np.int64))
    # shorter than all maximum stays of its bay: nothing can be over
    least = np.full(regimes, OPEN, np.int64)
    limited = hours.maximum != NONE
    np.minimum.at(least, np.repeat(np.arange(regimes), np.diff(hours.offsets))[limited], hours.maximum[limited])
    least = least[table.regime]
    if count:
        first, last = stays.arrival.min(), stays.departure.max()
        suspended, permits = (part(some, (some.start < last) & (some.end > first)) for some in (suspended, permits))
    active = _active(hours, table, closed(*(np.concatenate(both) for both in zip(suspended, permits, strict=True))))
    for low in range(0, count, _SIZE):
        some = slice(low, low + _SIZE)
        long = stays.departure[some] - stays.arrival[some] > least[stays.bay[some]]
        _tell(found, stays, np.flatnonzero(long) + low, active, grace)
    _tell_suspended(found, stays, suspended, len(table.zone))
    return found


def _tell(found: Over, stays: Stays, some: Int64, active: _Active, grace: int) -> None:
    """Writes down the time over of some stays."""
    arrival, departure = stays.arrival[some], stays.departure[some]
    row = active.of_bay[stays.bay[some]]
    # from the interval in which a stay begins, or that ended before it, to the last that begins before it ends
    first = np.maximum(last_begun(active.row, active.start, row, arrival), active.offsets[row])
    last = np.minimum(first + 1, active.offsets[row + 1])
    more = np.flatnonzero((last < active.offsets[row + 1]) & (np.take(active.start, last, mode="clip") < departure))
    last[more] = last_begun(active.row, active.start, row[more], departure[more] - 1) + 1
    length = np.zeros(len(some), np.int64)
    begin = np.full(len(some), NONE, np.int64)
    for low, high in blocks(np.concatenate(([0], np.cumsum(last - first))), _SIZE):
        of, place = pairs(first[low:high], last[low:high])
        of += low
        clock = np.maximum(arrival[of], active.stretch[place])
        since = np.maximum(active.start[place], clock + active.maximum[place])
        time = np.minimum(active.end[place], departure[of]) - since
        late = (time > 0) & (active.maximum[place] != NONE)
        np.add.at(length, of[late], time[late])
        # the first one of a stay is the earliest: of what is written twice the last one stays
        begin[of[late][::-1]] = since[late][::-1]
    enough = length > grace
    found.over_from[some[enough]] = begin[enough]
    found.over[some[enough]] = length[enough]


def _active(hours: Hours, table: BayTable, cut: Closed) -> _Active:
    """When restrictions hold, and what is cut out taken out."""
    regimes = len(hours.offsets) - 1
    of_bay = table.regime.astype(np.int64)
    of = np.repeat(np.arange(regimes), np.diff(hours.offsets))
    start, end, maximum = hours.start, hours.end, hours.maximum
    if len(cut.bay):
        bays = np.unique(cut.bay)
        of_bay[bays] = regimes + np.arange(len(bays))
        which, place = pairs(hours.offsets[table.regime[bays]], hours.offsets[table.regime[bays] + 1])
        more = _without(which, start[place], end[place], maximum[place], cut, bays)
        of, start, end, maximum = (
            np.concatenate(both) for both in zip((of, start, end, maximum), (more[0] + regimes, *more[1:]), strict=True)
        )
    new = np.ones(len(of), np.bool_)
    new[1:] = (of[1:] != of[:-1]) | (start[1:] != end[:-1])
    stretch = start[new][np.cumsum(new) - 1] if len(of) else start
    offsets = begins(of, regimes + len(np.unique(cut.bay)))
    return _Active(of_bay, offsets, of, start, end, maximum, stretch)


def _without(
    which: Int64, start: Int64, end: Int64, maximum: Int64, cut: Closed, bays: Ints
) -> tuple[Int64, Int64, Int64, Int64]:
    """Intervals of ``bays[which]`` without what is cut out of them, by bay and start."""
    cut_row = np.searchsorted(bays, cut.bay)
    # each interval: a gap after each cut that reaches into it, and one before the first
    at = np.searchsorted(cut_row, which)
    first = np.maximum(last_begun(cut_row, cut.start, which, start), at)
    last = np.maximum(last_begun(cut_row, cut.start, which, end - 1) + 1, first)
    of, place = pairs(first, last + 1)
    none = len(cut.bay)
    here, before = place < last[of], place > first[of]
    begin = np.where(before, cut.end[np.minimum(place - 1, none - 1)], start[of])
    stop = np.where(here, cut.start[np.minimum(place, none - 1)], end[of])
    begin, stop = np.maximum(begin, start[of]), np.minimum(stop, end[of])
    some = begin < stop
    return which[of[some]], begin[some], stop[some], maximum[of[some]]


def _tell_suspended(found: Over, stays: Stays, suspended: Closed, bays: int) -> None:
    """Writes down how long each stay's bay was suspended in it."""
    if not len(suspended.bay):
        return
    which = np.unique(suspended.bay)
    offsets = begins(stays.bay, bays)
    _, some = pairs(offsets[which], offsets[which + 1])
    bay = stays.bay[some]
    before = np.concatenate(([0], np.cumsum(suspended.end - suspended.start)))
    first = begins(suspended.bay, bays)[bay]

    def until(at: Int64) -> Int64:
        """Suspended time of all bays before this one, and of this one until an instant."""
        place = last_begun(suspended.bay, suspended.start, bay, at)
        in_it = np.minimum(at, suspended.end[place]) - suspended.start[place]
        return np.where(place >= 0, before[place] + in_it, before[first])

    found.suspended_time[some] = until(stays.departure[some]) - until(stays.arrival[some])
