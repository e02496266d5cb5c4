"""What is true of a fleet's homes in a span: who lives there, when everybody was out, visited, or lay on the floor.

All of it follows from what happened and from no event of a sensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HOUR_US
from simulators.household import NIGHT, plan_of
from simulators.movement import name_of
from simulators.movement_life import Life, Spans, people_of, pets_of
from simulators.plans import Fleet


@dataclass(frozen=True, slots=True)
class MovementTruth:
    """The truth of [start, end) [us]. ``people`` and ``pets`` ``(homes,)``.

    ``emergencies``: somebody does not move, until found; they may have begun before the span or end after it.
    ``away``: nobody who lives there is in; of these ``gone``: for days, and ``hospital``: for days after an emergency.
    ``visitors``: somebody else is in.
    """

    homes: Sequence[str]
    people: NDArray[np.int64]
    pets: NDArray[np.bool_]
    start: int
    end: int
    emergencies: Spans
    away: Spans
    gone: Spans
    hospital: Spans
    visitors: Spans


def truth_of(fleet: Fleet, start: int, end: int) -> MovementTruth:
    """The truth of a fleet's homes in a simulation of [start, end) [us]. Raises ValueError where it has none."""
    plan = plan_of(fleet)
    life = Life(fleet)
    shift = NIGHT * HOUR_US
    days = range((start - shift) // DAY_US, -(-(end - shift) // DAY_US))
    gone = life.gone(start, end)
    return MovementTruth(
        [name_of(plan, home) for home in range(plan.count)],
        people_of(fleet),
        pets_of(fleet),
        start,
        end,
        _sorted([life.emergencies(start, end)], start, end),
        _sorted([gone, *(life.outings(day) for day in days)], start, end),
        _sorted([gone], start, end),
        _sorted([life.hospital(start, end)], start, end),
        _sorted([*(life.visits(day) for day in days), life.helpers(start, end)], start, end),
    )


def _sorted(parts: Sequence[Spans], start: int, end: int) -> Spans:
    home, low, high = (np.concatenate(column) for column in zip(*parts, strict=True))
    good = np.flatnonzero((low < end) & (high > start))
    order = good[np.lexsort((low[good], home[good]))]
    return Spans(home[order], low[order], high[order])
