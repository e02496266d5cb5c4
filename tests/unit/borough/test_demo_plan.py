"""What the demo's fleet says and when, its ledger's files, and the old MQTT that its broker speaks."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from analytics.air.index import BEGINS, index
from analytics.air.running import running
from borough.demo.ledger import LedgerFolder
from borough.demo.plan import DEMO_FLEET, Place, make_plan
from borough.errors import UsageError
from devices.bank_holidays import is_bank_holiday
from simulators import ledger
from simulators.bay_register import make_register
from simulators.bay_truth import truth_of
from simulators.publisher import old_connect_packet, old_publish_packet
from simulators.rules import UNSENT
from simulators.run import Simulation
from simulators.stream import Stream

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
DAY = 86_400_000_000
SMALL = """
name = "small"
start = 2026-01-05T00:00:00Z
days = 2
[smart-meter]
count = 2
[smart-meter.treatment]
share = 1.0
effect = 0.5
start = 2026-01-06T00:00:00Z
"""


def micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def said(simulation: Simulation) -> list[Stream]:
    return [stream for streams in simulation.streams(lambda due: due) for stream in streams]


def test_the_first_start_has_eight_weeks_behind_it(tmp_path: Path) -> None:
    plan = make_plan(DEMO_FLEET, tmp_path, NOW)
    present = datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert plan.history is not None
    assert plan.history.span == (micros(datetime(2026, 9, 26, tzinfo=UTC)), micros(present))
    assert (plan.days, plan.loaded) == (56.25, 0)
    assert plan.live.span[0] == micros(present)
    count = Counter(device.family for device in plan.devices)
    assert (count["smart-meter"], count["parking-bay"], count["air-monitor"]) == (300, 200, 12)
    assert not plan.history.faults.share
    assert plan.live.faults.share["duplicate"] > 0
    assert {device.origin for device in plan.devices} == {"simulated"}


def test_bays_are_in_the_present(tmp_path: Path) -> None:
    """Their past ends now and their present goes on there; three cars go over the grace within two minutes."""
    plan = make_plan(DEMO_FLEET, tmp_path, NOW)
    assert plan.bays is not None
    assert plan.bays.history is not None
    assert plan.history is not None
    assert plan.bays.history.span == (plan.history.span[1], micros(NOW))
    assert plan.bays.live.span[0] == micros(NOW)
    assert set(plan.bays.history.faults.share) == {"gateway", "silent"}
    assert plan.place.scenes == [micros(NOW)]
    assert plan.bays.live.fleet is not None
    register = make_register(plan.bays.live.fleet, plan.bays.live.devices["parking-bay"])
    truth = truth_of(plan.bays.live.fleet, register, micros(NOW) - DAY, micros(NOW) + DAY // 24, is_bank_holiday)
    threshold = truth.stays.over_from + 300_000_000
    due = (threshold > micros(NOW)) & (threshold <= micros(NOW) + 120_000_000) & (truth.stays.over > DAY // 48)
    scene = truth.stays.bay[due].tolist()
    assert sorted({register.bays[bay].kind for bay in scene} & {"loading", "electric", "disabled"}) == [
        "disabled",
        "electric",
        "loading",
    ]
    # their sensors are heard: not behind the gateway that is away, not silent themselves
    heard: set[str] = set()
    away: set[str] = set()
    last = replace(plan.bays.history, span=(micros(NOW) - DAY // 4, micros(NOW)))
    for stream in said(last):
        gone = stream.expect == UNSENT
        heard |= {stream.devices[place].id for place in stream.device[~gone]}
        with_gateway = gone & (np.array(stream.faults)[stream.fault] == "gateway")
        away |= {stream.devices[place].attributes["gateway"] for place in stream.device[with_gateway]}
    sensor = {link.bay: link.device for link in register.sensors}
    assert {sensor[register.bays[bay].id] for bay in scene if register.bays[bay].kind != "pay"} <= heard
    assert len(away) == 1


def test_air_is_in_the_present_and_in_an_episode(tmp_path: Path) -> None:
    """At all monitors together it is Moderate at least, and it was not a day before."""
    plan = make_plan(DEMO_FLEET, tmp_path, NOW)
    assert plan.bays is not None
    assert plan.bays.has_air
    assert "air-monitor" in plan.bays.live.devices
    assert "air-monitor" not in plan.live.devices
    assert plan.bays.history is not None
    hourly = []
    for stream in said(replace(plan.bays.history, span=(micros(NOW) - 2 * DAY, micros(NOW) - DAY // 48))):
        if stream.family == "air-monitor":
            mine = stream.property == list(stream.properties).index("pm2_5")
            hourly.append((stream.time[mine] // (DAY // 24), stream.value[mine]))
    hour, value = (np.concatenate(part) for part in zip(*hourly, strict=True))
    place = hour - hour.min()
    mean = np.bincount(place, value) / np.bincount(place)
    found = index("pm2_5", running(mean, 24, 18))
    assert BEGINS["moderate"] <= found[-1] < BEGINS["very-high"]
    assert found[-20] < BEGINS["moderate"]


def test_bays_go_on_where_they_were_heard_last(tmp_path: Path) -> None:
    plan = make_plan(DEMO_FLEET, tmp_path, NOW)
    replace(plan.place, bays_until=micros(NOW)).save(tmp_path)
    soon = make_plan(DEMO_FLEET, tmp_path, NOW + timedelta(minutes=30))
    assert soon.bays is not None
    assert soon.bays.history is not None
    assert soon.bays.history.span == (micros(NOW), micros(NOW) + DAY // 48)
    assert soon.place.scenes == [micros(NOW)], "what was said of the first scene is not unsaid"
    later = make_plan(DEMO_FLEET, tmp_path, NOW + timedelta(days=1))
    assert later.place.scenes == [micros(NOW), micros(NOW) + DAY]


def test_history_and_present_meet_without_a_gap_or_an_overlap(fleet: Path, tmp_path: Path) -> None:
    """What is loaded, cut anywhere and gone on with, is what the homes said: every half-hour once."""
    plan = make_plan(fleet, tmp_path, NOW)
    assert plan.history is not None
    edges = [edge for _, edge in plan.history.windows()]
    Place(plan.place.start, edges[0], 7, plan.place.fleet).save(tmp_path)
    second = make_plan(fleet, tmp_path, NOW + timedelta(hours=1))
    assert second.place.messages == 7
    assert second.history is not None
    first = [stream for stream in said(plan.history) if stream.time.max() < edges[0]]
    times = np.concatenate([stream.time[stream.device == 0] for stream in (*first, *said(second.history))])
    assert (np.unique(times) == np.arange(plan.place.start, plan.live.span[0], DAY // 48)).all()
    assert second.live.span[0] == plan.live.span[0]


def test_a_later_start_loads_what_has_passed_since(fleet: Path, tmp_path: Path) -> None:
    plan = make_plan(fleet, tmp_path, NOW)
    begin = plan.live.span[0]
    Place(plan.place.start, begin + DAY // 24, 7, plan.place.fleet).save(tmp_path)
    again = make_plan(fleet, tmp_path, NOW)
    assert again.history is None
    assert again.live.span[0] == begin + DAY // 24
    next_week = make_plan(fleet, tmp_path, NOW + timedelta(days=7))
    assert next_week.history is not None
    assert next_week.history.span == (begin + DAY // 24, begin + 7 * DAY)


def test_dates_of_the_file_move_along(fleet: Path, tmp_path: Path) -> None:
    """The treatment halves what is used from the second day on, whenever the demo is."""
    treated = make_plan(fleet, tmp_path, NOW)
    fleet.write_text(SMALL.replace("effect = 0.5", "effect = 0.0"))
    plain = make_plan(fleet, tmp_path, NOW)
    assert treated.history is not None
    assert plain.history is not None
    days = []
    for plan in (treated.history, plain.history):
        use = np.zeros(2)
        for stream in said(plan):
            name = list(stream.properties).index("import_interval")
            for day in range(2):
                mine = (stream.property == name) & ((stream.time - plan.span[0]) // DAY == day)
                use[day] += stream.value[mine].sum()
        days.append(use)
    assert days[0][0] == pytest.approx(days[1][0])
    assert days[0][1] < 0.8 * days[1][1]


def test_another_fleet_needs_another_folder(fleet: Path, tmp_path: Path) -> None:
    plan = make_plan(fleet, tmp_path, NOW)
    plan.place.save(tmp_path)
    with pytest.raises(UsageError, match="began with another fleet file"):
        make_plan(DEMO_FLEET, tmp_path, NOW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("count = 2", 'count = 2\nformat = "glow"'), "the demo's devices speak native, senml-json, senml-cbor"),
        (("count = 2", "count = 0"), "smart-meter.count = 0"),
        (("[smart-meter.treatment]", "[faults]\nfire = 1\n[smart-meter.treatment]"), "there is no such fault"),
    ],
)
def test_a_wrong_fleet_file_is_told(fleet: Path, tmp_path: Path, change: tuple[str, str], words: str) -> None:
    fleet.write_text(SMALL.replace(*change))
    with pytest.raises(UsageError, match=words) as told:
        make_plan(fleet, tmp_path, NOW)
    assert str(fleet) in str(told.value)


def test_ledger_files_are_whole_and_numbered_on(fleet: Path, tmp_path: Path) -> None:
    plan = make_plan(fleet, tmp_path, NOW)
    assert plan.history is not None
    (stream, *_) = said(plan.history)
    rows = ledger.from_stream(stream, first_message=0, tolerance=0)
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "0000000004.parquet.part").write_text("of a run that was killed")
    book = LedgerFolder(tmp_path / "ledger", 5)
    book.append(rows)
    book.close()
    book.close()
    book.begin()
    book.append(rows)
    book.close()
    assert sorted((tmp_path / "ledger").iterdir()) == sorted(book.written)
    found = [part.message for part in ledger.read(book.written)]
    assert [int(part.min()) for part in found] == [5, int(found[0].max()) + 1]
    assert book.next_message == int(found[1].max()) + 1


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_384, 2_097_152])
def test_old_packets_are_those_that_paho_makes(size: int) -> None:
    """PUBLISH as another implementation writes it, at each length of the length."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="x", protocol=paho.MQTTv311)
    length = bytearray()
    topic, payload = "borough/smart-meter/m1/senml", b"p" * size
    client._pack_remaining_length(length, 2 + len(topic) + 2 + size)
    expected = b"\x32" + bytes(length) + struct.pack("!H", len(topic)) + topic.encode() + b"\x01\x02" + payload
    assert old_publish_packet(topic, payload, 0x0102) == expected


def test_old_connect_is_that_of_the_standard() -> None:
    """Section 3.1 of MQTT 3.1.1: protocol name and level, flags, keep-alive, then id, user name and password."""
    assert old_connect_packet("ab", "u", "pw") == (b"\x10\x15\x00\x04MQTT\x04\xc2\x00\x00\x00\x02ab\x00\x01u\x00\x02pw")
    assert old_connect_packet("", None, None) == b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"
