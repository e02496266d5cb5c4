"""The effect by the post-only model with prior use, errors clustered by household: the figure a trial is judged by.

The model is Opower's published one, over household-months weighted by their known days:

    use ~ arm + month * (prior year + prior summer + prior winter)

Each arm is estimated alone with the control, so that what another arm did has no part in it, and adding an arm to a
report changes no figure of the others. The closed form is that of :mod:`analytics.trial.residuals`. The variance is
clustered by household (Liang and Zeger, Biometrika 73, 1986) with G/(G-1) (N-1)/(N-K), quantiles are the normal
distribution's: what statsmodels gives for ``WLS(...).fit(cov_type="cluster")``.
"""

from __future__ import annotations

from math import erfc, inf, sqrt
from typing import Final

import numpy as np

from analytics.trial.each_arm import ROUNDING, VARIES, estimates, nothing_left, too_few
from analytics.trial.estimate import Estimate, quantile
from analytics.trial.panel import Panel
from analytics.trial.residuals import pair

NAME: Final = "post-only"


def estimate(panel: Panel, level: float = 0.95) -> list[Estimate]:
    """Each arm's effect, in the order of ``panel.arms``; an arm that cannot be estimated is left out (`why_not`).

    Raises ValueError on the level, and, in words, where no arm can be estimated.
    """
    reach = quantile(level)
    return estimates(panel, lambda place: _estimate(panel, place, reach))


def why_not(panel: Panel, place: int) -> str | None:
    """Why the arm at a place in ``panel.arms`` cannot be estimated; None: it can be."""
    one = _estimate(panel, place, quantile(0.95))
    return one if isinstance(one, str) else None


def _estimate(panel: Panel, place: int, reach: float) -> Estimate | str:
    """The estimate, or why there is none."""
    of = pair(panel, place)
    arm = panel.arms[place]
    seen = of.observed.any(axis=1)
    few = too_few(panel, place, int((seen & of.treated).sum()), int((seen & ~of.treated).sum()))
    if few:
        return few
    square = of.square.sum(axis=1)
    total = float(square.sum())
    if total <= VARIES * float(of.weight.sum()):
        return (
            f"month and prior use leave nothing of arm {arm} to compare: there are too few homes, or no month has "
            "homes of it and of the control"
        )
    homes, observations = int(seen.sum()), int(of.observed.sum())
    columns = int(of.months.rank.sum()) + 1
    if observations <= columns:
        return f"arm {arm} and the control have {observations} known household-months for {columns} unknowns"
    cross = of.cross.sum(axis=1)
    effect = float(cross.sum()) / total
    scores = cross - effect * square
    correction = homes / (homes - 1) * (observations - 1) / (observations - columns)
    error = sqrt(correction * float(scores @ scores)) / total
    if error <= sqrt(ROUNDING) * float(
        max(np.fmax.reduce(panel.use, axis=None), -np.fmin.reduce(panel.use, axis=None))
    ):
        return nothing_left(panel, place, "month and prior use")
    p = erfc(abs(effect / error) / sqrt(2))
    return Estimate(
        NAME, arm, effect, error, effect - reach * error, effect + reach * error, p, homes, observations, inf
    )
