"""The broker is restarted, killed, silent, cut off; and others want the collector's session."""

from __future__ import annotations

import random
import time

import mqtt5
import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account, total
from tests.tools.collector import CLIENT_ID, Collector
from tests.tools.load import (
    Load,
    ask,
    assert_stored,
    count,
    device,
    grows,
    message,
    native_load,
    now,
    register,
    rfc3339,
    stored,
)
from tests.tools.mqtt_session import Session, left_in_session, make_session
from tests.tools.proxy import Proxy, random_slices
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for


def test_clean_restart_the_session_resumes(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    load = native_load(seed, 40_000, devices=400)
    register(database, load.devices)
    collector = collect(database, mosquitto.url).start()
    pid = collector.pid
    publishing = Publishing(mosquitto.port, load.messages, rate=10_000)
    for _ in range(2):
        time.sleep(chance.uniform(0.3, 1.0))
        mosquitto.restart()
    publishing.join()
    assert grows(database, "public.reading", len(load.expected), 30)
    assert collector.alive
    assert collector.pid == pid
    assert collector.metric("borough_sessions_lost_total") == 0
    collector.account()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    sums = total(table_account(database))
    assert sums.readings_stored == len(load.expected)
    assert sums.readings_rejected == 0
    assert left_in_session(mosquitto.port) == []


def test_a_queue_survives_a_clean_restart(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """The session that the collector makes itself is one that the broker keeps on disk."""
    load = native_load(seed, 3_000)
    register(database, load.devices)
    collector = collect(database, mosquitto.url).start()
    assert collector.stop() == 0
    publish(mosquitto.port, load.messages)
    mosquitto.restart()
    collector.start()
    assert grows(database, "public.reading", len(load.expected))
    assert collector.metric("borough_sessions_lost_total") == 0
    assert collector.stop() == 0
    assert_stored(database, load.expected)


def test_broker_killed_the_loss_is_known(
    database: str, mosquitto: Mosquitto, collect: Collect, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the broker had acknowledged and not delivered is gone: an alarm, and gaps in the devices' numbers."""
    senders = [device(f"air{index}", "air-monitor") for index in range(10)]
    register(database, senders)
    start = now() - 86_400_000_000
    load = Load(senders)
    for seq in range(1, 301):
        for sender in senders:
            at = start + seq * 60_000_000
            load.expected[sender.id, "pm2_5", at] = seq / 10
            load.messages.append(message(sender, {"time": rfc3339(at), "pm2_5": seq / 10, "seq": seq}))
    collector = collect(database, mosquitto.url, mqtt_receive_maximum=100).start()
    publish(mosquitto.port, load.messages[:1_000])
    assert grows(database, "public.reading", 1_000)
    collector.freeze()
    publish(mosquitto.port, load.messages[1_000:2_000])
    mosquitto.kill9()
    mosquitto.start()
    collector.thaw()
    assert wait_for(lambda: collector.metric("borough_sessions_lost_total") == 1, 15)
    collector.wait_ready(15)
    assert any("forgotten session" in text for text in collector.messages())
    publish(mosquitto.port, load.messages[2_000:])
    newest = load.messages[-1][0].split("/")[2]
    assert wait_for(lambda: (newest, "pm2_5", start + 300 * 60_000_000) in stored(database), 15)
    collector.account()
    assert collector.stop() == 0
    kept = stored(database)
    assert all(load.expected[key] == value for key, value in kept.items())
    lost = len(load.expected) - len(kept)
    with capsys.disabled():
        print(f"\nbroker killed: {lost} of 1,000 messages that it had acknowledged and not delivered are lost")
    assert 0 < lost <= 1_000, "with autosave every 1,800 s the window is all that was not delivered"
    rows = ask(database, "select device, first, last from public.sequence")
    numbered = sum(int(str(row[2])) - int(str(row[1])) + 1 for row in rows)
    assert numbered == len(kept)
    assert len(rows) > len(senders), "the gaps are not seen"


def test_connection_reset(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    load = native_load(seed, 20_000)
    register(database, load.devices)
    with Proxy(mosquitto.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}").start()
        publishing = Publishing(mosquitto.port, load.messages, rate=8_000)
        for _ in range(3):
            time.sleep(chance.uniform(0.1, 0.8))
            proxy.reset()
        publishing.join()
        assert grows(database, "public.reading", len(load.expected))
        assert wait_for(collector.ready, 10)
        collector.account()
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    table_account(database)
    assert left_in_session(mosquitto.port) == []


def test_half_open_link(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Nothing comes and nothing is closed: a new connection within 1.5 times the keep-alive."""
    load = native_load(seed, 1_000)
    register(database, load.devices)
    with Proxy(mosquitto.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}", mqtt_keep_alive=5).start()
        publish(mosquitto.port, load.messages[:500])
        assert grows(database, "public.reading", 500)
        connections = proxy.connections
        proxy.stall()
        stalled = time.monotonic()
        publish(mosquitto.port, load.messages[500:])
        assert wait_for(lambda: proxy.connections > connections, 1.5 * 5 + 0.5)
        print(f"connected again {time.monotonic() - stalled:.1f} s after the link fell silent")
        assert grows(database, "public.reading", 1_000)
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert left_in_session(mosquitto.port) == []


@pytest.mark.parametrize(
    ("messages", "largest", "seconds"), [(10, 1, 0.002), (400, 50, 0.001)], ids=["single bytes", "random slices"]
)
def test_sliced_reads(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int, messages: int, largest: int, seconds: float
) -> None:
    load = native_load(seed, messages, devices=10)
    register(database, load.devices)
    make_session(mosquitto.port)
    publish(mosquitto.port, load.messages)
    with Proxy(mosquitto.port) as proxy:
        proxy.slices = random_slices(seed, largest, seconds)
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}", mqtt_read_interval=0.001).start()
        assert grows(database, "public.reading", len(load.expected))
        proxy.slices = None
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert total(table_account(database)).messages_received == messages
    assert left_in_session(mosquitto.port) == []


def test_large_packets_among_small_ones(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """A packet larger than the read buffer, in the middle of a stream."""
    load = native_load(seed, 300)
    register(database, load.devices)
    sender = load.devices[2]
    at = now() - 3_600_000_000
    large = b'{"time": "%s", "pm2_5": 5.5%s}' % (rfc3339(at).encode(), b" " * 3_000_000)
    load.expected[sender.id, "pm2_5", at] = 5.5
    load.messages.insert(150, message(sender, large))
    collector = collect(database, mosquitto.url, payload_maximum=4_000_000).start()
    publish(mosquitto.port, load.messages)
    assert grows(database, "public.reading", len(load.expected))
    assert collector.stop() == 0
    assert_stored(database, load.expected)


def test_second_collector_with_the_same_id_stands_by(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 2_000)
    register(database, load.devices)
    first = collect(database, mosquitto.url).start()
    second = collect(database, mosquitto.url).launch()
    assert wait_for(lambda: "standing by" in second.get("/health/ready")[1], 10)
    assert second.get("/health/live")[0] == 200
    publish(mosquitto.port, load.messages[:1_000])
    assert grows(database, "public.reading", 1_000)
    assert first.metric("borough_taken_over_total") == 0
    assert first.ready()
    assert not second.ready()
    first.kill9()
    second.wait_ready(15)
    publish(mosquitto.port, load.messages[1_000:])
    assert grows(database, "public.reading", 2_000)
    second.account()
    assert second.stop() == 0
    assert_stored(database, load.expected)
    assert left_in_session(mosquitto.port) == []


def test_takeover_by_a_stranger(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Another client with our id: we come back, and the longer they quarrel the more rarely."""
    load = native_load(seed, 1_000)
    register(database, load.devices)
    with Proxy(mosquitto.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}").start()
        publish(mosquitto.port, load.messages[:500])
        assert grows(database, "public.reading", 500)
        until = time.monotonic() + 6
        quarrels = 0
        while time.monotonic() < until:
            quarrels += 1
            with Session(mosquitto.port, CLIENT_ID) as stranger:
                assert stranger.present
                if quarrels == 1:
                    publish(mosquitto.port, load.messages[500:])
                while time.monotonic() < until:
                    packet = stranger.next(until - time.monotonic())
                    if packet is None or isinstance(packet, mqtt5.DisconnectPacket):
                        break  # it is ours again; the stranger insists
        assert 1 < quarrels <= 9, "backoff that grows leaves no room for more in 6 s"
        collector.wait_ready(10)
        assert grows(database, "public.reading", 1_000)
        assert 1 <= collector.metric("borough_taken_over_total") <= quarrels
        collector.account()
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert left_in_session(mosquitto.port) == []


def test_shared_subscription_scaled_down(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Two of three replicas go for good: the third takes what the broker gives to their sessions, and ends them."""
    load = native_load(seed, 9_000)
    register(database, load.devices)
    replicas: list[Collector] = [
        collect(database, mosquitto.url, mqtt_shared_group="borough").start() for _ in range(3)
    ]
    publish(mosquitto.port, load.messages[:3_000])
    assert grows(database, "public.reading", 3_000)
    assert all(replica.metric("borough_readings_stored_total", "air-monitor") > 0 for replica in replicas)
    replicas[1].kill9()
    assert replicas[2].stop() == 0
    publish(mosquitto.port, load.messages[3_000:6_000])
    assert grows(database, "public.reading", 6_000, 25), "what lies in the sessions of those who left is not taken"
    assert wait_for(lambda: count(database, "public.collector") == 1, 30)
    publish(mosquitto.port, load.messages[6_000:])
    assert grows(database, "public.reading", 9_000)
    replicas[0].account()
    assert replicas[0].stop() == 0
    assert_stored(database, load.expected)
    table_account(database)
    for slot in (1, 2):
        with Session(mosquitto.port, f"{CLIENT_ID}-{slot}", expiry=0) as session:
            assert not session.present, "the broker goes on giving a share to a session that nobody serves"
