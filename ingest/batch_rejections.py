"""What is rejected of a batch: of each message the first few by name, the others counted by reason.

A message of the limit's size can hold ten thousands of readings, all of them wrong. Each counts in the account; rows
and memory are bounded by message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from devices.decoding import Reason
from ingest.memory import Memory, digest
from ingest.pending_batch import NAMED, PendingBatch
from ingest.series_cache import FAMILY_NAMES, NEVER, SeriesCache
from ingest.source import DUP
from store.batch import Batch, Int64, Rejected, Remembered

Bools = NDArray[np.bool_]

#: A detail says what and where; what it quotes (a level of a topic) may be as long as a stranger likes.
_DETAIL_MAXIMUM = 300


class BatchRejections:
    """Rejections of one batch. ``whole`` are (message, None, reason, detail), for all of a message.

    ``arrival`` [us], ``(messages,)``; ``message`` and ``series_index`` of every reading, ``(readings,)``.
    """

    def __init__(self, pending: PendingBatch, cache: SeriesCache, memory: Memory, arrival: Int64) -> None:
        self._pending = pending
        self._cache = cache
        self._memory = memory
        self._arrival = arrival
        self._message = np.array(pending.messages, np.int64)
        self._series_index = np.array(pending.series_indexes, np.int64)
        self._asked: set[int] = set()
        self.whole: list[tuple[int, str | None, str, str]] = [
            (message, None, reason, detail) for message, reason, detail in pending.rejected_messages
        ]
        self._readings: list[tuple[int, str | None, str, str]] = []
        self._more: dict[tuple[int, str], int] = {}
        #: what decoding found, and what was added to it by (family, reason)
        self._decoded: list[tuple[int, str | None, str, str]] = []
        self._decoded_more: dict[tuple[int, str], int] = {}
        self._added: Counter[tuple[str, str]] = Counter()
        #: how many readings of each message are named
        self._named = np.zeros(len(arrival), np.int64)

    def take_decoded(self, state: NDArray[np.uint8]) -> Int64:
        """Take what decoding found, of decoded messages (``state`` 0). Returns the message of each, named or not."""
        pending = self._pending
        self._readings = [row for row in pending.rejected_readings if state[row[0]] == 0]
        messages = np.array([row[0] for row in self._readings], np.int64)
        np.add.at(self._named, messages, 1)
        more = {key: count for key, count in pending.rejected_more.items() if state[key[0]] == 0}
        self._decoded, self._decoded_more = self._readings[:], more
        if more:
            self._more.update(more)
            counted = np.repeat([message for message, _ in more], list(more.values()))
            messages = np.concatenate((messages, counted.astype(np.int64)))
        return messages

    def add(self, rows: Int64, reason: Reason, detail: Callable[[int], str]) -> None:
        """Reject readings: ascending rows of the batch's readings."""
        for family, count in enumerate(np.bincount(self._cache.family[self._series_index[rows]]).tolist()):
            self._added[FAMILY_NAMES[family], str(reason)] += count
        messages = self._message[rows]
        shown = self._room(messages, self._named)
        for row, message in zip(rows[shown].tolist(), messages[shown].tolist(), strict=True):
            self._readings.append((message, self._cache.properties[int(self._series_index[row])], reason, detail(row)))
        _count_rest(messages[~shown], reason, self._more)

    @staticmethod
    def _room(messages: Int64, named: Int64) -> Bools:
        """Which of some readings of ascending messages are still named; ``named`` counts them."""
        place = np.arange(len(messages))
        begins = np.concatenate(([True], messages[1:] != messages[:-1]))[: len(messages)]
        rank = place - np.maximum.accumulate(np.where(begins, place, 0))
        shown: Bools = rank + named[messages] < NAMED
        np.add.at(named, messages[shown], 1)
        return shown

    def write(self, batch: Batch, suppressed: Bools) -> None:
        """Write each rejection once: one that was written before its lost acknowledgement makes no second row."""
        pending = self._pending
        for message in [*pending.untimed, *pending.restating]:
            if suppressed[message]:
                continue
            packet_id = pending.packet_ids[message]
            entry = self._memory.entries.get(packet_id) if packet_id else None
            if entry is not None:
                batch.remember.append(Remembered(packet_id, *entry))
        add, rejected, first_time = batch.rejected.append, self._rejected, self._first_time
        quiet = set(np.flatnonzero(suppressed).tolist())
        for message, name, reason, detail in sorted([*self.whole, *self._readings], key=itemgetter(0)):
            if message not in quiet and first_time(message, batch.remember):
                add(rejected(message, name, reason, detail, None))
        for (message, reason), count in sorted(self._more.items()):
            if message not in quiet and first_time(message, batch.remember):
                add(rejected(message, None, reason, _rest(count), count))

    def tally(self, suppressed: Bools) -> dict[tuple[str, str], int]:
        """What the account counts as rejected, messages and readings, by (family, reason); also what came again."""
        routes, found = self._pending.routes, +self._added
        for message, _, reason, _ in self.whole:
            found[FAMILY_NAMES[routes[message].family], str(reason)] += 1
        decoded = [((message, reason), 1) for message, _, reason, _ in self._decoded]
        for (message, why), count in [*decoded, *self._decoded_more.items()]:
            if not suppressed[message]:  # else it was refused
                found[FAMILY_NAMES[routes[message].family], str(why)] += count
        return dict(found)

    def conflicts(self, rows: Int64, suppressed: Bools, remember: list[Remembered]) -> list[Rejected]:
        """Rejections of readings, by row, whose key the store holds with another value.

        None for those that were written before. The same however often it is asked: a write may be retried.
        """
        # the store holds another value than we remember: let it judge the next repeat
        self._cache.last_time[self._series_index[rows]] = NEVER
        rows = rows[np.argsort(self._message[rows], kind="stable")]
        messages = self._message[rows]
        wanted = [
            message
            for message in np.unique(messages).tolist()
            if not suppressed[message] and self._first_time(message, remember)
        ]
        kept = np.isin(messages, wanted)
        rows, messages = rows[kept], messages[kept]
        shown = self._room(messages, self._named.copy())
        found = []
        for row, message in zip(rows[shown].tolist(), messages[shown].tolist(), strict=True):
            name = self._cache.properties[int(self._series_index[row])]
            found.append(self._rejected(message, name, Reason.CONFLICT, "stored before with another value", None))
        more: dict[tuple[int, str], int] = {}
        _count_rest(messages[~shown], Reason.CONFLICT, more)
        found += [
            self._rejected(message, None, reason, _rest(count), count) for (message, reason), count in more.items()
        ]
        return found

    def _rejected(self, message: int, name: str | None, reason: str, detail: str, more: int | None) -> Rejected:
        pending = self._pending
        route = pending.routes[message]
        payload, size = pending.payloads[message], pending.cut.get(message)
        if reason == Reason.UNKNOWN_TOPIC:
            # nobody asks for it any more, so nobody may keep it
            payload, size = b"", size or len(payload)
        return Rejected(
            int(self._arrival[message]),
            pending.topics[message],
            FAMILY_NAMES[route.family],
            route.device_id,
            name,
            str(reason),
            detail[:_DETAIL_MAXIMUM],
            payload,
            route.personal,
            pending.packet_ids[message] or None,
            message,
            more,
            size,
            route.scrub,
        )

    def _first_time(self, message: int, remember: list[Remembered]) -> bool:
        """Whether a rejected message is not the redelivery of one whose rejection is written; remembers it then.

        The answer for a message is the same however often it is asked: a write may be retried.
        """
        pending, memory = self._pending, self._memory
        packet_id = pending.packet_ids[message]
        if not packet_id:
            return True
        if message not in pending.first_times:
            mark = digest(pending.topics[message], pending.payloads[message])
            entry = memory.find(packet_id, mark)
            first = not (pending.flags[message] & DUP and entry is not None and entry[2])
            kept = None
            if first:
                arrival = entry[1] if entry is not None else int(self._arrival[message])
                memory.entries[packet_id] = (mark, arrival, True)
                kept = Remembered(packet_id, mark, arrival, True)
            pending.first_times[message] = kept
        kept = pending.first_times[message]
        if kept is not None and message not in self._asked:
            remember.append(kept)
        self._asked.add(message)
        return kept is not None


def reasons(rejected: Sequence[Rejected]) -> dict[str, int]:
    """How many rejections there are by reason, those counted only too."""
    found: dict[str, int] = {}
    for item in rejected:
        found[item.reason] = found.get(item.reason, 0) + (1 if item.more is None else item.more)
    return found


def _count_rest(messages: Int64, reason: Reason, more: dict[tuple[int, str], int]) -> None:
    if len(messages):
        numbers, counts = np.unique(messages, return_counts=True)
        for message, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            more[message, reason] = more.get((message, reason), 0) + count


def _rest(count: int) -> str:
    return f"and {count} more of this message"
