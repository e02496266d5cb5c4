"""What zones hold: time occupied and free by quarter hour, arrivals and turnover, dwell."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.parking.arrays import (
    BY_READING,
    FREE,
    MINUTE,
    OCCUPIED,
    UNKNOWN,
    BayTable,
    Bools,
    Closed,
    Int64,
    Ints,
    Spans,
    Stays,
    begins,
    blocks,
    last_begun,
    pairs,
    part,
)

#: Places in the last dimension of what `quarters` and `by_zone` give; the last of `by_zone` alone.
IN_OCCUPIED: Final = 0
IN_FREE: Final = 1
IN_SUSPENDED: Final = 2
IN_UNKNOWN: Final = 3
#: Spans of a block, and quarter hours of intervals that are looked at at once: their arrays fit into caches.
_SIZE: Final = 1 << 17
#: Longer ones have no room in half a number [us].
_LONGEST: Final = 30 * MINUTE
# free, occupied, unknown: occupied time in the upper half of a number, free time in the lower one
_HALF: Final = 32
_HALVES = np.array([1, 1 << _HALF, 0], np.int64)


class _Grid(NamedTuple):
    """Quarter hours: where the first begins, how long each is [us], and how many there are."""

    start: int
    length: int
    size: int

    @property
    def end(self) -> int:
        """Where the last one ends [us]."""
        return self.start + self.length * self.size


def quarters(spans: Spans, closed: Closed, table: BayTable, edges: Int64) -> Int64:
    """Time of each bay occupied, free and suspended [us], ``(bays, quarters, 3)``; what is left is unknown.

    ``edges``, ``(quarters + 1,)`` [us]: where quarter hours begin, and where the last one ends. Suspended time
    (``closed``) is neither occupied nor free, also where the bay was not heard. The kinds of time lie apart in memory.
    Raises ValueError where quarter hours are not of one length, or longer than half an hour.
    """
    bays, count = len(table.zone), len(edges) - 1
    if count < 1 or edges[1] <= edges[0] or np.any(np.diff(edges) != edges[1] - edges[0]):
        raise ValueError("edges must be those of one quarter hour or more, all of one length")
    if edges[1] - edges[0] > _LONGEST:
        raise ValueError("edges further apart than half an hour: sum up quarter hours")
    grid = _Grid(int(edges[0]), int(edges[1] - edges[0]), count)
    closed = part(closed, (closed.start < grid.end) & (closed.end > grid.start))
    found = np.zeros((3, bays, count), np.int64)
    offsets, closures = begins(spans.bay, bays), begins(closed.bay, bays)
    for first, last in blocks(offsets, _SIZE):
        some = slice(offsets[first], offsets[last])
        own = part(spans, some)
        own = own._replace(bay=own.bay - first)
        room = found[:, first:last]
        _add_states(room, _filled(own, offsets[first : last + 1] - offsets[first], grid), grid)
        if closures[last] > closures[first]:
            _move_suspended(found, spans, part(closed, slice(closures[first], closures[last])), offsets, grid)
    times: Int64 = np.moveaxis(found, 0, 2)
    return times


def _filled(spans: Spans, begin: Int64, grid: _Grid) -> Spans:
    """Spans of just the time that is asked of, or somewhat more before and after it: what is missing is unknown.

    ``begin``: where each bay's begin.
    """
    bays = len(begin) - 1
    first, last = begin[:-1], begin[1:] - 1
    if (last >= first).all() and np.all((spans.start[first] <= grid.start) & (spans.end[last] >= grid.end)):
        inside = spans.start < grid.end
        return spans if inside.all() else part(spans, inside)
    spans = part(spans, (spans.start < grid.end) & (spans.end > grid.start))
    spans = spans._replace(start=np.maximum(spans.start, grid.start))
    begin = begins(spans.bay, bays)
    some = np.diff(begin) > 0
    first, last = begin[:-1][some], begin[1:][some] - 1
    ahead, behind = np.full(bays, grid.end), np.full(bays, grid.end)
    ahead[some] = spans.start[first]
    behind[some] = np.minimum(spans.end[last], grid.end)
    place = np.arange(bays, dtype=spans.bay.dtype)
    late = behind < grid.end
    bay = np.concatenate((spans.bay, place, place[late]))
    start = np.concatenate((spans.start, np.full(bays, grid.start), behind[late]))
    end = np.concatenate((spans.end, ahead, np.full(len(place[late]), grid.end)))
    state = np.concatenate((spans.state, np.full(len(bay) - len(spans.bay), UNKNOWN, np.int8)))
    order = np.lexsort((end, start, bay))
    return Spans(bay[order], start[order], end[order], state[order])


def _add_states(room: Int64, spans: Spans, grid: _Grid) -> None:
    """Writes down what spans without gaps, one bay's after the other's, are occupied and free.

    Done as differences between quarter hours, that are summed up at last: from where a state begins the rest of its
    quarter hour has more, and the next one what is missing to a whole one; bay after bay in one row. Both kinds of time
    go in one number, one of them in its upper half: that is half of the work.
    """
    begin = np.maximum(spans.start, grid.start)
    begin -= grid.start
    place = (begin + (grid.length - 1)) // grid.length
    rest = place * grid.length
    rest -= begin
    place += spans.bay * np.int64(grid.size)
    change = _HALVES[spans.state]
    change[1:] -= change[:-1].copy()
    row = np.zeros(room[0].size + 1, np.int64)
    # where a state begins with a quarter hour the one before is no one's, and is given nothing
    np.add.at(row, place - 1, change * rest)
    np.subtract(grid.length, rest, out=rest)
    change *= rest
    np.add.at(row, place, change)
    both = np.cumsum(row[:-1]).reshape(room.shape[1:])
    np.right_shift(both, _HALF, out=room[IN_OCCUPIED])
    np.bitwise_and(both, (1 << _HALF) - 1, out=room[IN_FREE])


def _move_suspended(room: Int64, spans: Spans, closed: Closed, offsets: Int64, grid: _Grid) -> None:
    """Takes suspended time out of what is occupied and free. ``offsets``: where each bay's spans begin."""
    bays = np.unique(closed.bay)
    _, some = pairs(offsets[bays], offsets[bays + 1])
    spans = part(spans, some)
    begin = np.searchsorted(spans.bay, closed.bay)
    first = np.maximum(last_begun(spans.bay, spans.start, closed.bay, closed.start), begin)
    last = last_begun(spans.bay, spans.start, closed.bay, closed.end - 1)
    of, span = pairs(first, last + 1)
    start = np.maximum(spans.start[span], closed.start[of])
    end = np.minimum(spans.end[span], closed.end[of])
    for plane, code in ((IN_OCCUPIED, OCCUPIED), (IN_FREE, FREE)):
        some = (spans.state[span] == code) & (start < end)
        _add(room[plane], closed.bay[of[some]], start[some], end[some], grid, -1)
    _add(room[IN_SUSPENDED], closed.bay, closed.start, closed.end, grid, 1)


def _add(plane: Int64, bay: Ints, start: Int64, end: Int64, grid: _Grid, sign: int) -> None:
    """Adds the time of intervals, as often as ``sign`` says, to their bays' quarter hours."""
    start, end = np.clip(start, grid.start, grid.end) - grid.start, np.clip(end, grid.start, grid.end) - grid.start
    some = start < end
    bay, start, end = bay[some], start[some], end[some]
    first, last = start // grid.length, -(-end // grid.length)
    for begin, stop in blocks(np.concatenate(([0], np.cumsum(last - first))), _SIZE):
        of, place = pairs(first[begin:stop], last[begin:stop])
        of += begin
        time = np.minimum(end[of], (place + 1) * grid.length) - np.maximum(start[of], place * grid.length)
        np.add.at(plane.reshape(-1), bay[of] * np.int64(grid.size) + place, sign * time)


def by_zone(times: Int64, table: BayTable, zones: int, edges: Int64, shown: Bools) -> Int64:
    """Sums of `quarters` over the ``shown (bays,)`` bays of each zone, ``(zones, quarters, 4)`` [us].

    The last is unknown: neither occupied nor free nor suspended.
    """
    found = np.zeros((zones, times.shape[1], 4), np.int64)
    order = np.argsort(table.zone, kind="stable")
    order = order[shown[order]]
    zone = table.zone[order]
    begin = np.flatnonzero(np.diff(zone, prepend=-1))
    if not len(order):
        return found
    for plane in range(3):
        found[zone[begin], :, plane] = np.add.reduceat(times[order, :, plane], begin)
    bays = np.bincount(zone, minlength=zones)
    found[:, :, IN_UNKNOWN] = bays[:, None] * np.diff(edges) - found[:, :, :IN_UNKNOWN].sum(axis=2)
    return found


def occupancy(times: Int64) -> NDArray[np.float64]:
    """Occupied by occupied and free time, of sums ``(..., 3 or 4)``; NaN where nothing is known."""
    known = times[..., IN_OCCUPIED] + times[..., IN_FREE]
    share = np.full(known.shape, np.nan)
    np.divide(times[..., IN_OCCUPIED], known, out=share, where=known > 0)
    return share


def arrivals(stays: Stays, table: BayTable, edges: Int64) -> Int64:
    """How many cars came to each bay in each quarter hour, ``(bays, quarters)``: stays that begin with a reading."""
    bays, count = len(table.zone), len(edges) - 1
    some = (stays.begins == BY_READING) & (stays.arrival >= edges[0]) & (stays.arrival < edges[-1])
    place = np.searchsorted(edges, stays.arrival[some], "right") - 1
    return np.bincount(stays.bay[some] * np.int64(count) + place, minlength=bays * count).reshape(bays, count)


def turnover(times: Int64, came: Int64, table: BayTable, zones: int, shown: Bools) -> NDArray[np.float64]:
    """Arrivals of a time by the bays that were known in it, ``(zones,)``; NaN where none was.

    ``times`` as `quarters`, ``came`` as `arrivals` give them.
    """
    known = shown & (times[:, :, :IN_SUSPENDED].sum(axis=(1, 2)) > 0)
    bays = np.bincount(table.zone[known], minlength=zones)
    cars = np.zeros(zones, np.int64)
    np.add.at(cars, table.zone[known], came[known].sum(axis=1))
    found = np.full(zones, np.nan)
    np.divide(cars, bays, out=found, where=bays > 0)
    return found


def dwell(stays: Stays) -> tuple[Ints, Int64]:
    """Bay and length [us] of whole stays."""
    whole = stays.whole
    return stays.bay[whole], (stays.departure - stays.arrival)[whole]
