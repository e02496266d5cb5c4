"""The demo's fleet at work, in a thread of its own: first the past as packs, then the present; bays in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from borough.demo.ledger import LedgerFolder
from borough.demo.plan import Plan
from dashboard.simulation import Simulation as Shown
from simulators.clock import DAY_US, HALF_HOUR_US
from simulators.connections import Broker, Connections
from simulators.publisher import PublishError
from simulators.run import Clock, Progress, Simulation, publish
from store.times import instant

#: So long what is out may take to be stored.
_DELIVERY_SECONDS = 30.0


class FleetAtWork(threading.Thread):
    """Publishes a plan until `end` is asked for. ``shown`` is how far it is.

    ``received`` tells how many messages the collector has stored of this run: of the past no more than two days are out
    beyond that, since the embedded broker keeps what waits in memory. It is called in this thread.
    """

    def __init__(self, plan: Plan, broker: Broker, folder: Path, speed: float, received: Callable[[], int]) -> None:
        super().__init__(name="fleet", daemon=True)
        self._plan, self._broker, self._folder, self._speed, self._received = plan, broker, folder, speed, received
        self._end = threading.Event()
        self.ledger = LedgerFolder(folder / "ledger", plan.place.messages)
        self._bays = None if plan.bays is None else _BaysAtWork(self, plan.bays.live)
        self._bay_ledger = LedgerFolder(folder / "ledger", plan.place.bay_messages, "bays-")
        self.shown = Shown(phase="history", days=plan.days, days_loaded=plan.loaded, speed=speed)
        self._published = 0
        self.history_seconds = 0.0
        self.history_messages = 0
        #: Until this instant [us] all that was observed is out.
        self.edge = plan.place.until
        self.bay_edge = plan.place.bays_until
        self._lock = threading.Lock()
        self._published_before = 0
        self._past_stored = False
        self.error: Exception | None = None

    @property
    def published(self) -> int:
        """Messages that are out."""
        return self._published + (0 if self._bays is None else self._bays.published)

    @property
    def written(self) -> list[Path]:
        """This run's ledgers."""
        return [*self.ledger.written, *self._bay_ledger.written]

    def end(self) -> None:
        """Ask it to end; what is out by then is acknowledged and in the ledger."""
        self._end.set()

    def past_is_stored(self) -> bool:
        """Whether the present has begun and all of the past is stored; from then on it is."""
        if not self._past_stored and self.shown.phase != "history":
            self._past_stored = self._received() >= self.history_messages
        return self._past_stored

    def keep_edge(self) -> None:
        """After its end, and when all of it is stored: the next run goes on from here."""
        self._keep(self.edge)
        self._keep_bays(self.bay_edge)

    def play_bays(self, simulation: Simulation, count: Callable[[Progress], None]) -> None:
        """The bays' present, in their thread. Raises PublishError, OSError."""
        lines = {family: [0] * len(own) for family, own in simulation.devices.items()}
        clock = Clock(simulation.span[0], _now(), None)
        with Connections(self._broker, 1, client_id="borough-demo-bays") as connections:
            done = publish(
                simulation,
                clock,
                connections,
                lines,
                self._bay_ledger,
                count,
                self._end.is_set,
                lambda _progress, edge: self._of_bays(edge),
            )
            count(done)
            self._await_delivery()

    def run(self) -> None:
        """Load the past, then play the present. What goes wrong is kept in ``error``."""
        self._plan.place.save(self._folder)
        try:
            with Connections(self._broker, 1, client_id="borough-demo-fleet") as connections:
                begun = time.monotonic()
                if self._plan.history is not None:
                    self._load(self._plan.history, connections, self.ledger, self._watch_history, self._of_history)
                    self.history_seconds = time.monotonic() - begun
                bays = None if self._plan.bays is None else self._plan.bays.history
                if bays is not None and not self._end.is_set():
                    self._load(bays, connections, self._bay_ledger, _ignore, self._of_bay_history)
                self.history_messages = self.published
                if not self._end.is_set():
                    self._play(connections)
                self._await_delivery()
            self.ledger.close()
            self._bay_ledger.close()
        except (PublishError, OSError) as error:
            self.error = error
            self._end.set()
        self.shown = replace(self.shown, phase="over")

    def _load(
        self,
        past: Simulation,
        connections: Connections,
        ledger: LedgerFolder,
        watch: Callable[[Progress], None],
        finished: Callable[[Progress, int], None],
    ) -> None:
        self._published_before = self.published
        self._publish(past, Clock(past.span[0], _now(), None), connections, ledger, watch, finished)

    def _play(self, connections: Connections) -> None:
        """The present, until the end is asked for."""
        self.ledger.close()
        self.ledger.begin()
        self._bay_ledger.close()
        self._bay_ledger.begin()
        self.shown = replace(self.shown, phase="live", days_loaded=self.shown.days)
        if self._bays is not None:
            self._bays.start()
        live = self._plan.live
        if live.devices:
            clock = Clock(live.span[0], _now(), self._speed)
            self._publish(live, clock, connections, self.ledger, self._watch_live, self._of_live)
        else:
            self._end.wait()
        if self._bays is not None:
            self._bays.join()
            self.error = self._bays.error

    def _await_delivery(self) -> None:
        """Stay connected until all is stored.

        When a publisher leaves, amqtt throws away what it has acknowledged to it and not yet passed on.
        """
        until = time.monotonic() + _DELIVERY_SECONDS
        while self._received() < self.published and time.monotonic() < until:
            time.sleep(0.02)

    def _publish(
        self,
        simulation: Simulation,
        clock: Clock,
        connections: Connections,
        ledger: LedgerFolder,
        watch: Callable[[Progress], None],
        finished: Callable[[Progress, int], None],
    ) -> None:
        lines = {family: [0] * len(own) for family, own in simulation.devices.items()}
        before = self._published

        def count(progress: Progress) -> None:
            self._published = before + progress.messages
            watch(progress)

        done = publish(simulation, clock, connections, lines, ledger, count, self._end.is_set, finished)
        self._published = before + done.messages

    def _watch_history(self, progress: Progress) -> None:
        loaded = (max(progress.at, self.edge) - self._plan.place.start) / DAY_US
        self.shown = replace(self.shown, days_loaded=min(loaded, self.shown.days), history_readings=progress.readings)

    def _watch_live(self, progress: Progress) -> None:
        at = instant(progress.at) if progress.at else None
        self.shown = replace(self.shown, at=at, planted=dict(progress.faults))

    def _of_history(self, _progress: Progress, edge: int) -> None:
        """A day of the past is out. The day before it is stored when this returns."""
        before, self.edge = self.edge, max(edge, self._plan.place.until)
        bays_before, self.bay_edge = self.bay_edge, max(edge, self._plan.place.bays_until)
        if self._stored_until_now():
            self._keep(before)
            self._keep_bays(bays_before)
            self.ledger.whole()

    def _of_bay_history(self, _progress: Progress, edge: int) -> None:
        before, self.bay_edge = self.bay_edge, edge
        if self._stored_until_now():
            self._keep_bays(before)
            self._bay_ledger.whole()

    def _stored_until_now(self) -> bool:
        """Wait until what was out when it was asked before is stored; False where the end was asked for."""
        published, self._published_before = self._published_before, self.published
        while self._received() < published and not self._end.wait(0.02):
            pass
        return not self._end.is_set()

    def _of_live(self, _progress: Progress, edge: int) -> None:
        self._keep(self.edge)  # half an hour old, so it is stored
        # an interval is known at its end: those of the last half-hour are not out yet
        self.edge = max(self._plan.live.span[0], edge - HALF_HOUR_US)
        self.ledger.close()

    def _of_bays(self, edge: int) -> None:
        """So far [us] the bays' present is out; called in its thread."""
        self._keep_bays(self.bay_edge)
        self.bay_edge = edge
        self._bay_ledger.close()

    def _keep(self, until: int) -> None:
        with self._lock:
            place = self._plan.place
            place.until, place.messages = until, self.ledger.next_message
            place.save(self._folder)

    def _keep_bays(self, until: int) -> None:
        with self._lock:
            place = self._plan.place
            place.bays_until, place.bay_messages = until, self._bay_ledger.next_message
            place.save(self._folder)


class _BaysAtWork(threading.Thread):
    """The present of the bays, which is the clock's, over a connection of its own."""

    def __init__(self, fleet: FleetAtWork, simulation: Simulation) -> None:
        super().__init__(name="bays", daemon=True)
        self._fleet, self._simulation = fleet, simulation
        self.published = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Play until the fleet ends, or until something goes wrong: then the fleet ends too."""
        try:
            self._fleet.play_bays(self._simulation, self._count)
        except (PublishError, OSError) as error:
            self.error = error
            self._fleet.end()

    def _count(self, progress: Progress) -> None:
        self.published = progress.messages


def _ignore(_progress: Progress) -> None:
    """Nobody is told how far it is."""


def _now() -> int:
    return time.time_ns() // 1_000
