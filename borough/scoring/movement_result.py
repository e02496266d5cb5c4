"""The figures of a score of movement, with their intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from borough.scoring.movement import Score, score
from borough.scoring.movement_homes import MILD, World, simulate

#: Of a part of the homes' own seed: their fleets have nothing in common.
_OTHER: Final = 1 << 40
_DRAWS: Final = 2_000


class Interval(NamedTuple):
    """A figure and its 95 % interval, by drawing the homes again."""

    value: float
    low: float
    high: float


class Figures(NamedTuple):
    """The score; None where there is nothing to count. Rates are a home and month; ``delay`` and ``late`` [h] are
    quantiles 0.1, 0.5, 0.9."""

    months: float
    alone_months: float
    planted: int
    due: int
    told_number: int
    told: Interval | None
    told_ever: int
    found_before: int
    missed: dict[str, int]
    false: Interval | None
    false_with_door: Interval | None
    false_without_door: Interval | None
    causes: dict[str, float]
    genuine: float
    delay: list[float] | None
    late: list[float] | None
    notes: float
    outages: int
    in_outage: int


def run(seeds: Iterable[int], homes: int, days: int, emergencies: float, world: World = MILD) -> Score:
    """The score of seeded homes, some of them without a contact at the door. Raises ValueError for no seed."""
    found: Score | None = None
    for seed in seeds:
        without = homes // world.doorless
        for door, count, own in ((True, homes - without, seed), (False, without, seed + _OTHER)):
            if count:
                one = score(simulate(own, count, days, emergencies, door=door, world=world))
                if found is None:
                    found = one
                else:
                    found.add(one)
    if found is None:
        raise ValueError("a score needs a seed")
    return found


def figures(found: Score) -> Figures:
    """The figures of a score."""
    months = float(found.months.sum())
    rng = np.random.default_rng(20_000)
    drawn = rng.integers(0, len(found.months), (_DRAWS, len(found.months)))
    genuine = found.told_ever
    return Figures(
        months,
        float(found.months[found.alone].sum()),
        found.planted,
        int(found.due.sum()),
        int(found.told.sum()),
        _interval(found.told, found.due, drawn),
        found.told_ever,
        found.found_before,
        dict(found.missed.most_common()),
        _interval(found.false, found.months, drawn),
        _interval(found.false * found.watched, found.months * found.watched, drawn),
        _interval(found.false * ~found.watched, found.months * ~found.watched, drawn),
        {cause: number / months for cause, number in found.causes.most_common()},
        genuine / max(genuine + int(found.false.sum()), 1),
        _quantiles(found.delay),
        _quantiles(found.late),
        found.notes / months,
        found.outages,
        found.in_outage,
    )


def _interval(
    number: NDArray[np.int64], base: NDArray[np.int64] | NDArray[np.float64], drawn: NDArray[np.int64]
) -> Interval | None:
    """A ratio of sums over homes, None where there is nothing to divide by. Homes are drawn again whole, for what
    happens in one is not independent."""
    if not base.sum():
        return None
    below = base[drawn].sum(axis=1)
    ratios = number[drawn].sum(axis=1)[below > 0] / below[below > 0]
    low, high = np.quantile(ratios, (0.025, 0.975))
    return Interval(float(number.sum() / base.sum()), float(low), float(high))


def _quantiles(hours: list[float]) -> list[float] | None:
    return [float(one) for one in np.quantile(hours, (0.1, 0.5, 0.9))] if hours else None
