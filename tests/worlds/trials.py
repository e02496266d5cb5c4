"""Panels of simulated trials: homes whose use is log-normal, with seasons, noise that stays, gaps and a planted effect.

Everything follows from the seed. What the simulator knows and an estimator does not stands in `World`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from analytics.trial.panel import Float64, Int8, Int32, Panel, with_means
from devices.trials import ARMS, Arm

#: The months of a trial begin in October 2025 (months since 1970-01).
BEGINS: Final = 669
#: Mean use [kWh/day] of the median home, and the standard deviation of its logarithm between homes.
MEDIAN, SPREAD = 8.0, 0.55
#: The logarithm of a home's use moves by so much from month to month: standard deviation, and correlation of a month
#: with the next.
NOISE, STAYS = 0.22, 0.8
#: Autumn and winter: amplitude of the season in the logarithm, its mean and spread between homes.
SEASON, SEASON_SPREAD = 0.25, 0.12
_BEFORE: Final = 12


class World(NamedTuple):
    """A panel and the truth. ``truth`` (arms,) [kWh/day]: mean change that was planted, over all homes and months,
    whatever arm they are in; ``untouched`` (homes, months) [kWh/day]: use without any nudge, no gaps."""

    panel: Panel
    truth: Float64
    untouched: Float64


def world(
    seed: int,
    homes: int = 2_000,
    months: int = 12,
    effects: Sequence[float] = (-0.02,),
    shares: Sequence[int] | None = None,
    *,
    gradient: float = 1.0,
    gaps: float = 0.03,
    leaving: float = 0.0,
    missing: float = 0.02,
) -> World:
    """A trial of ``homes`` and ``months``, drawn in blocks within thirds of prior use.

    ``effects``: of each arm after the control, as a share of the use of all, below zero a saving. ``gradient``: 0 is
    the same share for all, 1 grows it in proportion to prior use, as Allcott 2011 found. ``gaps``: share of
    household-months not known; of others 20 days or more are. ``leaving``: share of homes that leave in a month.
    ``missing``: share of homes without one of the figures of prior use.
    """
    chance = np.random.default_rng((seed, 15))
    # every use from a year before the trial on, without nudges
    span = _BEFORE + months
    level = np.log(MEDIAN) + SPREAD * chance.standard_normal((homes, 1))
    season = SEASON + SEASON_SPREAD * chance.standard_normal((homes, 1))
    calendar = (BEGINS - _BEFORE + np.arange(span)) % 12
    moving = chance.standard_normal((homes, span))
    for month in range(1, span):
        moving[:, month] = STAYS * moving[:, month - 1] + np.sqrt(1 - STAYS**2) * moving[:, month]
    use = np.exp(level + season * np.cos(2 * np.pi * (calendar - 0.5) / 12) + NOISE * moving)
    before, untouched = use[:, :_BEFORE], use[:, _BEFORE:]

    prior = np.column_stack([
        before.mean(axis=1),
        before[:, np.isin(calendar[:_BEFORE], (5, 6, 7, 8))].mean(axis=1),
        before[:, np.isin(calendar[:_BEFORE], (11, 0, 1, 2))].mean(axis=1),
    ])  # fmt: skip
    stratum = np.searchsorted(np.quantile(prior[:, 0], (1 / 3, 2 / 3)), prior[:, 0]).astype(np.int32)
    arm, block = _draw(chance, stratum, tuple(shares or (1,) * (1 + len(effects))))

    depth = 1 + gradient * (prior[:, 0] / prior[:, 0].mean() - 1)
    depth /= float((depth * prior[:, 0]).sum() / prior[:, 0].sum())
    change = np.array([0.0, *effects])[:, None] * depth
    seen = untouched * (1 + change[arm, np.arange(homes)])[:, None]
    known = chance.random((homes, months)) >= gaps
    left = np.cumsum(chance.random((homes, months)) < leaving, axis=1) > 0
    days = np.where(known & ~left, chance.integers(20, 31, (homes, months)), 0).astype(np.float64)
    holed = np.where(chance.random(prior.shape) < missing / 3, np.nan, prior)
    filled, marks = with_means(holed)
    decile = np.searchsorted(np.quantile(prior[:, 0], np.arange(1, 10) / 10), prior[:, 0]).astype(np.int16)
    panel = Panel(
        arms=_arms(len(effects)),
        home=np.arange(1, homes + 1, dtype=np.int64),
        arm=arm,
        stratum=stratum,
        block=block,
        month=(BEGINS + np.arange(months)).astype(np.int32),
        use=np.where(days > 0, seen, np.nan),
        days=days,
        prior=filled,
        filled=marks,
        labels={
            "tenure": chance.integers(0, 3, homes).astype(np.int16),
            "deprivation": chance.integers(0, 3, homes).astype(np.int16),
            "decile": decile,
        },
        names={
            "tenure": ["owned", "social", "private"],
            "deprivation": ["most", "middle", "least"],
            "decile": [str(number) for number in range(1, 11)],
        },
    )
    truth = np.array([float((untouched * share[:, None]).mean()) for share in change])
    return World(panel, truth, untouched)


def _arms(others: int) -> tuple[Arm, ...]:
    """The control and so many others, the comparison first."""
    chosen = {Arm.NOTHING, *(Arm.COMPARISON, Arm.ZONE, Arm.OWN_HISTORY, Arm.COMPARISON_YEAR)[:others]}
    return tuple(arm for arm in ARMS if arm in chosen)


def _draw(chance: np.random.Generator, stratum: Int32, shares: tuple[int, ...]) -> tuple[Int8, Int32]:
    """Arms in blocks within strata, by NumPy: the panel must not rest on the draw that it tests."""
    cards = np.repeat(np.arange(len(shares)), shares)
    arm = np.zeros(len(stratum), np.int8)
    block = np.zeros(len(stratum), np.int32)
    for of in np.unique(stratum):
        members = chance.permutation(np.flatnonzero(stratum == of))
        blocks = -(-len(members) // len(cards))
        dealt = chance.permuted(np.tile(cards, (blocks, 1)), axis=1).reshape(-1)[: len(members)]
        arm[members] = dealt
        block[members] = np.arange(len(members)) // len(cards)
    return arm, block
