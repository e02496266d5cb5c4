"""A supplier's half-hour, a tenth of the right value first and then right, through the broker, the collector and the
store, and to the day that is computed from it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from devices.device import Device
from simulators.publisher import Message
from store.connect import connect
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account
from tests.tools.load import ask, register, rfc3339
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for
from tests.worlds.homes import import_homes

#: 2026-03-23T00:00:00Z [us].
MONDAY = 1_774_224_000_000_000
HALF_HOUR = 1_800_000_000
SUBSCRIPTIONS = """\
[[subscription]]
topic = "supplier/{device}/half-hours"
format = "native"
restates = true

[[subscription]]
topic = "display/{device}/half-hours"
format = "native"
"""


def messages(way: str, values: list[float]) -> list[Message]:
    """A day of half-hours, one message each, as lines of NDJSON."""
    return [
        (
            f"{way}/meter-1/half-hours",
            json.dumps({"time": rfc3339(MONDAY + place * HALF_HOUR), "import_interval": value}).encode(),
        )
        for place, value in enumerate(values)
    ]


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_a_day_a_tenth_of_the_right_values_and_then_right(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path, source: str
) -> None:
    register(database, [Device("meter-1", "smart-meter", "native", personal=True, attributes={"interval": "PT30M"})])
    with connect(database) as connection:
        import_homes(connection, [{"uprn": "1", "meters": "meter-1", "lon": "-0.1"}])
        connection.commit()
    file = tmp_path / "subscriptions.toml"
    file.write_text(SUBSCRIPTIONS)
    collector = collect(database, mosquitto.url, subscriptions=file, mqtt_source=source).start()
    publish(mosquitto.port, messages("supplier", [0.044] * 48))
    assert wait_for(lambda: _stored(database) == (48, 0.044), 30)
    assert _day(database) == 2_112
    collector.kill9()
    collector.start()
    publish(mosquitto.port, messages("supplier", [0.44] * 48))
    publish(mosquitto.port, messages("display", [0.1] * 48))
    assert wait_for(lambda: _stored(database) == (48, 0.44), 30)
    assert wait_for(lambda: table_account(database)["smart-meter"].messages_received >= 144, 30)
    counts = table_account(database)["smart-meter"]
    assert counts.adds_up()
    assert (counts.readings_stored, counts.readings_restated, counts.readings_rejected) == (48, 48, 48)
    assert ask(database, "select reason, count(*) from public.rejected group by 1") == [("conflict", 48)]
    assert ask(database, "select old_value, new_value, source, count(*) from public.superseded group by 1, 2, 3") == [
        (0.044, 0.44, "subscription supplier/{device}/half-hours", 48)
    ]
    assert collector.metric("borough_readings_restated_total", "smart-meter") == 48
    assert _day(database) == 21_120
    publish(mosquitto.port, messages("supplier", [0.44] * 48))
    assert wait_for(lambda: table_account(database)["smart-meter"].readings_duplicates == 48, 30)
    assert collector.stop() == 0
    assert len(ask(database, "select from public.superseded")) == 48


def _stored(database: str) -> tuple[object, object]:
    ((count, value),) = ask(database, "select count(*), min(value) from public.reading")
    return count, value


def _day(database: str) -> object:
    """What the analyst says that the home used on that day [Wh]."""
    subprocess.run(
        [*WITH_US, *BOROUGH, "analyse"], env=environment({"BOROUGH_DATABASE_URL": database}), check=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip
    return ask(database, "select watt_hours from personal.daily where day = '2026-03-23'")[0][0]
