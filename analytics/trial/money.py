"""What an effect means: percent, kWh, pounds and tonnes of a home and year, and what a saved kWh cost.

Prices and factors come with their names and years, for they are of a time. Standing charges have no part: a home pays
them whatever it uses. The control's mean, the price and the factor count as certain; only the effect has an interval.
"""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import Final, NamedTuple

import numpy as np

from analytics.energy.prices import Energy
from analytics.energy.prices_file import Factor, Price
from analytics.trial.estimate import Estimate
from analytics.trial.panel import Panel

#: Days of a mean year (Gregorian: 365.2425).
_YEAR: Final = 365.2425


class Interval(NamedTuple):
    """A figure and the ends of its interval, ``low`` never above ``high``."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """In another unit; a negative factor changes the ends."""
        ends = sorted((self.low * factor, self.high * factor))
        return Interval(self.value * factor, ends[0], ends[1])


class Worth(NamedTuple):
    """An effect of one home, below zero where it used less. ``percent``: of the control's use, None where that is 0 or
    not known. ``kwh_year``: [kWh/year]. ``pounds`` [pounds/year], by ``price``, and ``tonnes`` [t CO2e/year], by
    ``factor``: None where there is no such value."""

    percent: Interval | None
    kwh_year: Interval
    pounds: Interval | None
    tonnes: Interval | None
    price: Price | None
    factor: Factor | None


class Value(NamedTuple):
    """All homes of an arm together. ``cost`` [pounds], None: nobody said. ``saved`` [kWh], above zero: used less.

    ``per_kwh`` [pounds/kWh saved]: None where no cost is known, or where it may be that nothing was saved.
    """

    cost: float | None
    saved: Interval
    per_kwh: Interval | None


def worth(estimate: Estimate, control_mean: float, energy: Energy, fuel: str, day: date) -> Worth:
    """What an effect means by the reference price of a day and the carbon factor of its year.

    ``control_mean``: what the control used [kWh/day], see `Panel.control_mean`.
    """
    effect = Interval(estimate.effect, estimate.low, estimate.high)
    year = effect.times(_YEAR)
    price, factor = energy.price(fuel, day), energy.factor(fuel, day.year)
    return Worth(
        percent=effect.times(100 / control_mean) if isfinite(control_mean) and control_mean > 0 else None,
        kwh_year=year,
        # rates are pence
        pounds=None if price is None else year.times(price.rate / 100),
        # factors are kilograms
        tonnes=None if factor is None else year.times(factor.value / 1000),
        price=price,
        factor=factor,
    )


def home_days(panel: Panel, place: int) -> float:
    """Days of the trial that are known of the homes of an arm, all together; a place in ``panel.arms``."""
    mine = panel.arm == place
    return float(np.where(panel.known[mine], panel.days[mine], 0.0).sum())


def value(estimate: Estimate, days: float, cost: float | None) -> Value:
    """What an arm saved over ``days`` (`home_days`) and what each kWh cost. Raises ValueError on a negative cost.

    Days that are not known are not counted as saved, so what was saved is rather more.
    """
    if cost is not None and not (isfinite(cost) and cost >= 0):
        raise ValueError(f"a cost is a number of pounds from 0 on, not {cost}")
    saved = Interval(estimate.effect, estimate.low, estimate.high).times(-days)
    if cost is None or saved.low <= 0:
        return Value(cost, saved, None)
    return Value(cost, saved, Interval(cost / saved.value, cost / saved.high, cost / saved.low))
