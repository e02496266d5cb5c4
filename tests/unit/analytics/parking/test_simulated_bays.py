"""A fleet with perfect sensors: stays, occupancy and time over equal the simulator's truth exactly."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.parking import occupancy, overstays, stays
from analytics.parking.arrays import BY_READING, LASTS, NONE, SWAPPED, nothing
from devices.bank_holidays import is_bank_holiday
from simulators.bay_truth import BayTruth, truth_of, zone_quarters
from simulators.clock import SECOND_US
from tests.worlds.parking_simulated import DAYS, SimulatedBays


@pytest.fixture(scope="module")
def world() -> SimulatedBays:
    return SimulatedBays()


@pytest.fixture(scope="module")
def truth(world: SimulatedBays) -> BayTruth:
    return truth_of(world.fleet, world.register, world.start, world.end, is_bank_holiday)


def test_perfect_sensors_give_the_truth(world: SimulatedBays, truth: BayTruth) -> None:
    table, suspended = world.table(), world.closed(world.register.suspensions)
    spans, found, _, counts = stays.run(
        world.events(), world.links(), table, nothing(len(world.register.bays)), world.start, world.end
    )
    true = truth.stays
    assert (found.bay == true.bay).all()
    assert (found.arrival == true.arrival).all()
    assert (found.departure == true.departure).all()
    assert ((found.begins == BY_READING) == true.begun).all()
    assert ((found.ends == LASTS) == true.lasts).all()
    assert ((found.ends == SWAPPED) == ~(true.ended | true.lasts)).all()
    assert counts.outside.sum() == counts.conflicts.sum() == counts.invalid.sum() == 0
    assert counts.repeated.sum() == 0

    edges = world.start + np.arange(DAYS * 96 + 1) * 900 * SECOND_US
    times = occupancy.quarters(spans, suspended, table, edges)
    sums = occupancy.by_zone(times, table, len(world.zones), edges, world.shown)
    for place, zone in enumerate(world.zones):
        taken, free = zone_quarters(truth, zone, edges)
        assert (sums[place, :, occupancy.IN_OCCUPIED] == taken).all()
        assert (sums[place, :, occupancy.IN_FREE] == free).all()

    over = overstays.over(found, world.hours(), table, suspended, world.closed(world.register.permits))
    assert (over.over == true.over).all()
    assert (over.over_from == np.where(true.over > 0, true.over_from, NONE)).all()
    assert (true.over > 300 * SECOND_US).sum() > 50
