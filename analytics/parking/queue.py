"""Whom to visit first: what a visit is worth, and the way from one to the next. Arrays in, arrays out.

A visit is worth how likely it finds an overstay, times what that kind of bay weighs, times how long it has been over.
How likely it is comes from officers' outcomes (`precision`); where there are few, what holds of the street, of the
sensor's model and of everything stands in for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analytics.places import metres
from store.batch import Float64, Int64

#: What is found at a bay, in the order of an officer's buttons. `gone` says nothing of the sensor.
OUTCOMES = ("confirmed", "permit-seen", "blue-badge", "gone", "sensor-wrong")
#: What an overstay in a bay of a kind keeps from others, beside a common one.
WEIGHTS: Mapping[str, float] = {
    "disabled": 3.0, "loading": 2.0, "taxi": 1.5, "electric": 1.5, "car-club": 1.5, "resident-permit": 1.2,
}  # fmt: skip
#: Before anybody has looked: one visit in two finds what the sensor says, believed as much as four visits.
PRIOR, BELIEF = 0.5, 4.0
#: Half of what a stay over can be worth is reached after so many minutes.
HALF_MINUTES = 30.0
#: So far away [m] a visit is worth half of what it is next door.
HALF_WAY = 250.0


class Tally(NamedTuple):
    """Outcomes of something: ``confirmed``, all that say whether the sensor was right (``told``), and ``gone``."""

    confirmed: int
    told: int
    gone: int

    @property
    def precision(self) -> float | None:
        """Confirmed of those that tell, None without one."""
        return self.confirmed / self.told if self.told else None


def tally(outcomes: Mapping[str, int]) -> Tally:
    """Counts by outcome made a tally."""
    told = sum(count for name, count in outcomes.items() if name != "gone")
    return Tally(outcomes.get("confirmed", 0), told, outcomes.get("gone", 0))


def expected(own: Tally, street: Tally, model: Tally, everything: Tally) -> float:
    """How likely a visit of a bay finds an overstay, 0 to 1: its own outcomes upon those of its street and model."""
    overall = _shrunk(everything, PRIOR)
    around = (_shrunk(street, overall) + _shrunk(model, overall)) / 2
    return _shrunk(own, around)


def worth(minutes: Float64, kinds: Sequence[str], likely: Float64) -> Float64:
    """What each visit is worth, ``(visits,)``: ``minutes`` over, bays' ``kinds``, and how ``likely`` it is right."""
    weight = np.array([WEIGHTS.get(kind, 1.0) for kind in kinds])
    found: Float64 = likely * weight * minutes / (minutes + HALF_MINUTES)
    return found


def sweep(worth: Float64, lon: Float64, lat: Float64, start: tuple[float, float] | None = None) -> Int64:
    """The order in which to go, ``(visits,)`` places: each time to what is worth most for the way from where one is.

    ``start``: longitude and latitude [degrees] where one stands; without it the way begins at what is worth most.
    Distances are as the crow flies.
    """
    count = len(worth)
    order = np.empty(count, np.int64)
    if not count:
        return order
    # where one stands comes last, if that is known
    stood = [] if start is None else [start]
    x, y = metres(np.append(lon, [one[0] for one in stood]), np.append(lat, [one[1] for one in stood]))
    here = None if start is None else (x[count], y[count])
    x, y = x[:count], y[:count]
    left = np.ones(count, bool)
    for place in range(count):
        value = worth if here is None else worth / (1 + np.hypot(x - here[0], y - here[1]) / HALF_WAY)
        chosen = int(np.argmax(np.where(left, value, -1.0)))
        order[place], left[chosen] = chosen, False
        here = x[chosen], y[chosen]
    return order


def _shrunk(found: Tally, prior: float) -> float:
    return (found.confirmed + BELIEF * prior) / (found.told + BELIEF)
