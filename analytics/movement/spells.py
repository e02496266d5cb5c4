"""Quiet spells of many homes from the readings of their sensors.

A motion sensor says 1 when somebody moves and 0 when nobody has moved for its time-out, and may say either again at any
time. So a 1 is movement, a 0 after a 1 is the end of one, and a 0 after a 0 is nothing. A door's contact that opens or
closes is movement too: somebody's hand is on it.

For each sensor the gaps of at least ``SHORTEST`` are kept, which are few; a home is quiet where the gaps of all its
sensors meet.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from analytics.movement.arrays import (
    DAY,
    DOOR,
    HOUR,
    MINUTE,
    NEVER,
    SECOND,
    Bools,
    Int64,
    Readings,
    Sensors,
    Spans,
    Spells,
)
from devices.counts import counted

#: Spells shorter than this [us] are nobody's concern: the shortest limit is many times longer.
SHORTEST: Final = 15 * MINUTE
#: A motion sensor's usual time-out [us]: its 0 comes so long after the last movement.
TIMEOUT: Final = 90 * SECOND
#: A 1 that lasts longer [us] without a break is a stuck sensor: only its edges are believed.
STUCK: Final = 3 * HOUR
#: Who closes the door behind them may still be seen [us] after it: a movement that begins by then is part of leaving.
LEAVING: Final = 30 * SECOND


#: Readings of homes that are taken together: so much and what is made of it stays in the processor's cache.
_TOGETHER: Final = 1 << 17


class _Gaps(NamedTuple):
    """Gaps, sorted, with keys that order all homes: key = home x span + instant.

    ``began``: key of the newest beginning of a movement before the gap; ``door``: of the newest movement of the door.
    """

    start: Int64
    end: Int64
    began: Int64
    door: Int64


def find(sensors: Sensors, readings: Readings, homes: int, start: int, end: int) -> Spells:
    """Quiet spells of at least ``SHORTEST`` in [start, end) [us].

    ``sensors`` ``(sensors,)``, homes 0 to ``homes - 1``; readings outside the time are left out. What began before the
    first movement that was read of a home is no spell: nobody knows how long it was. A sensor without readings is as if
    it were not there. Raises ValueError where the time is so long that the homes have to come in smaller parts.
    """
    span = end - start + 1
    if homes * span >= 1 << 62:
        raise ValueError(f"{counted(homes, 'home')} over {counted(span // DAY, 'day')}: take fewer homes at once")
    sensors = Sensors(np.asarray(sensors.home, np.int64), np.asarray(sensors.room))
    parts = [_find(sensors, slice(*part), readings, start, end) for part in _parts(sensors.home, readings.offsets)]
    if not parts:
        nothing = np.empty(0, np.int64)
        return Spells(nothing, nothing, nothing, np.empty(0, np.bool_), np.empty(0, np.bool_))
    return Spells(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def unheard(home: Int64, time: Int64, homes: int, limit: Int64, start: int, end: int) -> Spans:
    """When homes were not heard for longer than ``limit`` ``(homes,)`` [us]; ``home`` and ``time`` of all readings of
    any property, in any order. A home without a reading was not heard at all; before the first reading it was not
    there, which is the same here: nothing was learned of it."""
    inside = (time >= start) & (time < end)
    home, time = np.asarray(home[inside], np.int64), time[inside]
    each = np.arange(homes)
    home = np.concatenate((each, home, each))
    time = np.concatenate((np.full(homes, start), time, np.full(homes, end)))
    order = np.lexsort((time, home))
    home, time = home[order], time[order]
    long = (home[1:] == home[:-1]) & (time[1:] - time[:-1] > limit[home[1:]])
    return Spans(home[1:][long], time[:-1][long], time[1:][long])


def movements(value: Int64, first: Bools) -> tuple[Bools, Bools]:
    """Which readings of motion sensors are movement, and which of them its end; ``first`` of its sensor. Sorted."""
    on = value != 0
    ends = np.zeros(len(on), np.bool_)
    ends[1:] = on[:-1] & ~on[1:] & ~first[1:]
    return on | ends, ends


def _parts(home: Int64, offsets: Int64) -> list[tuple[int, int]]:
    """Sensors from and to, of some homes each: the fewest homes of `_TOGETHER` readings, the last ones of fewer."""
    begins = np.append(np.flatnonzero(np.diff(home, prepend=-1)), len(home))
    found, first = list[tuple[int, int]](), 0
    for until in begins[1:].tolist():
        if until == len(home) or offsets[until] - offsets[first] >= _TOGETHER:
            found.append((first, until))
            first = until
    return found


def _find(sensors: Sensors, part: slice, readings: Readings, start: int, end: int) -> Spells:
    """The spells of the homes of some sensors, which are all that these homes have."""
    homes, place = np.unique(sensors.home[part], return_inverse=True)
    span = end - start + 1
    # the first sensors of all homes, then the second ones, and so on; each in the order of homes
    turn = np.arange(len(place)) - np.searchsorted(place, place)
    order = np.argsort(turn, kind="stable")
    gaps, edges = _gaps(place, sensors.room[part] == DOOR, order, part, readings, start, end)
    turns = np.append(np.flatnonzero(np.diff(turn[order], prepend=-1)), len(order)).tolist()
    found = reduce(
        _meet,
        (
            _filled(
                _Gaps(*(column[edges[low] : edges[high]] for column in gaps)), place[order[low:high]], len(homes), span
            )
            for low, high in pairwise(turns)
        ),
    )
    of_home = found.start // span
    base = start - of_home * span
    begins, ends = found.start + base, found.end + base
    known = np.maximum(found.began, found.door) > NEVER  # what lasted at the beginning began nobody knows when
    away = (found.door >= found.began - LEAVING) & (found.door > NEVER)
    return Spells(homes[of_home[known]], begins[known], ends[known], away[known], ends[known] >= end)


def _filled(gaps: _Gaps, there: Int64, homes: int, span: int) -> _Gaps:
    """With homes that are not there, for they have fewer sensors: they are one gap from beginning to end."""
    if len(there) == homes:
        return gaps
    absent = np.setdiff1d(np.arange(homes), there)
    never = np.full(len(absent), NEVER)
    more = (absent * span, absent * span + span - 1, never, never)
    columns = [np.concatenate(pair) for pair in zip(gaps, more, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return _Gaps(*(column[order] for column in columns))


def _gaps(
    place: Int64, door: Bools, order: Int64, part: slice, readings: Readings, start: int, end: int
) -> tuple[_Gaps, Int64]:
    """Gaps of sensors in this order of them, each one's in order of time, those before its first movement and after
    its last included; and where each sensor's begin, shape (sensors + 1,). A sensor that says nothing is one gap."""
    time, on, edge = _movements(door, part, readings, start, end)
    if not len(time):
        time, on = np.array([start]), np.array([True])  # for sensors that say nothing to look at
    # an end was a time-out earlier than its 0: gaps are that much longer than what lies between readings
    long = np.empty(len(time), np.bool_)
    np.greater_equal(time[1:] - time[:-1], SHORTEST - TIMEOUT, out=long[:-1])
    long[edge[1:][edge[1:] > edge[:-1]] - 1] = True
    # gaps by the reading that each begins with; of each sensor first the one that ends with its first reading
    every, first = np.flatnonzero(long), np.minimum(edge[:-1], len(time) - 1)
    cuts = np.searchsorted(every, edge).tolist()
    pieces = [piece for one in order.tolist() for piece in (first[one : one + 1], every[cuts[one] : cuts[one + 1]])]
    one = np.concatenate(pieces)
    number = np.diff(cuts)[order] + 1
    until = np.cumsum(number)
    begin, final = until - number, until - 1
    two = np.minimum(one + 1, len(time) - 1)
    at, then, begins, after = time[one], time[two], on[one], on[two]
    # of a sensor the first movement is a 1, and before a 0 there is one
    begun = np.where(begins, at, time[one - 1])
    low = np.where(begins, at, np.maximum(at - TIMEOUT, begun))
    high = np.where(after, then, np.maximum(then - TIMEOUT, at))
    # from a 1 to its 0 somebody moves, if not for too long to be believed
    moves = ~after & (then - at <= STUCK)
    low[begin], begun[begin], moves[begin] = start, NEVER, False
    high[begin] = at[begin]
    high[final], moves[final] = end, False
    good = np.flatnonzero(~moves & (high - low >= SHORTEST))
    sensor = order[np.repeat(np.arange(len(order)), number)[good]]
    base, begun = (place * (end - start + 1) - start)[sensor], begun[good]
    begun = np.where(begun > NEVER, begun + base, NEVER)
    by_door = door[sensor]
    gaps = _Gaps(low[good] + base, high[good] + base, np.where(by_door, NEVER, begun), np.where(by_door, begun, NEVER))
    return gaps, np.searchsorted(good, np.append(begin, len(one)))


def _movements(door: Bools, part: slice, readings: Readings, start: int, end: int) -> tuple[Int64, Bools, Int64]:
    """Of some sensors the readings in [start, end) that are movement or its end: time, whether it is movement, and
    where each sensor's begin, shape (sensors + 1,)."""
    edge = readings.offsets[part.start : part.stop + 1]
    rows = slice(int(edge[0]), int(edge[-1]))
    time, edge = readings.time[rows], edge - edge[0]
    on = readings.value[rows] != 0
    for sensor in np.flatnonzero(door).tolist():
        on[edge[sensor] : edge[sensor + 1]] = True
    some = edge[1:] > edge[:-1]
    if (time[edge[:-1][some]] < start).any() or (time[edge[1:][some] - 1] >= end).any():
        kept = np.flatnonzero((time >= start) & (time < end))
        time, on, edge = time[kept], on[kept], np.searchsorted(kept, edge)
        some = edge[1:] > edge[:-1]
    moved = on.copy()
    moved[1:] |= on[:-1]
    begins = edge[:-1][some]
    moved[begins] = on[begins]
    if not moved.all():
        time, on, edge = time[moved], on[moved], edge - np.searchsorted(np.flatnonzero(~moved), edge)
    return time, on, edge


def _meet(ones: _Gaps, others: _Gaps) -> _Gaps:
    """Where gaps of both overlap for at least ``SHORTEST``; all of them are so long themselves."""
    if len(ones.start) > len(others.start):
        ones, others = others, ones  # fewer are looked up
    first = np.searchsorted(others.end, ones.start + SHORTEST, "left")
    number = np.searchsorted(others.start, ones.end - SHORTEST, "right") - first
    mine = np.repeat(np.arange(len(ones.start)), number)
    theirs = np.arange(len(mine)) - np.repeat(np.cumsum(number) - number - first, number)
    return _Gaps(
        np.maximum(ones.start[mine], others.start[theirs]),
        np.minimum(ones.end[mine], others.end[theirs]),
        np.maximum(ones.began[mine], others.began[theirs]),
        np.maximum(ones.door[mine], others.door[theirs]),
    )
