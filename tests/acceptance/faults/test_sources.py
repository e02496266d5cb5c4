"""The ways to the broker: MQTT 3.1.1 by paho, websockets, TLS with a client certificate; and the health pages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from scripts.parts import Parts
from store import migrations
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.account import assert_same, table_account, total
from tests.tools.certificates import Authority
from tests.tools.gate import Gate
from tests.tools.load import assert_stored, count, device, grows, message, native_load, register
from tests.tools.mqtt_session import left_in_session
from tests.tools.proxy import Proxy
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for


def test_paho_killed(database: str, mosquitto: Mosquitto, collect: Collect, chance: random.Random, seed: int) -> None:
    load = native_load(seed, 12_000)
    register(database, load.devices)
    collector = collect(database, mosquitto.url, mqtt_source="paho", batch_readings=500).start()
    publishing = Publishing(mosquitto.port, load.messages, rate=2_000)
    with Gate(database, "public.accounting", "public.reading", round(0.8 * len(load.expected))):
        for low, high in ((0.02, 0.2), (0.25, 0.5)):
            assert grows(database, "public.reading", round(chance.uniform(low, high) * len(load.expected)))
            collector.kill9()
            assert count(database, "public.reading") < len(load.expected), "killed too late to show anything"
            collector.launch()  # it may stand at the gate before it is ready
    collector.wait_ready()
    publishing.join()
    assert grows(database, "public.reading", len(load.expected))
    collector.account()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    table_account(database)
    assert left_in_session(mosquitto.port) == []


def test_paho_clean_stop_costs_no_duplicates(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    load = native_load(seed, 15_000)
    register(database, load.devices)
    collector = collect(database, mosquitto.url, mqtt_source="paho", batch_readings=500).start()
    assert collector.stop() == 0
    publish(mosquitto.port, load.messages)
    with Gate(database, "public.accounting", "public.reading", 1) as gate:
        collector.launch()
        gate.wait_reached()
        collector.terminate()
        gate.open()
        assert collector.wait() == 0
    assert 0 < count(database, "public.reading") < len(load.expected), "stopped too late to show anything"
    collector.start()
    assert grows(database, "public.reading", len(load.expected))
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert total(table_account(database)).readings_duplicates == 0
    assert left_in_session(mosquitto.port) == []


def test_paho_connection_reset_and_half_open(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    load = native_load(seed, 3_000)
    register(database, load.devices)
    with Proxy(mosquitto.port) as proxy:
        collector = collect(database, f"mqtt://127.0.0.1:{proxy.port}", mqtt_source="paho", mqtt_keep_alive=5).start()
        publish(mosquitto.port, load.messages[:1_000])
        proxy.reset()
        publish(mosquitto.port, load.messages[1_000:2_000])
        assert grows(database, "public.reading", 2_000)
        assert wait_for(collector.ready, 10)
        proxy.stall()
        publish(mosquitto.port, load.messages[2_000:])
        assert grows(database, "public.reading", 3_000, 1.5 * 5 + 2)
        assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert left_in_session(mosquitto.port) == []


def test_paho_over_websockets(parts: Parts, database: str, collect: Collect, tmp_path: Path, seed: int) -> None:
    load = native_load(seed, 500)
    register(database, load.devices)
    with Mosquitto(parts.mosquitto, tmp_path / "broker", websockets=True) as broker:
        address = f"ws://127.0.0.1:{broker.websockets_port}/mqtt"
        collector = collect(database, address, mqtt_source="paho").start()
        publish(broker.port, load.messages)
        assert grows(database, "public.reading", 500)
        assert collector.stop() == 0
    assert_stored(database, load.expected)


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_tls_with_a_client_certificate(
    parts: Parts, database: str, collect: Collect, tmp_path: Path, seed: int, source: str
) -> None:
    load = native_load(seed, 2_000)
    register(database, load.devices)
    authority = Authority(tmp_path / "ca")
    with Mosquitto(
        parts.mosquitto, tmp_path / "broker", authority=authority.ca, certificate=authority.server()
    ) as broker:
        address = f"mqtts://127.0.0.1:{broker.tls_port}"
        stranger = collect(database, address, mqtt_source=source, mqtt_ca_file=authority.ca).launch()
        pair = authority.client("collector")
        settings: dict[str, Any] = {
            "mqtt_ca_file": authority.ca,
            "mqtt_cert_file": pair.certificate,
            "mqtt_key_file": pair.key,
        }
        assert wait_for(lambda: stranger.messages()[-1:] != [] and f":{broker.tls_port}" in stranger.said(), 10)
        assert not stranger.ready()
        assert stranger.stop() == 0
        assert "Traceback" not in stranger.said()
        collector = collect(database, address, mqtt_source=source, **settings).start()
        publish(broker.port, load.messages)
        assert grows(database, "public.reading", 2_000)
        assert collector.stop() == 0
    assert_stored(database, load.expected)


def test_a_broker_with_a_certificate_that_nobody_signed(
    parts: Parts, database: str, collect: Collect, tmp_path: Path
) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    pair = ours.client("collector")
    settings: dict[str, Any] = {"mqtt_ca_file": ours.ca, "mqtt_cert_file": pair.certificate, "mqtt_key_file": pair.key}
    with Mosquitto(parts.mosquitto, tmp_path / "broker", authority=ours.ca, certificate=theirs.server()) as broker:
        collector = collect(database, f"mqtts://127.0.0.1:{broker.tls_port}", **settings).launch()
        assert wait_for(lambda: "certificate" in collector.said(), 10)
        assert not collector.ready()
        assert "broker" in collector.get("/health/ready")[1]
        assert collector.stop() == 0


def test_health_says_what_is_missing(empty_database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    collector = collect(empty_database, mosquitto.url).launch()
    assert wait_for(lambda: "borough migrate" in collector.get("/health/ready")[1], 10)
    assert collector.get("/health/ready")[0] == 503
    assert collector.get("/health/live")[0] == 200
    migrations.upgrade(empty_database)
    collector.wait_ready(10)
    mosquitto.stop()
    assert wait_for(lambda: not collector.ready(), 5)
    assert "broker" in collector.get("/health/ready")[1]
    assert collector.get("/health/live")[0] == 200
    assert collector.metric("borough_broker_connected") == 0
    mosquitto.start()
    collector.wait_ready(10)
    assert collector.metric("borough_broker_connected") == 1
    assert collector.get("/nothing")[0] == 404
    assert collector.stop() == 0
    assert "Traceback" not in collector.said()


def test_a_full_queue_at_the_broker_is_an_alarm(parts: Parts, database: str, collect: Collect, tmp_path: Path) -> None:
    """Mosquitto throws away what its queue cannot hold, after it acknowledged it: its counter is all there is."""
    sender = device("air", "air-monitor")
    register(database, [sender])
    limited = Mosquitto(parts.mosquitto, tmp_path / "broker", lines=["max_queued_messages 100"])
    text = limited.configuration.read_text().replace("max_queued_messages 1000000\n", "")
    limited.configuration.write_text(text)
    with limited as broker:
        collector = collect(database, broker.url, mqtt_receive_maximum=10).start()
        assert wait_for(lambda: "borough_broker_dropped_total" in collector.metrics(), 15)
        collector.freeze()
        publish(broker.port, [message(sender, {"pm2_5": index / 10}) for index in range(1_000)])
        collector.thaw()
        assert wait_for(lambda: collector.metric("borough_broker_dropped_total") > 0, 15)
        assert wait_for(lambda: "threw away" in collector.said(), 5)
        assert collector.stop() == 0


def test_what_the_broker_dropped_stands_at_0_before_it_says_so(
    parts: Parts, database: str, collect: Collect, tmp_path: Path
) -> None:
    """This broker never says: a counter that is absent and then seen at 37 raises no alarm, one at 0 does."""
    with Mosquitto(parts.mosquitto, tmp_path / "broker") as broker:
        text = broker.configuration.read_text()
        assert "sys_interval 1\n" in text
        broker.configuration.write_text(text.replace("sys_interval 1\n", "sys_interval 0\n"))
        broker.restart()
        collector = collect(database, broker.url).start()
        assert wait_for(lambda: "borough_broker_dropped_total" in collector.metrics(), 15)
        assert collector.metrics()["borough_broker_dropped_total"] == {"": 0}
        assert collector.stop() == 0


def test_sigterm_while_the_broker_is_away(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """What was received is written; the broker, which cannot hear of it, delivers it again, and it counts once."""
    load = native_load(seed, 2_000)
    register(database, load.devices)
    collector = collect(database, mosquitto.url, batch_age=2).start()
    publish(mosquitto.port, load.messages)
    mosquitto.stop()
    assert collector.stop(15) == 0
    assert "Traceback" not in collector.said()
    mosquitto.start()
    collector.start()
    assert grows(database, "public.reading", 2_000)
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    table_account(database)
    assert left_in_session(mosquitto.port) == []


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_a_broker_that_refuses_us(parts: Parts, database: str, collect: Collect, tmp_path: Path, source: str) -> None:
    nobody = tmp_path / "passwords"
    nobody.touch()
    with Mosquitto(parts.mosquitto, tmp_path / "broker", password_file=nobody) as broker:
        address = f"mqtt://collector:se%20cret@127.0.0.1:{broker.port}"
        collector = collect(database, address, mqtt_source=source).launch()
        assert wait_for(lambda: "refuses the session" in collector.said(), 10)
        assert not collector.ready()
        assert collector.stop(5) == 0
    assert "se cret" not in collector.said()
    assert "se%20cret" not in collector.said()
    assert "Traceback" not in collector.said()


@pytest.mark.parametrize(("source", "version"), [("mqtt5", "5"), ("paho", "3.1.1")])
def test_the_doctor_signs_in_and_leaves_the_collector_its_session(
    parts: Parts, database: str, collect: Collect, tmp_path: Path, source: str, version: str
) -> None:
    def broker_check(address: str) -> tuple[bool, str]:
        settings = {"BOROUGH_DATABASE_URL": database, "BOROUGH_MQTT_URL": address, "BOROUGH_MQTT_SOURCE": source}
        done = forked.run(["doctor", "--json"], settings)
        (check,) = [item for item in json.loads(done.stdout) if item["name"] == "broker"]
        return check["ok"], check["found"]

    with Mosquitto(parts.mosquitto, tmp_path / "open") as broker:
        collector = collect(database, broker.url, mqtt_source=source).start()
        assert broker_check(broker.url) == (True, f"127.0.0.1:{broker.port} lets us in, MQTT {version}")
        assert collector.metric("borough_taken_over_total") == 0
        assert collector.ready()
        assert collector.stop() == 0
    nobody = tmp_path / "passwords"
    nobody.touch()
    with Mosquitto(parts.mosquitto, tmp_path / "closed", password_file=nobody) as broker:
        ok, found = broker_check(f"mqtt://collector:hidden-word@127.0.0.1:{broker.port}")
    assert not ok
    assert "refuses the connection" in found
    assert "BOROUGH_MQTT_SOURCE" not in found, "it answered"
    assert "hidden-word" not in found


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_qos_0(database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, seed: int, source: str) -> None:
    """As The Things Stack publishes: there is nothing to acknowledge, and what comes is stored."""
    load = native_load(seed, 1_000)
    register(database, load.devices)
    subscriptions = tmp_path / "subscriptions.toml"
    subscriptions.write_text(
        '[[subscription]]\ntopic = "borough/{family}/{device}/reading"\nformat = "native"\nqos = 0\n'
    )
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=subscriptions).start()
    publish(mosquitto.port, load.messages, rate=5_000)
    assert grows(database, "public.reading", 1_000)
    metrics = collector.account_at_rest()
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert_same(metrics, table_account(database))


def test_the_metrics_port_is_taken(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    first = collect(database, mosquitto.url).start()
    second = collect(database, mosquitto.url, metrics_port=first.metrics_port).launch()
    assert second.wait(60) == 2
    last = second.messages()[-1]
    assert "BOROUGH_METRICS_PORT" in last
    assert str(first.metrics_port) in last
    assert "Traceback" not in second.said()
    assert first.stop() == 0
