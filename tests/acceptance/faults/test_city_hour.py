"""A city's rate for an hour, and every fault in random order meanwhile: nothing is lost, nothing counts twice.

2,000 messages a second are what 3.6 million homes send. ``BOROUGH_SOAK_SECONDS`` says for how long (3,600 by default),
``BOROUGH_SOAK_RATE`` at what rate, ``BOROUGH_SOAK_FIGURES`` where what was seen each second is kept, for the drawing
(``python -m tests.benchmarks.drawings``); ``BOROUGH_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
import pytest
from numpy.typing import NDArray

from borough.postgres_server import PostgresServer
from devices.device import Device
from simulators.publisher import Message, Publisher
from store import arrays, series
from store.connect import connect
from tests.acceptance.faults.conftest import Collect
from tests.tools import chaos
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.load import count, device, now, register, rfc3339
from tests.tools.mqtt_session import left_in_session
from tests.tools.proxy import Proxy
from tests.tools.servers import Mosquitto, wait_for

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SECONDS = int(os.environ.get("BOROUGH_SOAK_SECONDS") or 3_600)
RATE = int(os.environ.get("BOROUGH_SOAK_RATE") or 2_000)
#: Between two faults [s].
PAUSE = (5.0, 40.0)
#: Each device speaks once a second: monitors say when, sensors of movement do not.
UNTIMED = RATE // 10
TIMED = RATE - UNTIMED
#: Points that a drawing needs at most.
_POINTS = 400


def _values(number: int, turns: NDArray[np.int64]) -> NDArray[np.float64]:
    """What a monitor says in each turn."""
    return (number * 31 + turns * 7) % 800 / 10


class _City(threading.Thread):
    """Publishes each second's messages, late ones as soon as it can, until ``seconds`` are over.

    It holds ``silence`` while anything is not acknowledged.
    """

    def __init__(self, mosquitto: Mosquitto, seconds: int) -> None:
        super().__init__(daemon=True)
        self.timed = [device(f"air{number:05}", "air-monitor") for number in range(TIMED)]
        self.untimed = [device(f"pir{number:05}", "movement-sensor") for number in range(UNTIMED)]
        self.start_at = now()
        self.turns = 0
        self.silence = threading.Lock()
        self.error: BaseException | None = None
        self._mosquitto = mosquitto
        self._seconds = seconds

    @property
    def devices(self) -> list[Device]:
        return self.timed + self.untimed

    def run(self) -> None:
        """The thread's work."""
        try:
            begun = time.monotonic()
            while self.turns < self._seconds:
                with self.silence:
                    broker = self._mosquitto.pid
                    with Publisher("127.0.0.1", self._mosquitto.port, window=RATE) as publisher:
                        self._speak(publisher, begun)
                        # another one's line would be dead; between two turns somebody may restart it
                        while self.turns < self._seconds and self._rest(begun) and self._mosquitto.pid == broker:
                            self._speak(publisher, begun)
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.error = error

    def _rest(self, begun: float) -> bool:
        """Let others have the silence until the next turn is due; whether they left the broker as it was."""
        before = self._mosquitto.pid
        self.silence.release()
        try:
            time.sleep(max(0.001, begun + self.turns - time.monotonic()))
        finally:
            self.silence.acquire()
        return self._mosquitto.pid == before

    def _speak(self, publisher: Publisher, begun: float) -> None:
        done = publisher.publish(self._messages(self.turns), deadline=120)
        if done.messages != RATE or done.refused:
            raise AssertionError(f"the broker took {done.messages - done.refused} of {RATE} messages")
        self.turns += 1

    def _messages(self, turn: int) -> list[Message]:
        at = rfc3339(self.start_at + turn * 1_000_000)
        told = [
            (
                f"borough/air-monitor/{one.id}/reading",
                b'{"time": "%s", "pm2_5": %s}' % (at.encode(), repr(value).encode()),
            )
            for one, value in zip(
                self.timed, ((number * 31 + turn * 7) % 800 / 10 for number in range(TIMED)), strict=True
            )
        ]
        count = b'{"illuminance": %d}' % turn
        return told + [(f"borough/movement-sensor/{one.id}/reading", count) for one in self.untimed]


class _Seen:
    """What is seen of collector and database while they run: seconds, memory [bytes], lag [s], faults."""

    def __init__(self, city: _City, database: str, collector: Collector) -> None:
        self.samples: list[tuple[float, int, float]] = []
        self.faults: list[tuple[float, str]] = []
        self._city, self._database, self._collector = city, database, collector
        self._begun = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def fault(self, name: str) -> None:
        """Note a fault."""
        self.faults.append((time.monotonic() - self._begun, name))

    def end(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def lag(self) -> float | None:
        """How many seconds of monitors' readings were published and are not stored; None while the database is away."""
        turns = self._city.turns
        try:
            with psycopg.connect(self._database, connect_timeout=2, autocommit=True) as connection:
                row = connection.execute(
                    "select coalesce(extract(epoch from min(l.time)), 0)::float8, count(*) from public.latest l"
                    " join personal.series s on s.id = l.series_id where s.property = 'pm2_5'"
                ).fetchone()
        except psycopg.OperationalError:
            return None
        assert row is not None
        newest = row[0] if row[1] == TIMED else self._city.start_at / 1e6
        return max(0.0, self._city.start_at / 1e6 + turns - 1 - float(newest))

    def memory(self) -> int | None:
        """The collector's resident memory; None while it does not run."""
        try:
            return int(psutil.Process(self._collector.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return None

    def _run(self) -> None:
        while not self._done.wait(1.0):
            lag, memory = self.lag(), self.memory()
            if lag is not None and memory is not None:
                self.samples.append((time.monotonic() - self._begun, memory, lag))

    def save(self, path: Path, **more: Any) -> None:
        """Keep it for the drawing: of so many samples in a row the worst."""
        step = -(-len(self.samples) // _POINTS)
        parts = [self.samples[place : place + step] for place in range(0, len(self.samples), step)]
        thinned = [(round(part[-1][0]), max(one[1] for one in part), max(one[2] for one in part)) for part in parts]
        faults = [(round(at), name) for at, name in self.faults]
        found = {"rate": RATE, "seconds": SECONDS, "samples": thinned, "faults": faults, **more}
        path.write_text(json.dumps(found) + "\n")


def test_city_hour(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random
) -> None:
    city = _City(mosquitto, SECONDS)
    register(fragile, city.devices)
    with Proxy(mosquitto.port) as broker, Proxy(server.port) as line:
        database = fragile.replace(f":{server.port}/", f":{line.port}/")
        collector = collect(
            database, f"mqtt://127.0.0.1:{broker.port}", alone=True, mqtt_keep_alive=5, write_timeout=10
        ).start()  # fmt: skip
        faults = chaos.faults(server, mosquitto, broker, line, collector, chance, city.silence)
        seen = _Seen(city, fragile, collector)
        city.start_at = now()
        city.start()
        # the last tenth is quiet: what the faults held up has to be caught up while the city speaks on
        while city.is_alive() and city.turns < SECONDS * 0.9:
            name = chance.choice(sorted(faults))
            seen.fault(name)
            print(f"{city.turns:6} s: {name}")
            faults[name]()
            assert collector.alive
            time.sleep(chance.uniform(*PAUSE))
        city.join()
        if city.error is not None:
            raise city.error
        assert city.turns == SECONDS
        whole = RATE * SECONDS
        assert wait_for(lambda: count(fragile, "public.reading") >= whole, 300, 1.0), (
            f"{count(fragile, 'public.reading')} of {whole} readings"
        )
        collector.wait_ready(60)
        seen.end()
        collector.account()
        assert collector.stop() == 0
    assert left_in_session(mosquitto.port) == []
    assert "Traceback" not in collector.said()
    assert count(fragile, "public.rejected") == 0
    lost, doubled = _judged(fragile, city)
    sums = total(table_account(fragile))
    if figures := os.environ.get("BOROUGH_SOAK_FIGURES"):
        seen.save(Path(figures), lost=lost, doubled=doubled, again=sums.readings_duplicates, load=os.getloadavg())
    print(f"{whole} messages, {len(seen.faults)} faults, {sums.readings_duplicates} came again and were told")
    assert (lost, doubled) == (0, 0)
    assert sums.readings_stored == whole
    _flat(seen)


def _judged(database: str, city: _City) -> tuple[int, int]:
    """How many readings are not there, and how many too many.

    Of a monitor times and values are looked at, of a sensor without times the values, each of which it said once.
    """
    turns = np.arange(city.turns, dtype=np.int64)
    lost = doubled = 0
    with connect(database, autocommit=True) as connection:
        pairs = [(one.id, "pm2_5") for one in city.timed] + [(one.id, "illuminance") for one in city.untimed]
        states = series.resolve(connection, pairs)
        for first in range(0, len(states), 100):
            some = [one.series for one in states[first : first + 100]]
            found = arrays.read_series(connection, some, 0, now() + 86_400_000_000)
            for place, (start, end) in enumerate(pairwise(found.offsets.tolist()), first):
                times, values = found.times[start:end], found.values[start:end]
                if place < TIMED:
                    expected = np.rec.fromarrays([city.start_at + turns * 1_000_000, _values(place, turns)])
                    held = np.rec.fromarrays([times, values])
                else:
                    expected, held = np.rec.fromarrays([turns * 1.0]), np.rec.fromarrays([np.sort(values)])
                if np.array_equal(expected, held):
                    continue
                lost += len(np.setdiff1d(expected, held))
                doubled += len(held) - len(np.intersect1d(expected, held))
    return lost, doubled


def _flat(seen: _Seen) -> None:
    """Memory at the end is what it was after a third; what the faults held up is caught up in the end."""
    memory = np.array([one[1] for one in seen.samples], np.float64)
    third = len(memory) // 3
    early, late = np.median(memory[third : 2 * third]), np.median(memory[2 * third :])
    lags = np.array([one[2] for one in seen.samples])
    print(f"memory {early / 1e6:.0f} MB, then {late / 1e6:.0f} MB, at most {memory.max() / 1e6:.0f} MB")
    print(f"lag: median {np.median(lags):.1f} s, at most {lags.max():.1f} s, in the end {lags[-1]:.1f} s")
    assert late <= 1.2 * early + 10e6, "the collector's memory grows"
    assert lags[-1] <= 1.0
