"""Signals of all families: a function of file and seed, plausible, in order, whatever span is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.families import FAMILIES
from simulators.clock import DAY_US, HOUR_US, local_clock
from simulators.fleet_file import default_span, load, parse
from simulators.generate import generate
from simulators.plans import Fleet
from simulators.randomness import stream, wander
from simulators.readings import pieces
from simulators.stream import Signals
from tests.examples import examples

TOWN = """
start = 2026-03-27T00:00:00Z
[smart-meter]
count = 30
properties = ["import_interval", "import_register", "export_register", "gas_register", "heat_register", "power"]
solar = 0.3
heating = { gas = 0.5, electric = 0.2, heat-pump = 0.1, heat-network = 0.2 }
[parking-bay]
count = 25
[air-monitor]
count = 3
every = 300
[movement-sensor]
count = 3
"""
FLEET = parse(TOWN + "", "town.toml", seed=7)
START, DAYS = FLEET.start_us, 3

Columns = dict[str, tuple[np.ndarray, ...]]


def columns(fleet: Fleet, start: int, end: int) -> Columns:
    """All readings by family as columns; message numbers apart."""
    parts: dict[str, list[Signals]] = {}
    for piece in generate(fleet, start, end):
        parts.setdefault(piece.family, []).append(piece)
    return {
        family: tuple(
            np.concatenate([getattr(piece, name) for piece in found])
            for name in ("time", "device", "property", "value", "message")
        )
        for family, found in parts.items()
    }


WHOLE = columns(FLEET, START, START + DAYS * DAY_US)


def test_the_same_file_and_seed_give_the_same_bytes_and_another_seed_others() -> None:
    again = columns(parse(TOWN, "town.toml", seed=7), START, START + DAYS * DAY_US)
    other = columns(parse(TOWN, "town.toml", seed=8), START, START + DAYS * DAY_US)
    assert set(WHOLE) == set(again) == set(other) == set(FAMILIES) - {"car-park"}
    for family, found in WHOLE.items():
        for mine, yours in zip(found, again[family], strict=True):
            assert mine.tobytes() == yours.tobytes()
        assert found[3].tobytes() != other[family][3].tobytes()


@settings(max_examples=examples(12))
@given(st.lists(st.integers(0, DAYS * 24 * 4), min_size=1, max_size=3, unique=True).map(sorted))
def test_a_span_in_parts_is_the_span(quarters: list[int]) -> None:
    edges = [START, *(START + quarter * HOUR_US // 4 for quarter in quarters), START + DAYS * DAY_US]
    parts = [columns(FLEET, first, last) for first, last in pairwise(edges)]
    for family, found in WHOLE.items():
        for place in range(4):  # all but the message numbers, which begin anew
            joined = np.concatenate([part[family][place] for part in parts if family in part])
            assert joined.tobytes() == found[place].tobytes()


def test_any_instant_may_cut_a_span() -> None:
    middle = START + DAY_US + 12_345_678_901
    parts = columns(FLEET, START, middle), columns(FLEET, middle, START + DAYS * DAY_US)
    for family, found in WHOLE.items():
        joined = np.concatenate([part[family][3] for part in parts])
        assert joined.tobytes() == found[3].tobytes()


@pytest.mark.parametrize("family", sorted(WHOLE))
def test_readings_are_in_order_once_and_plausible(family: str) -> None:
    time, device, prop, value, message = WHOLE[family]
    plan = FLEET.plans[family]
    keys = np.stack((time, device.astype(np.int64), prop.astype(np.int64)))
    steps = np.diff(keys, axis=1)
    later = (steps[0] > 0) | ((steps[0] == 0) & ((steps[1] > 0) | ((steps[1] == 0) & (steps[2] > 0))))
    assert later.all(), "sorted by time, device and property; no key twice"
    together = (steps[0] == 0) & (steps[1] == 0)
    assert (np.diff(message) == ~together).all()
    assert message[0] == 0
    assert START <= time.min() <= time.max() < START + DAYS * DAY_US
    assert set(prop.tolist()) == set(range(len(plan.properties)))
    for number, name in enumerate(plan.properties):
        mine = value[prop == number]
        known = FAMILIES[family].properties[name]
        assert np.isfinite(mine).all()
        assert known.low <= mine.min() <= mine.max() <= known.high
        if known.kind == "state":
            assert set(mine.tolist()) <= {0.0, 1.0}


def test_pieces_have_a_bound_and_lose_nothing() -> None:
    whole = next(piece for piece in generate(FLEET, START, START + DAY_US) if piece.family == "air-monitor")
    parts = list(pieces(whole, 100))
    assert np.concatenate([part.value for part in parts]).tobytes() == whole.value.tobytes()
    assert max(len(part.time) for part in parts) <= 100
    assert all(one.time[-1] < two.time[0] for one, two in pairwise(parts))
    # an instant with more readings than the limit stays whole
    assert max(len(part.time) for part in pieces(whole, 5)) == 24


def test_nothing_is_known_before_the_start() -> None:
    with pytest.raises(ValueError, match="begins before the fleet's start"):
        next(generate(FLEET, START - 1, START + DAY_US))


def test_the_faults_fleet_has_about_fifty_thousand_messages() -> None:
    fleet = load(Path(__file__).parents[3] / "simulators" / "fleets" / "faults-all.toml")
    messages: dict[str, int] = {}
    for piece in generate(fleet, *default_span(fleet)):
        messages[piece.family] = int(piece.message[-1]) + 1
    assert 45_000 < sum(messages.values()) < 56_000
    assert set(messages) == set(FAMILIES) - {"car-park"}


def test_streams_are_independent_of_each_other() -> None:
    first = stream(7, "smart-meter", "use", 100).random(4)
    assert first.tolist() == stream(7, "smart-meter", "use", 100).random(4).tolist()
    for other in (
        stream(8, "smart-meter", "use", 100),
        stream(7, "air-monitor", "use", 100),
        stream(7, "smart-meter", "heat", 100),
        stream(7, "smart-meter", "use", 101),
        stream(7, "smart-meter", "use", 100, 1),
    ):
        assert first.tolist() != other.random(4).tolist()


def test_what_wanders_has_mean_0_deviation_1_and_its_memory() -> None:
    days = [wander(7, "test", "process", day, memory=6.0, step=1.0, width=40) for day in range(60)]
    found = np.concatenate([day[:-1] for day in days])
    assert abs(found.mean()) < 0.05
    assert found.std() == pytest.approx(1.0, abs=0.03)
    for lag in (1, 6, 12):
        assert np.mean(found[lag:] * found[:-lag]) == pytest.approx(np.exp(-lag / 6.0), abs=0.04)
    # a day's last knot is the next day's first, up to what is forgotten
    gaps = [np.abs(one[-1] - two[0]).max() for one, two in pairwise(days)]
    assert max(gaps) < 0.02


def test_a_local_day_has_46_and_50_half_hours_when_the_clock_changes() -> None:
    for first, half_hours in (((2026, 3, 29), 46), ((2026, 10, 25), 50), ((2026, 6, 1), 48)):
        start = datetime(*first, tzinfo=UTC)
        clock = local_clock("Europe/London", round(start.timestamp()) * 1_000_000 - DAY_US, 1_800, 3 * 48)
        date = (start.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days
        assert int((clock.date == date).sum()) == half_hours
        assert set(clock.weekday[clock.date == date].tolist()) == {start.weekday()}
        assert set(clock.day_of_year[clock.date == date].tolist()) == {start.timetuple().tm_yday - 1}


def test_people_live_by_the_clock_on_the_wall() -> None:
    """The evening peak of use stands at the same local hour before and after the clock goes forward."""
    from simulators.meters import Meters

    fleet = parse(
        "start = 2026-03-01T00:00:00Z\n[smart-meter]\ncount = 400\nsolar = 0\nheating = { gas = 1.0 }\n", "t", seed=7
    )
    meters, before = Meters(fleet), datetime(2026, 3, 25, tzinfo=UTC)
    day = round(before.timestamp()) // 86_400
    winter, summer = (meters.day(one).imported.sum(axis=1) for one in (day, day + 7))
    shifted = np.roll(summer, 2)  # an hour later by UTC is the same hour by the clock
    assert np.corrcoef(winter, shifted)[0, 1] > 0.97
    assert np.corrcoef(winter, summer)[0, 1] < 0.95
