"""Intervals that stay true however often one looks: at each month the effect so far, with both kinds of interval.

The effect at a look is the post-only one of all months until then, its error clustered by household (`residuals`). With
Z[k] its distance from the true effect in standard errors, an interval that holds at every look needs a bound that all
|Z[k]| keep at once. The mixture of Robbins (Annals of Mathematical Statistics 41, 1970), which Lindon, Ham, Tingley and
Bojinov (2022, arXiv:2210.08589) give for regressions in closed form, keeps it for sums of independent increments, whose
clock v is their variance, to be tuned by g:

    |Z| <= sqrt(df (1 - q) / (q - r)),  q = (r alpha^2) ** (1 / (df + 1)),  r = g / (g + v)
        -> sqrt((1 + g / v) log((1 + v / g) / alpha^2))  for many degrees of freedom

Here the same households are read month after month: their errors stay, increments are not independent, and days or
household-months are no clock. What follows instead:

- With many homes the Z of all looks are jointly normal, whatever the errors of one household are to each other, for
  homes were drawn independently but for blocks (which only make the errors too large). Their correlations are the
  clustered ones, of the homes' scores summed until one look and until another.
- A motion with independent increments has the correlation sqrt(v[j] / v[k]) between the looks j < k. By Slepian's
  inequality (Bell System Technical Journal 41, 1962) jointly normal Z cross a bound on one side no more often than that
  motion where each of their correlations is at least as large.
- So the clock is the slowest one of which that holds: v of the first look is 1, v[k] = max over j < k of
  v[j] / correlation[j, k]^2. It uses nothing but what had been seen at the look. For independent increments it is the
  variance, for households that never change it stands still, and looking again then costs nothing.

Limits: both sides are added, so the level holds up to about alpha^2 / 2. It is a statement for many homes (hundreds
an arm); df = homes - 2 widens it for few, and is no proof for them. It is of each arm alone. The effect that is covered
is the mean until that look, which may change: intervals of different looks are not to be intersected.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, log
from typing import Final, NamedTuple

import numpy as np

from analytics.trial.eligibility import LEAST_HOMES
from analytics.trial.estimate import quantile
from analytics.trial.panel import Float64, Panel
from analytics.trial.residuals import pair
from devices.trials import Arm

#: Below this correlation two looks count as independent.
_NONE: Final = 1e-3


class Look(NamedTuple):
    """What was seen when all months until ``month`` (months since 1970-01) were looked at, of one arm [kWh/day].

    ``low``, ``high``: the interval that stays true at every look; ``fixed_low``, ``fixed_high``: the one that is true
    for a single look that was fixed before. ``clock``: v above. ``homes``: with an observation until then.
    """

    arm: Arm
    month: int
    effect: float
    error: float
    low: float
    high: float
    fixed_low: float
    fixed_high: float
    clock: float
    homes: int


def intervals(panel: Panel, level: float = 0.95, expected: int = 12) -> list[Look]:
    """A look after each month, by arm and month. A month is left out while an arm or the control has fewer than two
    homes until it, or nothing tells them apart.

    ``expected``: after how many months the interval is to be narrow; it must be chosen before the first look, and kept.
    Raises ValueError on the level or ``expected``.
    """
    reach = quantile(level)
    if expected < 1:
        raise ValueError(f"an interval is made for 1 month or more, not for {expected}")
    tuning = tuned(level, expected)
    looks: list[Look] = []
    for place in range(1, len(panel.arms)):
        of = pair(panel, place)
        # (months, homes): all that was seen until each month, a row at a time
        cross, square = np.cumsum(of.cross.T, axis=0), np.cumsum(of.square.T, axis=0)
        seen = np.cumsum(of.observed.T, axis=0)
        weight, columns = np.cumsum(of.weight.sum(axis=0)), np.cumsum(of.months.rank)
        scores = np.empty_like(cross)
        clock: list[float] = []
        norms: list[float] = []
        for month in range(panel.months):
            there = seen[month] > 0
            homes, observations = int(there.sum()), int(seen[month].sum())
            spare = observations - int(columns[month]) - 1
            total = float(square[month].sum())
            each = min(int((there & of.treated).sum()), int((there & ~of.treated).sum()))
            # what is left of the arm is rounding alone where no month has homes of both
            if each < 2 or spare < 1 or total <= 1e-9 * weight[month]:
                continue
            effect = float(cross[month].sum()) / total
            last = len(clock)
            np.subtract(cross[month], effect * square[month], out=scores[last])
            common = scores[: last + 1] @ scores[last]
            correction = homes / (homes - 1) * (observations - 1) / spare
            error = float(np.sqrt(correction * common[last])) / total
            clock.append(_next(common, norms, clock))
            norms.append(float(common[last]))
            beyond = error * bound(clock[last], tuning, level, homes - 2) if error > 0 else 0.0
            looks.append(
                Look(
                    panel.arms[place], int(panel.month[month]), effect, error, effect - beyond, effect + beyond,
                    effect - reach * error, effect + reach * error, clock[last], homes,
                )
            )  # fmt: skip
    return looks


def enough(panel: Panel, looks: Iterable[Look]) -> list[Look]:
    """Those of ``looks`` at a panel that may be told: of arms of which, like of the control, `LEAST_HOMES` homes have a
    known month until then, and with both intervals."""
    seen = np.cumsum(panel.known, axis=1) > 0
    counts = np.array([seen[panel.arm == place].sum(axis=0) for place in range(len(panel.arms))])
    least = np.minimum(counts, counts[0])
    places = {month: place for place, month in enumerate(panel.month.tolist())}
    return [
        one
        for one in looks
        if np.isfinite([one.low, one.high, one.fixed_low, one.fixed_high]).all()
        and least[panel.arms.index(one.arm), places[one.month]] >= LEAST_HOMES
    ]


def bound(clock: float, tuning: float, level: float = 0.95, df: float = np.inf) -> float:
    """How many standard errors the interval reaches to each side; infinite while nothing can be said.

    ``clock``: v, ``tuning``: g above, in the same unit. Lindon et al. 2022; Robbins 1970 for infinite df.
    """
    share = tuning / (tuning + clock)
    odds = log(share) + 2 * log(1 - level)
    if not isfinite(df):
        return float(np.sqrt(-odds / (1 - share)))
    power = float(np.exp(odds / (df + 1)))
    return float(np.sqrt(df * (1 - power) / (power - share))) if power > share else float("inf")


def tuned(level: float, expected: float) -> float:
    """The g with which the bound is lowest about ``expected`` months after the beginning.

    The clock then stands between 1, where households never change, and ``expected``, where months are independent: the
    bound is made for the root of it, from which it rises by at most 5 % to both sides within a trial of two years.
    """
    ratio = 1.0
    for _ in range(50):
        # d/dx of (1 + 1/x) log((1 + x) / alpha^2) is zero here; the steps shrink by 1 / (1 + x)
        ratio = log(1 + ratio) - 2 * log(1 - level)
    return float(np.sqrt(expected)) / ratio


def _next(common: Float64, squares: list[float], clock: list[float]) -> float:
    """The clock at a look, from the products (looks,) of its scores with those of each look until it, itself the last,
    and the earlier looks' squares and clocks."""
    if not clock:
        return 1.0
    lengths = np.sqrt(np.array(squares) * common[-1])
    if not lengths.all():
        # all errors are zero, then or now: nothing was learnt between
        return clock[-1]
    correlation = np.clip(common[:-1] / lengths, _NONE, 1.0)
    return float(max(clock[-1], (np.array(clock) / correlation**2).max()))
