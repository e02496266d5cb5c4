"""Events of bays in order: those of the links that hold, one value an instant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.parking.arrays import OPEN, Bools, Codes, Events, Int64, Ints, Links, last_begun, pairs, part

#: Events that are looked at at once where only their order is in question.
_LOOK = 1 << 16


class Readings(NamedTuple):
    """What counts of some bays' events, by bay and time.

    ``time`` [us] and ``value`` (0, 1) ``(readings,)``; those of bay b are ``offsets[b]`` to ``offsets[b + 1]``, those
    of link l ``by_link[l]`` to ``by_link[l + 1]``. ``met``, ``(4, bays)``: outside, invalid, duplicates, conflicts.
    """

    time: Int64
    value: Codes
    offsets: Int64
    by_link: Int64
    met: Int64


def in_order(events: Events) -> Events:
    """Events by bay and time: themselves where they came so, as the store gives them."""
    bay, time = events.bay, events.time
    cuts = [slice(first, first + _LOOK + 1) for first in range(0, len(bay), _LOOK)]
    if all(_rising(bay[cut], time[cut]) for cut in cuts):
        return events
    low = int(time.min())
    width = int(time.max()) - low + 1
    if int(bay.min()) >= 0 and (int(bay.max()) + 1) * width < OPEN:
        order = np.argsort(bay * np.int64(width) + (time - low))
    else:
        order = np.lexsort((time, bay))
    return part(events, order)


def _rising(bay: Ints, time: Int64) -> bool:
    """Whether some events are by bay and time."""
    if np.any(bay[1:] < bay[:-1]):
        return False
    falls = np.flatnonzero(time[1:] < time[:-1])
    return bool(np.all(bay[falls + 1] != bay[falls]))


def in_links(links: Links, bays: int) -> Links:
    """Links by bay and start; those of one device that touch are one. Raises ValueError where two of a bay overlap."""
    order = np.lexsort((links.start, links.bay))
    bay, device, start, end = (column[order] for column in links)
    some = end > start
    bay, device, start, end = bay[some], device[some], start[some], end[some]
    if len(bay) and not (bay[0] >= 0 and bay[-1] < bays):
        raise ValueError(f"links of bays {bay[0]} to {bay[-1]}, but there are {bays} bays")
    same = bay[1:] == bay[:-1]
    if (wrong := np.flatnonzero(same & (start[1:] < end[:-1]))).size:
        raise ValueError(f"two sensors at once in bay {bay[wrong[0]]}: links of a bay must not overlap")
    first = np.ones(len(bay), np.bool_)
    first[1:] = ~(same & (device[1:] == device[:-1]) & (start[1:] == end[:-1]))
    last = np.ones(len(bay), np.bool_)
    last[:-1] = first[1:]
    return Links(bay[first], device[first], start[first], end[last])


def readings(events: Events, offsets: Int64, links: Links, start: int, end: int) -> Readings:
    """What counts of events that are in order, bay b's from ``offsets[b]`` to ``offsets[b + 1]``."""
    met = np.zeros((4, len(offsets) - 1), np.int64)
    time, value = events.time, (events.value == 1).view(np.int8)
    known = value.view(np.bool_) | (events.value == 0)
    low, high = _ranges(time, offsets, links, start, end)
    all_inside = int((high - low).sum()) == len(time)
    right = all_inside and bool(np.all(events.device == np.repeat(links.device, high - low)))
    if right and known.all() and not _any_twice(time, offsets):
        return Readings(time, value, offsets, np.append(low, len(time)), met)
    link = np.full(len(time), -1, np.int64)
    of, place = pairs(low, high)
    link[place] = of
    inside = link >= 0
    inside[inside] = events.device[inside] == links.device[link[inside]]
    met[0], met[1] = _by_bay(~inside, offsets), _by_bay(inside & ~known, offsets)
    kept = inside & known
    time, value, link, offsets = time[kept], value[kept], link[kept], _compressed(offsets, kept)
    first = np.ones(len(time), np.bool_)
    first[1:] = time[1:] != time[:-1]
    first[offsets[:-1][np.diff(offsets) > 0]] = True
    if not first.all():
        # of two values of an instant the lower one, so that no order of coming matters
        begin = np.flatnonzero(first)
        low, high = np.minimum.reduceat(value, begin), np.maximum.reduceat(value, begin)
        differ = np.zeros(len(time), np.bool_)
        differ[begin] = low != high
        met[3] = _by_bay(differ, offsets)
        met[2] = _by_bay(~first, offsets) - met[3]
        time, value, link, offsets = time[first], low, link[first], _compressed(offsets, first)
    return Readings(time, value, offsets, np.searchsorted(link, np.arange(len(links.bay) + 1)), met)


def _ranges(time: Int64, offsets: Int64, links: Links, start: int, end: int) -> tuple[Int64, Int64]:
    """Where the events begin and end that are in the time of each link, and of the span."""
    low, high = offsets[links.bay], offsets[links.bay + 1]
    since, until = np.maximum(links.start, start), np.minimum(links.end, end)
    some = high > low
    cut = np.flatnonzero(some)[(time[low[some]] < since[some]) | (time[high[some] - 1] >= until[some])]
    if len(cut):
        # only events of bays in which a link begins or ends, or which have some that are not of the span
        bays = np.unique(links.bay[cut])
        of, place = pairs(offsets[bays], offsets[bays + 1])
        row = np.searchsorted(bays, links.bay[cut])
        begin = offsets[bays][row] - np.searchsorted(of, row)
        for bound, at in ((low, since), (high, until)):
            newest = last_begun(of, time[place], row, at[cut] - 1)
            bound[cut] = np.where(newest >= 0, newest + 1 + begin, offsets[links.bay[cut]])
        high[cut] = np.maximum(low[cut], high[cut])
    return low, high


def _by_bay(which: Bools, offsets: Int64) -> Int64:
    """How many there are of each bay."""
    return np.diff(np.concatenate(([0], np.cumsum(which)))[offsets])


def _compressed(offsets: Int64, kept: Bools) -> Int64:
    """Where each bay's begin when only these are left."""
    return np.concatenate(([0], np.cumsum(_by_bay(kept, offsets))))


def _any_twice(time: Int64, offsets: Int64) -> bool:
    """Whether a bay has two events of one instant."""
    same = np.flatnonzero(time[1:] == time[:-1]) + 1
    return bool(same.size and not np.isin(same, offsets).all())
