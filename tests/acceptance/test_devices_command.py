"""`borough devices` against a real database, and its accounts against a real Mosquitto."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from scripts.parts import Parts
from tests.tools import forked
from tests.tools.servers import Mosquitto, wait_for

FILE = """\
device_id,family,model,lon,lat,street,gateway
bay-1,parking-bay,native,-0.0812,51.5031,Alder Street,
bay-2,parking-bay,native,-0.0813,51.5031,"Alder Street, south",
meter-1,smart-meter,glow,,,,
air-1,air-monitor,native,-0.08,51.5,,north-bridge
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(database: str) -> Run:
    """Runs the command with the database's settings."""

    def borough(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = forked.run(arguments, {"BOROUGH_DATABASE_URL": database})
        assert done.returncode == status, done.stderr or done.stdout
        assert "Traceback" not in done.stderr
        return done

    return borough


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_text(FILE)
    return path


def of(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_import_list_show_retire_export(run: Run, file: Path, tmp_path: Path) -> None:
    dry = of(run("devices", "import", str(file), "--dry-run", "--json"))
    assert (dry["new"], dry["unchanged"], dry["dry_run"]) == (["bay-1", "bay-2", "meter-1", "air-1"], 0, True)
    assert of(run("devices", "list", "--json")) == []

    assert of(run("devices", "import", str(file), "--json"))["new"] == dry["new"]
    again = of(run("devices", "import", str(file), "--json"))
    assert (again["new"], again["changed"], again["unchanged"]) == ([], {}, 4)

    meter = of(run("devices", "show", "meter-1", "--json"))
    assert (meter["class"], meter["origin"], meter["lon"], meter["last_heard"]) == ("personal", "real", None, None)
    assert of(run("devices", "show", "bay-2", "--json"))["attributes"] == {"street": "Alder Street, south"}
    assert [row.split("\t")[0] for row in run("devices", "list").stdout.splitlines()] == [
        "device",
        "air-1",
        "bay-1",
        "bay-2",
        "meter-1",
    ]

    file.write_text(
        FILE.replace("51.5031,Alder Street,", "51.5,Alder Street,").replace("meter-1,smart-meter,glow,,,,\n", "")
    )
    lines = run("devices", "import", str(file), "--dry-run").stdout.splitlines()
    assert lines == [
        "changed\tbay-1\tlat: 51.5031 -> 51.5",
        (
            "0 new, 1 changed, 2 unchanged, 1 registered and not in the file, which stay as they are."
            " Nothing was changed: this was a dry run."
        ),
    ]

    run("devices", "retire", "bay-2")
    assert "0 devices retired, 1 were already." in run("devices", "retire", "bay-2").stdout
    assert run("devices", "retire", "bay-1", "bay-9", status=1).stderr.startswith(
        "borough: device bay-9 is not registered"
    )
    listed = of(run("devices", "list", "--json", "--family", "parking-bay", "--retired"))
    assert [(device["device_id"], device["retired"]) for device in listed] == [("bay-1", False), ("bay-2", True)]

    for name in ("export.csv", "export.geojson"):
        run("devices", "export", str(tmp_path / name))
        same = of(run("devices", "import", str(tmp_path / name), "--json"))
        assert (same["new"], same["changed"], same["unchanged"], same["missing"]) == ([], {}, 3, [])
    assert run("devices", "export").stdout == (tmp_path / "export.csv").read_bytes().decode().replace("\r\n", "\n")


def test_a_file_with_a_mistake_imports_nothing(run: Run, file: Path) -> None:
    file.write_text(FILE + "bay-3,parking-bay,native,0,91,,\nbay-1,parking-bay,native,,,,\n")
    errors = run("devices", "import", str(file), status=2).stderr.splitlines()
    assert errors[0] == f"borough: {file}: nothing was imported, 2 problems:"
    assert errors[1].startswith("  line 6: device bay-3: lon 0.0, lat 91.0 is no place on Earth")
    assert errors[2] == "  line 7: device bay-1 is already given in line 2"
    assert of(run("devices", "list", "--json")) == []


def test_add(run: Run) -> None:
    run("devices", "add", "bay-7", "--family", "parking-bay", "--lon=-0.1", "--lat=51.5", "--class", "personal",
        "--attribute", "street=Brook Lane")  # fmt: skip
    shown = of(run("devices", "show", "bay-7", "--json"))
    assert (shown["lon"], shown["lat"], shown["class"]) == (-0.1, 51.5, "personal")
    assert shown["attributes"] == {"street": "Brook Lane"}
    assert "already registered" in run("devices", "add", "bay-7", "--family", "parking-bay", status=1).stderr
    assert "unknown family 'bay'" in run("devices", "add", "bay-8", "--family", "bay", status=2).stderr
    assert (
        "not NAME=VALUE" in run("devices", "add", "b", "--family", "parking-bay", "--attribute", "x", status=2).stderr
    )


def test_the_sensor_of_a_household_s_bay_cannot_become_open(run: Run, tmp_path: Path) -> None:
    devices, bays, links = (tmp_path / name for name in ("devices.csv", "bays.csv", "links.csv"))
    devices.write_text("device_id,family,model,lon,lat,class\nown,parking-bay,native,-0.1,51.5,personal\n")
    bays.write_text("id,street,zone,kind,lon,lat,class\nb1,Mill Road,A,disabled,-0.1,51.5,personal\n")
    links.write_text("bay,device,from\nb1,own,2026-01-01\n")
    run("devices", "import", str(devices))
    run("bays", "import", str(bays), str(links))
    # an inventory that knows nothing of classes
    devices.write_text("device_id,family,model,lon,lat\nown,parking-bay,native,-0.1,51.5\n")
    for dry_run in ((), ("--dry-run",)):
        said = run("devices", "import", str(devices), *dry_run, status=2).stderr
        assert "device own is the sensor of bay b1 of a household; give it the class personal" in said
    assert of(run("devices", "show", "own", "--json"))["class"] == "personal"


def test_a_file_that_says_no_class_opens_no_device_of_a_household(run: Run, tmp_path: Path) -> None:
    file, other = tmp_path / "monitors.csv", tmp_path / "monitors.geojson"
    head, row = "device_id,family,model,lon,lat", "at-home,air-monitor,native,-0.1,51.5"
    file.write_text(f"{head},class\n{row},personal\n")
    run("devices", "import", str(file))
    # an inventory that knows nothing of classes
    file.write_text(f"{head},street\n{row},Mill Road\n")
    properties = '{"device_id": "at-home", "family": "air-monitor", "model": "native"}'
    feature = f'{{"type": "Feature", "geometry": null, "properties": {properties}}}'
    other.write_text(f'{{"type": "FeatureCollection", "features": [{feature}]}}')
    for path, where in ((file, "line 2"), (other, "feature 1 (device at-home)")):
        said = run("devices", "import", str(path), "--dry-run", status=2).stderr
        assert f"{where}: device at-home is registered as personal; say its class: personal, or open" in said
    file.write_text(f"{head},class\n{row},open\n")
    run("devices", "import", str(file))
    assert of(run("devices", "show", "at-home", "--json"))["class"] == "open"


def test_status_tells_silent_from_never_seen(run: Run, file: Path, database: str) -> None:
    run("devices", "import", str(file))
    with psycopg.connect(database) as connection:
        for device, age in (("bay-1", "5 minutes"), ("bay-2", "3 hours")):
            connection.execute(
                "with s as (insert into personal.series (device_id, property, personal) values (%s, 'occupied', false)"
                "           returning id)"
                " insert into public.latest (series_id, time, value, arrival)"
                " select id, '2020-01-01Z', 1, now() - %s::interval from s",
                (device, age),
            )
    found = of(run("devices", "status", "--json"))
    assert (found["devices"], found["reporting"]) == (4, 1)
    assert [item["device"] for item in found["silent"]] == ["bay-2"]
    assert [item["device"] for item in found["never_seen"]] == ["air-1", "meter-1"]
    assert len(of(run("devices", "status", "--silent-after", "1min", "--json"))["silent"]) == 2
    assert run("devices", "status", "--silent-after", "1d").stdout.splitlines()[-1] == (
        "4 devices in service: 0 silent for 1d, 2 never seen."
    )


def test_a_database_without_our_tables(empty_database: str) -> None:
    settings = {"BOROUGH_DATABASE_URL": empty_database}
    done = forked.run(["devices", "list"], settings)
    assert done.returncode == 1
    assert done.stderr.endswith("is not at this program's schema; run: borough migrate\n")
    for applied in (True, False):
        done = forked.run(["migrate", "--json"], settings)
        assert done.returncode == 0, done.stderr
        assert bool(json.loads(done.stdout)["applied"]) is applied


# -- accounts ---------------------------------------------------------------------------------------------------------


class Client:
    """One connection with a name and a secret; what it heard."""

    def __init__(self, port: int, username: str, password: str) -> None:
        self.heard: list[str] = []
        self.refused: bool | None = None
        self._granted = threading.Event()
        self._connected = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.username_pw_set(username, password)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.on_message = lambda _client, _data, message: self.heard.append(message.topic)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._connected.wait(60)

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self.refused = bool(reason.is_failure)
        self._connected.set()

    def subscribe(self, filter_: str) -> None:
        self._client.subscribe(filter_, 1)
        assert self._granted.wait(60)

    def publish(self, topic: str) -> None:
        info = self._client.publish(topic, b"{}", 1)
        info.wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def refused(port: int, account: tuple[str, str]) -> bool:
    """Whether the broker turns this account away."""
    client = Client(port, *account)
    client.close()
    return client.refused is True


def secrets(folder: Path) -> dict[str, tuple[str, str]]:
    with (folder / "secrets.csv").open(newline="") as lines:
        return {row["device_id"]: (row["username"], row["password"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("group", ["", "$share/all/"])
def test_the_broker_takes_the_accounts_and_their_rights(
    run: Run, file: Path, tmp_path: Path, parts: Parts, group: str
) -> None:
    folder = tmp_path / "accounts"
    folder.mkdir(mode=0o700)
    run("devices", "import", str(file))
    first = run("devices", "credentials", str(folder))
    assert stat.S_IMODE((folder / "secrets.csv").stat().st_mode) == 0o600
    known = secrets(folder)
    assert set(known) == {"bay-1", "bay-2", "meter-1", "north-bridge", "borough-collector"}
    assert not any(secret in first.stdout + first.stderr for _, secret in known.values())

    broker = Mosquitto(
        parts.mosquitto, tmp_path / "mosquitto", password_file=folder / "passwords", acl_file=folder / "acl"
    )
    with broker:
        assert refused(broker.port, ("bay-1", "guessed"))
        collector = Client(broker.port, *known["borough-collector"])
        assert collector.refused is False
        collector.subscribe(group + "borough/+/+/reading")
        sent = {
            "bay-1": [
                "borough/parking-bay/bay-1/reading",
                "borough/parking-bay/bay-2/reading",
                "borough/x/bay-1/reading",
            ],
            "meter-1": ["glow/meter-1/SENSOR/electricitymeter", "borough/smart-meter/meter-1/reading"],
            "north-bridge": ["borough/air-monitor/air-1/reading", "borough/air-monitor/north-bridge/reading"],
        }
        for name, topics in sent.items():
            client = Client(broker.port, *known[name])
            client.subscribe("borough/#")
            for topic in topics:
                client.publish(topic)
            client.close()
            assert client.heard == [], "a device reads nothing"
        last = Client(broker.port, *known["bay-2"])
        last.publish("borough/parking-bay/bay-2/reading")
        assert wait_for(lambda: "borough/parking-bay/bay-2/reading" in collector.heard, 10)
        assert collector.heard == [
            "borough/parking-bay/bay-1/reading",
            "borough/air-monitor/air-1/reading",
            "borough/parking-bay/bay-2/reading",
        ]
        last.close()

        run("devices", "retire", "bay-2")
        run("devices", "add", "bay-9", "--family", "parking-bay")
        made = of(run("devices", "credentials", str(folder), "--json"))
        assert (made["added"], made["kept"], made["rotated"], made["removed"]) == (["bay-9"], 4, [], ["bay-2"])
        assert {name: secret for name, secret in secrets(folder).items() if name != "bay-9"} == {
            name: secret for name, secret in known.items() if name != "bay-2"
        }
        broker.reload()
        assert wait_for(lambda: not refused(broker.port, secrets(folder)["bay-9"]), 10)
        assert refused(broker.port, known["bay-2"])
        collector.close()


def test_rotation_and_files_of_somebody_else(run: Run, file: Path, tmp_path: Path) -> None:
    run("devices", "import", str(file))
    run("devices", "credentials", str(tmp_path))
    before = secrets(tmp_path)
    (tmp_path / "passwords").chmod(0o640)
    assert len(of(run("devices", "credentials", str(tmp_path), "--rotate", "--json"))["rotated"]) == 5
    assert all(secrets(tmp_path)[name] != before[name] for name in before)
    assert stat.S_IMODE((tmp_path / "passwords").stat().st_mode) == 0o640

    (tmp_path / "secrets.csv").write_text("name,pin\nanna,1234\n")
    done = run("devices", "credentials", str(tmp_path), status=2)
    assert done.stderr == f"borough: {tmp_path}: line 1 is not device_id,username,password\n"
    assert (tmp_path / "secrets.csv").read_text() == "name,pin\nanna,1234\n"
    assert "is no folder" in run("devices", "credentials", str(tmp_path / "nowhere"), status=2).stderr


def test_the_collector_loses_no_right_by_mistake(run: Run, file: Path, tmp_path: Path) -> None:
    """A broker throws away what waits for a reader that has lost its right at its next reload."""
    run("devices", "import", str(file))
    run("devices", "credentials", str(tmp_path))
    acl = tmp_path / "acl"
    acl.write_text(acl.read_text().replace("topic read ", "topic read also/#\ntopic read ", 1))
    before = acl.read_text()
    done = run("devices", "credentials", str(tmp_path), status=2)
    assert "would lose its right to read also/#" in done.stderr
    assert acl.read_text() == before
    run("devices", "credentials", str(tmp_path), "--fewer-rights")
    assert "also/#" not in acl.read_text()


NAMES = """\
device_id,family,model,lon,lat,gateway,topic
m1,smart-meter,zigbee2mqtt,,,bridge-1,Power Monitor
m2,movement-sensor,zigbee2mqtt,,,bridge-1,living_room/sensor
m3,movement-sensor,zigbee2mqtt,,,bridge-1,Küche
"""


def test_names_with_blanks_slashes_and_umlauts_are_registered_and_have_rights(
    database: str, tmp_path: Path, parts: Parts
) -> None:
    file, folder, subscriptions = tmp_path / "names.csv", tmp_path / "accounts", tmp_path / "subscriptions.toml"
    file.write_text(NAMES, encoding="utf-8")
    folder.mkdir(mode=0o700)
    subscriptions.write_text('[[subscription]]\ntopic = "zigbee2mqtt/{device}"\nformat = "zigbee2mqtt"\n')
    settings = {"BOROUGH_DATABASE_URL": database, "BOROUGH_SUBSCRIPTIONS": str(subscriptions)}

    def borough(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = forked.run(arguments, settings)
        assert done.returncode == status, done.stderr or done.stdout
        return done

    borough("devices", "import", str(file))
    assert of(borough("devices", "show", "m2", "--json"))["attributes"]["topic"] == "living_room/sensor"
    twice = tmp_path / "twice.csv"
    twice.write_text(NAMES.replace("m1,", "m9,").replace("m2,", "m8,").replace("m3,", "m7,"), encoding="utf-8")
    said = borough("devices", "import", str(twice), status=2).stderr
    assert "device m9: its topic is also that of device m1" in said
    assert "Power" not in said
    borough("devices", "add", "m5", "--family", "smart-meter", "--attribute", "topic=m1", status=2)
    borough("devices", "credentials", str(folder))
    known = secrets(folder)
    broker = Mosquitto(
        parts.mosquitto, tmp_path / "mosquitto", password_file=folder / "passwords", acl_file=folder / "acl"
    )
    topics = ["zigbee2mqtt/Power Monitor", "zigbee2mqtt/living_room/sensor", "zigbee2mqtt/Küche"]
    with broker:
        collector = Client(broker.port, *known["borough-collector"])
        for topic_filter in ("zigbee2mqtt/+", "zigbee2mqtt/living_room/sensor"):
            collector.subscribe(topic_filter)
        bridge = Client(broker.port, *known["bridge-1"])
        for topic in ("zigbee2mqtt/Power", "zigbee2mqtt/living_room", "zigbee2mqtt/living_room/other", *topics):
            bridge.publish(topic)
        assert wait_for(lambda: len(collector.heard) >= len(topics), 10)
        assert sorted(collector.heard) == sorted(topics)
        bridge.close()
        collector.close()
    # a name of several levels that is no more is no right that is missed
    borough("devices", "retire", "m2")
    borough("devices", "credentials", str(folder))
    assert "living_room" not in (folder / "acl").read_text(encoding="utf-8")
