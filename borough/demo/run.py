"""The demo: an embedded PostgreSQL and broker, collector and analyst as in production, a simulated fleet, its pages.

Each part is a process of its own that ends with this one, in whatever way this one ends; the fleet and the page are
threads of this one.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from borough.children import Child
from borough.database import reachable
from borough.demo.air import air_links, subscribe
from borough.demo.analyst import Analyst
from borough.demo.bays import lay_out, parking_links
from borough.demo.care import care_links, name_carer
from borough.demo.erasure import Erasure
from borough.demo.example import report_of
from borough.demo.example import start as start_example
from borough.demo.fleet import FleetAtWork
from borough.demo.households import demo_homes, move_in
from borough.demo.mailbox import Mailbox, relay
from borough.demo.nudges import give_addresses, note_links
from borough.demo.pages import Page, demo_site, engineer_link, listen
from borough.demo.plan import Plan, make_plan
from borough.demo.processes import (
    USER,
    EmbeddedBroker,
    await_ready,
    database,
    jobs_folder,
    start_broker,
    start_collector,
    start_deliverer,
    start_worker,
)
from borough.demo.report import History, Report
from borough.demo.state import DemoState
from borough.demo.weather import take_weather
from borough.errors import Failure
from borough.output import tell
from borough.postgres_server import PostgresServer, free_port
from borough.replay.progress import ProgressLine
from borough.rights.finishing import Finisher
from borough.scoring.reconcile import reconcile, survey
from borough.scoring.result import Score
from dashboard.simulation import Simulation as Shown
from devices.counts import counted
from simulators.connections import Broker
from store import accounting, migrations, overview, registry
from store.connect import Connection, connect
from store.times import microseconds

#: How long the collector may take to read what was published, and to end [s].
_DRAIN_SECONDS, _STOP_SECONDS = 30.0, 20.0
#: How long the first message may take to be counted, before a given number of seconds is over without one [s].
_FIRST_MESSAGE_SECONDS = 60.0
#: Unacknowledged messages of the fleet: the embedded broker loses some beyond 10,000.
_WINDOW = 500


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What ``borough demo`` was asked for. ``seconds`` None: until Ctrl-C; ``port`` None: a free one; ``speed``:
    simulated seconds a second of the present."""

    folder: Path
    fleet: Path
    seconds: float | None = None
    port: int | None = None
    speed: float = 60.0


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
    folder or a fleet file that cannot be used.
    """
    begun = time.monotonic()
    with _signals() as stop, DemoState(options.folder) as state, ExitStack() as parts:
        # what was asked for first: a wrong --port or --fleet is told before anything is started
        listener = parts.enter_context(listen(options.port))
        plan = make_plan(options.fleet, state.folder, datetime.now(UTC))
        server = parts.enter_context(database(state.folder))
        url = server.url("borough")
        stop.check()
        erasure = Erasure(state.folder, url)
        _prepare(server.url(), url, plan, erasure)
        stop.check()
        broker = start_broker(parts, state.folder)
        stop.check()
        collector = start_collector(state.folder, url, broker, metrics := free_port(), erasure.key_file)
        parts.callback(collector.stop, _STOP_SECONDS)
        fleet = _fleet(parts, options, plan, broker, state.folder, url)
        parts.enter_context(Finisher(erasure.context))
        mailbox = Mailbox(state.folder / "mailbox")
        smtp = parts.enter_context(relay(mailbox))
        page = parts.enter_context(
            Page(
                demo_site(
                    url, lambda: fleet.shown, erasure, jobs_folder(state.folder), mailbox, report_of(state.folder)
                ),
                listener,
            )
        )
        with reachable(url):
            links = parking_links(url, page.url) if plan.bays is not None and plan.bays.has_bays else []
            links += air_links(page.url) if plan.bays is not None and plan.bays.has_air else []
            links += care_links(url, page.url) if plan.bays is not None and plan.bays.has_movement else []
            links.append(engineer_link(url, page.url))
        _introduce(page.url, broker, server, state.folder, plan, links)
        await_ready(collector, metrics, stop.event)
        stop.check()
        with connect(url, "borough demo") as connection:
            before = _received(connection)
        start_example(parts, state.folder)
        homes = list(demo_homes(plan.devices))
        analyst = Analyst(parts, state.folder, url, page.url, lambda: note_links(url, homes, page.url))
        worker = _Later(parts, lambda: start_worker(state.folder, url, broker))
        deliverer = _Later(parts, lambda: start_deliverer(state.folder, url, smtp, page.url))
        leavers = parts.enter_context(_Leavers(url, erasure, plan, fleet))
        _watch(options, begun, fleet, [broker.child, collector], stop, analyst, (worker, deliverer), leavers)
        worker.stop()
        drained = _await_received(url, before + fleet.published, collector)
        status = collector.stop(_STOP_SECONDS)
        if status != 0:
            raise Failure(f"the collector ended with status {status}: {collector.last_words()}")
        if drained:
            fleet.keep_edge()
        with reachable(url):
            erasure.finish()
        # a score takes as long as the ledger is: whoever presses Ctrl-C does not wait for it
        return _report(url, fleet, plan, before, erasure, scored=options.seconds is not None)


def _prepare(server_url: str, url: str, plan: Plan, erasure: Erasure) -> None:
    """Make and migrate the database, register the fleet and its homes, except those that have left."""
    with reachable(url):
        migrations.create_database(server_url, "borough")
        migrations.upgrade(url)
        with connect(url, "borough demo") as connection:
            erasure.note(connection)
            left = erasure.left(connection, plan.devices)
            registry.upsert(connection, [device for device in plan.devices if device.id not in left])
            move_in(connection, plan.devices, left)
            if plan.live.fleet is not None:
                take_weather(connection, plan.live.fleet, microseconds(datetime.now(UTC)))
            own = plan.bays
            homes = [home for home in demo_homes(plan.devices) if home.where not in left]
            if own is not None and own.has_bays:
                lay_out(connection, own.live, homes)
            name_carer(connection, homes)
            give_addresses(connection, homes)
            # once: whoever deletes it on the page is not asked for it anew
            if own is not None and own.has_air and plan.loaded == 0 and own.live.fleet is not None:
                subscribe(connection, own.live.fleet)


def _fleet(
    parts: ExitStack, options: DemoOptions, plan: Plan, broker: EmbeddedBroker, folder: Path, url: str
) -> FleetAtWork:
    """The fleet, not yet at work."""
    with reachable(url):
        account = parts.enter_context(connect(url, "borough demo", autocommit=True))
    before = _received(account)
    fleet = FleetAtWork(
        plan,
        Broker("127.0.0.1", broker.port, USER, broker.password, protocol=4, window=_WINDOW),
        folder,
        options.speed,
        lambda: _received(account) - before,
    )
    parts.callback(_leave, fleet)
    return fleet


def _leave(fleet: FleetAtWork) -> None:
    """Where something else went wrong: its broker may be gone, so it is not waited for long."""
    fleet.end()
    if fleet.is_alive():
        fleet.join(10.0)


def _introduce(
    page: str, broker: EmbeddedBroker, server: PostgresServer, folder: Path, plan: Plan, links: Sequence[str]
) -> None:
    past = (
        f"{counted(plan.days - plan.loaded, 'day of history comes', 'days of history come')} first, then the present."
        if plan.history
        else ""
    )
    for line in (
        (
            f"Borough Telemetry demo: {counted(len(plan.devices), 'simulated device')}. This is a demo and "
            f"not the place for real "
            f"data. {past}"
        ),
        f"  page      {page}",
        *links,
        f"  broker    mqtt://127.0.0.1:{broker.port}  user {USER}  password {broker.password}  (for this run only)",
        f"  database  postgresql://postgres@127.0.0.1:{server.port}/borough  password in {folder}/postgres.password",
        f"  state     {folder}  (all that is kept; borough demo --reset removes it)",
        f"  mailbox   {page}demo/mailbox  (every e-mail that the demo sends)",
        (
            f"  score     BOROUGH_DATABASE_URL=postgresql://postgres@127.0.0.1:{server.port}/borough "
            f"BOROUGH_DATABASE_PASSWORD_FILE={folder}/postgres.password borough reconcile {folder}/ledger/*.parquet "
            "--wait 30"
        ),
        "Ctrl-C ends it.",
    ):
        tell(line)


class _Leavers:
    """Tells the fleet's ledger which households have left, by the pages or by a command."""

    def __init__(self, url: str, erasure: Erasure, plan: Plan, fleet: FleetAtWork) -> None:
        self._erasure, self._plan, self._fleet = erasure, plan, fleet
        self._connection = connect(url, "borough demo", autocommit=True)
        self._known = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.close()

    def tend(self) -> None:
        """Call it again and again. Raises psycopg.Error."""
        version = self._erasure.version(self._connection)
        if version != self._known:
            self._known = version
            self._fleet.ledger.left = frozenset(self._erasure.left(self._connection, self._plan.devices))


class _Later:
    """A process that starts once the past is stored: what a worker of jobs sends would be taken for some of that, and
    while it is loaded the newest that homes said is weeks old, which carers would be told of."""

    def __init__(self, parts: ExitStack, start: Callable[[], Child]) -> None:
        self._parts, self._start = parts, start
        self._child: Child | None = None

    def tend(self) -> None:
        """Call it again and again. Raises Failure where it has ended by itself."""
        if self._child is None:
            self._child = self._start()
            self._parts.callback(self._child.stop, _STOP_SECONDS)
        self._child.check()

    def stop(self) -> None:
        """End it: a worker's job goes back with how far it is, while the collector still takes what is out."""
        if self._child is not None:
            self._child.stop(_STOP_SECONDS)
            self._child = None


def _watch(
    options: DemoOptions,
    begun: float,
    fleet: FleetAtWork,
    children: list[Child],
    stop: _Stop,
    analyst: Analyst,
    later: Sequence[_Later],
    leavers: _Leavers,
) -> None:
    """Let the fleet work until the time is over or somebody ends it; everything that is counted was acknowledged."""
    until = None if options.seconds is None else time.monotonic() + max(options.seconds, _FIRST_MESSAGE_SECONDS)
    spoken = False
    line = ProgressLine()
    told = fleet.shown.phase == "live"
    fleet.start()
    try:
        while fleet.is_alive():
            for child in children:
                child.check()
            if options.seconds is not None and fleet.published and not spoken:
                spoken = True
                # from the start of the whole, but half of it at least is the fleet's, however slow the machine
                until = max(begun + options.seconds, time.monotonic() + options.seconds / 2)
            if stop.event.is_set() or (until is not None and time.monotonic() >= until):
                fleet.end()
            if fleet.shown.phase == "history":
                line.show(fleet.published, fleet.shown.words(datetime.now(UTC)))
            elif fleet.shown.phase == "live" and not told:
                told = True
                line.end()
                if fleet.history_messages:
                    tell(_loaded(fleet.shown, fleet.history_seconds))
            leavers.tend()
            if fleet.past_is_stored():
                analyst.tend()
                for part in later:
                    part.tend()
            fleet.join(0.1)
    finally:
        line.end()
    if fleet.error is not None:
        for child in children:
            child.check()
        raise Failure(f"the fleet had to end: {fleet.error}")


def _loaded(shown: Shown, seconds: float) -> str:
    return (
        f"History: {counted(shown.days, 'day')} with {counted(shown.history_readings, 'reading')} went "
        f"through the broker in "
        f"{seconds:.0f} s. Now the present, {shown.speed:g} times as fast as the clock, with some faults."
    )


def _received(connection: Connection) -> int:
    return sum(counts.messages_received for counts in accounting.totals(connection).values())


def _await_received(url: str, expected: int, collector: Child) -> bool:
    """Wait until the collector has committed what was published; the report tells what is missing after that."""
    until = time.monotonic() + _DRAIN_SECONDS
    with reachable(url), connect(url, "borough demo", autocommit=True) as connection:
        while (received := _received(connection)) < expected and time.monotonic() < until:
            collector.check()
            time.sleep(0.1)
    return received >= expected


def _report(url: str, fleet: FleetAtWork, plan: Plan, before: int, erasure: Erasure, *, scored: bool) -> Report:
    with reachable(url), connect(url, "borough demo") as connection:
        totals = accounting.totals(connection)
        return Report(
            families=totals,
            stored_in_table=overview.count_readings(connection),
            erased=erasure.gone(connection),
            published=fleet.published,
            received=sum(counts.messages_received for counts in totals.values()) - before,
            history=History(
                days=plan.days,
                days_loaded=fleet.shown.days_loaded,
                readings=fleet.shown.history_readings,
                seconds=fleet.history_seconds,
            ),
            score=_score(connection, fleet) if scored else None,
        )


def _score(connection: Connection, fleet: FleetAtWork) -> Score | None:
    """This run's ledger against the store; None where nothing was published."""
    if not fleet.written:
        return None
    found = survey(fleet.written)
    return None if found.first is None else reconcile(connection, fleet.written, found)
