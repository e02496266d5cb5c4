"""The collector is killed, stopped, stopped too early, and told the same thing twice."""

from __future__ import annotations

import random
import time

import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools.account import assert_same, table_account, total
from tests.tools.gate import Gate
from tests.tools.load import assert_stored, count, device, grows, message, native_load, now, register, rfc3339
from tests.tools.mqtt_session import left_in_session, make_session
from tests.tools.proxy import Proxy
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for


def test_killed_three_times_every_message_is_stored_once(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    load = native_load(seed, 100_000, devices=1_000)
    register(database, load.devices)
    collector = collect(database, mosquitto.url, batch_readings=1_000).start()
    publishing = Publishing(mosquitto.port, load.messages, rate=15_000)
    with Gate(database, "public.accounting", "public.reading", round(0.9 * len(load.expected))):
        for low, high in ((0.02, 0.3), (0.35, 0.55), (0.6, 0.8)):
            assert grows(database, "public.reading", round(chance.uniform(low, high) * len(load.expected)))
            time.sleep(chance.uniform(0, 0.03))
            collector.kill9()
            assert count(database, "public.reading") < len(load.expected), "killed too late to show anything"
            collector.launch()  # it may stand at the gate before it is ready
    collector.wait_ready()
    publishing.join()
    assert grows(database, "public.reading", len(load.expected), 40)
    collector.account()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    account = table_account(database)
    sums = total(account)
    assert sums.readings_stored == len(load.expected)
    assert sums.readings_rejected == sums.messages_rejected == 0
    assert sums.readings_decoded == sums.messages_received
    assert set(account) == {item.family for item in load.devices}
    assert left_in_session(mosquitto.port) == []


def test_sigterm_writes_and_acknowledges_what_was_received(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int
) -> None:
    """What was committed is not sent again: a clean stop costs no duplicates."""
    load = native_load(seed, 60_000, devices=400)
    register(database, load.devices)
    make_session(mosquitto.port)
    publish(mosquitto.port, load.messages)
    collector = collect(database, mosquitto.url, batch_readings=2_000, mqtt_receive_maximum=5_000)
    for _ in range(2):
        stored = count(database, "public.reading")
        with Gate(database, "public.accounting", "public.reading", stored + chance.randrange(1, 10_000)) as gate:
            collector.launch()
            gate.wait_reached()
            collector.terminate()
            gate.open()
            assert collector.wait() == 0
        assert stored < count(database, "public.reading") < len(load.expected), "stopped too late to show anything"
    collector.start()
    assert grows(database, "public.reading", len(load.expected), 30)
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    sums = total(table_account(database))
    assert sums.messages_received == len(load.messages)
    assert sums.readings_duplicates == 0
    assert left_in_session(mosquitto.port) == []


@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.5, 1.0])
def test_sigterm_directly_after_the_start(
    database: str, mosquitto: Mosquitto, collect: Collect, seconds: float
) -> None:
    collector = collect(database, mosquitto.url).launch()
    assert wait_for(collector.hears, 10, 0.001)
    time.sleep(seconds)
    assert collector.stop(10) == 0
    assert "Traceback" not in collector.said()


@pytest.mark.parametrize("fault", ["killed", "connection reset"])
def test_messages_without_time_and_rejections_count_once(
    database: str, mosquitto: Mosquitto, collect: Collect, fault: str
) -> None:
    """Their acknowledgements are lost: the redelivery takes the first arrival and makes no second row."""
    sensors = [device(f"pir{number:03}", "movement-sensor") for number in range(100)]
    register(database, sensors)
    good = [message(sensor, {"motion": 1, "battery": 90}) for sensor in sensors]
    bad = [message(sensor, b"{broken") for sensor in sensors]
    half = [message(sensor, {"motion": 0, "colour": 3}) for sensor in sensors[:10]]
    with Proxy(mosquitto.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}", mqtt_keep_alive=5).start()
        proxy.deaf = True
        publish(mosquitto.port, good + bad)
        assert grows(database, "public.reading", 200)
        publish(mosquitto.port, half)
        assert grows(database, "public.reading", 210)
        before = total(table_account(database))
        if fault == "killed":
            collector.kill9()
            proxy.deaf = False
            collector.start()
        else:
            proxy.deaf = False
            proxy.reset()
        assert wait_for(lambda: total(table_account(database)).messages_received == 2 * before.messages_received, 15)
        collector.account()
        assert collector.stop() == 0
    assert count(database, "public.reading") == 210
    assert count(database, "public.rejected") == 110
    after = total(table_account(database))
    assert after.readings_stored == before.readings_stored == 210
    assert after.readings_duplicates == 210
    assert left_in_session(mosquitto.port) == []


def test_a_new_message_with_an_old_packet_id_is_new(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    """The same message without a time, sent again on purpose, is another observation."""
    sensor = device("pir", "movement-sensor")
    register(database, [sensor])
    collector = collect(database, mosquitto.url, batch_age=0.05).start()
    for number in range(1, 6):
        publish(mosquitto.port, [message(sensor, {"motion": 1})])
        assert grows(database, "public.reading", number)
    metrics = collector.account_at_rest()
    assert collector.stop() == 0
    assert_same(metrics, table_account(database))


def test_several_messages_without_time_of_one_device_at_once_are_all_stored(
    database: str, mosquitto: Mosquitto, collect: Collect
) -> None:
    """A queue that is drained after an absence holds many: none may push out another."""
    sensor = device("pir", "movement-sensor")
    register(database, [sensor])
    make_session(mosquitto.port)
    publish(mosquitto.port, [message(sensor, {"motion": number % 2}) for number in range(50)])
    collector = collect(database, mosquitto.url).start()
    assert wait_for(lambda: total(table_account(database)).messages_received == 50, 10)
    assert collector.stop() == 0
    assert count(database, "public.rejected") == 0
    assert count(database, "public.reading") == 50


def test_sequence_numbers_are_merged_however_often_they_come(
    database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random
) -> None:
    sender = device("d1", "air-monitor")
    register(database, [sender])
    start = now() - 3_600_000_000
    numbers = [n for n in range(1, 401) if not 100 <= n < 120]
    messages = [message(sender, {"time": rfc3339(start + n * 1_000_000), "pm2_5": 7.5, "seq": n}) for n in numbers]
    again = messages + chance.sample(messages, 100)
    chance.shuffle(again)
    collector = collect(database, mosquitto.url).start()
    publish(mosquitto.port, again)
    assert wait_for(lambda: total(table_account(database)).messages_received == len(again), 10)
    assert collector.stop() == 0
    assert count(database, "public.reading") == len(numbers)
    assert count(database, "public.sequence where (first, last) in ((1, 99), (120, 400))") == 2
    assert count(database, "public.sequence") == 2
