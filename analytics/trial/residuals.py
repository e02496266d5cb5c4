"""An arm and the control of a panel, apart from what month and prior use explain: what the post-only model leaves over.

The model (Opower's; decision 013) is, over household-months weighted by known days w,

    use[h, m] = effect * arm[h] + level[m] + slopes[m] . prior[h] + error[h, m]

By Frisch, Waugh and Lovell (Econometrica 1, 1933; JASA 58, 1963) its effect is the slope of the residuals of use on the
residuals of the arm, both regressed month by month on a constant and prior use. As both are regressed alike, a sum over
household-months is a sum over homes of one number each, and looks at later months only add to those before.

One arm and the control stand alone: what other arms did has no part in their slopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from analytics.trial.panel import PRIOR, Bools, Float64, Int64, Panel

#: A figure of prior use that the others explain but for this share of its variance explains nothing itself.
_COLLINEAR: Final = 1e-10


class Months:
    """Weighted regressions on a constant and prior use, one for each month, of the same homes.

    ``prior`` (homes, 3) [kWh/day], ``weight`` (homes, months), 0 where not observed.
    """

    def __init__(self, prior: Float64, weight: Float64) -> None:
        spread = prior.std(axis=0) if len(prior) else np.ones(prior.shape[1])
        # about its mean and in its own spread: sums of squares lose no digits
        self._x = (
            (prior - prior.mean(axis=0, keepdims=True)) / np.where(spread > 0, spread, 1.0) if len(prior) else prior
        )
        self._weight = weight
        self._total = weight.sum(axis=0)
        self._share = 1.0 / np.where(self._total > 0, self._total, 1.0)
        self._mean = (weight.T @ self._x) * self._share[:, None]
        width = prior.shape[1]
        products = (self._x[:, :, None] * self._x[:, None, :]).reshape(len(prior), width**2)
        second = ((weight.T @ products) * self._share[:, None]).reshape(-1, width, width)
        value, vector = np.linalg.eigh(second - self._mean[:, :, None] * self._mean[:, None, :])
        kept = value > _COLLINEAR
        #: (months, 3, 3): columns make prior use orthonormal under the weights
        self._root = np.where(kept, 1.0, 0.0)[:, None, :] * vector / np.sqrt(np.where(kept, value, 1.0))[:, None, :]
        #: (months,): columns of each month's regression
        self.rank: Int64 = (self._total > 0) * (1 + kept.sum(axis=1))

    def residual(self, values: Float64) -> Float64:
        """What the regressions leave of ``values`` (homes, months); 0 where not observed."""
        weighted = self._weight * values
        mean = weighted.sum(axis=0) * self._share
        common = (weighted.T @ self._x) * self._share[:, None] - mean[:, None] * self._mean
        slope = np.einsum("mik,mjk,mj->mi", self._root, self._root, common)
        left = values - (mean - (self._mean * slope).sum(axis=1)) - self._x @ slope.T
        return np.where(self._weight > 0, left, 0.0)

    def columns(self) -> Float64:
        """Weighted orthonormal columns (homes, 4 * months): for t (homes,), the squares of ``t @ columns`` sum to the
        weighted sum of squares that month and prior use explain of t."""
        scaled = self._weight * np.sqrt(self._share)
        about = self._x @ self._root - (self._mean[:, None, :] @ self._root)
        found = np.concatenate((scaled.T[:, :, None], scaled.T[:, :, None] * about), axis=2)
        return found.transpose(1, 0, 2).reshape(len(self._x), -1)


@dataclass(frozen=True)
class Pair:
    """An arm and the control. ``homes`` (n,): their places in the panel. ``treated`` (n,): whether in the arm.
    ``weight`` (n, months) [days]: 0 where not observed. ``use`` (n, months) [kWh/day] and ``arm`` (n, months):
    residuals, 0 where not observed."""

    homes: Int64
    treated: Bools
    weight: Float64
    months: Months
    use: Float64
    arm: Float64

    @property
    def observed(self) -> Bools:
        """Which household-months are observations (n, months)."""
        return self.weight > 0

    @cached_property
    def cross(self) -> Float64:
        """Of each home, by month: weight times residual of the arm times residual of use (n, months)."""
        return self.weight * self.arm * self.use

    @cached_property
    def square(self) -> Float64:
        """Of each home, by month: weight times the square of the residual of the arm (n, months)."""
        return self.weight * self.arm**2


def pair(panel: Panel, arm: int) -> Pair:
    """The homes of ``arm``, a place in ``panel.arms`` from 1 on, and of the control.

    Raises ValueError where the panel has no such arm.
    """
    if not 1 <= arm < len(panel.arms):
        raise ValueError(f"the panel has the arms 1 to {len(panel.arms) - 1} beside the control, not {arm}")
    homes = np.flatnonzero((panel.arm == 0) | (panel.arm == arm))
    known = panel.known[homes]
    weight = np.where(known, panel.days[homes], 0.0)
    use = np.where(known, panel.use[homes], 0.0)
    treated = panel.arm[homes] == arm
    months = Months(panel.prior[homes, : len(PRIOR)], weight)
    of_arm = np.broadcast_to(treated[:, None].astype(np.float64), use.shape)
    return Pair(homes, treated, weight, months, months.residual(use), months.residual(of_arm))
