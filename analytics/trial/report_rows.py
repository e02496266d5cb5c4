"""The lines of a trial's report. They hold numbers and words of ours alone, never a home; all are JSON's values.

A number that is not known, or that must not be shown because too few homes stand behind it, is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from analytics.trial.report_facts import Facts, Noted

#: Figures of use are shown of so many homes or more.
LEAST_HOMES = 15


@dataclass(frozen=True, slots=True)
class Range:
    """A figure and the ends of its interval."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value lies in the interval; not where there is none."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class ArmLine:
    """One arm: homes drawn, homes with any known month in the trial, and the share of their months that is known.

    A number of homes is None where it is above 0 and below `LEAST_HOMES`: then it is not told.
    """

    arm: str
    share: int
    assigned: int | None
    measured: int | None
    erased: int | None
    #: Of the drawn homes' months; None without one.
    known: float | None
    #: Homes that left, by the reason in words.
    left: Mapping[str, int | None] = field(default_factory=dict)
    #: Mean use of the known days [kWh/day].
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What an arm did against the control, by one method; below zero: it used less.

    ``kwh_year``, ``pounds``, ``tonnes`` are of one home and year. ``error`` [kWh/day].
    """

    method: str
    arm: str
    homes: int
    observations: int
    kwh_day: Range
    error: float | None
    p: float | None
    percent: Range
    kwh_year: Range
    pounds: Range
    tonnes: Range


@dataclass(frozen=True, slots=True)
class Value:
    """What an arm cost and saved until now, all its homes together; ``per_kwh`` [pounds/kWh saved], None where no
    saving is certain enough to divide by. ``saved`` [kWh]."""

    arm: str
    cost: float | None
    saved: Range
    per_kwh: Range


@dataclass(frozen=True, slots=True)
class Chance:
    """Randomisation inference: how often draws of the same kind give an effect as large. ``low``, ``high``: of p, for
    only so many draws were made."""

    arm: str
    effect: float
    p: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One thing before the trial, of one arm and of the control. ``difference``: in standard deviations."""

    what: str
    arm: str
    mean: float | None
    control: float | None
    difference: float | None


@dataclass(frozen=True, slots=True)
class SubgroupLine:
    """The effect in a part of the homes [kWh/day]; ``holm``: its p corrected for how many were looked at. ``why``:
    nothing is shown, and why not. ``homes``: None where it must not be told, or the other parts would tell it."""

    label: str
    group: str
    arm: str
    homes: int | None
    kwh_day: Range
    p: float | None
    holm: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Persistence:
    """The effect of the arm that was stopped, while it was nudged and after. ``left``: what is left of it [percent]."""

    arm: str
    during: Range
    after: Range
    left: float | None


@dataclass(frozen=True, slots=True)
class Prices:
    """What pounds and tonnes rest on: names and dates of the values."""

    price: str | None
    pence: float | None
    factor: str | None
    kilograms: float | None


@dataclass(frozen=True, slots=True)
class Recovered:
    """Of a simulated trial: the effect that was planted in an arm [kWh/day], and whether the interval holds it."""

    arm: str
    planted: float
    found: Range
    held: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All of it, in the order of the fixed list."""

    facts: Facts
    level: float
    months: Sequence[date]
    #: Homes that were drawn, and those that are in the panel. None: too few to tell; of the second too where the first
    #: less it, the homes that were erased since, would be.
    drawn: int | None
    homes: int | None
    strata: int
    blocks: int
    control_mean: float | None
    arms: Sequence[ArmLine]
    balance: Sequence[BalanceLine]
    #: p of a joint test of the balance, None where it could not be made.
    balance_p: float | None
    effects: Sequence[Effect]
    chance: Sequence[Chance]
    looks: Sequence[Noted]
    subgroups: Sequence[SubgroupLine]
    #: So many subgroups were looked at, those that are not shown included.
    looked_at: int
    persistence: Sequence[Persistence]
    values: Sequence[Value]
    prices: Prices
    recovered: Sequence[Recovered] = ()
    #: What could not be worked out, and why.
    missing: Sequence[str] = ()

    def main(self) -> Sequence[Effect]:
        """The effects by the method that was chosen before the trial, an arm each."""
        return [one for one in self.effects if one.method == MAIN]


#: The method whose figures are the trial's; the others stand beside it.
MAIN = "post-only"
