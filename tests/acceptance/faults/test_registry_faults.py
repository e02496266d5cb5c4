"""The registry changes under the collector, or is made by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson

from devices.device import Device
from simulators.publisher import Message
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account, total
from tests.tools.load import ask, assert_stored, count, device, grows, message, native_load, register
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for, within


def test_a_device_that_is_registered_later(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    """The registry is read again every second: no restart."""
    sender = device("new", "air-monitor")
    collector = collect(database, mosquitto.url).start()
    publish(mosquitto.port, [message(sender, {"pm2_5": 1.5})])
    assert grows(database, "public.rejected", 1)
    register(database, [sender])
    assert wait_for(lambda: _accepted(database, mosquitto, sender), 5, 0.2)
    assert collector.stop() == 0
    assert set(table_account(database)) == {"unknown", "air-monitor"}


def _accepted(database: str, mosquitto: Mosquitto, sender: Device) -> bool:
    publish(mosquitto.port, [message(sender, {"pm2_5": 2.5})])
    return within(lambda: count(database, "public.reading") >= 1, 0.5)


def test_a_device_that_is_retired(database: str, mosquitto: Mosquitto, collect: Collect) -> None:
    sender = device("old", "air-monitor")
    register(database, [sender])
    collector = collect(database, mosquitto.url).start()
    publish(mosquitto.port, [message(sender, {"pm2_5": 1.5})])
    assert grows(database, "public.reading", 1)
    register(database, [replace(sender, retired=True)])
    assert wait_for(lambda: _refused(database, mosquitto, sender), 5, 0.2)
    assert collector.stop() == 0
    assert ask(database, "select distinct reason from public.rejected") == [("retired_device",)]


def _refused(database: str, mosquitto: Mosquitto, sender: Device) -> bool:
    publish(mosquitto.port, [message(sender, {"pm2_5": 2.5})])
    return within(lambda: count(database, "public.rejected") >= 1, 0.5)


def test_two_collectors_register_the_same_devices(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 6_000, devices=1_500)
    pair = [
        collect(
            database, mosquitto.url, mqtt_client_id=name, auto_register="true", batch_readings=200, batch_age=0.02
        ).start()
        for name in ("east", "west")
    ]
    publish(mosquitto.port, load.messages)
    assert wait_for(lambda: total(table_account(database)).messages_received == 2 * len(load.messages), 20)
    for collector in pair:
        collector.account()
        assert collector.metric("borough_write_errors_total") == 0
        assert collector.stop() == 0
        assert "Traceback" not in collector.said()
    assert_stored(database, load.expected)
    rows = ask(database, "select id, family, model, origin, personal from personal.device")
    assert sorted(rows) == sorted((item.id, item.family, "native", "real", item.personal) for item in load.devices)
    assert total(table_account(database)).readings_duplicates == len(load.messages)


def test_registering_by_itself_changes_nothing_that_is_registered(
    database: str, mosquitto: Mosquitto, collect: Collect
) -> None:
    """Between two looks at the registry somebody registered the device, with a place and a stricter class."""
    collector = collect(database, mosquitto.url, auto_register="true", registry_refresh=60).start()
    bay = Device("bay1", "parking-bay", "bosch-tps110", -0.14, 51.5, personal=True, attributes={"street": "Mews"})
    register(database, [bay])
    publish(mosquitto.port, [message(bay, {"occupied": 1})])
    assert grows(database, "public.reading", 1)
    assert collector.stop() == 0
    rows = ask(database, "select model, lon, lat, personal, attributes ->> 'street' from personal.device")
    assert rows == [("bosch-tps110", -0.14, 51.5, True, "Mews")]
    assert count(database, "public.observation") == 0
    assert count(database, "personal.observation") == 1


def test_a_device_that_is_deleted_stops_nobody(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Erased from the registry while its messages are on their way: they cost the others nothing."""
    load = native_load(seed, 1_000)
    erased = device("erased", "air-monitor")
    register(database, [*load.devices, erased])
    collector = collect(database, mosquitto.url).start()
    ask(database, "delete from personal.device where id = 'erased' returning id")
    publish(mosquitto.port, [*load.messages[:500], message(erased, {"pm2_5": 1.5}), *load.messages[500:]])
    assert grows(database, "public.reading", 1_000)
    assert wait_for(lambda: total(table_account(database)).messages_received == 1_001, 5)
    collector.account()
    assert collector.alive
    assert collector.stop() == 0
    assert_stored(database, load.expected)
    assert count(database, "public.rejected where reason = 'unknown_device'") == 1


def test_a_name_of_several_levels_is_subscribed_to_when_it_is_registered(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path
) -> None:
    """And let go of when it is no more; a session that connects anew for it loses nothing."""
    file = tmp_path / "subscriptions.toml"
    file.write_text('[[subscription]]\ntopic = "zigbee2mqtt/{device}"\nformat = "zigbee2mqtt"\n')
    air = Device("air", "air-monitor", "zigbee2mqtt")
    light = Device("light", "air-monitor", "zigbee2mqtt", attributes={"topic": "Küche/Floor Light"})
    blank = Device("blank", "air-monitor", "zigbee2mqtt", attributes={"topic": "Air Monitor 1"})
    register(database, [air, blank])
    collector = collect(database, mosquitto.url, subscriptions=file).start()
    topics = {"air": "zigbee2mqtt/air", "light": "zigbee2mqtt/Küche/Floor Light", "blank": "zigbee2mqtt/Air Monitor 1"}
    publish(mosquitto.port, [_value(topic, 1.5) for topic in topics.values()])
    assert wait_for(lambda: _stored(database) == {"air", "blank"}, 10, 0.1)
    register(database, [light])

    def heard() -> bool:
        publish(mosquitto.port, [_value(topic, 2.5) for topic in topics.values()])
        return _stored(database) == set(topics)

    assert wait_for(heard, 20, 0.2)
    assert "the registry names other topics" in collector.said()
    assert count(database, "public.rejected") == 0
    collector.account()
    assert collector.stop() == 0
    assert "Traceback" not in collector.said()


def _value(topic: str, value: float) -> Message:
    return topic, orjson.dumps({"temperature": value})


def _stored(database: str) -> set[str]:
    stored = "select distinct s.device_id from public.latest l join personal.series s on s.id = l.series_id"
    return {str(row[0]) for row in ask(database, stored)}
