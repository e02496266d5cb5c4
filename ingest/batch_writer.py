"""The writer's side of a pipeline: seals a batch and writes it, in a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ingest import refusals
from ingest.archive import Archive
from ingest.batch_builder import BatchBuilder
from ingest.columns import Columns
from ingest.metrics import Metrics
from ingest.options import CollectorOptions
from ingest.refusals import Refusals, unlearn
from ingest.seal import Sealed
from ingest.slots import NewSlot
from store import redelivery, registry
from store.batch import Outcome, SeriesState
from store.tombstones import Stale
from store.writer import Writer

log = logging.getLogger(__name__)

#: So long a writer waits for a lock [s]: less than a batch may take, so that waiting is told from being slow.
_LOCK_SECONDS = 3.0


class BatchWriter:
    """Seals and writes batches of one session (``name``).

    For one thread, apart from ``abort`` and from what ``builder`` receives.
    """

    def __init__(self, options: CollectorOptions, name: str, metrics: Metrics) -> None:
        self._name = name
        self._refusals = Refusals(options.tombstone_key)
        self.builder = BatchBuilder(options, self._refusals, self._states, name=name, register=True)
        self._writer = Writer(
            options.database_url, rejected_limit=options.rejected_per_device_hour, lock_timeout=_LOCK_SECONDS
        )
        self._archive = None if options.archive is None else Archive(options.archive, name, metrics)
        self._buried = 0
        #: what is being written, since it was sealed
        self.sealed: Sealed | None = None

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
            self._refusals.read(connection)
            return redelivery.load(connection, self._name)

    def write(self, columns: Columns, seconds: float) -> Outcome:
        """Seal, where it is not, and write. ``seconds``: the longest that one statement may take.

        The same columns again after an error are the same batch, until they are ``forget``-ten. Raises psycopg.Error,
        store.tombstones.WrongKey, store.series.NotRegistered, and whatever a fault of ours raises.
        """
        while True:
            sealed = self._seal(columns)
            try:
                return self._write(sealed, seconds)
            except Stale:
                # somebody was erased meanwhile: what the batch holds of them goes before anything is written
                log.info("tombstones were written: a batch is looked through again")
                connection = self._writer.connection
                with connection.transaction():
                    self._refusals.read(connection)
                self.forget(columns)

    def _write(self, sealed: Sealed, seconds: float) -> Outcome:
        return self._writer.write(sealed.batch, lambda: self._archive_once(sealed), seconds)

    @property
    def certain(self) -> bool:
        """Whether it is sure, after ``write`` raised an error that was no lost connection, that nothing is written."""
        return self.sealed is None or self._writer.certain

    def forget(self, columns: Columns) -> None:
        """Let go of a batch that was not written: what its readings taught is taken back. Raises psycopg.Error."""
        connection = self._writer.connection
        slots = self.builder.slots
        known = [slot for slot in columns.slots if slot < slots.size]
        with connection.transaction():
            unlearn(connection, self._refusals, slots, known)
        self.sealed = None

    def probe(self, seconds: float) -> float:
        """How long the database takes to commit next to nothing [s]. Raises psycopg.Error."""
        return self._writer.probe(self._name, seconds)

    def _archive_once(self, sealed: Sealed) -> None:
        """Within the transaction: until it ends no erasure begins, so what is archived is found by the next one."""
        if self._archive is not None and not sealed.columns.archived:
            sealed.columns.archived = True
            self._archive.write(sealed)  # once a batch, before it can be acknowledged

    def _seal(self, columns: Columns) -> Sealed:
        if self.sealed is None:
            if columns.new_devices:
                with self._writer.connection.transaction():
                    registry.add(self._writer.connection, columns.new_devices)
                columns.new_devices = []
            self.builder.learn(columns)
            if self._buried != self._refusals.version:
                version = self._refusals.version
                with self._writer.connection.transaction():
                    refusals.bury(self._writer.connection, self._refusals, self.builder.slots)
                self._buried = version
            self.sealed = self.builder.build(time.time_ns() // 1000, columns)
            if columns.unkept:
                self.sealed.batch.rejected.clear()
        return self.sealed

    def _states(self, new: Sequence[NewSlot]) -> list[SeriesState]:
        with self._writer.connection.transaction():
            return refusals.states(self._writer.connection, new)
