"""The effect by Lin's regression: prior use may act differently in each arm, errors are robust (HC2).

One observation a household: its mean use over the trial, weighted by known days. With z prior use about its mean over
the arm and the control together,

    mean use ~ arm + z + arm * z                                            (Lin, Annals of Applied Statistics 7, 2013)

which is a regression in each arm alone, read where z = 0. The variance is HC2 (MacKinnon and White, Journal of
Econometrics 29, 1985), quantiles are Student's t with N - K: what estimatr's ``lm_lin`` gives. As each household is one
observation, CR2 clustered by household is the same.
"""

from __future__ import annotations

from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from analytics.trial import students_t
from analytics.trial.each_arm import ROUNDING, estimates, nothing_left, too_few
from analytics.trial.estimate import Estimate, quantile
from analytics.trial.panel import Bools, Float64, Panel
from devices.counts import counted

NAME: Final = "lin"
#: A column of prior use that others explain but for this share explains nothing itself.
_COLLINEAR: Final = 1e-7
#: A home whose own use alone decides its fit; nothing is left of it to find an error by.
_ALONE: Final = 1e-10


class _Means(NamedTuple):
    """Of the arm and the control: mean use (homes,) [kWh/day], prior use about its mean, and who is in the arm."""

    use: Float64
    prior: Float64
    treated: Bools


class _Side(NamedTuple):
    """Of one arm: fitted use where prior use is average [kWh/day], its HC2 variance, and columns of its regression."""

    level: float
    variance: float
    columns: int


def estimate(panel: Panel, level: float = 0.95) -> list[Estimate]:
    """Each arm's effect, in the order of ``panel.arms``; an arm that cannot be estimated is left out (`why_not`).

    Raises ValueError on the level, and, in words, where no arm can be estimated.
    """
    quantile(level)  # a wrong level is told before anything else
    return estimates(panel, lambda place: _estimate(panel, place, level))


def why_not(panel: Panel, place: int) -> str | None:
    """Why the arm at a place in ``panel.arms`` cannot be estimated; None: it can be."""
    one = _estimate(panel, place, 0.95)
    return one if isinstance(one, str) else None


def mean_use(panel: Panel) -> Float64:
    """Mean use of each home over its known days ``(homes,)`` [kWh/day]; NaN where nothing is known."""
    weight = np.where(panel.known, panel.days, 0.0)
    total = weight.sum(axis=1)
    whole = (weight * np.where(panel.known, panel.use, 0.0)).sum(axis=1)
    return np.where(total > 0, whole / np.where(total > 0, total, 1.0), np.nan)


def _estimate(panel: Panel, place: int, level: float) -> Estimate | str:
    """The estimate, or why there is none."""
    means = _means(panel, place)
    few = too_few(panel, place, int(means.treated.sum()), int((~means.treated).sum()))
    if few:
        return few
    sides: list[_Side] = []
    for treated, name in ((False, panel.arms[0]), (True, panel.arms[place])):
        mine = means.treated == treated
        side = _side(means.use[mine], means.prior[mine], str(name))
        if isinstance(side, str):
            return side
        sides.append(side)
    control, arm = sides
    effect = arm.level - control.level
    variance = arm.variance + control.variance
    homes = len(means.use)
    if variance <= ROUNDING * float((means.use**2).mean()):
        return nothing_left(panel, place, "arm and prior use")
    error = sqrt(variance)
    df = float(homes - control.columns - arm.columns)
    beyond = students_t.quantile(level, df) * error
    p = students_t.probability(effect / error, df)
    return Estimate(
        NAME, panel.arms[place], effect, error, effect - beyond, effect + beyond, p, homes, homes, df
    )  # fmt: skip


def _means(panel: Panel, place: int) -> _Means:
    use = mean_use(panel)
    mine = np.isfinite(use) & ((panel.arm == 0) | (panel.arm == place))
    prior = panel.prior[mine]
    return _Means(use[mine], prior - prior.mean(axis=0) if len(prior) else prior, panel.arm[mine] == place)


def _side(use: Float64, prior: Float64, name: str) -> _Side | str:
    """The regression of one arm, or why it cannot be made."""
    design = np.column_stack((np.ones(len(use)), prior))
    scale = np.sqrt((design**2).sum(axis=0))
    scale[scale == 0] = 1.0
    left, size, right = np.linalg.svd(design / scale, full_matrices=False)
    rank = int((size > _COLLINEAR * size[0]).sum())
    if len(use) <= rank:
        return f"the arm {name} has {counted(len(use), 'home')} for {rank} unknowns: Lin's regression needs more"
    left, size, right = left[:, :rank], size[:rank], right[:rank]
    # the first row of the pseudo-inverse: what each home's use adds to the level where prior use is average
    share = left @ (right[:, 0] / size) / scale[0]
    rest = use - left @ (left.T @ use)
    free = 1.0 - (left**2).sum(axis=1)
    if (free < _ALONE).any():
        return f"a home of arm {name} has a prior use like no other there: without it nothing tells its error"
    return _Side(float(share @ use), float((share**2 * rest**2 / free).sum()), rank)
