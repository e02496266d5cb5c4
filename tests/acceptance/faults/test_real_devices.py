"""What devices that the README names send, from a real broker to the store: one message of each make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.device import Device
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.load import ask, register
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

SUBSCRIPTIONS = """
[[subscription]]
topic = "shellies/{device}/emeter/0/{property}"
format = "shelly-gen1"
[[subscription]]
topic = "{device}/status/em1data:0"
format = "shelly"
[[subscription]]
topic = "{device}/status/em1data:1"
format = "shelly"
[[subscription]]
topic = "zigbee2mqtt/{device}"
format = "zigbee2mqtt"
[[subscription]]
topic = "zigbee2mqtt/{device}/{property}"
format = "zigbee2mqtt"
[[subscription]]
topic = "tele/{device}/SENSOR"
format = "tasmota"
"""
ZONE = {"zone": "Europe/London"}


def meter(name: str, model: str, **attributes: str) -> Device:
    return Device(name, "smart-meter", model, personal=True, attributes=attributes)


DEVICES = [
    meter("shellyem-1", "shelly-gen1"),
    meter("shellyproem-1", "shelly-em"),
    meter("shellyproem-1:1", "shelly-em"),
    meter("plug", "zigbee2mqtt", topic="Power Monitor"),
    meter("light", "zigbee2mqtt", topic="Kitchen/Floor Light"),
    meter("head", "tasmota", **ZONE, sensor="WP"),
]
TIME = "2026-03-04T10:15:30"
MESSAGES = [
    ("shellies/shellyem-1/emeter/0/total", "64541.0"),
    ("shellies/shellyem-1/emeter/0/voltage", "231.5"),
    ("shellyproem-1/status/em1data:0", '{"id":0,"total_act_energy":1000.0,"total_act_ret_energy":500.0}'),
    ("shellyproem-1/status/em1data:1", '{"id":1,"total_act_energy":3000.0}'),
    ("zigbee2mqtt/Power Monitor", '{"energy":12.5,"produced_energy":1.5,"voltage":230}'),
    ("zigbee2mqtt/Kitchen/Floor Light/energy", "7.25"),
    ("zigbee2mqtt/Power Monitor/availability", "online"),
    ("zigbee2mqtt/bridge/state", "online"),
    ("tele/head/SENSOR", f'{{"Time":"{TIME}","Haus":{{"Total_in":9.5}},"WP":{{"Total_in":88.25}}}}'),
    ("tele/head/SENSOR", f'{{"Time":"{TIME}","Switch1":"ON"}}'),
]
STORED = {
    ("shellyem-1", "import_register", 64.541),
    ("shellyproem-1", "import_register", 1.0),
    ("shellyproem-1", "export_register", 0.5),
    ("shellyproem-1:1", "import_register", 3.0),
    ("plug", "import_register", 12.5),
    ("plug", "export_register", 1.5),
    ("light", "import_register", 7.25),
    ("head", "import_register", 88.25),
}


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_each_make_is_stored_under_its_own_meter(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    file = tmp_path / "subscriptions.toml"
    file.write_text(SUBSCRIPTIONS)
    register(database, DEVICES)
    collector = collect(database, mosquitto.url, subscriptions=file, mqtt_source=source).start()
    publish(mosquitto.port, [(topic, text.encode()) for topic, text in MESSAGES])
    query = "select s.device_id, s.property, l.value from public.latest l join personal.series s on s.id = l.series_id"
    assert wait_for(lambda: len(ask(database, query)) >= len(STORED), 15, 0.1)
    assert {(device, name, round(float(str(value)), 9)) for device, name, value in ask(database, query)} == STORED
    assert ask(database, "select count(*) from public.rejected") == [(0,)]
    assert wait_for(lambda: _named(database) == {"voltage", "Haus.Total_in"}, 15, 0.2)
    collector.account()
    assert collector.stop() == 0
    assert "Traceback" not in collector.said()


def _named(database: str) -> set[str]:
    done = forked.run(["devices", "status", "--json"], {"BOROUGH_DATABASE_URL": database})
    assert done.returncode == 0, done.stderr
    return {row["name"] for row in json.loads(done.stdout)["not_read"]}
