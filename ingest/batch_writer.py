"""The writer's side of a pipeline: builds a batch and writes it, in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingest import suppressions
from ingest.backlog import Absence
from ingest.batch_builder import BatchBuilder
from ingest.build_batch import BuiltBatch
from ingest.metrics import Metrics
from ingest.options import CollectorOptions
from ingest.pending_batch import PendingBatch
from ingest.series_cache import NewSeries
from ingest.suppressions import Suppressions, reload_states
from store import absences, redelivery, registry
from store.batch import Outcome, SeriesState
from store.tombstones import Stale
from store.writer import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from ingest.archive import Archive

log = logging.getLogger(__name__)

#: So long a writer waits for a lock [s]: less than a batch may take, so that waiting is told from being slow.
_LOCK_SECONDS = 3.0


class BatchWriter:
    """Builds and writes batches of one session (``name``).

    For one thread, apart from ``abort`` and from what ``builder`` receives.
    """

    def __init__(self, options: CollectorOptions, name: str, metrics: Metrics) -> None:
        self._name = name
        self._suppressions = Suppressions(options.tombstone_key)
        self.builder = BatchBuilder(options, self._suppressions, self._states, name=name, register=True)
        self._writer = Writer(
            options.database_url, rejected_limit=options.rejected_per_device_hour, lock_timeout=_LOCK_SECONDS
        )
        self._archive = None if options.archive is None else _archive(options.archive, name, metrics)
        self._marked_version = 0
        #: what is being written, since it was built
        self.built: BuiltBatch | None = None

    def abort(self) -> None:
        """From any thread: a write that hangs ends with psycopg.OperationalError."""
        self._writer.abort()

    def close(self) -> None:
        """Close the connection and the archive."""
        self._writer.close()
        if self._archive is not None:
            self._archive.close()

    def load_memory(self) -> dict[int, tuple[bytes, int, bool]]:
        """What the session remembers of redeliveries; reads the tombstones. Raises WrongKey; psycopg.Error."""
        connection = self._writer.connection
        with connection.transaction():
            self._suppressions.read(connection)
            return redelivery.load(connection, self._name)

    def left_at(self) -> int | None:
        """When the session last committed a batch [us since the Unix epoch]; None: never. Raises psycopg.Error."""
        connection = self._writer.connection
        with connection.transaction():
            return absences.left_at(connection, self._name)

    def note_drained(self, absence: Absence, at: int) -> None:
        """Note when the last of the broker's queue had come [us since the Unix epoch]. Raises psycopg.Error."""
        connection = self._writer.connection
        with connection.transaction():
            absences.drained(connection, self._name, absence.back_at, at)

    def write(self, pending: PendingBatch, seconds: float) -> Outcome:
        """Build, where it is not, and write. ``seconds``: the longest that one statement may take.

        The same messages again after an error are the same batch, until they are ``forget``-ten. Raises psycopg.Error,
        store.tombstones.WrongKey, store.series.NotRegistered, and whatever a fault of ours raises.
        """
        while True:
            built = self._build(pending)
            try:
                return self._write(built, seconds)
            except Stale:
                # somebody was erased meanwhile: what the batch holds of them goes before anything is written
                log.info("tombstones were written: a batch is looked through again")
                connection = self._writer.connection
                with connection.transaction():
                    self._suppressions.read(connection)
                self.forget(pending)

    def _write(self, built: BuiltBatch, seconds: float) -> Outcome:
        return self._writer.write(built.batch, lambda: self._archive_once(built), seconds)

    @property
    def certain(self) -> bool:
        """Whether it is sure, after ``write`` raised an error that was no lost connection, that nothing is written."""
        return self.built is None or self._writer.certain

    def forget(self, pending: PendingBatch) -> None:
        """Let go of a batch that was not written: what its readings taught is taken back. Raises psycopg.Error."""
        connection = self._writer.connection
        cache = self.builder.series_cache
        known = [series_index for series_index in pending.series_indexes if series_index < cache.size]
        with connection.transaction():
            reload_states(connection, self._suppressions, cache, known)
        self.built = None

    def probe(self, seconds: float) -> float:
        """How long the database takes to commit next to nothing [s]. Raises psycopg.Error."""
        return self._writer.probe(self._name, seconds)

    def _archive_once(self, built: BuiltBatch) -> None:
        """Within the transaction: until it ends no erasure begins, so what is archived is found by the next one."""
        if self._archive is not None and not built.pending.archived:
            built.pending.archived = True
            self._archive.write(built)  # once a batch, before it can be acknowledged

    def _build(self, pending: PendingBatch) -> BuiltBatch:
        if self.built is None:
            if pending.new_devices:
                with self._writer.connection.transaction():
                    registry.add(self._writer.connection, pending.new_devices)
                pending.new_devices = []
            self.builder.learn(pending)
            if self._marked_version != self._suppressions.version:
                version = self._suppressions.version
                with self._writer.connection.transaction():
                    suppressions.mark_erased_series(
                        self._writer.connection, self._suppressions, self.builder.series_cache
                    )
                self._marked_version = version
            self.built = self.builder.build(time.time_ns() // 1000, pending)
            if pending.unkept:
                self.built.batch.rejected.clear()
        return self.built

    def _states(self, new: Sequence[NewSeries]) -> list[SeriesState]:
        with self._writer.connection.transaction():
            return suppressions.states(self._writer.connection, new)


def _archive(folder: Path, name: str, metrics: Metrics) -> Archive:
    from ingest.archive import Archive  # for whom nothing is archived it would only take time

    return Archive(folder, name, metrics)
