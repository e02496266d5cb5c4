"""Randomisation inference: how often would chance alone, drawing as the trial was drawn, give an effect as large?

The sharp null hypothesis is that an arm changed no home. Then every draw that the trial could have had would have given
the same use, and the effect in each is known (Fisher 1935; Imbens and Rubin 2015, chapter 5). The draws are of one arm
and the control within their blocks; homes of other arms stay where they are, for nothing is supposed of those.

The statistic is the post-only effect itself, made anew in each draw. By `residuals` it is t . s / (t . w - |t @ q|^2),
where t (homes,) is 1 for a treated home, s the weighted residual use of a home, w its days and q the columns of month
and prior use: one matrix product for many draws.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np

from analytics.trial.estimate import quantile
from analytics.trial.panel import Panel
from analytics.trial.redraw import Redraw
from analytics.trial.residuals import pair
from devices.trials import Arm

#: Effects that differ by rounding alone are as large as each other, as a share.
_EQUAL = 1e-9


class Randomised(NamedTuple):
    """``effect`` [kWh/day]: post-only, of the arm against the control. ``p``: two-sided, with the observed draw counted
    among the ``draws`` (Phipson and Smyth 2010), so never 0. ``low``, ``high``: where p lies after so many draws, with
    95 % (Wilson 1927). ``extreme``: draws whose effect was at least as large."""

    arm: Arm
    effect: float
    p: float
    low: float
    high: float
    draws: int
    extreme: int


def test(panel: Panel, draws: int = 10_000, seed: int = 0) -> list[Randomised]:  # noqa: PT028 no test of pytest's
    """One result for each arm that has homes, and blocks with homes of the control too; the same for the same seed.

    ``panel.stratum`` and ``panel.block``: as they were drawn; a home with nothing known stays in its block. Memory:
    64 MB of draws at a time and the panel. Raises ValueError on fewer than one draw.
    """
    if draws < 1:
        raise ValueError(f"a test needs one draw or more, not {draws}")
    found = []
    for arm in range(1, len(panel.arms)):
        of = pair(panel, arm)
        _, block = np.unique(
            np.column_stack((panel.stratum[of.homes], panel.block[of.homes])), axis=0, return_inverse=True
        )
        redraw = Redraw(of.treated, block.reshape(-1))
        sums = np.column_stack(((of.weight * of.use).sum(axis=1), of.weight.sum(axis=1), of.months.columns()))
        observed = float(_effects(of.treated[None].astype(np.float64) @ sums)[0])
        if not redraw.varies or np.isnan(observed):
            continue
        sums = sums[redraw.order]
        extreme = 0
        for chunk in redraw.draws(draws, np.random.default_rng((seed, arm))):
            # a draw in which no month has homes of both arms counts as extreme, so that p is not too low
            effects = np.abs(_effects(chunk @ sums))
            extreme += int((~(effects < abs(observed) * (1 - _EQUAL))).sum())
        low, high = interval(extreme, draws)
        found.append(Randomised(panel.arms[arm], observed, (extreme + 1) / (draws + 1), low, high, draws, extreme))
    return found


def interval(extreme: int, draws: int, level: float = 0.95) -> tuple[float, float]:
    """Where a share lies of which ``extreme`` of ``draws`` were found (Wilson, JASA 22, 1927)."""
    reach = quantile(level) ** 2 / draws
    share = extreme / draws
    middle = share + reach / 2
    half = sqrt(reach * (share * (1 - share) + reach / 4))
    return max(0.0, (middle - half) / (1 + reach)), min(1.0, (middle + half) / (1 + reach))


def _effects(sums: np.ndarray) -> np.ndarray:
    """Effects (draws,) from ``t @ (s, w, q)`` (draws, 2 + columns); NaN where homes of both arms meet in no month."""
    left = sums[:, 1] - (sums[:, 2:] ** 2).sum(axis=1)
    possible = left > _EQUAL * np.maximum(sums[:, 1], 1.0)
    return np.where(possible, sums[:, 0] / np.where(possible, left, 1.0), np.nan)
