"""Events to spans of states and to stays, and what the next span begins with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from analytics.parking.arrays import (
    BY_READING,
    FREE,
    FROM_UNKNOWN,
    LASTS,
    OCCUPIED,
    OPEN,
    SILENT,
    UNKNOWN,
    BayTable,
    Carry,
    Counts,
    Events,
    Int64,
    Ints,
    Links,
    Spans,
    Stays,
    blocks,
    last_begun,
    part,
)
from analytics.parking.arrays import begins as of_bays
from analytics.parking.readings import Readings, in_links, in_order, readings
from analytics.parking.states import CODE_SILENT, Block, Points, carried_state, points

#: A repeated reading that comes before so much of a heartbeat has passed is none: numerator, denominator.
_EARLY: Final = (4, 5)
#: Events of a block: its arrays fit into a core's caches.
_SIZE: Final = 1 << 17


def run(
    events: Events, links: Links, table: BayTable, carry: Carry, start: int, end: int
) -> tuple[Spans, Stays, Carry, Counts]:
    """Spans and stays of all bays in ``[start, end)`` [us], the next span's carry, and what was met on the way.

    Stays are those that have time in the span, and those that end at its very beginning. Pieces that carry say the same
    as one: of a stay that is in several pieces the last one's row holds. Raises ValueError where links overlap, or
    where they or events name a bay that is not there.
    """
    bays = len(table.limit)
    events, links = in_order(events), in_links(links, bays)
    if len(events.bay) and not (events.bay[0] >= 0 and events.bay[-1] < bays):
        raise ValueError(f"events of bays {events.bay[0]} to {events.bay[-1]}, but there are {bays} bays")
    held = _held(links, carry, start)
    links = part(links, (links.end > start) & (links.start < end))
    offsets, linked = of_bays(events.bay, bays), of_bays(links.bay, bays)
    numerator, denominator = _EARLY
    early = np.where(table.heartbeat > 0, -(-table.heartbeat * numerator // denominator), OPEN)
    made = _Made(len(events.bay), bays, len(links.bay))
    for first, last in blocks(offsets, _SIZE):
        bays_here, some = slice(first, last), slice(offsets[first], offsets[last])
        own = part(links, slice(linked[first], linked[last]))
        own = own._replace(bay=own.bay - first)
        found = readings(part(events, some), offsets[first : last + 1] - offsets[first], own, start, end)
        brought = part(carry, bays_here)
        block = Block(table.limit[bays_here], early[bays_here], brought, held[bays_here], start, end)
        made.add(first, found, own, block, points(found, own, block))
    return made.result()


def _held(links: Links, carry: Carry, start: int) -> Int64:
    """By bay, until when the link holds of which the newest reading was; ``start`` where there is none any more."""
    bays = len(carry.state)
    found = last_begun(links.bay, links.start, np.arange(bays), carry.heard)
    some = np.flatnonzero(found >= 0)
    some = some[links.device[found[some]] == carry.device[some]]
    held = np.full(bays, start, np.int64)
    held[some] = np.maximum(links.end[found[some]], start)
    return held


class _Made:
    """What blocks come to, one after the other in columns that have room for all: what is not used takes no memory."""

    def __init__(self, events: int, bays: int, links: int) -> None:
        # each event can be followed by one point that it does not make itself, stuck or silent, and each link ends
        most = 2 * events + 2 * bays + links
        self._spans = Spans(
            np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int8)
        )
        self._stays = Stays(
            np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most, np.int64),
            np.empty(most, np.int8), np.empty(most, np.int8),
        )  # fmt: skip
        self._carry = Carry(
            np.empty(bays, np.int8), np.empty(bays, np.int64), np.empty(bays, np.int64), np.empty(bays, np.int64)
        )
        self._counts = Counts(*np.zeros((6, bays), np.int64))
        self._counted = [0, 0]

    def add(self, first: int, found: Readings, links: Links, block: Block, made: Points) -> None:
        """A block whose first bay is ``first``."""
        sizes = np.diff(made.offsets)
        bay = np.repeat(np.arange(first, first + len(sizes), dtype=np.int32), sizes)
        begin = made.offsets[:-1]
        state = np.minimum(made.code, UNKNOWN)
        columns: list[Ints] = [bay, made.time, made.end, state]
        if not (lasting := made.end > made.time).all():
            columns = [column[lasting] for column in columns]
        self._put(0, columns)

        occupied = np.flatnonzero(made.code == OCCUPIED)
        arrival = made.time[occupied]
        begins = (made.code[occupied - 1] != FREE).view(np.int8)
        newest = made.offsets[1:] - 1
        # what comes next: free, or a code of unknown time, which are in the order of the ends
        ends = np.maximum(np.take(made.code, occupied + 1, mode="clip"), CODE_SILENT - SILENT) - (CODE_SILENT - SILENT)
        # what is brought along began before, and what is last in its bay lasts
        brought = np.flatnonzero(made.code[begin] == OCCUPIED)
        place = np.searchsorted(occupied, begin[brought])
        arrival[place] = block.carry.since[brought]
        begins[place] = np.where(block.carry.state[brought] == OCCUPIED, BY_READING, FROM_UNKNOWN)
        still = np.flatnonzero(made.code[newest] == OCCUPIED)
        lasts = np.searchsorted(occupied, newest[still])
        ends[lasts] = LASTS
        self._put(1, (bay[occupied], arrival, made.end[occupied], begins, ends))

        certain = np.zeros(len(sizes), np.bool_)
        certain[still] = begins[lasts] == BY_READING
        since = np.where(newest == begin, block.carry.since, made.time[newest])
        here = slice(first, first + len(sizes))
        self._carry.state[here] = carried_state(made.code[newest], certain, made.stuck)
        self._carry.since[here] = since
        self._carry.heard[here] = block.carry.heard
        self._carry.device[here] = block.carry.device
        some = np.flatnonzero(np.diff(found.offsets))
        heard = found.offsets[some + 1] - 1
        self._carry.heard[first + some] = found.time[heard]
        self._carry.device[first + some] = links.device[np.searchsorted(found.by_link, heard, "right") - 1]
        counted = (np.diff(found.offsets), *found.met, made.repeated)
        for column, count in zip(self._counts, counted, strict=True):
            column[here] = count

    def _put(self, which: int, columns: Iterable[Ints]) -> None:
        begin = self._counted[which]
        rooms: tuple[Ints, ...] = (tuple(self._spans), tuple(self._stays))[which]
        for room, column in zip(rooms, columns, strict=True):
            self._counted[which] = begin + len(column)
            room[begin : self._counted[which]] = column

    def result(self) -> tuple[Spans, Stays, Carry, Counts]:
        """All of it."""
        spans, stays = self._counted
        return (
            part(self._spans, slice(spans)),
            part(self._stays, slice(stays)),
            self._carry,
            self._counts,
        )
