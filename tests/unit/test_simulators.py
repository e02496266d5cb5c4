"""The simulated fleet: a function of sizes, day and seed; honest values; times that are each said once."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import pytest

from devices.families import FAMILIES
from simulators.fleet import DEMO, make_fleet
from simulators.player import Pace
from simulators.signals import Message, day_of, from_instant

FLEET = make_fleet(DEMO, 7)
DAY = date(2026, 2, 1)
MESSAGES = day_of(FLEET, DAY, 7)


def family_of(message: Message) -> str:
    return message.topic.split("/")[1]


def test_the_fleet_is_simulated_and_a_function_of_its_seed() -> None:
    assert make_fleet(DEMO, 7) == FLEET
    assert make_fleet(DEMO, 8) != FLEET
    assert {device.origin for device in FLEET} == {"simulated"}
    assert all(device.personal == FAMILIES[device.family].personal for device in FLEET)
    assert len({device.id for device in FLEET}) == len(FLEET) == sum(DEMO.values())


def test_a_day_is_a_function_of_its_seed() -> None:
    assert day_of(FLEET, DAY, 7) == MESSAGES
    assert day_of(FLEET, DAY, 8) != MESSAGES
    assert day_of(FLEET[:3], DAY, 7) == [
        message for message in MESSAGES if message.topic.split("/")[2] in {device.id for device in FLEET[:3]}
    ], "what a device says does not depend on the others"


def test_every_value_is_plausible_and_every_instant_is_said_once() -> None:
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for message in MESSAGES:
        values = json.loads(message.payload)
        time = values.pop("time")
        assert len(values) == message.readings
        for name, value in values.items():
            limits = FAMILIES[family_of(message)].properties[name]
            assert limits.low <= value <= limits.high
            assert time not in said[message.topic, name]
            said[message.topic, name].add(time)


def test_messages_are_in_order_and_never_sent_before_their_time() -> None:
    assert [message.sent for message in MESSAGES] == sorted(message.sent for message in MESSAGES)
    for message in MESSAGES:
        assert datetime.fromisoformat(json.loads(message.payload)["time"]) <= message.sent


def test_homes_use_what_homes_use() -> None:
    """Ofgem's medium household uses 2,500 kWh a year, 6.8 a day; in February more."""
    use: dict[str, float] = defaultdict(float)
    for message in MESSAGES:
        if family_of(message) == "smart-meter":
            use[message.topic] += json.loads(message.payload)["import_interval"]
    daily = sorted(use.values())
    assert len(daily) == DEMO["smart-meter"]
    assert 5 < daily[len(daily) // 2] < 12
    assert daily[0] > 1
    assert all(message.sent.minute in (0, 30) for message in MESSAGES if family_of(message) == "smart-meter")


def test_from_an_instant_nothing_is_left_out() -> None:
    start = datetime(2026, 2, 2, 0, 0, tzinfo=UTC)
    end = start + timedelta(hours=2)
    played = list(takewhile(lambda message: message.sent < end, from_instant(FLEET, start, 7)))
    meters = [message for message in played if family_of(message) == "smart-meter"]
    # the half-hours that begin at 23:30 of the day before, 0:00, 0:30 and 1:00 are over between 0:00 and 1:30
    assert len(meters) == 4 * DEMO["smart-meter"]
    assert {json.loads(message.payload)["time"][11:16] for message in meters} == {"23:30", "00:00", "00:30", "01:00"}


@pytest.mark.parametrize(("elapsed", "expected"), [(0, 0), (10, 2400), (1e6, 86_400)])
def test_simulated_time_runs_faster_and_never_ahead(elapsed: float, expected: float) -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    now = start + timedelta(days=1)
    assert Pace(start, 240).at(elapsed, now) == start + timedelta(seconds=expected)
