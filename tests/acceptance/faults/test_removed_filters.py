"""What left the subscriptions file is unsubscribed, and nothing of it is kept; by both sources, on a real broker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from borough.postgres_server import free_port
from scripts.parts import Parts
from simulators.publisher import Message
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account, total
from tests.tools.collector import CLIENT_ID, Collector
from tests.tools.load import ask, count, device, message, number, register
from tests.tools.mqtt_session import Session, left_in_session, make_session
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for

BOTH = pytest.mark.parametrize("source", ["mqtt5", "paho"])
NATIVE = ("borough/{family}/{device}/reading", "native")
HALL = ("zigbee2mqtt/{device}", "zigbee2mqtt")
GLOW = ("glow/{device}/SENSOR/electricitymeter", "glow")
#: A household's sensor, whose topic is taken out of the file.
SENSOR = device("hall", "movement-sensor", "zigbee2mqtt")
BAY = device("bay", "parking-bay")


def file_of(folder: Path, *entries: tuple[str, str]) -> Path:
    """A subscriptions file."""
    path = folder / "subscriptions.toml"
    path.write_text("\n".join(f'[[subscription]]\ntopic = "{topic}"\nformat = "{name}"' for topic, name in entries))
    return path


def seen(number_of: int) -> Message:
    """A message of the sensor, without a time of its own; each differs."""
    return "zigbee2mqtt/hall", json.dumps({"occupancy": True, "battery": number_of}).encode()


def parked(minute: int) -> Message:
    """A message of the bay."""
    return message(BAY, {"time": f"2026-02-01T00:{minute:02}:00Z", "occupied": minute % 2})


def filters(database: str) -> set[str]:
    """What is remembered of the session."""
    return {str(row[0]) for row in ask(database, "select distinct unnest(filters) from public.session_filter")}


def received(database: str) -> int:
    """Messages that were taken so far; the account adds up."""
    return total(table_account(database)).messages_received


def run(collector: Collector, database: str, port: int, messages: Sequence[Message]) -> None:
    """Start, publish, wait until all is written, stop."""
    before = received(database)
    collector.start()
    publish(port, messages)
    assert wait_for(lambda: received(database) >= before + len(messages), 20)
    assert collector.stop() == 0


@BOTH
def test_a_removed_filter_is_unsubscribed_and_nothing_of_it_is_kept(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    register(database, [SENSOR, BAY])
    path = file_of(tmp_path, NATIVE, HALL)
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    run(collector, database, mosquitto.port, [seen(1), parked(1)])
    assert count(database, "public.reading") == 3
    assert filters(database) == {"borough/+/+/reading", "zigbee2mqtt/+"}
    publish(mosquitto.port, [seen(2), seen(3), parked(2)])  # these wait in the session
    file_of(tmp_path, NATIVE)
    run(collector, database, mosquitto.port, [parked(3)])
    publish(mosquitto.port, [seen(4), seen(5)])
    assert left_in_session(mosquitto.port) == [], "the broker goes on delivering what nobody asks for"
    assert count(database, "public.reading") == 5
    sums = total(table_account(database))
    assert (sums.messages_received, sums.messages_rejected) == (6, 2)
    assert ask(database, "select reason, count(*) from public.rejected group by 1") == [("unknown_topic", 2)]
    for table in ("personal.rejected_bytes", "public.rejected_bytes"):
        assert number(database, f"select coalesce(sum(length(bytes)), 0)::int8 from {table}") == 0
    run(collector, database, mosquitto.port, [parked(4)])
    assert wait_for(lambda: filters(database) == {"borough/+/+/reading"}, 5)
    assert "nobody asks for it any more: zigbee2mqtt/+" in collector.said()


@BOTH
def test_what_is_asked_for_is_remembered_first(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """Killed between the two, a collector has remembered more than the session has, and that is unsubscribed too."""
    register(database, [BAY])
    path = file_of(tmp_path, NATIVE, HALL, GLOW)
    nobody = collect(database, f"mqtt://127.0.0.1:{free_port()}", mqtt_source=source, subscriptions=path).launch()
    remembered = {"borough/+/+/reading", "zigbee2mqtt/+", "glow/+/SENSOR/electricitymeter"}
    assert wait_for(lambda: filters(database) == remembered, 10)
    nobody.kill9()
    # one of them reached the broker
    make_session(mosquitto.port, CLIENT_ID, ["zigbee2mqtt/+"])
    file_of(tmp_path, NATIVE)
    run(collect(database, mosquitto.url, mqtt_source=source, subscriptions=path), database, mosquitto.port, [parked(1)])
    publish(mosquitto.port, [seen(1)])
    assert left_in_session(mosquitto.port) == []


@BOTH
def test_killed_before_it_has_noted_what_was_unsubscribed(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    register(database, [BAY])
    path = file_of(tmp_path, NATIVE, HALL)
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    run(collector, database, mosquitto.port, [parked(1)])
    file_of(tmp_path, NATIVE)
    collector.start()
    collector.kill9()
    file_of(tmp_path, NATIVE, GLOW)
    run(collector, database, mosquitto.port, [parked(2)])
    publish(mosquitto.port, [seen(1)])
    assert left_in_session(mosquitto.port) == []
    assert {"borough/+/+/reading", "glow/+/SENSOR/electricitymeter"} <= filters(database)


@BOTH
def test_another_broker_knows_nothing_and_the_first_is_not_forgotten(
    parts: Parts, database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    register(database, [BAY])
    path = file_of(tmp_path, NATIVE, HALL)
    run(collect(database, mosquitto.url, mqtt_source=source, subscriptions=path), database, mosquitto.port, [parked(1)])
    file_of(tmp_path, NATIVE)
    with Mosquitto(parts.mosquitto, tmp_path / "second") as second:
        other = collect(database, second.url, mqtt_source=source, subscriptions=path)
        run(other, database, second.port, [parked(2)])
        run(other, database, second.port, [parked(3)])
    # by another name and as another user it is the same broker and the same session
    address = f"mqtt://somebody:else@localhost:{mosquitto.port}"
    run(collect(database, address, mqtt_source=source, subscriptions=path), database, mosquitto.port, [parked(4)])
    publish(mosquitto.port, [seen(1)])
    assert left_in_session(mosquitto.port) == []


@BOTH
def test_filters_that_changed_places_stay(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """The formats of two topics are swapped: what is subscribed is the same, and no message is lost."""
    register(database, [BAY])
    twin = ("bays/{device}/senml", "senml-json")
    path = file_of(tmp_path, NATIVE, twin)
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    run(collector, database, mosquitto.port, [parked(1)])
    publish(mosquitto.port, [parked(2)])
    file_of(tmp_path, (twin[0], "native"), NATIVE)
    senml = "bays/bay/senml", b'{"time":"2026-02-01T00:09:00Z","occupied":1}'
    run(collector, database, mosquitto.port, [parked(3), senml])
    assert count(database, "public.reading") == 4
    assert count(database, "public.rejected") == 0
    assert filters(database) == {"borough/+/+/reading", "bays/+/senml"}
    assert "nobody asks for it any more" not in collector.said()


@BOTH
def test_a_session_of_before_filters_were_remembered(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """Nothing is remembered: what is most likely there, the formats' own topics, is unsubscribed."""
    register(database, [BAY])
    make_session(mosquitto.port, CLIENT_ID, ["borough/+/+/reading", "zigbee2mqtt/+", "tele/+/SENSOR"])
    path = file_of(tmp_path, NATIVE)
    run(collect(database, mosquitto.url, mqtt_source=source, subscriptions=path), database, mosquitto.port, [parked(1)])
    publish(mosquitto.port, [seen(1), ("tele/plug/SENSOR", b"{}")])
    assert left_in_session(mosquitto.port) == []


def test_a_shared_session_that_is_drained_keeps_no_filter(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path
) -> None:
    """It was served with an older file: also what left that file since is unsubscribed before the queue is taken."""
    register(database, [BAY, SENSOR])
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    first = collect(database, mosquitto.url, mqtt_shared_group="g", subscriptions=file_of(new, NATIVE)).start()
    second = collect(database, mosquitto.url, mqtt_shared_group="g", subscriptions=file_of(old, NATIVE, HALL)).start()
    assert filters(database) == {"$share/g/borough/+/+/reading", "$share/g/zigbee2mqtt/+"}
    second.kill9()
    assert wait_for(lambda: count(database, "public.session_filter") == 1, 30)
    assert filters(database) == {"$share/g/borough/+/+/reading"}
    with Session(mosquitto.port, f"{CLIENT_ID}-1", expiry=0) as session:
        assert not session.present
    assert first.stop() == 0


def test_overlapping_filters_are_refused_at_the_start(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path
) -> None:
    path = file_of(tmp_path, HALL, ("zigbee2mqtt/{device}/#", "native"))
    collector = collect(database, mosquitto.url, subscriptions=path).launch()
    assert collector.wait(60) == 2
    (said,) = collector.messages()
    assert f"subscriptions file {path}: line 1, " in said
    assert "line 4, " in said
    assert "both take the topic 'zigbee2mqtt/x'" in said
    assert "Traceback" not in said


@BOTH
def test_what_two_filters_take_by_chance_counts_once(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """Mosquitto delivers it twice with MQTT 5; the first subscription of the file reads it."""
    hall = device("status", "air-monitor")
    register(database, [hall, device("tele", "air-monitor")])
    path = file_of(tmp_path, ("tele/{device}/SENSOR", "native"), ("{device}/status/+", "native"))
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    run(collector, database, mosquitto.port, [("tele/status/SENSOR", b'{"pm2_5": %d}' % n) for n in range(40)])
    publish(mosquitto.port, [("tele/status/SENSOR", b'{"pm2_5": %d}' % n) for n in range(10)])  # these wait
    run(collector, database, mosquitto.port, [("tele/status/em", b'{"pm10": 3}')])
    assert left_in_session(mosquitto.port) == []
    assert received(database) == 51
    rows = ask(
        database,
        "select s.device_id, s.property, count(*) from public.reading r join personal.series s on s.id = r.series_id"
        " group by 1, 2 order by 1",
    )
    assert rows == [("status", "pm2_5", 50), ("tele", "pm10", 1)]


@BOTH
def test_a_message_without_a_time_counts_once(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """Also where the filter that took it is replaced by a wider one while it waits."""
    register(database, [SENSOR])
    path = file_of(tmp_path, HALL)
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    collector.start()
    assert collector.stop() == 0
    publish(mosquitto.port, [seen(number_of) for number_of in range(1, 51)])
    file_of(tmp_path, ("zigbee2mqtt/{device}/#", "zigbee2mqtt"))
    collector.start()
    publish(mosquitto.port, [seen(number_of) for number_of in range(51, 101)])
    assert wait_for(lambda: received(database) >= 100, 20)
    assert collector.stop() == 0
    assert left_in_session(mosquitto.port) == []
    assert received(database) == 100
    assert count(database, "public.reading") == 200


@BOTH
def test_a_filter_that_takes_the_place_of_another_loses_and_doubles_nothing(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    """Messages without a time come all the while: those that wait, those between the two, those after it."""
    register(database, [SENSOR])
    path = file_of(tmp_path, HALL)
    collector = collect(database, mosquitto.url, mqtt_source=source, subscriptions=path)
    collector.start()
    assert collector.stop() == 0
    file_of(tmp_path, ("zigbee2mqtt/{device}/#", "zigbee2mqtt"))
    messages = [seen(number_of % 101) for number_of in range(8_000)]
    publishing = Publishing(mosquitto.port, messages, rate=4_000)
    collector.start()
    publishing.join()
    assert wait_for(lambda: received(database) >= len(messages), 20)
    assert collector.stop() == 0
    assert left_in_session(mosquitto.port) == []
    sums = total(table_account(database))
    assert (sums.messages_received, sums.messages_decoded) == (len(messages), len(messages))
