"""Readings of some bays to the points at which their states change.

A bay's **elements** are what it brings along from the span before, and then its readings. An element's code is its
state, or, where that is unknown, why. Where what is known ends before the next element (silence, a link's end), a point
is put in; elements that say what the one before said make none.

Where two things come at one instant: a reading goes before silence and stuck; a bay that falls silent after exactly 28
days is stuck; silence goes before a change of sensor. That change ends what is known even where the new sensor speaks
at that very instant, so no stay has two sensors; it ends stuck too, for the new sensor is heard.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from analytics.parking.arrays import CENSORED, DAY, OCCUPIED, OPEN, STUCK, Bools, Carry, Codes, Int64, Links
from analytics.parking.readings import Readings

#: Occupied for so long without a break: stuck [us].
LONGEST: Final = 28 * DAY

#: Codes: 0 free, 1 occupied, from 2 on unknown and why; the last is of a bay that brings no more along than that.
CODE_SILENT: Final = 2
CODE_SWAPPED: Final = 3
CODE_STUCK: Final = 4
CODE_UNKNOWN: Final = 5
#: By the state of a carry.
_CARRIED = np.array([0, 1, CODE_UNKNOWN, CODE_STUCK, 1], np.int8)


class Block(NamedTuple):
    """What some bays' states depend on, besides their readings, ``(bays,)``; and the span, ``start`` to ``end`` [us].

    ``limit``: of silence [us]; ``early``: a 1 after 1 that comes sooner is no heartbeat [us], but for a stay's second
    reading; ``OPEN``: no heartbeats. ``held``: when the link ends of which the newest reading was [us].
    """

    limit: Int64
    early: Int64
    carry: Carry
    held: Int64
    start: int
    end: int


class Elements(NamedTuple):
    """``time`` [us] and ``code``, ``(elements,)``; ``front``, ``(bays,)``: each bay's first.

    ``last``, ``until`` ``(links,)``: the last element of each link that has some, and when the link ends [us].
    """

    time: Int64
    code: Codes
    front: Int64
    last: Int64
    until: Int64


class Points(NamedTuple):
    """Where a state begins and ends: ``time``, ``end`` [us] and ``code``, ``(points,)``; bay b's: ``offsets[b]`` on.

    A bay's first one is what it brings along. ``repeated``, ``(bays,)``: readings 1 after a known 1 that came too early
    for a heartbeat (`_may_be_due`). ``stuck``, ``(bays,)``: whether it is at the end.
    """

    time: Int64
    end: Int64
    code: Codes
    offsets: Int64
    repeated: Int64
    stuck: Bools


def points(found: Readings, links: Links, block: Block) -> Points:
    """Points of bays whose readings are found."""
    elements = _elements(found, links, block)
    made = _points(elements, block)
    # a bay is stuck once in 28 days at most, and what comes after its stuck time is another matter: so few rounds
    while len((bays := _newly_stuck(made, block))[0]):
        elements = _with_stuck(elements, *bays)
        made = _points(elements, block)
    return made


def _elements(found: Readings, links: Links, block: Block) -> Elements:
    bays = len(block.limit)
    front = found.offsets[:-1] + np.arange(bays)
    reading = np.ones(len(found.time) + bays, np.bool_)
    reading[front] = False
    time, code = np.empty(len(reading), np.int64), np.empty(len(reading), np.int8)
    time[reading], code[reading] = found.time, found.value
    brought = _CARRIED[block.carry.state]
    time[front] = np.where(brought <= 1, block.carry.heard, block.start)
    code[front] = brought
    some = np.diff(found.by_link) > 0
    # what is brought along is the last of its link where no reading in the span is of that link
    first = np.full(bays, OPEN, np.int64)
    with_some = np.flatnonzero(np.diff(found.offsets))
    first[with_some] = found.time[found.offsets[with_some]]
    alone = (brought != CODE_UNKNOWN) & (first >= block.held)
    last = np.concatenate((found.by_link[1:][some] + links.bay[some], front[alone]))
    until = np.concatenate((links.end[some], block.held[alone]))
    order = np.argsort(last)
    elements = Elements(time, code, front, last[order], until[order])
    _spread_stuck(elements, front[brought == CODE_STUCK])
    return elements


def _spread_stuck(elements: Elements, at: Int64) -> None:
    """From these elements on their bays are stuck: until a reading says free, or their link's last one."""
    if not len(at):
        return
    count = len(elements.code)
    free = np.append(np.flatnonzero(elements.code == 0), count)
    bays = np.append(elements.front, count)
    # none: a bay that brings stuck along where its link has ended since is the last of that link itself
    last = elements.last[np.searchsorted(elements.last, at)]
    stop = np.minimum(free[np.searchsorted(free, at)], bays[np.searchsorted(bays, at, "right")])
    change = np.zeros(count + 1, np.int8)
    change[at] = 1
    change[np.maximum(np.minimum(stop, last + 1), at)] -= 1
    elements.code[np.cumsum(change[:-1], dtype=np.int8) > 0] = CODE_STUCK


def _points(elements: Elements, block: Block) -> Points:
    time, code, front, last, until = elements
    count, bays = len(time), len(front)
    sizes = np.diff(np.append(front, count))
    following = np.empty(count, np.int64)
    following[:-1] = time[1:]
    following[front[1:] - 1] = block.end
    following[-1] = block.end
    gap = following - time
    silent = (gap > _by_element(block.limit, sizes)) & (code <= 1)
    # where a link ends in the span, its last element is silent before, or known until then
    ending = until < block.end
    last, until = last[ending], until[ending]
    bay = np.searchsorted(front, last, "right") - 1
    silent[last] = (time[last] + block.limit[bay] <= until) & (code[last] <= 1)
    swapped = ~silent[last]
    swap, when = last[swapped], until[swapped]
    still = np.flatnonzero(silent)
    cut = np.concatenate((still, swap))
    order = np.argsort(cut)
    cut = cut[order]
    limit = block.limit[np.searchsorted(front, still, "right") - 1]
    cut_time = np.maximum(np.concatenate((time[still] + limit, when)), block.start)[order]
    cut_code = np.repeat(np.array([CODE_SILENT, CODE_SWAPPED], np.int8), (len(still), len(swap)))[order]

    again = (code[1:] == 1) & (code[:-1] == 1) & (gap[:-1] < _by_element(block.early, sizes, -1))
    again[cut[cut < count - 1]] = False
    again[front[1:] - 1] = False
    early = np.flatnonzero(again)
    bay = np.searchsorted(front, early, "right") - 1
    bay = bay[~_may_be_due(elements, block, cut, early, bay)]
    repeated = np.bincount(bay, minlength=bays)

    # a state that was known already, or unknown already, is no change
    state = np.minimum(code, CODE_SILENT)
    before = state[:-1].copy()
    before[cut[cut < count - 1]] = CODE_SILENT
    change = np.ones(count, np.bool_)
    np.not_equal(state[1:], before, out=change[1:])
    change[front] = True
    kept = np.flatnonzero(change)
    ends_something = state[cut] < CODE_SILENT
    cut, cut_time, cut_code = cut[ends_something], cut_time[ends_something], cut_code[ends_something]
    begin, point_code = time[kept], code[kept]
    offsets = np.searchsorted(kept, front)
    begin[offsets] = block.start
    if len(cut):
        place = np.searchsorted(kept, cut, "right")
        begin, point_code = np.insert(begin, place, cut_time), np.insert(point_code, place, cut_code)
        offsets += np.searchsorted(cut, front)
    end = np.empty(len(begin), np.int64)
    end[:-1] = begin[1:]
    end[offsets[1:] - 1] = block.end
    end[-1] = block.end
    newest = front + sizes - 1
    stuck = (code[newest] == CODE_STUCK) & ~np.isin(newest, swap)
    return Points(begin, end, point_code, np.append(offsets, len(begin)), repeated, stuck)


def _may_be_due(elements: Elements, block: Block, cut: Int64, at: Int64, bay: Int64) -> Bools:
    """Whether the reading after element ``at`` of ``bay`` may be a heartbeat, however soon it comes.

    Heartbeats of a fixed grid follow a stay's first reading after any time, and each other after a whole one.
    """
    before = at - 1
    begins = (elements.code[before] != 1) | np.isin(before, cut)
    brought = block.carry.since[bay] == block.carry.heard[bay]
    due: Bools = np.where(at == elements.front[bay], brought, begins) & (block.early[bay] < OPEN)
    return due


def _by_element(of_bays: Int64, sizes: Int64, stop: int | None = None) -> Int64:
    """A number of bays for each element; one for all where they have the same."""
    if of_bays.min() == of_bays.max():
        return of_bays[:1]
    return np.repeat(of_bays, sizes)[:stop]


def _newly_stuck(made: Points, block: Block) -> tuple[Int64, Int64]:
    """Bays that are occupied for too long and are not known to be stuck, and from when on they are [us]."""
    length, begin = made.end - made.time, made.offsets[:-1]
    length[begin] = made.end[begin] - np.where(made.code[begin] == 1, block.carry.since, made.time[begin])
    long = np.flatnonzero((length >= LONGEST) & (made.code == 1))
    bay = np.searchsorted(made.offsets, long, "right") - 1
    silent = np.append(made.code, CODE_UNKNOWN)[long + 1] == CODE_SILENT
    silent &= long + 1 < made.offsets[bay + 1]
    some = (length[long] > LONGEST) | silent
    long, bay = long[some], bay[some]
    bays, first = np.unique(bay, return_index=True)
    at = long[first]
    return bays, np.maximum(made.end[at] - length[at] + LONGEST, block.start)


def _with_stuck(elements: Elements, bays: Int64, since: Int64) -> Elements:
    """Elements with one more in each of these bays, from which on it is stuck."""
    time, code, front, last, until = elements
    cut = np.full(len(front), -OPEN, np.int64)
    cut[bays] = since
    sizes = np.diff(np.append(front, len(time)))
    before = np.add.reduceat((time < np.repeat(cut, sizes)).astype(np.int64), front)
    place = front[bays] + np.maximum(before[bays], 1)
    ended = np.isin(last, place - 1)
    last = last + np.searchsorted(place, last, "right")
    last[ended] += 1
    made = Elements(
        np.insert(time, place, since), np.insert(code, place, CODE_STUCK),
        front + np.searchsorted(place, front, "right"), last, until,
    )  # fmt: skip
    _spread_stuck(made, place + np.arange(len(place)))
    return made


def carried_state(code: Codes, certain: Bools, stuck: Bools) -> Codes:
    """States of a carry: of codes; whether an occupied bay was known to be free before; whether it is stuck."""
    unknown = np.where(stuck, STUCK, CODE_SILENT)
    return np.where(code == 0, 0, np.where(code == 1, np.where(certain, OCCUPIED, CENSORED), unknown)).astype(np.int8)
