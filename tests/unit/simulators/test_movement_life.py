"""What happens in simulated homes: emergencies, holidays, visitors, couples, pets; nothing where nothing is asked."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import pytest

from simulators.clock import DAY_US
from simulators.fleet_file import FleetError, parse
from simulators.generate import devices_of, generate
from simulators.movement_life import Spans
from simulators.movement_truth import MovementTruth, truth_of
from simulators.plans import Fleet

PLAIN = "start = 2026-03-27T00:00:00Z\n[movement-sensor]\ncount = 30\n"
EVERY = """
start = 2026-01-01T00:00:00Z
[movement-sensor]
count = 60
rooms = ["hall", "kitchen", "bedroom", "bathroom", "door"]
properties = ["motion", "contact", "battery", "temperature"]
heartbeat = 3600
gateways = 6
couples = 0.3
pets = 0.3
pet_movements = 2
visitors = 3
holidays = 6
night_visits = 2
lie_ins = 0.1
cold = 0.2
emergencies = 0.6
"""
DAYS, ROOMS = 42, 5
#: Doors open at whole seconds [us].
SECOND = 1_000_000


class Said(NamedTuple):
    """Readings of a property: sensor, time [us], value."""

    sensor: np.ndarray
    time: np.ndarray
    value: np.ndarray


def said(fleet: Fleet, days: int) -> dict[str, Said]:
    found: dict[str, list[Said]] = {}
    for piece in generate(fleet, fleet.start_us, fleet.start_us + days * DAY_US):
        for number, name in enumerate(piece.properties):
            mine = piece.property == number
            found.setdefault(name, []).append(Said(piece.device[mine], piece.time[mine], piece.value[mine]))
    return {name: Said(*(np.concatenate(one) for one in zip(*parts, strict=True))) for name, parts in found.items()}


FLEET = parse(EVERY, "every.toml", seed=3)


@pytest.fixture(scope="module")
def world() -> tuple[MovementTruth, dict[str, Said]]:
    return truth_of(FLEET, FLEET.start_us, FLEET.start_us + DAYS * DAY_US), said(FLEET, DAYS)


def rows(spans: Spans) -> list[tuple[int, int, int]]:
    return list(zip(*(one.tolist() for one in spans), strict=True))


def movements(motion: Said) -> list[np.ndarray]:
    """When somebody moved, home by home."""
    return [motion.time[(motion.sensor // ROOMS == home) & (motion.value == 1)] for home in range(60)]


def test_a_fleet_that_asks_for_nothing_new_says_what_it_always_said() -> None:
    digest = hashlib.sha256()
    fleet = parse(PLAIN.replace("30\n", "30\nrooms=['hall','kitchen','bedroom','living-room','bathroom','door']\n"), "x.toml", seed=7)  # fmt: skip  # noqa: E501
    for piece in generate(fleet, fleet.start_us, fleet.start_us + 4 * DAY_US):
        for column in (piece.device, piece.property, piece.time, piece.value, piece.message):
            digest.update(column.tobytes())
    digest.update(repr([(one.id, one.attributes, one.lon, one.lat) for one in devices_of(fleet)["movement-sensor"]]).encode())  # fmt: skip  # noqa: E501
    # the digest of the simulator as it was before there were emergencies, with NumPy 2
    assert digest.hexdigest() == "b63ab2b06449e33e99b18b8c3ba3b9c34f06860338d85fd423215ac07df4ef31"


def test_nobody_moves_from_an_emergency_on_until_found(world: tuple[MovementTruth, dict[str, Said]]) -> None:
    truth, heard = world
    motion, contact = heard["motion"], heard["contact"]
    without = [row for row in rows(truth.emergencies) if not truth.pets[row[0]]]
    assert len(without) > 8
    for home, low, high in without:
        assert truth.people[home] == 1
        mine = (motion.sensor // ROOMS == home) & (motion.value == 1)
        assert not (mine & (motion.time > low) & (motion.time < high)).any()
        # who finds them comes in by the door
        door = (contact.sensor // ROOMS == home) & (contact.time >= low)
        if high < truth.end - DAY_US:
            assert contact.time[door].min() == pytest.approx(high, abs=31e6)
            assert (mine & (motion.time >= high) & (motion.time < high + 45 * 60_000_000)).any()


def test_nobody_moves_and_no_door_opens_on_a_holiday_but_for_visitors(
    world: tuple[MovementTruth, dict[str, Said]],
) -> None:
    truth, heard = world
    quiet = 0
    for home, low, high in rows(truth.gone):
        if sum(own == home and a < high and b > low for own, a, b in rows(truth.gone)) > 1:
            continue  # two holidays that meet: in between somebody comes to the door
        if truth.pets[home]:
            continue  # it stays where its people are in hospital
        visits = [(a, b) for own, a, b in rows(truth.visitors) if own == home and a < high and b > low]
        for name in ("motion", "contact"):
            one = heard[name]
            mine = (one.sensor // ROOMS == home) & (one.time > low + 100_000_000) & (one.time < high - SECOND)
            for begin, end in visits:
                mine &= (one.time < begin - SECOND) | (one.time > end + 100_000_000)
            assert not mine.any()
        quiet += not visits
    assert quiet > 3


def test_everybody_is_out_only_where_nobody_moves(world: tuple[MovementTruth, dict[str, Said]]) -> None:
    truth, heard = world
    moved = movements(heard["motion"])
    couples = 0
    for home, low, high in rows(truth.away):
        if truth.pets[home] or any(own == home and a < high and b > low for own, a, b in rows(truth.visitors)):
            continue
        assert not ((moved[home] > low + 1_000_000) & (moved[home] < high - 1_000_000)).any()
        couples += int(truth.people[home] == 2)
    assert couples > 5


def test_pets_move_while_everybody_is_out(world: tuple[MovementTruth, dict[str, Said]]) -> None:
    truth, heard = world
    moved = movements(heard["motion"])
    gone = rows(truth.gone)
    seen = 0
    for home, low, high in rows(truth.away):
        if truth.pets[home] and (home, low, high) not in gone:
            seen += int(((moved[home] > low) & (moved[home] < high)).sum())
    assert seen > 100


def test_every_sensor_says_once_an_hour_that_it_lives(world: tuple[MovementTruth, dict[str, Said]]) -> None:
    _, heard = world
    battery, temperature = heard["battery"], heard["temperature"]
    for sensor in range(60 * ROOMS):
        gaps = np.diff(battery.time[battery.sensor == sensor])
        assert gaps.max() <= 3_600_000_000
    doors = temperature.sensor % ROOMS == ROOMS - 1
    assert not doors.any()
    by_home = np.bincount(temperature.sensor // ROOMS, temperature.value) / np.bincount(temperature.sensor // ROOMS)
    assert 4 <= (by_home < 16.5).sum() <= 22
    attributes = devices_of(FLEET)["movement-sensor"][0].attributes
    assert (attributes["heartbeat"], attributes["gateway"]) == ("PT3600S", "gateway-001")


def test_a_span_in_parts_is_the_span_with_all_that_happens() -> None:
    start = FLEET.start_us + 29 * DAY_US
    whole = list(generate(FLEET, start, start + 2 * DAY_US))
    parts = [piece for day in (0, 1) for piece in generate(FLEET, start + day * DAY_US, start + (day + 1) * DAY_US)]
    for name in ("device", "property", "time", "value"):
        mine, yours = (np.concatenate([getattr(piece, name) for piece in some]) for some in (whole, parts))
        assert mine.tobytes() == yours.tobytes()


def test_wrong_keys_are_refused_by_name() -> None:
    for text, name in (("couples = 2", "couples"), ("heartbeat = -1", "heartbeat"), ("emergencies = 'few'", "emerg")):
        with pytest.raises(FleetError, match=name):
            parse(f"{PLAIN}{text}\n", "x.toml")
