"""The effect by difference in differences: what changed in an arm's homes, less what changed in the control's.

    use ~ arm * after + household + period,   weighted by known days

with an effect of each household and each period. Household effects are taken out by weighted means, period effects by
solving for them, as many as there are periods: exact for panels with gaps too (Baltagi, Econometric Analysis of Panel
Data, chapter 9). The variance is clustered by household with G/(G-1) (N-1)/(N-K), K counting the arm and the periods,
household effects being nested in the clusters: pyfixest's and fixest's way. Quantiles are the normal distribution's.

A home that was seen only before, or only after, has no difference and no part.
"""

from __future__ import annotations

from math import erfc, inf, sqrt
from typing import Final, NamedTuple

import numpy as np

from analytics.trial.each_arm import ROUNDING, VARIES, estimates, nothing_left, too_few
from analytics.trial.estimate import Estimate, quantile
from analytics.trial.panel import Bools, Float64, Panel

NAME: Final = "differences"
#: Weight of the year before where it is one figure [days]: all of it, for it is known that most of it was measured.
_YEAR: Final = 365.25


class _Data(NamedTuple):
    """Periods before and after, of the arm and the control: ``use``, ``weight`` (homes, periods), 0 weight where
    missing; ``treated`` (homes,); ``after`` (periods,)."""

    use: Float64
    weight: Float64
    treated: Bools
    after: Bools


def estimate(panel: Panel, level: float = 0.95, before: Panel | None = None) -> list[Estimate]:
    """Each arm's effect, in the order of ``panel.arms``; an arm that cannot be estimated is left out (`why_not`).

    ``before``: the months before the trial of the same homes in the same order. Without it the mean of the year before
    (``panel.prior``) is one period; homes of which it had to be filled have no part.

    Raises ValueError on the level or another set of homes, and, in words, where no arm can be estimated.
    """
    reach = quantile(level)
    return estimates(panel, lambda place: _estimate(panel, place, reach, before))


def why_not(panel: Panel, place: int, before: Panel | None = None) -> str | None:
    """Why the arm at a place in ``panel.arms`` cannot be estimated; None: it can be. Raises ValueError on `before`."""
    one = _estimate(panel, place, quantile(0.95), before)
    return one if isinstance(one, str) else None


def _data(panel: Panel, place: int, before: Panel | None) -> _Data:
    use, weight = np.where(panel.known, panel.use, 0.0), np.where(panel.known, panel.days, 0.0)
    if before is None:
        early_weight = np.where(panel.filled[:, :1], 0.0, _YEAR)
        early = np.where(panel.filled[:, :1], 0.0, panel.prior[:, :1])
    else:
        if not np.array_equal(before.home, panel.home):
            raise ValueError("the months before are of other homes, or of these in another order")
        if before.months and panel.months and before.month[-1] >= panel.month[0]:
            raise ValueError("the months before go on into the trial")
        early, early_weight = np.where(before.known, before.use, 0.0), np.where(before.known, before.days, 0.0)
    mine = (panel.arm == 0) | (panel.arm == place)
    mine &= (weight > 0).any(axis=1) & (early_weight > 0).any(axis=1)
    after = np.arange(early.shape[1] + use.shape[1]) >= early.shape[1]
    return _Data(
        np.hstack((early, use))[mine], np.hstack((early_weight, weight))[mine], panel.arm[mine] == place, after
    )  # fmt: skip


def _estimate(panel: Panel, place: int, reach: float, before: Panel | None) -> Estimate | str:
    """The estimate, or why there is none."""
    data = _data(panel, place, before)
    few = too_few(panel, place, int(data.treated.sum()), int((~data.treated).sum()))
    if few:
        return f"{few}, before the trial and in it"
    arm = panel.arms[place]
    of_arm = (data.treated[:, None] & data.after[None]).astype(np.float64)
    use, of_arm = _residuals(data.weight, data.use, of_arm)
    total = float((data.weight * of_arm**2).sum())
    if total <= VARIES * float(data.weight.sum()):
        return f"arm {arm} cannot be told from the months: no month of the trial has homes of it and of the control"
    effect = float((data.weight * of_arm * use).sum()) / total
    rest = use - effect * of_arm
    homes, observations = len(use), int((data.weight > 0).sum())
    columns = int((data.weight > 0).any(axis=0).sum()) + 1
    if observations <= columns:
        return f"arm {arm} has {observations} known household-months with the control for {columns} unknowns"
    if float((data.weight * rest**2).sum()) <= ROUNDING * float((data.weight * data.use**2).sum()):
        return nothing_left(panel, place, "household and month")
    scores = (data.weight * of_arm * rest).sum(axis=1)
    correction = homes / (homes - 1) * (observations - 1) / (observations - columns)
    error = sqrt(correction * float(scores @ scores)) / total
    p = erfc(abs(effect / error) / sqrt(2))
    return Estimate(
        NAME, arm, effect, error, effect - reach * error, effect + reach * error, p, homes, observations, inf
    )


def _residuals(weight: Float64, *values: Float64) -> list[Float64]:
    """What household and period leave of each of ``values`` (homes, periods); 0 where the weight is.

    With share[h] = weight[h] / sum of it, periods' effects solve (diag(sum of weights) - weight.T @ share) d = weight.T
    @ (value - household mean); the matrix has the rank of the periods less one, or less where gaps part the panel.
    """
    share = weight / weight.sum(axis=1, keepdims=True)
    gram = np.diag(weight.sum(axis=0)) - weight.T @ share
    inverse = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)
    left = []
    for value in values:
        within = value - (share * value).sum(axis=1, keepdims=True)
        period = inverse @ (weight * within).sum(axis=0)
        found = within - period + (share @ period)[:, None]
        left.append(np.where(weight > 0, found, 0.0))
    return left
