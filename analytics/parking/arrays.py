"""What goes from room to room: arrays of events, links, bays, hours, spans and stays.

Instants and lengths are int64 microseconds (instants since the Unix epoch, UTC), intervals half-open. A bay is its
place in the ``BayTable``. What is made here has bays as int32 and codes as int8; what comes in may be any integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Ints = NDArray[np.signedinteger[Any]]
Codes = NDArray[np.int8]
Bools = NDArray[np.bool_]

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
#: No instant, no length, no device, no maximum stay.
NONE: Final = -1
#: The end of what has none.
OPEN: Final = 1 << 62

#: States of a bay, in ``Spans``.
FREE: Final = 0
OCCUPIED: Final = 1
UNKNOWN: Final = 2
#: And in ``Carry`` alone: unknown until a reading says free; occupied, and what was before it is not known.
STUCK: Final = 3
CENSORED: Final = 4

#: How a stay begins and ends: places in these are the codes of ``Stays``, the words those of personal.stay.
BEGINS: Final = ("reading", "unknown")
ENDS: Final = ("reading", "silent", "swapped", "stuck", "lasts")
BY_READING: Final = 0
FROM_UNKNOWN: Final = 1
SILENT: Final = 1
SWAPPED: Final = 2
BY_STUCK: Final = 3
LASTS: Final = 4


class Events(NamedTuple):
    """Readings of ``occupied``, ``(events,)``, in any order: bay, time [us], 0.0 or 1.0, and the device's index."""

    bay: Ints
    time: Int64
    value: NDArray[np.floating[Any]]
    device: Ints


class Links(NamedTuple):
    """Which device lies in which bay from when to when [us], ``(links,)``, in any order; ``end`` ``OPEN``: still."""

    bay: Ints
    device: Ints
    start: Int64
    end: Int64


class BayTable(NamedTuple):
    """``(bays,)``: place in the ``Hours``, place of the zone, silence limit [us], heartbeat [us] (0 or less: none)."""

    regime: Ints
    zone: Ints
    limit: Int64
    heartbeat: Int64


class Hours(NamedTuple):
    """When restrictions hold: regime r has ``offsets[r]`` to ``offsets[r + 1]``, sorted, never overlapping.

    ``start``, ``end`` and ``maximum`` [us] ``(intervals,)``; ``maximum`` ``NONE``: no maximum stay. Intervals of one
    restriction that touch, at midnight or at a change of the clock, stay two.
    """

    offsets: Int64
    start: Int64
    end: Int64
    maximum: Int64


class Closed(NamedTuple):
    """Suspensions, or permits, ``(intervals,)``: by bay and start, those of a bay apart (`closed` makes it so)."""

    bay: Ints
    start: Int64
    end: Int64


class Carry(NamedTuple):
    """How a span begins, ``(bays,)``.

    ``state``: 0 free, 1 occupied, 2 unknown, 3 unknown until a reading says free (stuck), 4 occupied since a time
    before which nothing is known. ``since``: when the state began; ``heard``: the newest reading's time; ``device``:
    whose it was; all three ``NONE`` where nothing was ever heard.
    """

    state: Codes
    since: Int64
    heard: Int64
    device: Int64


class Spans(NamedTuple):
    """All time of all bays in a span, ``(spans,)``, by bay and start: the longest runs of a state (0, 1, 2)."""

    bay: Ints
    start: Int64
    end: Int64
    state: Codes


class Stays(NamedTuple):
    """Stays, ``(stays,)``, by bay and arrival. ``begins`` and ``ends`` are places in ``BEGINS`` and ``ENDS``.

    One that was carried has its true arrival; ``departure`` of one that lasts is the end of the span.
    """

    bay: Ints
    arrival: Int64
    departure: Int64
    begins: Codes
    ends: Codes

    @property
    def whole(self) -> Bools:
        """Which ones began with a reading after a known 0, and ended with one."""
        whole: Bools = (self.begins == BY_READING) & (self.ends == BY_READING)
        return whole


class Counts(NamedTuple):
    """What was met, by bay ``(bays,)``.

    ``used`` events; of no link or not of the span (``outside``); with a value that is neither 0 nor 1 (``invalid``); a
    second one of an instant with the same value (``duplicates``), or another (``conflicts``: the bay was free);
    ``repeated``: 1 after 1 that can be no heartbeat.
    """

    used: Int64
    outside: Int64
    invalid: Int64
    duplicates: Int64
    conflicts: Int64
    repeated: Int64


#: One of these.
Rows = TypeVar("Rows", Events, Links, Closed, Carry, Spans, Stays)


def nothing(bays: int) -> Carry:
    """The carry of bays of which nothing was ever heard."""
    none = np.full(bays, NONE, np.int64)
    return Carry(np.full(bays, UNKNOWN, np.int8), none, none, none)


def closed(bay: Ints, start: Int64, end: Int64) -> Closed:
    """Intervals in any order, overlapping ones and those that touch made one."""
    order = np.lexsort((start, bay))
    bay, start, end = bay[order], start[order], end[order]
    some = end > start
    bay, start, end = bay[some], start[some], end[some]
    if not len(bay):
        return Closed(bay, start, end)
    # the highest end so far of the same bay: rows of a bay are lifted above all rows of those before it
    rank = np.concatenate(([0], np.cumsum(bay[1:] != bay[:-1])))
    ends = np.unique(end)
    highest = np.maximum.accumulate(rank * len(ends) + np.searchsorted(ends, end))
    reached = ends[highest - rank * len(ends)]
    first = np.concatenate(([True], (bay[1:] != bay[:-1]) | (start[1:] > reached[:-1])))
    last = np.concatenate((first[1:], [True]))
    return Closed(bay[first], start[first], reached[last])


def last_begun(row: Ints, start: Int64, of: Ints, at: Int64) -> Int64:
    """For each ``(of, at)`` the place of the last interval of row ``of`` that begins at ``at`` or before; -1: none.

    ``row`` and ``start`` are sorted by both.
    """
    if not len(row) or not len(of):
        return np.full(len(of), NONE, np.int64)
    low, high = int(start.min()), int(start.max())
    width = high - low + 2
    if (int(max(row[-1], of.max())) + 1) * width < OPEN:
        keys = row * np.int64(width) + (start - low + 1)
        found = np.searchsorted(keys, of * np.int64(width) + np.clip(at - low + 1, 0, width - 1), "right") - 1
    else:
        rows, times = np.concatenate((row, of)), np.concatenate((start, at))
        asked = np.arange(len(rows)) >= len(row)
        order = np.lexsort((asked, times, rows))
        found = np.empty(len(rows), np.int64)
        found[order] = np.cumsum(~asked[order]) - 1
        found = found[len(row) :]
    return np.where((found >= 0) & (row[found] == of), found, NONE)


def begins(rows: Ints, count: int) -> Int64:
    """Where each of ``count`` rows begins in a sorted column that names them, and where the last one ends."""
    found = np.zeros(count + 1, np.int64)
    if len(rows):
        new = np.append(np.flatnonzero(rows[1:] != rows[:-1]) + 1, len(rows))
        found[rows[new - 1] + 1] = np.diff(new, prepend=0)
    return np.cumsum(found, out=found)


def part(rows: Rows, which: slice | Ints | Bools) -> Rows:
    """Some rows of one of these."""
    make: Any = type(rows)
    some: Rows = make(*(column[which] for column in rows))
    return some


def blocks(offsets: Int64, size: int) -> Iterator[tuple[int, int]]:
    """Bays in runs ``(first, last)`` of about ``size`` items each, so that what is made of them fits into caches."""
    bays = len(offsets) - 1
    cuts = np.searchsorted(offsets + np.arange(bays + 1), np.arange(size, int(offsets[-1]) + bays, size))
    edges = [0, *np.unique(cuts).tolist(), bays]
    for first, last in pairwise(edges):
        if last > first:
            yield first, last


def pairs(first: Int64, end: Int64) -> tuple[Int64, Int64]:
    """Ranges one after the other: which range, and which place of it; none where ``end`` is not beyond ``first``."""
    sizes = np.maximum(end - first, 0)
    of = np.repeat(np.arange(len(sizes)), sizes)
    begin = np.cumsum(sizes) - sizes
    return of, np.arange(len(of)) + (first - begin)[of]
