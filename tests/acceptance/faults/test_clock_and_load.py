"""The host's clock jumps; ten times the load comes. Each takes its time, so ``make soak`` runs them."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from borough.postgres_server import PostgresServer
from tests.acceptance.faults.conftest import Collect
from tests.conftest import unavailable
from tests.tools.account import table_account, total
from tests.tools.clock import Clock, NoCompiler
from tests.tools.load import assert_stored, count, grows, native_load, now, register
from tests.tools.mqtt_session import Session, left_in_session
from tests.tools.proxy import Proxy
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, within

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

HOUR = 3_600


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_the_host_s_clock_jumps(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, seed: int, source: str
) -> None:
    """Two hours forward, a day back, and right again: timers are monotonic, so nothing waits, hurries or reconnects."""
    try:
        clock = Clock(tmp_path)
    except NoCompiler:
        unavailable("there is no C compiler to make the shifted clock with")
    load = native_load(seed, 4_000)
    register(database, load.devices)
    with Proxy(mosquitto.port) as proxy:
        address = f"mqtt://127.0.0.1:{proxy.port}"
        collector = collect(database, address, around=clock.environment, mqtt_source=source, mqtt_keep_alive=5).start()
        connections = proxy.connections
        for turn, shift in enumerate((0, 2 * HOUR, -24 * HOUR, 0)):
            clock.turn(shift)
            begun = time.monotonic()
            publish(mosquitto.port, load.messages[turn * 1_000 : (turn + 1) * 1_000])
            assert grows(database, "public.reading", (turn + 1) * 1_000, 10)
            took = time.monotonic() - begun
            print(f"clock {shift / HOUR:+.0f} h: 1,000 messages stored in {took:.2f} s")
            # longer than the keep-alive and the time in which a ping must be answered
            assert not within(lambda: not collector.ready() or proxy.connections > connections, 8, 0.1)
            arrivals = count(database, f"public.accounting where minute > to_timestamp({now() // 1_000_000 + HOUR})")
            assert (arrivals > 0) == (turn >= 1), "the clock that it saw did not jump"
        collector.account()
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert total(table_account(database)).messages_received == 4_000
    assert left_in_session(mosquitto.port) == []


def test_ten_times_the_load(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """2,000 messages a second, then 20,000, the database frozen for 3 s in the middle: bounded, and it drains."""
    normal, more = 2_000, 20_000
    load = native_load(seed, 5 * normal + 10 * more, devices=1_000)
    register(fragile, load.devices)
    most = 10_000
    collector = collect(fragile, mosquitto.url, alone=True, mqtt_receive_maximum=most, batch_readings=5_000).start()
    memory = psutil.Process(collector.pid)
    publishing = Publishing(mosquitto.port, load.messages[: 5 * normal], rate=normal)
    peak = {"in flight": 0, "memory": 0, "queued": 0}

    def look() -> None:
        numbers = collector.metrics()
        peak["in flight"] = max(peak["in flight"], int(sum(numbers.get("borough_messages_in_flight", {}).values())))
        peak["memory"] = max(peak["memory"], memory.memory_info().rss)
        peak["queued"] = max(peak["queued"], _queued(mosquitto.port))
        assert peak["in flight"] <= most

    while publishing.is_alive():
        look()
        time.sleep(0.1)
    publishing.join()
    before = dict(peak)
    publishing = Publishing(mosquitto.port, load.messages[5 * normal :], rate=more)
    begun = time.monotonic()
    assert grows(fragile, "public.reading", 5 * normal + 2 * more, 60)
    server.freeze()
    until = time.monotonic() + 3
    while time.monotonic() < until:
        look()
    server.thaw()
    while publishing.is_alive():
        look()
        time.sleep(0.1)
    publishing.join()
    sent = time.monotonic() - begun
    assert grows(fragile, "public.reading", len(load.expected), 120)
    drained = time.monotonic() - begun - sent
    look()
    print(
        f"{10 * more:,} messages taken by the broker in {sent:.1f} s, drained {drained:.1f} s later; in flight at most"
        f" {peak['in flight']:,} (before: {before['in flight']:,}), broker's queues {peak['queued']:,} at most, memory"
        f" {peak['memory'] / 1e6:.0f} MB (before: {before['memory'] / 1e6:.0f} MB)"
    )
    assert peak["memory"] < 400e6
    assert collector.metric("borough_broker_dropped_total") == 0
    collector.account_at_rest()
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert left_in_session(mosquitto.port) == []


def _queued(port: int) -> int:
    """Messages that the broker holds for all sessions, as it counts them once a second."""
    with Session(port, "", clean_start=True, expiry=0) as session:
        session.subscribe(["$SYS/broker/store/messages/count"], qos=0)
        packet = session.next(0.5)
        return int(bytes(packet.payload)) if packet is not None and hasattr(packet, "payload") else 0
