"""The truth of simulated bays is what perfect sensors show, and what is over follows the rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from devices.bank_holidays import is_bank_holiday
from devices.bays import Bay, Register, Restriction
from simulators.bay_truth import BayTruth, Intervals, truth_of, zone_quarters
from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.generate import devices_of, generate
from simulators.over_time import Limits
from simulators.plans import Fleet
from tests.worlds.parking_simulated import EPOCH, LONDON, SimulatedBays


def us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=LONDON) - EPOCH) // timedelta(microseconds=1)


@pytest.fixture(scope="module")
def made() -> tuple[Fleet, Register, BayTruth]:
    world = SimulatedBays()
    truth = truth_of(world.fleet, world.register, world.start, world.end, is_bank_holiday)
    return world.fleet, world.register, truth


def read(fleet: Fleet, register: Register) -> dict[str, list[tuple[int, int, bool, bool]]]:
    """Bay -> its stays (arrival, departure, begun, ended), by a walk over the readings."""
    devices = devices_of(fleet)["parking-bay"]
    readings: dict[str, dict[int, float]] = {}
    for part in generate(fleet, fleet.start_us, fleet.start_us + 8 * DAY_US):
        occupied = part.property == list(part.properties).index("occupied")
        for device, time, value in zip(
            part.device[occupied].tolist(), part.time[occupied].tolist(), part.value[occupied].tolist(), strict=True
        ):
            own = readings.setdefault(devices[device].id, {})
            assert time not in own, "one instant says one thing"
            own[time] = value
    found: dict[str, list[tuple[int, int, bool, bool]]] = {bay.id: [] for bay in register.bays}
    for link in register.sensors:
        low = (link.start - EPOCH) // timedelta(microseconds=1)
        high = fleet.start_us + 8 * DAY_US
        if link.end is not None:
            high = min(high, (link.end - EPOCH) // timedelta(microseconds=1))
        since, begun, known = None, False, False
        for time, value in sorted(readings[link.device].items()):
            assert low <= time < high, "a sensor speaks while it lies there"
            if value and since is None:
                since, begun = time, known
            elif not value and since is not None:
                found[link.bay].append((since, time, begun, True))
                since = None
            known = True
        if since is not None:
            found[link.bay].append((since, high, begun, False))
    return {bay: sorted(stays) for bay, stays in found.items()}


def test_perfect_sensors_show_the_true_stays(made: tuple[Fleet, Register, BayTruth]) -> None:
    fleet, register, truth = made
    stays = truth.stays
    rows = zip(stays.bay, stays.arrival, stays.departure, stays.begun, stays.ended, strict=True)
    told: dict[str, list[tuple[int, int, bool, bool]]] = {bay.id: [] for bay in register.bays}
    for bay, arrival, departure, begun, ended in rows:
        told[register.bays[bay].id].append((int(arrival), int(departure), bool(begun), bool(ended)))
    assert told == read(fleet, register)
    assert len(register.sensors) == 66
    assert (stays.lasts == (stays.departure == truth.end)).all()


def test_occupancy_is_the_sum_over_the_bays_of_the_zone(made: tuple[Fleet, Register, BayTruth]) -> None:
    _, register, truth = made
    edges = truth.start + np.arange(8 * 96 + 1) * 900 * SECOND_US

    taken, known = np.zeros((60, 8 * 86_400), bool), np.zeros((60, 8 * 86_400), bool)
    begin = truth.start // SECOND_US
    stays = Intervals(truth.stays.bay, truth.stays.arrival, truth.stays.departure)
    for column, one in ((taken, stays), (known, truth.known)):
        for bay, start, end in zip(one.bay.tolist(), one.start.tolist(), one.end.tolist(), strict=True):
            column[bay, start // SECOND_US - begin : end // SECOND_US - begin] = True
    for closed in register.suspensions:
        bay = [bay.id for bay in register.bays].index(closed.bay)
        low, high = ((moment - EPOCH) // timedelta(seconds=1) - begin for moment in (closed.start, closed.end))
        taken[bay, max(low, 0) : max(high, 0)] = known[bay, max(low, 0) : max(high, 0)] = False
    public = np.array([bay.zone == "Z02" and not bay.personal for bay in register.bays])
    occupied, free = zone_quarters(truth, "Z02", edges)
    assert (occupied == taken[public].reshape(-1, 8 * 96, 900).sum(axis=(0, 2)) * SECOND_US).all()
    assert (free + occupied == known[public].reshape(-1, 8 * 96, 900).sum(axis=(0, 2)) * SECOND_US).all()


def test_the_scene_is_there(made: tuple[Fleet, Register, BayTruth]) -> None:
    """Three cars go over the grace from one to two minutes after the scene's instant, at any hour of the day."""
    fleet, register, truth = made
    at = us("2026-04-02T22:15:00")
    assert fleet.bays is not None
    assert fleet.bays.scene is not None
    assert fleet.bays.scene.at == (at,)
    grace = truth.stays.over_from + 300 * SECOND_US
    now_over = (grace > at) & (grace < at + 120 * SECOND_US) & (truth.stays.over > HOUR_US)
    assert {register.bays[bay].kind for bay in truth.stays.bay[now_over]} == {"loading", "electric", "disabled"}
    today = [one for one in register.suspensions if one.start == datetime(2026, 4, 2, tzinfo=LONDON)]
    assert len(today) == 2
    assert all(one.end - one.start == timedelta(days=1) for one in today)


def limits(*, closed: dict[str, list[tuple[int, int]]] | None = None) -> Limits:
    return Limits(LONDON, is_bank_holiday, [("Z01", date(2026, 3, 28))], closed or {})


def bay(*restrictions: Restriction) -> Bay:
    return Bay("a", "Mill Road", "Z01", "pay", 0.0, 51.5, restrictions=restrictions)


DAYTIME = Restriction(0b0111111, 510, 1_110, maximum_stay=60, bank_holidays="off")
CASES = {
    "from the arrival": (bay(DAYTIME), "2026-03-27T10:00", "2026-03-27T11:30", "2026-03-27T11:00", 30),
    "within what is permitted": (bay(DAYTIME), "2026-03-27T10:00", "2026-03-27T11:00", None, 0),
    "the clock begins with the hours": (bay(DAYTIME), "2026-03-27T07:00", "2026-03-27T10:00", "2026-03-27T09:30", 30),
    "after the hours nothing is over": (bay(DAYTIME), "2026-03-27T18:00", "2026-03-27T23:00", None, 0),
    "each day is a stretch": (bay(DAYTIME), "2026-03-26T18:20", "2026-03-27T10:00", "2026-03-27T09:30", 30),
    "not on Sundays": (bay(DAYTIME), "2026-03-29T09:00", "2026-03-29T18:00", None, 0),
    "not on a bank holiday": (bay(DAYTIME), "2026-04-03T09:00", "2026-04-03T18:00", None, 0),
    "a stretch over midnight": (
        bay(Restriction(127, 1_200, 1_440, maximum_stay=300), Restriction(127, 0, 360, maximum_stay=300)),
        "2026-03-27T20:00", "2026-03-28T02:00", "2026-03-28T01:00", 60,
    ),
    "less is permitted from midday on": (
        bay(Restriction(127, 480, 720, maximum_stay=180), Restriction(127, 720, 1_080, maximum_stay=30)),
        "2026-03-27T11:00", "2026-03-27T12:30", "2026-03-27T12:00", 30,
    ),
    "an event": (
        bay(Restriction(127, 510, 1_110, 120, event_days="not"), Restriction(127, 510, 1_110, 30, event_days="only")),
        "2026-03-28T10:00", "2026-03-28T11:00", "2026-03-28T10:30", 30,
    ),
    "two stretches": (
        bay(Restriction(127, 480, 720, maximum_stay=60), Restriction(127, 840, 1_080, maximum_stay=60)),
        "2026-03-27T10:30", "2026-03-27T15:30", "2026-03-27T11:30", 60,
    ),
    "all hours, over the night in which the clocks go forward": (
        bay(Restriction(127, 0, 1_440, maximum_stay=60)),
        "2026-03-28T23:30", "2026-03-29T03:00", "2026-03-29T00:30", 90,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("at", "arrival", "departure", "begins", "minutes"), CASES.values(), ids=CASES)
def test_time_over(at: Bay, arrival: str, departure: str, begins: str | None, minutes: int) -> None:
    found = limits().over(at, us(arrival), us(departure))
    assert found == ((us(begins), minutes * 60 * SECOND_US) if begins else (-1, 0))


def test_a_permit_within_the_stay_ends_the_stretch() -> None:
    closed = {"a": [(us("2026-03-27T10:30"), us("2026-03-27T11:00"))]}
    found = limits(closed=closed).over(bay(DAYTIME), us("2026-03-27T10:00"), us("2026-03-27T12:30"))
    assert found == (us("2026-03-27T12:00"), 30 * 60 * SECOND_US)
