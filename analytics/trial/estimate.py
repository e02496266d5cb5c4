"""One estimate of what an arm did, as every estimator gives it."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

from devices.trials import Arm


class Estimate(NamedTuple):
    """The effect of an arm against the control [kWh/day]; below zero: it used less.

    ``name``: the estimator's. ``error``: standard error [kWh/day]. ``low``, ``high``: the ends of the interval
    [kWh/day]. ``p``: two-sided, of no effect. ``homes``: those of this arm and of the control that have an observation.
    ``observations``: of these homes, household-months or households, as the estimator counts. ``df``: degrees of
    freedom of the quantiles, ``inf`` where they are the normal distribution's.
    """

    name: str
    arm: Arm
    effect: float
    error: float
    low: float
    high: float
    p: float
    homes: int
    observations: int
    df: float


def quantile(level: float) -> float:
    """How many standard errors a two-sided normal interval reaches to each side. Raises ValueError on the level."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"the level of an interval lies between 0 and 1, not at {level}")
    return NormalDist().inv_cdf(0.5 + level / 2)
