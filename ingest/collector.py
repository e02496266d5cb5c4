"""``borough collect``: one process that serves one session until SIGTERM, and the drained leftovers of others."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import psycopg

from devices.device import Device
from devices.text import visible
from ingest.broker_watch import watch
from ingest.control import Control, SessionLost, missing
from ingest.decoder_version import format_marks
from ingest.device_names import further_filters
from ingest.errors import OptionsError
from ingest.health import HealthServer
from ingest.metrics import Metrics
from ingest.options import CollectorOptions
from ingest.pipeline import Pipeline, first_line
from ingest.subscriptions import defaults_of, filters_of
from ingest.tls import check_tls
from store.batch import Counts
from store.series import NotRegistered
from store.tombstones import WrongKey

log = logging.getLogger(__name__)

#: How often we look for shared sessions that nobody serves (longer than a replica's restart takes), and how long a
#: session must be silent to be empty.
_ORPHAN_SECONDS = 5.0
_DRAINED_SECONDS = 2.0
#: How often messages are looked through for what nobody reads in them.
_LOOK_SECONDS = 3600.0
#: How often a collector that lacks the key of the tombstones looks again.
_KEY_SECONDS = 2.0
#: [us].
_HOUR = 3_600_000_000


async def run(
    options: CollectorOptions, stop: asyncio.Event | None = None, metrics: Metrics | None = None
) -> dict[str, Counts]:
    """Collect until SIGTERM, SIGINT or ``stop``; returns what was committed, by family.

    ``metrics`` may be given by who wants to watch.

    Raises OptionsError where the metrics port is taken, a certificate's file or the archive cannot be used. Everything
    else that fails is waited for.
    """
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    check_tls(options.broker)
    if options.archive is not None:
        from ingest.archive import make_folders  # for whom nothing is archived it would only take time

        try:
            make_folders(options.archive)
        except OSError as error:
            raise OptionsError(f"BOROUGH_ARCHIVE: {error.filename}: {error.strerror}") from None
    metrics = metrics or Metrics()
    collector = Collector(options, metrics)
    health = HealthServer(options.metrics_host, options.metrics_port, collector.missing, metrics.text)
    log.info("health and metrics on http://%s:%d", options.metrics_host, health.port)
    settle_garbage()
    try:
        await collector.run(stop)
    finally:
        health.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    return metrics.committed


def settle_garbage() -> None:
    """Have garbage collected seldom, and what the imports left never looked at again: it is none."""
    gc.collect()
    gc.freeze()
    gc.enable()  # the command line starts us without
    gc.set_threshold(50_000, 20, 100)


class Collector:
    """Keeps one pipeline on the session that it holds; stands by while another collector holds it."""

    def __init__(self, options: CollectorOptions, metrics: Metrics) -> None:
        self.options = options
        self.metrics = metrics
        broker = options.broker
        shared = broker.shared_group is not None
        self._control = Control(
            options.database_url,
            broker.client_id,
            shared=shared,
            tombstone_key=options.tombstone_key,
            formats=format_marks(options),
        )
        self._broker = f"{broker.host}:{broker.port}"
        self._key_problem = ""
        self._pipeline: Pipeline | None = None
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._next_orphan = time.monotonic() + _ORPHAN_SECONDS
        self._next_look = time.monotonic() + _LOOK_SECONDS
        metrics.broker_connected = self._subscribed

    def missing(self) -> list[str]:
        """What keeps us from being ready. Called from the health server's thread."""
        return missing(
            self._control,
            [
                (self.metrics.database_up, "the database is not reached or takes nothing"),
                (not self._key_problem, self._key_problem),
                (
                    self._pipeline is not None or bool(self._key_problem),
                    "another collector serves the session; standing by",
                ),
                (self._subscribed(), self._broker_problem()),
            ],
        )

    def _subscribed(self) -> bool:
        return self._pipeline is not None and self._pipeline.source.status.subscribed

    def _broker_problem(self) -> str:
        pipeline = self._pipeline
        problem = visible(pipeline.source.status.problem) if pipeline is not None else ""
        return "the broker has not confirmed every subscription" + (f": {problem}" if problem else "")

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``."""
        watcher = asyncio.create_task(watch(self.options.broker, self.metrics))
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                name = await self._session(stop)
                if name is not None:
                    await self._serve(name, stopped)
        finally:
            for task in (watcher, stopped, *self._drains.values()):
                task.cancel()
            await asyncio.gather(watcher, stopped, *self._drains.values(), return_exceptions=True)
            await self._control.close()

    async def _session(self, stop: asyncio.Event) -> str | None:
        """Wait for the store and for a session that nobody else serves."""
        said = ""
        while not stop.is_set():
            try:
                name = await self._control.take_session()
                self.metrics.database_reached = True
                if name is not None:
                    return name
                text = (
                    "every session is served by other collectors: standing by"
                    if self._control.schema_current
                    else "the database schema is not current: run borough migrate"
                )
            except psycopg.Error as error:
                self.metrics.database_reached = False
                text = f"the database is not reached: {first_line(error)}"
            except SessionLost:
                continue
            if text != said:
                log.warning("%s", text)
                said = text
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await stop.wait()
        return None

    async def _serve(self, name: str, stopped: asyncio.Task[bool]) -> None:
        broker = replace(self.options.broker, client_id=name)
        try:
            devices = (await self._control.refresh()).devices
            further = self._further(devices)
            wanted = filters_of(self.options.subscriptions, broker.shared_group, further)
            leftover = await self._leftover(name, wanted)
        except (psycopg.Error, SessionLost):
            return
        except WrongKey as error:
            await self._wait_for_key(error, stopped)
            return
        self._key_problem = ""
        pipeline = self._pipeline = Pipeline(self.options, broker, self.metrics, leftover=leftover, further=further)
        log.info("serving session %s with %d devices", name, len(devices))
        serving = asyncio.create_task(pipeline.run(devices))
        try:
            while not serving.done():
                await asyncio.wait(
                    {serving, stopped}, timeout=self.options.registry_refresh, return_when=asyncio.FIRST_COMPLETED
                )
                if stopped.done():
                    await pipeline.stop()
                    await asyncio.wait({serving})
                    if self.metrics.database_reached:
                        with suppress(psycopg.Error, SessionLost):
                            await self._note_unsubscribed(pipeline)
                elif not serving.done():
                    await self._tick(pipeline)
            if self.metrics.database_reached:
                with suppress(psycopg.Error, SessionLost):
                    await self._note_flow(pipeline)
        finally:
            self._pipeline = None
        try:
            serving.result()
        except NotRegistered:
            # erased with messages on their way: none of these is acknowledged, and they come again
            log.warning("a device is not registered any more: the registry is read anew")
        except WrongKey as error:
            await self._wait_for_key(error, stopped)
        except psycopg.Error as error:  # at its start, before there is anything to lose
            log.warning("the database is not reached: %s", first_line(error))
            await asyncio.sleep(0.5)

    async def _leftover(self, name: str, filters: Sequence[tuple[str, int]]) -> list[str]:
        """What the session may have and shall not; what it shall have is remembered before it is asked for."""
        wanted = [pattern for pattern, _ in filters]
        known = await self._control.filters(name)
        if wanted:
            await self._control.remember_filters(name, self._broker, wanted)
        if not known:  # a database without its past, or a version that remembered nothing
            ours = filters_of(defaults_of(self.options.formats), self.options.broker.shared_group)
            known = [pattern for pattern, _ in ours]
        return [pattern for pattern in known if pattern not in wanted]

    async def _note_unsubscribed(self, pipeline: Pipeline) -> None:
        status = pipeline.source.status
        if status.unsubscribed:
            gone = list(status.unsubscribed)
            await self._control.forget_filters(pipeline.name, self._broker, gone)
            del status.unsubscribed[: len(gone)]

    def _further(self, devices: Iterable[Device]) -> list[tuple[str, int]]:
        return further_filters(self.options.subscriptions, self.options.formats, devices)

    async def _wait_for_key(self, error: WrongKey, stopped: asyncio.Task[bool]) -> None:
        """Nothing may be stored where it cannot be told who was erased: the broker keeps what comes."""
        if self._key_problem != str(error):
            self._key_problem = str(error)
            log.error("nothing is collected: %s; set BOROUGH_TOMBSTONE_KEY_FILE and start again", error)
        await asyncio.wait({stopped}, timeout=_KEY_SECONDS)

    async def _tick(self, pipeline: Pipeline) -> None:
        """Registry changes, the session's lock, its figures, sessions that nobody serves."""
        pipeline.look()
        try:
            registry = await self._control.refresh()
            if not self.metrics.database_reached:
                log.info("the database is reached again")
            self.metrics.database_reached = True
            pipeline.update(*registry)
            await self._note_unsubscribed(pipeline)
            if (registry.devices or registry.tombstones) and pipeline.names_changed():
                # what a session is subscribed to is told when it connects
                log.info("the registry names other topics: session %s connects anew", pipeline.name)
                await pipeline.stop()
                return
            if pipeline.flow.due():
                await self._note_flow(pipeline)
            if rows := pipeline.unread.news():
                await self._control.note_unread(rows)
                pipeline.unread.noted(rows)
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + _LOOK_SECONDS
                pipeline.look_again()
            if self.options.broker.shared_group and time.monotonic() >= self._next_orphan:
                self._next_orphan = time.monotonic() + _ORPHAN_SECONDS
                for orphan in await self._control.orphans():
                    self._drains[orphan] = asyncio.create_task(self._drain(orphan))
        except psycopg.Error as error:
            if self.metrics.database_reached:
                log.error("the database is not reached: %s", first_line(error))
            self.metrics.database_reached = False
        except SessionLost:
            log.warning("another collector took over session %s: standing by", pipeline.name)
            await pipeline.stop()
        except WrongKey as error:
            log.error("%s", error)
            await pipeline.stop()

    async def _note_flow(self, pipeline: Pipeline) -> None:
        """Write what the session's minutes were like; what cannot be written now is written later."""
        flow = pipeline.flow
        if flow.unknown is not None:
            flow.add(await self._control.noted_flow(pipeline.name, flow.unknown, flow.unknown // _HOUR * _HOUR))
        figures = flow.figures()
        await self._control.note_flow(pipeline.name, figures)
        flow.written(figures)
        if self.metrics.archive_failing:
            await self._control.note_unarchived(pipeline.name, self.metrics.archive_missed)

    async def _drain(self, name: str) -> None:
        """Empty and end a shared session that nobody serves: the broker goes on giving it its share."""
        log.warning("nobody serves session %s: taking what is queued for it", name)
        broker = replace(self.options.broker, client_id=name)
        running: asyncio.Task[None] | None = None
        try:
            leftover = await self._leftover(name, [])
            devices = await self._control.devices()
            pipeline = Pipeline(self.options, broker, self.metrics, leftover=leftover, drain=True)
            running = asyncio.create_task(pipeline.run(devices))
            while not (running.done() or (pipeline.source.status.subscribed and pipeline.idle(_DRAINED_SECONDS))):
                await asyncio.wait({running}, timeout=0.5)
                pipeline.look()
                if pipeline.flow.due():
                    await self._note_flow(pipeline)
            await pipeline.stop()
            await running
            await self._note_flow(pipeline)
            await self._control.retire(name, self._broker)
            log.info("session %s is empty and ended", name)
        except (psycopg.Error, SessionLost, WrongKey) as error:
            log.warning("session %s is not drained yet: %s", name, error)
        finally:
            if running is not None:
                running.cancel()
            self._drains.pop(name, None)
