"""``borough rejected retry``: rejections go the collector's way once more, after a fix.

What is taken now leaves the table of rejections; what is rejected again stays there as it was, and is marked as tried.
The account names this collector ``retry``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from ingest.columns import Columns, Memory, gather
from ingest.options import CollectorOptions
from ingest.refusals import Refusals, states
from ingest.routes import Routes
from ingest.seal import Limits, seal
from ingest.slots import Slots
from ingest.source import Chunk
from store import devices as device_table
from store import rejected
from store.batch import Counts, Rejected
from store.rejected import RejectedMessage
from store.tombstones import Stale
from store.writer import Writer

COLLECTOR = "retry"


class Retried(NamedTuple):
    """What became of rejections that were tried again: ids of those taken and of those rejected once more.

    ``gone`` could not be tried because their bytes are not kept any more.
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
    gone = [item.row.id for item in messages if item.payload is None]
    tried = [item for item in messages if item.payload is not None]
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
    refusals = Refusals(options.tombstone_key)
    routes = Routes(options.subscriptions, options.formats, keep=options.keep, auto_register=None, refusals=refusals)
    slots = Slots()
    columns = Columns()
    memory = Memory()
    with connection.transaction():
        refusals.read(connection)
        routes.update(device_table.load(connection, 0)[0])
    for item in tried:
        # a chunk each: the time of a message without one is its own arrival
        payload = item.payload or b""
        chunk = Chunk(0, _microseconds(item), len(payload), [item.row.topic], [payload], [0], [0])
        gather(columns, chunk, routes, memory, options.payload_maximum)
    with connection.transaction():
        slots.extend(routes.new_slots, states(connection, routes.new_slots))
    limits = Limits(options.earliest, round(options.ahead * 1_000_000))
    batch = seal(columns, slots, memory, limits, COLLECTOR, time.time_ns() // 1000, refusals)

    again = _Again(tried)
    batch.rejected = [item for item in batch.rejected if again.is_new(item)]
    first_conflict = batch.conflict

    def conflict(row: int) -> Rejected | None:
        found = first_conflict(row)
        return found if found is not None and again.is_new(found) else None

    batch.conflict = conflict
    outcome = writer.write(batch)
    with connection.transaction():
        rejected.delete(connection, again.taken())
        rejected.mark_retried(connection, again.ids)
    return Retried(again.taken(), sorted(again.ids), gone, outcome.counts)


class _Again:
    """Which of the tried rejections were rejected again: those keep their row, and no second one is made.

    A whole message that can be read now, but for one reading, leaves its row and that reading gets a new one.
    """

    def __init__(self, tried: Sequence[RejectedMessage]) -> None:
        self._all = [item.row.id for item in tried]
        self._whole: dict[tuple[str, bytes, int], list[int]] = {}
        self._single: dict[tuple[str, bytes, int], list[tuple[int, str]]] = {}
        for item in tried:
            key = (item.row.topic, item.payload or b"", _microseconds(item))
            if item.row.property is None:
                self._whole.setdefault(key, []).append(item.row.id)
            else:
                self._single.setdefault(key, []).append((item.row.id, item.row.property))
        self.ids: set[int] = set()

    def is_new(self, found: Rejected) -> bool:
        """Note a rejection of this run; says whether it needs a row of its own."""
        key = (found.topic, found.payload, found.arrival)
        single = self._single.get(key, [])
        self.ids.update(number for number, name in single if found.property in (None, name))
        if found.property is None:
            self.ids.update(self._whole.get(key, []))
            return False
        return not single

    def taken(self) -> list[int]:
        """The ids that were not rejected again."""
        return [number for number in self._all if number not in self.ids]


def _microseconds(item: RejectedMessage) -> int:
    return round(item.row.arrival.timestamp() * 1_000_000)
