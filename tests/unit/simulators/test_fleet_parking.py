"""Parking bays: arrivals are Poisson at the street's rate, states alternate, restrictions shorten stays."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.clock import DAY_US, HOUR_US, local_clock
from simulators.fleet_file import parse
from simulators.generate import generate
from simulators.parking import Bays, make_bays, stays_of
from simulators.plans import STREETS as NAMES
from simulators.plans import Fleet
from simulators.streets import STREETS, rates

MONDAY = 20_458  # 2026-01-05: winter, London's clock is UTC


def fleet(text: str, *, start: str = "2026-01-05T00:00:00Z", seed: int = 7) -> Fleet:
    return parse(f"start = {start}\n[parking-bay]\n{text}", "bays.toml", seed=seed)


def alike(made: Fleet) -> Bays:
    """The fleet's bays with the same demand everywhere, so that the rate is the street's."""
    bays = make_bays(made)
    return Bays(bays.kind, np.ones(len(bays.kind)), bays.phase, bays.battery)


def test_the_kinds_of_streets_are_those_that_files_may_name() -> None:
    assert tuple(STREETS) == NAMES


@pytest.mark.parametrize("kind", ["high-street", "loading", "car-park"])
def test_arrivals_per_free_hour_are_the_intensity(kind: str) -> None:
    """Among free bays arrivals are Poisson at the hour's rate: counts agree within four standard errors."""
    made = fleet(f"count = 3000\nstreets = {{ {kind} = 1.0 }}\n")
    bays = alike(made)
    for day in (1, 5):  # Tuesday, Saturday
        stays = stays_of(made, bays, MONDAY + day)
        for hour in (10, 12, 14):  # neither the morning's departures nor the evening's overnight cars
            begin, end = (hour - 3) * 3_600, (hour - 2) * 3_600
            arrivals = int(((stays.arrival >= begin) & (stays.arrival < end)).sum())
            taken = (np.clip(stays.departure, begin, end) - np.clip(stays.arrival, begin, end)).sum()
            free_hours = 3_000 - taken / 3_600
            expected = rates(kind)[day * 24 + hour] * free_hours
            # a car needs half a minute to leave: a bay that turns over often is free a little less
            assert arrivals == pytest.approx(expected, abs=4 * np.sqrt(expected) + 0.02 * expected)


def test_the_number_of_arrivals_varies_as_a_poisson_number_does() -> None:
    """Nobody is turned away where hardly anybody comes: variance and mean of the counts are equal."""
    made = fleet("count = 4000\nstreets = { loading = 1.0 }\n")
    bays = alike(made)
    sunday = stays_of(made, bays, MONDAY + 6)
    counts = np.bincount(sunday.bay[(sunday.arrival > 6 * 3_600) & (sunday.arrival < 12 * 3_600)], minlength=4_000)
    assert counts.mean() > 0.2
    # who stays turns the next one away, so slightly below 1
    assert 0.85 < counts.var() / counts.mean() < 1.05


def test_stays_of_a_bay_never_overlap_and_days_join() -> None:
    made = fleet("count = 400\n")
    bays = make_bays(made)
    before = None
    for day in range(MONDAY, MONDAY + 5):
        stays = stays_of(made, bays, day)
        same = stays.bay[1:] == stays.bay[:-1]
        assert (stays.arrival[1:][same] > stays.departure[:-1][same]).all()
        assert (stays.departure > stays.arrival).all()
        there_at_first = set(stays.bay[stays.arrival < 0].tolist())
        if before is not None:
            assert there_at_first == before
        before = set(stays.bay[stays.departure >= 86_400].tolist())


def test_events_alternate_and_heartbeats_repeat_the_state() -> None:
    made = fleet("count = 60\nheartbeat = 3600\n")
    start = made.start_us
    parts = list(generate(made, start, start + 7 * DAY_US))
    properties = list(parts[0].properties)
    device, prop, time, value = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("device", "property", "time", "value")
    )
    for bay in range(60):
        mine = device == bay
        beats = time[mine & (prop == properties.index("battery"))]
        # one a little beside an event may be left out
        assert 7 * 24 - 2 <= len(beats) <= 7 * 24
        assert (np.diff(beats) % HOUR_US == 0).all()
        state = mine & (prop == properties.index("occupied"))
        times, states = time[state], value[state]
        is_beat = np.isin(times, beats)
        last = None
        for beat, now in zip(is_beat.tolist(), states.tolist(), strict=True):
            if last is not None:
                assert now == last if beat else now != last
            last = now


def test_limits_shorten_stays_and_some_overstay() -> None:
    made = fleet("count = 2000\nstreets = { high-street = 1.0 }\noverstay = 0.2\n")
    stays = stays_of(made, make_bays(made), MONDAY + 1)
    watched = (stays.arrival > 6 * 3_600) & (stays.arrival < 10 * 3_600)
    minutes = (stays.departure - stays.arrival)[watched] / 60
    wanted = 0.3  # of a log-normal with median 38 and spread 0.85, P(> 60 min) = 0.296
    assert (minutes > 60).mean() == pytest.approx(0.2 * wanted, abs=0.02)
    assert np.median(minutes) == pytest.approx(37, abs=4)
    nobody = fleet("count = 500\nstreets = { high-street = 1.0 }\noverstay = 0\n")
    strict = stays_of(nobody, make_bays(nobody), MONDAY + 1)
    watched = (strict.arrival > 6 * 3_600) & (strict.arrival < 10 * 3_600)
    assert ((strict.departure - strict.arrival)[watched] <= 60 * 60).all()


def test_without_demand_only_the_overnight_cars_are_left() -> None:
    made = fleet("count = 500\ndemand = 0\nstreets = { residential = 1.0 }\n")
    stays = stays_of(made, make_bays(made), MONDAY)
    assert ((stays.arrival < 0) | (stays.departure >= 86_400)).all()
    overnight = (stays.arrival < 0).sum() / 500
    assert overnight == pytest.approx(STREETS["residential"].night, abs=4 * np.sqrt(0.78 * 0.22 / 500))


def test_streets_have_their_own_week() -> None:
    week = {kind: rates(kind) for kind in STREETS}
    assert all(len(shape) == 168 and (shape >= 0).all() for shape in week.values())
    saturday, tuesday, sunday = slice(5 * 24, 6 * 24), slice(24, 48), slice(6 * 24, 168)
    assert week["high-street"][saturday].sum() > week["high-street"][tuesday].sum()
    assert week["office"][tuesday].sum() > 3 * week["office"][sunday].sum()
    assert int(np.argmax(week["leisure"][tuesday])) >= 18


def test_arrivals_follow_the_clock_on_the_wall() -> None:
    """In July London is an hour ahead of UTC: the office's morning comes an hour earlier by UTC."""
    made = fleet("count = 3000\nstreets = { office = 1.0 }\n")
    bays = make_bays(made)
    middle = []
    for day in (MONDAY + 1, MONDAY + 1 + 26 * 7):
        stays = stays_of(made, bays, day)
        morning = stays.arrival[(stays.arrival > 2.5 * 3_600) & (stays.arrival < 8 * 3_600)] / 3_600 + 3
        middle.append(float(np.median(morning)))
    assert middle[0] - middle[1] == pytest.approx(1.0, abs=0.25)
    summer = local_clock("Europe/London", (MONDAY + 26 * 7) * DAY_US, 3_600, 1)
    assert summer.hour[0] == 1.0
