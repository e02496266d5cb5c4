"""One session's way from the broker to the store: gather in the event loop, seal and write in a thread, acknowledge.

While one batch is written the next is gathered. A batch that cannot be written is tried again for ever: nothing is
acknowledged meanwhile, reading stops when enough is held, and the broker keeps the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import numpy as np
import psycopg

from devices.decoding import Format
from devices.device import Device
from ingest import refusals
from ingest.archive import Archive
from ingest.columns import Columns, Memory, gather
from ingest.metrics import Metrics
from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions, CollectorOptions
from ingest.paho_source import PahoSource
from ingest.refusals import Refusals, unlearn
from ingest.routes import Routes
from ingest.seal import Limits, seal
from ingest.slots import FAMILY_NAMES, Slots
from ingest.source import Chunk, Source
from store import devices as device_table
from store import redelivery
from store.batch import Batch, Outcome
from store.tombstones import Stale, Tombstone, WrongKey
from store.writer import Writer

log = logging.getLogger(__name__)

T = TypeVar("T")

#: So long a stopping collector tries to write what it holds. What it cannot write is left to the broker, not lost.
_STOP_SECONDS = 5.0


class Pipeline:
    """The collector of one MQTT session (``broker.client_id``).

    ``drain``: take over the queue of a session that nobody serves any more; ``run`` then ends when it is empty.
    """

    def __init__(
        self,
        options: CollectorOptions,
        broker: BrokerOptions,
        formats: Mapping[str, Format],
        metrics: Metrics,
        *,
        drain: bool = False,
    ) -> None:
        self.options = options
        self.name = broker.client_id
        self.metrics = metrics
        self.refusals = Refusals(options.tombstone_key)
        self.routes = Routes(
            options.subscriptions,
            formats,
            keep=options.keep,
            auto_register=options.auto_register_origin if options.auto_register else None,
            refusals=self.refusals,
        )
        self._memory = Memory()
        self._slots = Slots()
        self._limits = Limits(options.earliest, round(options.ahead * 1_000_000))
        self._columns = Columns()
        self._writing: Columns | None = None
        self._batch: Batch | None = None
        self._buried = 0
        self._work = asyncio.Event()
        self._stopping = False
        self._stop_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._received = time.monotonic()
        self._writer = Writer(options.database_url, rejected_limit=options.rejected_per_device_hour)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._archive = None if options.archive is None else Archive(options.archive, self.name, metrics)
        self._paused = False
        self.source: Source = make_source(broker, options, self._receive, self._connected, drain=drain)
        metrics.in_flight.append(self.in_flight)
        metrics.sources.append(self.source.status)

    # -- the event loop's side ---------------------------------------------------------------------------------------

    async def run(self, devices: Sequence[Device]) -> None:
        """Serve until ``stop``. ``devices`` is the registry; psycopg errors mean that the store is away.

        Raises store.tombstones.WrongKey where the store's tombstones cannot be honoured.
        """
        self._memory.entries.update(await self._in_thread(self._load_memory))
        self.routes.update(devices)
        source = asyncio.create_task(self.source.run())
        writing = asyncio.create_task(self._write_loop())
        try:
            done, _ = await asyncio.wait({source, writing}, return_when=asyncio.FIRST_COMPLETED)
            if source in done and not source.exception():
                done, _ = await asyncio.wait({writing})
            for task in done:
                task.result()
        finally:
            for task in (source, writing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.metrics.in_flight.remove(self.in_flight)
            self._thread.submit(self._writer.close)
            if self._archive is not None:
                self._thread.submit(self._archive.close)
            self._thread.shutdown(wait=True)

    def update(self, devices: Sequence[Device], tombstones: Sequence[Tombstone], version: int) -> None:
        """Take over what changed in the registry and in the tombstones, both as they were at one moment."""
        self.refusals.take(tombstones, version)
        self.routes.forget(tombstones)
        self.routes.update(devices)

    async def stop(self) -> None:
        """Read no more, write what is held, acknowledge it, leave the session at the broker."""
        if not self._stopping:
            self.source.pause()
            self._stopping = True
            self._stop_until = time.monotonic() + _STOP_SECONDS
            asyncio.get_running_loop().call_later(_STOP_SECONDS, self._give_up, self._writing)
            self._work.set()

    def _give_up(self, writing: Columns | None) -> None:
        """End a write that hangs since before we were told to stop."""
        if writing is not None and self._writing is writing:
            self._writer.abort()

    def idle(self, seconds: float) -> bool:
        """Whether nothing was received for so long and nothing is held."""
        quiet = time.monotonic() - self._received >= seconds
        return quiet and self._writing is None and not len(self._columns)

    def in_flight(self) -> dict[str, int]:
        """Messages by family that are received and not yet committed. Called from the metrics' thread."""
        total: Counter[int] = Counter()
        for columns in (self._columns, self._writing):
            if columns is not None:
                total.update(route.family for route in list(columns.routes))
        return {FAMILY_NAMES[number]: count for number, count in total.items()}

    def _connected(self, session_present: bool) -> None:
        if session_present:
            return
        if self.source.status.connects > 1:
            self.source.status.lost += 1
            log.error("the broker has forgotten session %s: what it held for us is lost", self.name)
        else:
            log.info("session %s is new at the broker", self.name)
        # packet ids start anew, so what we remember of the old session's would be taken for the new one's
        self._columns.forget.extend(self._memory.clear())
        for columns in (self._columns, self._writing):
            if columns is not None:
                columns.forget_session()

    def _receive(self, chunk: Chunk) -> None:
        self._received = time.monotonic()
        self._forget_settled()
        columns = self._columns
        gather(columns, chunk, self.routes, self._memory, self.options.payload_maximum)
        held = columns.size + (self._writing.size if self._writing else 0)
        readings = len(columns.slots)
        if not self._paused and (held > self.options.held_bytes or readings > 4 * self.options.batch_readings):
            self._paused = True
            self.source.pause()
        if readings >= self.options.batch_readings or len(columns) >= self.options.batch_readings:
            self._work.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.options.batch_age, self._work.set)

    def _forget_settled(self) -> None:
        """Let go of messages whose acknowledgement the broker has: their packet ids may come again."""
        for mark in self.source.settled():
            packet_id = self._memory.settle(mark)
            if packet_id is not None:
                self._columns.forget.append(packet_id)

    async def _write_loop(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._forget_settled()
            columns = self._columns
            if len(columns) or columns.forget:
                with self.metrics.lock:
                    self._columns, self._writing = Columns(), columns
                self._take_over(columns)
                outcome = await self._write(columns)
                if outcome is None:
                    log.warning("stopped with the store away: %d messages are left to the broker", len(columns))
                    await self.source.stop()
                    return
                self._committed(columns, outcome)
            if self._stopping and not len(self._columns):
                await self.source.stop()
                return
            if len(self._columns) and (self._stopping or self._timer is None):
                self._work.set()

    def _take_over(self, columns: Columns) -> None:
        columns.new_slots, self.routes.new_slots = self.routes.new_slots, []
        columns.new_devices, self.routes.new_devices = self.routes.new_devices, []

    def _committed(self, columns: Columns, outcome: Outcome) -> None:
        for generation, packet_ids in columns.acknowledgements():
            self.source.acknowledge(generation, packet_ids, self._memory.acknowledge(generation, packet_ids))
        metrics = self.metrics
        with metrics.lock:
            self._writing = None
            metrics.commit(outcome.counts)
        metrics.write_seconds.observe(outcome.seconds)
        metrics.staged_batches += outcome.staged
        batch, self._batch = self._batch, None
        if batch is not None:
            for rejected in batch.rejected:
                metrics.rejected[rejected.reason] = metrics.rejected.get(rejected.reason, 0) + 1
            if len(outcome.conflicts):
                metrics.rejected["conflict"] = metrics.rejected.get("conflict", 0) + len(outcome.conflicts)
            if len(batch.time):
                metrics.lag_seconds.observe_all(np.maximum(time.time() - batch.time / 1e6, 0.0))
        if self._paused and not self._stopping:
            self._paused = False
            self.source.resume()

    # -- the thread's side -------------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _write(self, columns: Columns) -> Outcome | None:
        """Write one batch, however often it takes; None where we are stopping and the store stays away."""
        backoff = 0.05
        while True:
            patience = self.options.write_timeout
            if self._stopping:
                patience = min(patience, _STOP_SECONDS)
            work = asyncio.ensure_future(self._in_thread(lambda: self._seal_and_write(columns)))
            done, _ = await asyncio.wait({work}, timeout=patience)
            if not done:
                log.error("no answer from the database for %.0f s: connection dropped", patience)
                self._writer.abort()  # a frozen server: the thread gets its error, and the same batch is tried again
            try:
                outcome = await work
            except (psycopg.Error, WrongKey) as error:
                if self.metrics.database_takes:
                    log.error("write failed, nothing is acknowledged until it works: %s", first_line(error))
                self.metrics.database_takes = False
                self.metrics.write_errors += 1
            else:
                if not self.metrics.database_takes:
                    log.info("the database takes readings again")
                self.metrics.database_takes = True
                return outcome
            if self._stopping and time.monotonic() >= self._stop_until:
                return None
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, self.options.broker.backoff_maximum)

    def _load_memory(self) -> dict[int, tuple[bytes, int, bool]]:
        connection = self._writer.connection
        with connection.transaction():
            self.refusals.read(connection)
            return redelivery.load(connection, self.name)

    def _seal_and_write(self, columns: Columns) -> Outcome:
        while True:
            batch = self._sealed(columns)
            try:
                return self._writer.write(batch, lambda: self._archive_once(columns))
            except Stale:
                # somebody was erased meanwhile: what the batch holds of them goes before anything is written
                log.info("tombstones were written: a batch is looked through again")
                connection = self._writer.connection
                with connection.transaction():
                    self.refusals.read(connection)
                    unlearn(connection, self.refusals, self._slots, columns.slots)
                self._batch = None

    def _archive_once(self, columns: Columns) -> None:
        """Within the transaction: until it ends no erasure begins, so what is archived is found by the next one."""
        if self._archive is not None and not columns.archived:
            columns.archived = True
            self._archive.write(columns)  # once a batch, before it can be acknowledged

    def _sealed(self, columns: Columns) -> Batch:
        if self._batch is None:
            if columns.new_devices:
                with self._writer.connection.transaction():
                    device_table.add(self._writer.connection, columns.new_devices)
                columns.new_devices = []
            if columns.new_slots:
                with self._writer.connection.transaction():
                    states = refusals.states(self._writer.connection, columns.new_slots)
                self._slots.extend(columns.new_slots, states)
                columns.new_slots = []
            if self._buried != self.refusals.version:
                version = self.refusals.version
                with self._writer.connection.transaction():
                    refusals.bury(self._writer.connection, self.refusals, self._slots)
                self._buried = version
            now = time.time_ns() // 1000
            self._batch = seal(columns, self._slots, self._memory, self._limits, self.name, now, self.refusals)
        return self._batch


def make_source(
    broker: BrokerOptions,
    options: CollectorOptions,
    receive: Callable[[Chunk], None],
    connected: Callable[[bool], None],
    *,
    drain: bool = False,
) -> Source:
    """The source that the settings ask for, with the subscriptions' filters."""
    prefix = f"$share/{broker.shared_group}/" if broker.shared_group else ""
    filters = list(dict.fromkeys((prefix + item.filter, item.qos) for item in options.subscriptions))
    if broker.source == "paho":
        return PahoSource(broker, filters, receive, connected)
    return Mqtt5Source(broker, filters, receive, connected, drain=drain)


def first_line(error: BaseException) -> str:
    """What a database error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
