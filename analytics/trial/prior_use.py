"""What is known of homes before a trial: their use and how well a year foretells the next, for planning its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.trial.panel import Float64, Panel

YEAR: Final = 12
#: Correlation of a home's use in one year with the next, where fewer than two years are known. An assumption, on the
#: careful side; whoever plans with it is told so.
ASSUMED: Final = 0.8
#: Of what a year does not foretell, the part that stays all year; the rest comes anew each month. An assumption.
STAYS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Summary:
    """``homes``; ``mean`` and ``deviation`` (standard, between homes) of a year's use [kWh/day]; ``correlation`` of a
    year with the next, ``assumed`` where it was not measured. Raises ValueError, in words, on what cannot be."""

    homes: int
    mean: float
    deviation: float
    correlation: float = ASSUMED
    assumed: bool = False

    def __post_init__(self) -> None:
        if self.homes < 0:
            raise ValueError(f"a number of homes is 0 or more, not {self.homes}")
        if not (0 < self.mean < np.inf and 0 < self.deviation < np.inf):
            raise ValueError(
                f"use has a mean and a standard deviation above zero, not {self.mean} and {self.deviation} kWh a day"
            )
        if not 0 <= self.correlation < 1:
            raise ValueError(f"the correlation of a year with the next is from 0 to below 1, not {self.correlation}")

    def sample(self, months: int, chance: np.random.Generator) -> tuple[Float64, Float64]:
        """Homes at random: use in a trial of so many months (homes,), and in the year before (homes, 1) [kWh/day].

        Both are log-normal, as use between homes is, with the mean, deviation and correlation that the summary says.
        """
        missed = (1 - self.correlation**2) * (STAYS + (1 - STAYS) * YEAR / months)
        wider = float(np.sqrt(self.correlation**2 + missed))
        before, after = self.deviation / self.mean, self.deviation / self.mean * wider
        # of a log-normal pair with these variations, for a correlation r: log(1 + r * before * after)
        log_before, log_after = np.log1p(before**2), np.log1p(after**2)
        common = np.log1p(self.correlation / wider * before * after)
        slope = common / log_before
        left = np.sqrt(max(log_after - slope * common, 0.0))
        of = np.sqrt(log_before) * chance.standard_normal(self.homes)
        use = slope * of + left * chance.standard_normal(self.homes)
        return self.mean * np.exp(use - log_after / 2), self.mean * np.exp(of - log_before / 2)[:, None]


def summary(use: Float64) -> Summary:
    """The summary of ``use`` (homes, months) [kWh/day], NaN where not known, the last month last; of homes with a
    known month in the last twelve.

    The correlation is that of the last twelve months with the twelve before, month by month the same calendar; it is
    assumed where fewer than 24 months are given, or fewer than 30 homes are known in both years. Raises ValueError
    where fewer than two homes are known, or all use the same.
    """
    last, before = _mean(use[:, -YEAR:]), _mean(use[:, -2 * YEAR : -YEAR])
    known = np.isfinite(last)
    if known.sum() < 2:
        raise ValueError("fewer than two homes have a known month in the last year: nothing can be planned from them")
    both = known & np.isfinite(before) & (use.shape[1] >= 2 * YEAR)
    correlation, assumed = ASSUMED, True
    if both.sum() >= 30 and last[both].std() > 0 and before[both].std() > 0:
        correlation, assumed = float(np.corrcoef(last[both], before[both])[0, 1]), False
    return Summary(
        int(known.sum()),
        float(last[known].mean()),
        float(last[known].std(ddof=1)),
        min(max(correlation, 0.0), 0.999),
        assumed,
    )


def of_panel(panel: Panel, months: int) -> tuple[Float64, Float64]:
    """Use over the first so many months of a panel, weighted by known days (homes,), and prior use (homes, 3)
    [kWh/day], of the homes that are known. Raises ValueError where it has fewer months, or no such home."""
    if months > panel.months:
        raise ValueError(f"the panel has {panel.months} months, a trial of {months} cannot be tried on it")
    known = panel.known[:, :months]
    days = np.where(known, panel.days[:, :months], 0.0)
    total = days.sum(axis=1)
    there = total > 0
    if not there.any():
        raise ValueError("no home of the panel has a known month: nothing can be planned from it")
    use = (days * np.where(known, panel.use[:, :months], 0.0)).sum(axis=1)[there] / total[there]
    return use, panel.prior[there]


def _mean(use: Float64) -> Float64:
    """Of (homes, months) the mean of the known months (homes,), NaN where none is."""
    known = np.isfinite(use)
    number = known.sum(axis=1)
    return np.where(number > 0, np.where(known, use, 0.0).sum(axis=1) / np.maximum(number, 1), np.nan)
