"""``borough rejected retry``: rejections go the collector's way once more, after a fix.

A message without a time keeps its first arrival; what was ahead of the clock then is compared with the present one.
What is taken now leaves the table of rejections; what is rejected again stays there as it was, and is marked as tried.
The account names this collector ``retry``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from ingest.batch_builder import BatchBuilder
from ingest.options import CollectorOptions
from ingest.series_cache import NewSeries
from ingest.suppressions import Suppressions, states
from store import registry, rejected
from store.batch import Counts, Rejected, SeriesState
from store.rejected import RejectedMessage
from store.tombstones import Stale
from store.writer import Writer

COLLECTOR = "retry"

_Key = tuple[str, bytes, int]  # topic, payload, arrival [us]


class Retried(NamedTuple):
    """What became of rejections that were tried again: ids of those taken and of those rejected once more.

    ``gone`` could not be tried because their bytes are not kept any more, or not all of them.
    """

    taken: list[int]
    rejected: list[int]
    gone: list[int]
    counts: dict[str, Counts]


def retry(options: CollectorOptions, messages: Sequence[RejectedMessage]) -> Retried:
    """Try these rejections again, in one transaction, with today's registry, decoders and subscriptions.

    A rejection of one reading runs its whole message again: its other readings are duplicates then. Raises
    psycopg.Error; store.tombstones.WrongKey; the same call again is safe.
    """
    tried = [item for item in messages if item.payload is not None and item.size is None]
    gone = [item.row.id for item in messages if item.payload is None or item.size is not None]
    writer = Writer(options.database_url, rejected_limit=options.rejected_per_device_hour)
    try:
        while True:
            try:
                return _retry(options, writer, tried, gone)
            except Stale:
                continue  # somebody was erased meanwhile, and nothing was written
    finally:
        writer.close()


def _retry(options: CollectorOptions, writer: Writer, tried: list[RejectedMessage], gone: list[int]) -> Retried:
    connection = writer.connection

    def resolve(new: Sequence[NewSeries]) -> list[SeriesState]:
        with connection.transaction():
            return states(connection, new)

    builder = BatchBuilder(options, Suppressions(options.tombstone_key), resolve, name=COLLECTOR, by_now=True)
    with connection.transaction():
        builder.suppressions.read(connection)
        builder.routes.update(registry.load(connection, 0)[0])
    # in the order in which they came: of those that may restate the last one wins
    messages = sorted({item.message: item for item in tried}.values(), key=lambda item: item.row.arrival)
    builder.receive_kept(
        [item.row.topic for item in messages],
        [item.payload or b"" for item in messages],
        [_microseconds(item) for item in messages],
    )
    batch = builder.build(time.time_ns() // 1000).batch

    again = _Again(tried)
    batch.rejected = [item for item in batch.rejected if again.is_new(item)]
    first_conflicts = batch.conflicts
    batch.conflicts = lambda rows: [item for item in first_conflicts(rows) if again.is_new(item)]
    outcome = writer.write(batch)
    with connection.transaction():
        rejected.delete(connection, again.taken())
        rejected.mark_retried(connection, again.ids)
    return Retried(again.taken(), sorted(again.ids), gone, outcome.counts)


class _Again:
    """Which of the tried rejections were rejected again: those keep their row, and no second one is made.

    A whole message that can be read now, but for one reading, leaves its row and that reading gets a new one. A row
    that stands for readings without names stays while any reading is rejected that no tried row names.
    """

    def __init__(self, tried: Sequence[RejectedMessage]) -> None:
        self._all = [item.row.id for item in tried]
        self._whole: dict[_Key, list[int]] = {}
        self._named: dict[_Key, list[tuple[int, str]]] = {}
        self._counted: dict[_Key, list[int]] = {}
        for item in tried:
            key = (item.row.topic, item.payload or b"", _microseconds(item))
            if item.row.more is not None:
                self._counted.setdefault(key, []).append(item.row.id)
            elif item.row.property is not None:
                self._named.setdefault(key, []).append((item.row.id, item.row.property))
            else:
                self._whole.setdefault(key, []).append(item.row.id)
        self.ids: set[int] = set()

    def is_new(self, found: Rejected) -> bool:
        """Note a rejection of this run; says whether it needs a row of its own."""
        key = (found.topic, found.payload, found.arrival)
        named, counted = self._named.get(key, []), self._counted.get(key, [])
        if found.property is None and found.more is None:
            self.ids.update(number for number, _ in named)
            self.ids.update(counted)
            self.ids.update(self._whole.get(key, []))
            return False
        same = [number for number, name in named if found.property == name]
        self.ids.update(same or counted)
        return not named and not counted

    def taken(self) -> list[int]:
        """The ids that were not rejected again."""
        return [number for number in self._all if number not in self.ids]


def _microseconds(item: RejectedMessage) -> int:
    return round(item.row.arrival.timestamp() * 1_000_000)
