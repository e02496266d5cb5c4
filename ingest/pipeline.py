"""One session's way from the broker to the store: decode in the event loop, build and write in a thread, acknowledge.

While one batch is written the next is decoded. Where the database is away the batch is tried again for ever: nothing
is acknowledged meanwhile, reading stops when enough is held, and the broker keeps the rest. Where the database is well
and the batch cannot be written, it is cut until the message that hurts is alone, and that one is rejected.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import psycopg

from devices.device import Device
from ingest.backlog import Absence
from ingest.batch_writer import BatchWriter
from ingest.broker_source import make_source
from ingest.cutting import cut, lies_in_data, pieces, place_of, set_aside, too_slow
from ingest.device_names import further_filters
from ingest.flow import Flow
from ingest.metrics import Metrics
from ingest.options import BrokerOptions, CollectorOptions
from ingest.pending_batch import PendingBatch
from ingest.series_cache import FAMILY_NAMES
from ingest.source import Chunk, Source
from ingest.unread import UnreadNames
from store.batch import Outcome
from store.tombstones import Tombstone, WrongKey

log = logging.getLogger(__name__)

T = TypeVar("T")

#: So long a stopping collector tries to write what it holds. What it cannot write is left to the broker, not lost.
_STOP_SECONDS = 5.0

#: A chunk is decoded in pieces of so many bytes; a batch that holds so many bytes of messages takes no more.
_PIECE_BYTES = 256 * 1024
_BATCH_BYTES = 12 * 1024 * 1024

#: Seconds that one statement of a batch may take, of a part of one (with what its readings add), and of one message
#: alone that took longer than that. All cuts of a batch together are to stay below 10 s.
_WHOLE_SECONDS = 4.0
_PART_SECONDS = 0.2
_READINGS_A_SECOND = 50_000
_ALONE_SECONDS = 1.5


class Pipeline:
    """The collector of one MQTT session (``broker.client_id``).

    ``leftover``: filters that the session may have and shall not. ``drain``: take over the queue of a session that
    nobody serves any more; ``run`` then ends when it is empty. ``further``: filters (and QoS) besides the
    subscriptions', for devices with names of several levels.
    """

    def __init__(
        self,
        options: CollectorOptions,
        broker: BrokerOptions,
        metrics: Metrics,
        *,
        leftover: Sequence[str] = (),
        drain: bool = False,
        further: Sequence[tuple[str, int]] = (),
    ) -> None:
        self.options = options
        self.further = further
        self.name = broker.client_id
        self.metrics = metrics
        self._writer = BatchWriter(options, self.name, metrics)
        self._builder = self._writer.builder
        #: what was read and is not decoded yet: the batch that is received has enough
        self._waiting: deque[Chunk] = deque()
        #: what is being written: one batch, or what is left of one that was cut
        self._writing: list[PendingBatch] = []
        self._work = asyncio.Event()
        self._stopping = False
        self._stop_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._received = self._taken = time.monotonic()
        self.flow = Flow()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._paused = False
        #: absences whose queue is empty now, with the instant [us], until that is noted
        self._ended: deque[tuple[Absence, int]] = deque()
        self._probed = 0.0
        self.source: Source = make_source(
            broker, options, self._receive, self._connected, leftover=leftover, drain=drain, further=further
        )
        metrics.in_flight.append(self.in_flight)
        metrics.sources.append(self.source.status)

    # -- the event loop's side ---------------------------------------------------------------------------------------

    async def run(self, devices: Sequence[Device]) -> None:
        """Serve until ``stop``. ``devices`` is the registry; psycopg errors mean that the store is away.

        Raises store.tombstones.WrongKey where the store's tombstones cannot be honoured.
        """
        tasks: tuple[asyncio.Task[None], ...] = ()
        try:
            self._builder.memory.entries.update(await self._in_thread(self._writer.load_memory))
            backlog = self.source.status.backlog
            backlog.left_at = await self._in_thread(self._writer.left_at)
            backlog.ended = self._backlog_ended
            self._builder.routes.update(devices)
            source, writing = tasks = asyncio.create_task(self.source.run()), asyncio.create_task(self._write_loop())
            done, _ = await asyncio.wait({source, writing}, return_when=asyncio.FIRST_COMPLETED)
            if source in done and not source.exception():
                done, _ = await asyncio.wait({writing})
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            try:
                # one that failed raises above; here it would leave what it held in flight for ever, and its thread
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                self.metrics.in_flight.remove(self.in_flight)
                self._thread.submit(self._writer.close)
                self._thread.shutdown(wait=True)

    def update(self, devices: Sequence[Device], tombstones: Sequence[Tombstone], version: int) -> None:
        """Take over what changed in the registry and in the tombstones, both as they were at one moment."""
        self._builder.suppressions.take(tombstones, version)
        self._builder.routes.forget(tombstones)
        self._builder.routes.update(devices)

    @property
    def unread(self) -> UnreadNames:
        """What messages had and nobody read."""
        assert self._builder.unread is not None, "a collector is live"
        return self._builder.unread

    def look_again(self) -> None:
        """Look at the next message of every topic for what nobody reads."""
        self.unread.clear()
        self._builder.routes.look_again()

    def names_changed(self) -> bool:
        """Whether the registry has other names of several levels than the session is subscribed for."""
        devices = self._builder.routes.devices()
        wanted = further_filters(self.options.subscriptions, self.options.formats, devices)
        return list(wanted) != list(self.further)

    async def stop(self) -> None:
        """Read no more, write what is held, acknowledge it, leave the session at the broker."""
        if not self._stopping:
            self.source.pause()
            self._stopping = True
            self._stop_until = time.monotonic() + _STOP_SECONDS
            asyncio.get_running_loop().call_later(_STOP_SECONDS, self._give_up, self._writing)
            self._work.set()

    def _give_up(self, writing: list[PendingBatch]) -> None:
        """End a write that hangs since before we were told to stop."""
        if writing and self._writing is writing:
            self._writer.abort()

    def idle(self, seconds: float) -> bool:
        """Whether nothing was received for so long and nothing is held."""
        quiet = time.monotonic() - self._received >= seconds
        return quiet and not self._writing and not len(self._builder.pending) and not self._waiting

    def in_flight(self) -> dict[str, int]:
        """Messages by family that are received and not yet committed. Called from the metrics' thread."""
        total: Counter[int] = Counter()
        for pending in (self._builder.pending, *self._writing):
            total.update(route.family for route in list(pending.routes))
        return {FAMILY_NAMES[number]: count for number, count in total.items()}

    def _connected(self, session_present: bool) -> None:
        if session_present:
            return
        if self.source.status.connects > 1:
            self.source.status.lost += 1
            log.error("the broker has forgotten session %s: what it held for us is lost", self.name)
        else:
            log.info("session %s is new at the broker", self.name)
        self._decode(everything=True)
        # packet ids start anew, so what we remember of the old session's would be taken for the new one's
        self._builder.pending.forget.extend(self._builder.memory.clear())
        for pending in (self._builder.pending, *self._writing):
            pending.forget_session()

    def _backlog_ended(self, absence: Absence, at: int) -> None:
        self._ended.append((absence, at))
        self._work.set()

    async def _note_ended(self) -> None:
        """Behind the batches that hold what came: their rows are there, or nothing without a time came."""
        held = self._builder.pending.late or any(chunk.absence is not None for chunk in self._waiting)
        while self._ended and not held:
            absence, at = self._ended[0]
            work = asyncio.ensure_future(self._in_thread(partial(self._writer.note_drained, absence, at)))
            done, _ = await asyncio.wait({work}, timeout=_STOP_SECONDS)
            if not done:
                self._writer.abort()  # a frozen server: it must not keep us from stopping
            try:
                await work
            except psycopg.Error:
                return  # the store is away: after the next batch
            self._ended.popleft()

    def _receive(self, chunk: Chunk) -> None:
        self._received = time.monotonic()
        self._forget_confirmed()
        self._waiting.extend(pieces(chunk, _PIECE_BYTES))
        self._decode()

    def _decode(self, *, everything: bool = False) -> None:
        """Decode what waits, until the batch has enough; where it has, nothing more is read."""
        pending, limit = self._builder.pending, self.options.batch_readings
        waiting = self._waiting
        while waiting and (everything or not self._full()):
            self._builder.receive(waiting.popleft())
        held = pending.size + sum(part.size for part in self._writing)
        if not self._paused and (waiting or self._full() or held > self.options.held_bytes):
            self._paused = True
            self.source.pause()
        if len(pending.series_indexes) >= limit or len(pending) >= limit or waiting:
            self._work.set()
        elif self._timer is None and len(pending):
            self._timer = asyncio.get_running_loop().call_later(self.options.batch_age, self._work.set)

    def _full(self) -> bool:
        """Whether the batch that is received has as much as one transaction shall write."""
        pending, limit = self._builder.pending, 4 * self.options.batch_readings
        return len(pending.series_indexes) > limit or len(pending) > limit or pending.bytes > _BATCH_BYTES

    def _forget_confirmed(self) -> None:
        """Let go of messages whose acknowledgement the broker has: their packet ids may come again."""
        for mark in self.source.confirmed():
            packet_id = self._builder.memory.confirm(mark)
            if packet_id is not None:
                self._builder.pending.forget.append(packet_id)

    async def _write_loop(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._forget_confirmed()
            if len(self._builder.pending) or self._builder.pending.forget:
                with self.metrics.lock:
                    pending = self._builder.take()
                    self._writing = [pending]
                self._taken = time.monotonic()
                self._decode()
                self._note_held()
                if not await self._write_all():
                    left = sum(map(len, self._writing))
                    log.warning("stopped with the store away: %d messages are left to the broker", left)
                    await self.source.stop()
                    return
                self._go_on()
            await self._note_ended()
            if self._stopping and not len(self._builder.pending) and not self._waiting:
                await self.source.stop()
                return
            if len(self._builder.pending) and (self._stopping or self._timer is None):
                self._work.set()

    def _committed(self, pending: PendingBatch, outcome: Outcome) -> None:
        for generation, packet_ids in pending.acknowledgements():
            self.source.acknowledge(generation, packet_ids, self._builder.memory.acknowledge(generation, packet_ids))
        metrics = self.metrics
        with metrics.lock:
            self._writing.remove(pending)
            metrics.commit(outcome.counts)
        built, self._writer.built = self._writer.built, None
        batch = None if built is None else built.batch
        metrics.wrote(outcome, batch)
        now = time.monotonic()
        self.flow.committed(len(pending), now - self._taken, outcome.seconds, batch)
        self._taken = now

    def look(self) -> None:
        """Note how the session is, for the figures of its minute."""
        self._note_held()
        metrics = self.metrics
        self.flow.look(self.source.status.subscribed, metrics.broker_queued, metrics.broker_said_dropped)

    def _note_held(self) -> None:
        held = (self._builder.pending, *self._writing)
        self.flow.holds(sum(map(len, held)), sum(pending.size for pending in held))

    def _go_on(self) -> None:
        """Read again, where there is room."""
        if self._paused and not self._stopping and not self._waiting:
            self._paused = False
            self.source.resume()

    # -- the thread's side -------------------------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _write_all(self) -> bool:
        """Write what is to be written, cut where it must be; False where we are stopping and the store stays away."""
        seconds, again = _WHOLE_SECONDS, False
        while self._writing:
            pending = self._writing[0]
            outcome = await self._write(pending, seconds)
            if outcome is None:
                return False
            if isinstance(outcome, Outcome):
                self._committed(pending, outcome)
                again = False
            else:
                slow = too_slow(outcome)
                if len(pending) > 1 or (slow and not again):
                    log.warning("a batch of %d messages cannot be written: %s", len(pending), place_of(outcome))
                    again = len(pending) == 1
                    parts = cut(pending) if len(pending) > 1 else [pending]
                else:
                    parts = [self._aside(pending, outcome)]
                    again = False
                with self.metrics.lock:
                    self._writing[:1] = parts
            if self._writing:
                part = self._writing[0]
                seconds = self._part_seconds(part, alone=again or part.aside)
        return True

    def _part_seconds(self, part: PendingBatch, *, alone: bool) -> float:
        """How long a part may take, on a database that took ``_probed`` for next to nothing."""
        if alone:
            return _ALONE_SECONDS + 10 * self._probed
        return _PART_SECONDS + 3 * self._probed + len(part.series_indexes) / _READINGS_A_SECOND

    def _aside(self, pending: PendingBatch, error: Exception) -> PendingBatch:
        """One message that the store does not take, as a rejected one; if it takes not even that, as a counted one."""
        part = set_aside(pending, place_of(error))
        part.unkept = pending.aside
        device = pending.routes[0].device_id if not pending.routes[0].personal else "a household"
        log.error("a message of %s cannot be written and is set aside: %s", device, place_of(error))
        return part

    async def _write(self, pending: PendingBatch, seconds: float) -> Outcome | Exception | None:
        """Write one batch, however often it takes; None where we are stopping and the store stays away.

        An exception where the database is well, and this batch cannot be written or takes longer than ``seconds``.
        """
        backoff = 0.05
        while True:
            patience = self.options.write_timeout
            if self._stopping:
                patience = min(patience, _STOP_SECONDS)
            work = asyncio.ensure_future(self._in_thread(lambda: self._write_or_fail(pending, seconds)))
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

    def _write_or_fail(self, pending: PendingBatch, seconds: float) -> Outcome | Exception:
        """Write a batch; an error that lies in it comes back, where it is sure that nothing of it is written."""
        try:
            return self._writer.write(pending, seconds)
        except Exception as error:
            of_the_batch = len(pending) > 0 and not pending.unkept and (lies_in_data(error) or too_slow(error))
            if not of_the_batch or not self._writer.certain:
                raise
            found = error
        self._writer.forget(pending)
        # it may have been the database after all, or somebody's lock
        self._probed = self._writer.probe(_ALONE_SECONDS)
        return found


def first_line(error: BaseException) -> str:
    """What a database error says, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
