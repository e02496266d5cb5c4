"""Times as devices and servers write them, from a real broker to the table: wrong clocks, other forms, repeats."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from devices.device import Device
from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.load import ask, count, device, grows, now, register, stored
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SUBSCRIPTIONS = "".join(
    f'[[subscription]]\ntopic = "{topic}"\nformat = "{name}"\n'
    for name, topic in {
        "native": "borough/{family}/{device}/reading",
        "tts": "v3/+/devices/{device}/up",
        "zigbee2mqtt": "zigbee2mqtt/{device}",
        "tasmota": "tele/{device}/SENSOR",
    }.items()
)


@pytest.fixture
def subscriptions(tmp_path: Path) -> Path:
    path = tmp_path / "subscriptions.toml"
    path.write_text(SUBSCRIPTIONS)
    return path


def written(microseconds: int, form: str) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).strftime(form)


def bay(counter: int, received: str, gateway: str, state: str, port: int = 1) -> tuple[str, bytes]:
    uplink = {
        "f_port": port, "f_cnt": counter, "frm_payload": state, "received_at": received, "settings": {"time": gateway},
    }  # fmt: skip
    document = {"end_device_ids": {"device_id": "bay-7"}, "received_at": received, "uplink_message": uplink}
    return "v3/borough@ttn/devices/bay-7/up", json.dumps(document).encode()


def test_a_gateway_whose_clock_is_wrong_freezes_no_bay(
    database: str, mosquitto: Mosquitto, collect: Collect, subscriptions: Path
) -> None:
    register(database, [device("bay-7", "parking-bay", "bosch-tps110")])
    times = [now() - 3_600_000_000 + number * 60_000_000 for number in range(6)]
    text = [written(at, "%Y-%m-%dT%H:%M:%S.123456789Z") for at in times]
    ahead = written(times[3] + 1_800_000_000, "%Y-%m-%dT%H:%M:%SZ")
    messages = [
        bay(1, text[0], text[0], "AA=="),
        bay(2, text[1], "2012-01-01T00:03:12Z", "AQ=="),
        bay(3, text[2], "1970-01-01T00:00:01.576Z", "AA=="),
        bay(4, text[3], ahead, "AQ=="),
        bay(5, text[4], text[4], "AgY=", port=0),  # network commands
        bay(6, text[5], text[5], "", port=2),
    ]
    collector = collect(database, mosquitto.url, subscriptions=subscriptions).start()
    publish(mosquitto.port, messages)
    assert grows(database, "public.accounting where messages_ignored > 0", 1)
    assert grows(database, "public.reading", 4)
    assert stored(database) == {
        ("bay-7", "occupied", at + 123_456): float(number % 2) for number, at in enumerate(times[:4])
    }
    assert ask(database, "select value from latest") == [(1.0,)]
    account = collector.account_at_rest()["parking-bay"]
    assert (account.messages_ignored, account.messages_rejected) == (2, 0)
    assert collector.stop() == 0


def test_the_end_of_a_motion_is_stored_behind_its_beginning(
    database: str, mosquitto: Mosquitto, collect: Collect, subscriptions: Path
) -> None:
    """Zigbee2MQTT says it with the time of the beginning."""
    register(database, [device("hall", "movement-sensor", "zigbee2mqtt")])
    collector = collect(database, mosquitto.url, subscriptions=subscriptions).start()
    began = now() - 90_000_000
    for motion in (True, False, False):
        message = {"occupancy": motion, "last_seen": began // 1000}
        publish(mosquitto.port, [("zigbee2mqtt/hall", json.dumps(message).encode())])
    assert grows(database, "public.reading", 3)
    rows = sorted((time, value) for (_, _, time), value in stored(database).items())
    assert rows[0] == (began, 1.0)
    assert [value for _, value in rows[1:]] == [0.0, 0.0]
    assert rows[1][0] > began + 80_000_000
    assert count(database, "public.rejected") == 0
    assert collector.stop() == 0


def test_times_as_strftime_writes_them(
    database: str, mosquitto: Mosquitto, collect: Collect, subscriptions: Path
) -> None:
    register(database, [device("m1", "smart-meter")])
    forms = ["%Y-%m-%dT%H:%MZ", "%Y%m%dT%H%M%SZ", "%Y-%m-%d %H:%M:%S+0000", "%Y-%m-%dT%H:%M:%S,0 +00", "%Y%m%dT%H%Mz"]
    start = now() // 60_000_000 * 60_000_000 - 3_600_000_000
    times = [start + number * 60_000_000 for number in range(len(forms))]
    messages = [
        ("borough/smart-meter/m1/reading", json.dumps({"time": written(at, form), "import_register": 1}).encode())
        for at, form in zip(times, forms, strict=True)
    ]
    refused = json.dumps({"time": written(start, "%d/%m/%y %H:%M"), "import_register": 1}).encode()
    local = json.dumps({"time": written(start, "%Y-%m-%dT%H:%M"), "import_register": 1}).encode()
    collector = collect(database, mosquitto.url, subscriptions=subscriptions).start()
    publish(mosquitto.port, [*messages, *[("borough/smart-meter/m1/reading", data) for data in (refused, local)]])
    assert grows(database, "public.rejected", 2)
    assert grows(database, "public.reading", len(forms))
    assert sorted(time for _, _, time in stored(database)) == times
    details = [detail for (detail,) in ask(database, "select detail from rejected order by id")]
    assert details[0] == "neither ISO 8601 text with an offset, nor epoch seconds"
    assert str(details[1]).startswith("a time without an offset: write Z or +01:00 behind it")
    assert collector.stop() == 0


def test_a_retry_decides_the_repeated_hour_by_the_arrival_that_was_kept(
    database: str, mosquitto: Mosquitto, collect: Collect, subscriptions: Path
) -> None:
    collector = collect(database, mosquitto.url, subscriptions=subscriptions).start()
    messages = [
        ("tele/plug-1/SENSOR", json.dumps({"Time": "2025-10-26T01:30:00", "ENERGY": {"Total": total}}).encode())
        for total in (1.5, 2.5)
    ]
    publish(mosquitto.port, messages)
    assert grows(database, "public.rejected", 2)
    assert collector.stop() == 0
    with psycopg.connect(database, autocommit=True) as connection:  # as if they had come that night
        connection.execute(
            "update rejected set arrival = '2025-10-26T00:30:02Z'::timestamptz"
            " + (id - (select min(id) from rejected)) * interval '1 hour'"
        )
    register(
        database, [Device("plug-1", "smart-meter", "tasmota", personal=True, attributes={"zone": "Europe/London"})]
    )
    settings = {"BOROUGH_DATABASE_URL": database, "BOROUGH_SUBSCRIPTIONS": str(subscriptions)}
    done = forked.run(["rejected", "retry", "--all"], settings)
    assert done.returncode == 0, done.stderr
    first = (datetime(2025, 10, 26, 0, 30, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    assert stored(database) == {
        ("plug-1", "import_register", first): 1.5,
        ("plug-1", "import_register", first + 3_600_000_000): 2.5,
    }
