"""``borough rejected retry``: rejections go the collector's way once more, after a fix.

A message without a time keeps its first arrival; what was ahead of the clock then is compared with the present one.
What is taken now leaves the table of rejections; what is rejected again stays there as it was, and is marked as tried.
All of it is one transaction, so that a rejection is taken once, whoever asks how often. The account names this
collector ``retry``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

from ingest.archive import Archive
from ingest.batch_builder import BatchBuilder
from ingest.decoder_version import decoder_version, format_marks
from ingest.errors import OptionsError
from ingest.metrics import Metrics
from ingest.options import CollectorOptions
from ingest.series_cache import NewSeries
from ingest.suppressions import Suppressions, states
from store import registry, rejected, rejected_taken, session_lock
from store.batch import Batch, Counts, Rejected, SeriesState
from store.connect import Connection
from store.rejected import RejectedMessage
from store.rejected_taken import RETRY
from store.tombstones import Stale
from store.writer import Writer

_Key = tuple[str, bytes, int]  # topic, payload, arrival [us]


class OtherDecoders(Exception):
    """A collector that runs reads a format with another decoder than we would. The text says which and what to do."""


class Retried(NamedTuple):
    """What became of rejections that were tried again: ids of those taken and of those rejected once more.

    ``gone`` could not be tried because their bytes are not kept any more, or not all of them. ``missing`` were there no
    more: somebody else took them, or their household was erased. ``anew``: readings of messages that were taken which
    were rejected by themselves, and have rejections of their own now.
    """

    taken: list[int]
    rejected: list[int]
    gone: list[int]
    counts: dict[str, Counts]
    missing: list[int]
    anew: int = 0


def differing(connection: Connection, options: CollectorOptions) -> list[tuple[str, str]]:
    """Collectors that run, and formats that these read with other decoders than ``options``. Raises psycopg.Error.

    So is each format of ours with one that noted none: its program is older than such notes. And where one reads some
    of our formats and another beside them, those of ours that nobody reads: they were given their names meanwhile.
    """
    ours, running = format_marks(options), session_lock.serving(connection)
    unread = ours.keys() - {wire_format for theirs in running.values() for wire_format in theirs}
    found = []
    for name, theirs in running.items():
        others = {wire_format for wire_format, mark in theirs.items() if ours.get(wire_format, mark) != mark}
        if not theirs:
            others = {*ours}
        elif theirs.keys() & ours.keys() and theirs.keys() - ours.keys():
            others |= unread
        found += [(name, wire_format) for wire_format in sorted(others)]
    return found


def retry(options: CollectorOptions, messages: Sequence[RejectedMessage], account_id: int | None = None) -> Retried:
    """Try these rejections again, in one transaction, with today's registry, decoders and subscriptions.

    A rejection of one reading runs its whole message again: its other readings are duplicates then. ``account_id``: who
    asked for it, for the record. Raises OtherDecoders, and nothing was tried; OptionsError where the archive cannot be
    written; psycopg.Error; store.tombstones.WrongKey; the same call again is safe.
    """
    tried = [item for item in messages if item.payload is not None and item.size is None]
    gone = [item.row.id for item in messages if item.payload is None or item.size is not None]
    writer = Writer(options.database_url, rejected_limit=options.rejected_per_device_hour)
    try:
        archive = None if options.archive is None else Archive(options.archive, RETRY, Metrics())
    except OSError as error:
        raise OptionsError(f"BOROUGH_ARCHIVE: {error.filename}: {error.strerror}") from None
    missing: list[int] = []
    with closing(writer):
        try:
            while True:
                try:
                    return _Run(options, writer, archive, account_id, tried).run()._replace(gone=gone, missing=missing)
                except Stale:
                    continue  # somebody was erased meanwhile, and nothing was written
                except _Vanished:
                    with writer.connection.transaction():
                        there = rejected.existing(writer.connection, [item.row.id for item in tried])
                    missing += [item.row.id for item in tried if item.row.id not in there]
                    tried = [item for item in tried if item.row.id in there]
        finally:
            if archive is not None:
                archive.close()


class _Vanished(Exception):
    """A rejection is not there any more, so that nothing was written."""


class _Run:
    def __init__(
        self,
        options: CollectorOptions,
        writer: Writer,
        archive: Archive | None,
        account_id: int | None,
        tried: Sequence[RejectedMessage],
    ) -> None:
        self.options = options
        self.writer = writer
        self.archive = archive
        self.account_id = account_id
        self.tried = tried
        self.again = _Again(tried)
        self.conflicts: list[Rejected] = []

    def run(self) -> Retried:
        connection = self.writer.connection
        with connection.transaction():
            others = differing(connection, self.options)
        if others:
            raise OtherDecoders(_other_decoders(others))
        if not self.tried:
            return Retried([], [], [], {}, [])
        builder = _builder(self.options, connection)
        # in the order in which they came: of those that may restate the last one wins
        messages = sorted(
            {item.message: item for item in self.tried}.values(), key=lambda item: (item.row.arrival, item.message)
        )
        builder.receive_kept(
            [item.row.topic for item in messages],
            [item.payload or b"" for item in messages],
            [_microseconds(item) for item in messages],
        )
        built = builder.build(time.time_ns() // 1000)
        batch = built.batch
        batch.rejected = [item for item in batch.rejected if self.again.is_new(item)]
        self._keep_conflicts(batch)

        def beside() -> None:
            self._settle(connection, batch)
            if self.archive is not None:
                # within the transaction, as the collector does: until it ends no erasure begins
                self.archive.write(built)

        outcome = self.writer.write(batch, beside)
        anew = _counted((item.family, item.reason, item.more) for item in [*batch.rejected, *self.conflicts]).total()
        return Retried(self.again.taken(), sorted(self.again.ids), [], outcome.counts, [], anew)

    def _keep_conflicts(self, batch: Batch) -> None:
        first_conflicts = batch.conflicts

        def conflicts(rows: Sequence[int]) -> list[Rejected]:
            self.conflicts = [item for item in first_conflicts(rows) if self.again.is_new(item)]
            return self.conflicts

        batch.conflicts = conflicts

    def _settle(self, connection: Connection, batch: Batch) -> None:
        """What is taken goes, what is not is marked, and both are in the account: or nothing is written."""
        taken = self.again.taken()
        deleted = rejected.delete(connection, taken)
        marked = rejected.mark_retried(connection, self.again.ids)
        if deleted != len(taken) or marked != len(self.again.ids):
            raise _Vanished
        gone = set(taken)
        rejected_taken.note(
            connection,
            self.account_id,
            decoder_version(self.options),
            _counted((row.family, row.reason, row.more) for row in (one.row for one in self.tried) if row.id in gone),
            _counted((item.family, item.reason, item.more) for item in [*batch.rejected, *self.conflicts]),
        )


def _builder(options: CollectorOptions, connection: Connection) -> BatchBuilder:
    def resolve(new: Sequence[NewSeries]) -> list[SeriesState]:
        with connection.transaction():
            return states(connection, new)

    builder = BatchBuilder(options, Suppressions(options.tombstone_key), resolve, name=RETRY, by_now=True)
    with connection.transaction():
        builder.suppressions.read(connection)
        builder.routes.update(registry.load(connection, 0)[0])
    return builder


def _counted(rows: Iterable[tuple[str, str, int | None]]) -> Counter[tuple[str, str]]:
    """Rejections by family and reason; a row that stands for several counts as these."""
    found: Counter[tuple[str, str]] = Counter()
    for family, reason, more in rows:
        found[family, reason] += 1 if more is None else more
    return found


def _other_decoders(others: Sequence[tuple[str, str]]) -> str:
    name, wire_format = others[0]
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    return (
        f"collector {name} reads the format {wire_format} with another decoder than this process would{more}; nothing"
        " was tried again: give both the same program, BOROUGH_MAPPINGS and BOROUGH_SUBSCRIPTIONS, and restart them"
    )


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
