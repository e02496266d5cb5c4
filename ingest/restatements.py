"""Readings of sources that may restate: what the newest of them says takes the place of what is stored.

Who may is said by the subscription that takes a topic; which of two messages came first, by their arrival. A message
that the broker delivers again, and a retained copy of one, are no news.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.memory import Memory, digest
from ingest.pending_batch import PendingBatch
from ingest.series_cache import NEVER, SeriesCache
from ingest.source import DUP, RETAIN
from store.batch import Batch, Float64, Int32, Int64, Restating, Right, UInt8

Bools = NDArray[np.bool_]


class Restatements:
    """Which readings of one batch may restate, ``right`` ``(readings,)``, and which the store must judge by itself.

    ``aged``: the batch is of messages that are tried again long after they came.
    """

    def __init__(self, pending: PendingBatch, message: Int64, *, aged: bool = False) -> None:
        self._pending = pending
        by_message = np.zeros(len(pending), np.uint8)
        for number in pending.restating:
            by_message[number] = self._of(number, aged=aged)
        #: messages that the broker had kept: read again later, nothing would tell them from new ones
        self.retained: Bools = by_message == Right.RETAINED
        self._message = message
        self.right: UInt8 = by_message[message]
        self._later: list[Int64] = []

    def _of(self, message: int, *, aged: bool) -> Right:
        if message in self._pending.copies:
            return Right.COPY
        if self._pending.flags[message] & RETAIN:
            return Right.RETAINED
        return Right.AGED if aged else Right.RESTATES

    def not_known(self, series_index: Int64) -> Bools:
        """Readings that may not be told as repeats by what is remembered of their series: it may be restated here."""
        found: Bools = np.isin(series_index, series_index[self.right != Right.NONE])
        return found

    def put_later(self, rows: Int64, leader: Int64, repeats: Bools) -> Bools:
        """Of sorted ``rows`` take those that ``repeat`` a key one of whose readings may restate; says which.

        ``leader``: the place in ``rows`` of each key's first reading.
        """
        of_key = np.zeros(len(rows), bool)
        np.logical_or.at(of_key, leader, self.right[rows] != Right.NONE)
        taken: Bools = repeats & of_key[leader]
        self._later.append(rows[taken])
        return taken

    def put_left_out(self, rows: Int64) -> Bools:
        """Of rows that a keep rule leaves out take those that may restate the one that is kept; says which."""
        taken: Bools = self.right[rows] != Right.NONE
        self._later.append(rows[taken])
        return taken

    def for_store(
        self, rows: Int64, cache: SeriesCache, series_index: Int64, time: Int64, value: Float64, arrival: Int64
    ) -> tuple[Int64, Restating]:
        """What the store needs beside the batch's ``rows``; returns these, the later ones behind them, and that.

        ``arrival``: ``(messages,)`` [us], the other columns ``(readings,)``. What is remembered of the series goes, for
        what counts of them is known when it is written.
        """
        cache.last_time[series_index[self.right != Right.NONE]] = NEVER
        later = np.sort(np.concatenate([np.empty(0, np.int64), *self._later]))
        later = later[np.lexsort((time[later], cache.series[series_index[later]]))]  # stable: in the order of arrival
        every = np.concatenate((rows, later))
        messages = self._message[every]
        sources = sorted({route.restates for route in self._pending.routes} - {""})
        place = {name: number for number, name in enumerate(sources)}
        of = np.array([place.get(route.restates, 0) for route in self._pending.routes], np.int32)
        index = series_index[later]
        restating = Restating(
            series=cache.series[index],
            time=time[later],
            value=value[later],
            family=cache.family[index],
            keep=cache.keep[index],
            message=self._message[later].astype(np.int32),
            right=self.right[every],
            arrival=arrival[messages],
            source=of[messages],
            sources=sources,
        )
        return every, restating


class Decided(NamedTuple):
    """Readings of a batch, one of each key. Shapes: ``(keys,)``; ``restates``: whether it may take another's place."""

    series: Int32
    time: Int64
    value: Float64
    family: UInt8
    message: Int32
    restates: Bools

    def take(self, which: Bools | NDArray[np.intp]) -> Decided:
        """Some of them, by place or mask."""
        return Decided(
            self.series[which],
            self.time[which],
            self.value[which],
            self.family[which],
            self.message[which],
            self.restates[which],
        )


def decided(batch: Batch) -> tuple[Decided, Decided]:
    """Of each key of a batch the reading that counts by itself, and those that do not: the newest that may restate,
    else the first."""
    restating = batch.restating
    if restating is None:
        nothing = np.zeros(len(batch.series), bool)
        every = Decided(batch.series, batch.time, batch.value, batch.family, batch.message, nothing)
        return every, every.take(nothing)
    every = Decided(
        np.concatenate((batch.series, restating.series)),
        np.concatenate((batch.time, restating.time)),
        np.concatenate((batch.value, restating.value)),
        np.concatenate((batch.family, restating.family)),
        np.concatenate((batch.message, restating.message)),
        restating.right != Right.NONE,
    )
    # of one key in the order of arrival; one that came again counts with its first
    order = np.lexsort((restating.arrival, every.time, every.series))
    every = every.take(order)
    same = (every.series[1:] == every.series[:-1]) & (every.time[1:] == every.time[:-1])
    group = np.cumsum(np.concatenate(([True], ~same))[: len(order)]) - 1
    place = np.arange(len(order))
    # of those that may the last place, of the others the first
    rank = np.where(every.restates, place, -1 - place)
    best = np.full(int(group[-1]) + 1 if len(group) else 0, np.iinfo(np.int64).min)
    np.maximum.at(best, group, rank)
    counts = rank == best[group]
    return every.take(counts), every.take(~counts)


def note(pending: PendingBatch, start: int, memory: Memory) -> None:
    """Note of the messages from ``start`` on which may restate, and which of these came before.

    Each has an arrival of its own, so that their order is kept wherever they are kept; a message that comes again takes
    the arrival of its first delivery.
    """
    begin = len(pending.topics) - pending.chunks[-1][0]
    # one that takes its arrival as time is remembered already, and so the copies of it say the same of the same time
    remembered = set(pending.untimed[bisect_left(pending.untimed, start) :])
    for message in range(start, len(pending.topics)):
        if not pending.routes[message].restates:
            continue
        pending.restating.append(message)
        if message in remembered:
            continue
        packet_id = pending.packet_ids[message]
        arrival = pending.arrived.setdefault(message, pending.chunks[-1][1] + message - begin)
        if not packet_id:
            continue
        mark = digest(pending.topics[message], pending.payloads[message])
        entry = memory.find(packet_id, mark) if pending.flags[message] & DUP else None
        if entry is None:
            memory.entries[packet_id] = (mark, arrival, False)
        else:
            pending.arrived[message] = entry[1]
            pending.copies.add(message)
