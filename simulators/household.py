"""A household's day: when its people get up, go out, come home and go to bed. It runs from 03:00 to 03:00 UTC."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HOUR_US, local_clock
from simulators.plans import Fleet, MovementPlan
from simulators.randomness import stream

Float64 = NDArray[np.float64]

FAMILY: Final = "movement-sensor"
#: Hour [UTC] at which a simulated day begins: everybody is asleep.
NIGHT: Final = 3
#: Most outings of a day.
_OUTINGS: Final = 3


class Household(NamedTuple):
    """One day of a person in every home, [h] since 03:00 UTC: up from ``wakes`` to ``sleeps``, away from ``leaves`` to
    ``returns``.

    ``wakes`` and ``sleeps`` have shape (homes,), ``leaves`` and ``returns`` (homes, outings), NaN where there is none.
    """

    wakes: Float64
    sleeps: Float64
    leaves: Float64
    returns: Float64


def plan_of(fleet: Fleet) -> MovementPlan:
    """The fleet's movement sensors. Raises ValueError where it has none."""
    if fleet.movement is None:
        raise ValueError(f"fleet {fleet.name} has no movement sensors")
    return fleet.movement


def begin_of(day: int) -> int:
    """The instant [us] at which a household's day begins; ``day`` since the epoch."""
    return day * DAY_US + NIGHT * HOUR_US


def household(fleet: Fleet, day: int, person: int = 0) -> Household:
    """The households' day that begins at 03:00 UTC of ``day`` (days since the epoch); ``person`` 1 is the second."""
    plan = plan_of(fleet)
    second = "" if person == 0 else f"-{person + 1}"
    lasting = stream(fleet.seed, FAMILY, f"habits{second}")
    rng = stream(fleet.seed, FAMILY, f"household{second}", day)
    clock = local_clock(fleet.climate.zone, begin_of(day), 3_600, 1)
    begin = float(clock.hour[0])  # 3 in winter, 4 in summer: people live by the clock on the wall
    weekend = clock.weekday[0] >= 5
    count = plan.count
    usual_wake, usual_sleep = lasting.normal(7.0, 0.8, count), lasting.normal(22.7, 0.7, count)
    outgoing = lasting.gamma(4.0, 0.35, count)
    wakes = np.clip(usual_wake + rng.normal(0.6 if weekend else 0.0, 0.4, count), begin + 1, 11.5) - begin
    sleeps = np.clip(usual_sleep + rng.normal(0.2, 0.5, count), 19.5, 25.5) - begin
    if plan.lie_ins:
        late = stream(fleet.seed, FAMILY, f"lie-ins{second}", day)
        wakes = wakes + np.where(late.random(count) < plan.lie_ins, late.uniform(1.0, 3.0, count), 0.0)
    number = np.minimum(rng.poisson(outgoing), _OUTINGS)
    # outings share the day out: each begins in its own third, and ends before the next
    third = (sleeps - wakes - 1.5) / _OUTINGS
    slot = np.arange(_OUTINGS)
    leaves = wakes[:, None] + 1 + third[:, None] * (slot + 0.5 * rng.random((count, _OUTINGS)))
    length = np.minimum(0.25 + rng.exponential(1.6, (count, _OUTINGS)), 0.48 * third[:, None])
    goes = np.argsort(rng.random((count, _OUTINGS)), axis=1) < number[:, None]
    leaves = np.where(goes, leaves, np.nan)
    return Household(wakes, sleeps, leaves, leaves + length)
