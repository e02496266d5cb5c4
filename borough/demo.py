"""The demo: an embedded PostgreSQL and broker, the collector as in production, a simulated fleet and one page.

Each part is a process of its own that ends with this one, in whatever way this one ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import aiomqtt

from borough.children import Child
from borough.database import reachable
from borough.demo_page import Page, listen
from borough.demo_report import Report
from borough.demo_state import DemoState, settle_database
from borough.embedded_broker import READY
from borough.errors import Failure
from borough.output import tell
from borough.postgres_server import PostgresServer, embedded_binaries, free_port
from devices.device import Device
from simulators.fleet import DEMO, make_fleet
from simulators.player import Pace, Played, play
from simulators.signals import from_instant
from store import accounting, migrations, overview
from store import devices as device_table
from store.connect import connect

_SEED = 20_260_201
#: Simulated seconds a real second, and how far back the first start begins: a week passes in 42 minutes. It begins at
#: six in the morning, when bays send a heartbeat and the day's traffic sets in.
_SPEED, _HISTORY = 240.0, timedelta(days=7)
_USER = "demo"
#: How long the collector may take to read what was published, and to end.
_DRAIN_SECONDS, _STOP_SECONDS = 15.0, 20.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What ``borough demo`` was asked for. ``seconds`` None: until Ctrl-C; ``port`` None: a free one."""

    folder: Path
    seconds: float | None = None
    port: int | None = None


class Interrupted(Exception):
    """Ctrl-C or SIGTERM during the start."""


@dataclass(slots=True)
class _Stop:
    """Set by Ctrl-C and SIGTERM. During the start it is looked at between the steps, so that none is cut in half."""

    event: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        if self.event.is_set():
            raise Interrupted

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.event.set()


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_demo(options: DemoOptions) -> Report:
    """Run until the time is over or somebody ends it; the accounting after everything has been read and stored.

    Raises Interrupted during the start, Failure where a part does not start or ends by itself, UsageError for a
    folder that cannot be used.
    """
    with _signals() as stop, DemoState(options.folder) as state, ExitStack() as parts:
        # the page's port first: a wrong --port is told before anything is started
        listener = parts.enter_context(listen(options.port))
        database = parts.enter_context(_database(state.folder))
        url = database.url("borough")
        stop.check()
        devices = make_fleet(DEMO, _SEED)
        start = _prepare(database.url(), url, devices)
        stop.check()
        password = secrets.token_urlsafe(12)
        port, broker = _broker(parts, state.folder, password)
        stop.check()
        collector = Child(
            "collector",
            [sys.executable, "-P", "-m", "borough", "collect"],
            log=state.folder / "collector.log",
            environment=_collector_environment(url, port, password, metrics := free_port()),
        )
        parts.callback(collector.stop, _STOP_SECONDS)
        page = parts.enter_context(Page(url, listener))
        _await_ready(collector, metrics, stop)
        _introduce(page.url, port, password, database, state.folder, len(devices))
        before = _received(url)
        played = asyncio.run(_play(options, devices, start, port, password, [broker, collector], stop))
        _await_received(url, before + played.messages, collector)
        status = collector.stop(_STOP_SECONDS)
        if status != 0:
            raise Failure(f"the collector ended with status {status}: {collector.last_words()}")
        with connect(url, "borough demo") as connection:
            totals = accounting.totals(connection)
            return Report(
                families=totals,
                stored_in_table=overview.count_readings(connection),
                published=played.messages,
                received=sum(counts.messages_received for counts in totals.values()) - before,
            )


@contextmanager
def _database(folder: Path) -> Iterator[PostgresServer]:
    settle_database(folder / "postgres")
    server = PostgresServer(
        embedded_binaries(), folder / "postgres", settings={"shared_buffers": "32MB", "max_connections": 40}
    )
    with server:
        yield server


def _prepare(server_url: str, url: str, devices: list[Device]) -> datetime:
    """Make and migrate the database, register the fleet; the simulated instant to start from."""
    with reachable(url):
        with connect(server_url, "borough demo", autocommit=True) as connection:
            found = connection.execute("select from pg_database where datname = 'borough'").fetchone()
            if found is None:
                connection.execute("create database borough")
        migrations.upgrade(url)
        with connect(url, "borough demo") as connection:
            device_table.upsert(connection, devices)
            newest = overview.newest_simulated(connection)
    now = datetime.now(UTC)
    earliest = (now - _HISTORY).replace(hour=6, minute=0, second=0, microsecond=0)
    return earliest if newest is None else min(max(newest, earliest), now)


def _broker(parts: ExitStack, folder: Path, password: str) -> tuple[int, Child]:
    """Start the embedded broker on a free port."""
    for attempt in range(3):
        port = free_port()
        command = [sys.executable, "-P", "-m", "borough.embedded_broker"]
        child = Child("broker", command, log=folder / "broker.log", environment=_environment(), pipes=True)
        parts.callback(child.stop, 5.0)
        child.stdin.write(json.dumps({"port": port, "username": _USER, "password": password}).encode() + b"\n")
        child.stdin.flush()
        # an end of the process is an empty line: somebody else took the port between our look and its own
        if child.stdout.readline().strip() == READY.encode():
            return port, child
        if attempt == 2:
            child.stop(5.0)
            child.check()
    raise AssertionError("the loop returns or raises")


def _environment() -> dict[str, str]:
    """Ours without the settings of a real service: the demo must never reach a real database or broker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOROUGH_", "PG"))}
    # the children start in /, so the path must be found from there
    path = [str(Path(entry or ".").resolve()) for entry in sys.path]
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}


def _collector_environment(url: str, port: int, password: str, metrics: int) -> dict[str, str]:
    return {
        **_environment(),
        "BOROUGH_DATABASE_URL": url,
        "BOROUGH_MQTT_URL": f"mqtt://127.0.0.1:{port}",
        "BOROUGH_MQTT_USERNAME": _USER,
        "BOROUGH_MQTT_PASSWORD": password,
        "BOROUGH_MQTT_SOURCE": "paho",  # the embedded broker speaks MQTT 3.1.1
        "BOROUGH_MQTT_RECEIVE_MAXIMUM": "1000",
        "BOROUGH_METRICS_PORT": str(metrics),
        # what somebody tries out with the printed account is taken too, and is never taken for real
        "BOROUGH_AUTO_REGISTER": "true",
        "BOROUGH_AUTO_REGISTER_ORIGIN": "simulated",
    }


def _await_ready(collector: Child, port: int, stop: _Stop) -> None:
    until = time.monotonic() + 60
    said = "it gave no answer"
    while time.monotonic() < until:
        stop.check()
        collector.check()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode().strip()
        except OSError as error:
            said = str(error)
        stop.event.wait(0.05)
    raise Failure(f"the collector is not ready: {said}; {collector.last_words()}")


def _introduce(page: str, port: int, password: str, database: PostgresServer, folder: Path, devices: int) -> None:
    tell(
        f"Borough Telemetry demo: {devices} simulated devices. This is a demo and not the place for real data.\n"
        f"  page      {page}\n"
        f"  broker    mqtt://127.0.0.1:{port}  user {_USER}  password {password}  (for this run only)\n"
        f"  database  postgresql://postgres@127.0.0.1:{database.port}/borough  password in {folder}/postgres.password\n"
        f"  state     {folder}  (all that is kept; borough demo --reset removes it)\n"
        "Ctrl-C ends it."
    )


async def _play(
    options: DemoOptions,
    devices: list[Device],
    start: datetime,
    port: int,
    password: str,
    children: list[Child],
    stop: _Stop,
) -> Played:
    """Publish until the time is over or somebody ends it; everything that is counted was acknowledged."""
    played = Played()
    done = asyncio.Event()
    until = time.monotonic() + options.seconds if options.seconds is not None else None
    try:
        async with aiomqtt.Client(
            "127.0.0.1", port, username=_USER, password=password, identifier="borough-demo-fleet"
        ) as client:
            messages = from_instant(devices, start, _SEED)
            playing = asyncio.create_task(play(client, messages, Pace(start, _SPEED), played, done))
            while not (playing.done() or stop.event.is_set() or (until is not None and time.monotonic() >= until)):
                for child in children:
                    child.check()
                await asyncio.wait({playing}, timeout=0.1)
            done.set()
            await playing
    except aiomqtt.MqttError as error:
        for child in children:
            child.check()
        raise Failure(f"the fleet lost the broker: {error}") from None
    return played


def _received(url: str) -> int:
    with reachable(url), connect(url, "borough demo") as connection:
        return sum(counts.messages_received for counts in accounting.totals(connection).values())


def _await_received(url: str, expected: int, collector: Child) -> None:
    """Wait until the collector has committed what was published; the report tells what is missing after that."""
    until = time.monotonic() + _DRAIN_SECONDS
    while _received(url) < expected and time.monotonic() < until:
        collector.check()
        time.sleep(0.1)
