"""Homes of a simulated trial: a year before it and its months, with an effect that is known because it is planted.

No device and no message: the trial's analysis reads months, so months are made. Electricity use is log-normal over
homes, with seasons that electric heating deepens, good and bad years of a home, months that hang together, days
without a value, and homes that move out or take their consent back. The effect grows with prior use as Allcott (2011,
J. Public Economics 95:1082) found, 0.3 % in the tenth that uses least to 6.3 % in the tenth that uses most, scaled to
what is planted. After a nudge stops it fades by 15 % a year (Allcott and Rogers 2014, AER 104:3003: 10 to 20 %).

The truth is in the result: use with the nudges less use without them, of the same home and month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulators.randomness import stream

Float64 = NDArray[np.float64]
Int8 = NDArray[np.int8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

FAMILY = "trial"
#: Months before the trial that are made.
BEFORE = 12
#: Months after which an arm's nudges stop.
STOPS_AFTER = {"comparison-year": 12}
#: Median of a home's use [kWh/day] (Ofgem's medium home of 2026 uses 2,500 kWh a year), and its spread over homes.
_MEDIAN, _SPREAD = 6.85, 0.5
#: Standard deviations of a home's year and of its months (of the logarithm), and how much of a month stays in the next.
_YEAR, _MONTH, _STAYS = 0.10, 0.12, 0.6
#: Part of the mean by which January is above the year, in homes without and with electric heating.
_WINTER, _WINTER_ELECTRIC = 0.18, 0.55
_ELECTRIC = 0.12
#: Shares of the tenures, in the order of TENURES.
_TENURES = (0.62, 0.19, 0.09, 0.08, 0.02)
#: A month: probability of no value at all and of one on some days only.
_SILENT, _PATCHY = 0.015, 0.08
#: A year: probability of moving out, and of taking consent back.
_MOVES, _WITHDRAWS = 0.08, 0.02
#: Effect by tenth of prior use, as a multiple of its mean: 0.3 % to 6.3 %, 2.0 % on average.
_BY_TENTH = 0.15 + 3.0 * (np.arange(10) / 9) ** 3
#: What is left of the effect a month after the nudges stopped, by months.
_FADES = 0.85 ** (1 / 12)

WHY = ("", "moved out", "withdrew consent")


@dataclass(frozen=True, slots=True)
class TrialHomes:
    """Homes before the trial; arrays have one entry a home. ``without``: use with no nudge at all."""

    seed: int
    #: First month of the trial, months since 1970-01, and months that it has.
    begins: int
    months: int
    home: Int64
    #: Place in TENURES.
    tenure: Int16
    #: Decile of its place, 1 the most deprived.
    deprivation: Int16
    electric: Bool
    #: Tenth of prior use, 0 uses least.
    decile: Int16
    #: Use without nudges (homes, BEFORE + months) [kWh/day].
    without: Float64
    #: Known days (homes, BEFORE + months).
    days: Float64
    #: Month of the trial in which it left, 0 the first; ``months`` where it stayed; and place in WHY.
    left: Int32
    why: Int8

    def __len__(self) -> int:
        return len(self.home)

    @property
    def month(self) -> Int32:
        """Months since 1970-01, the year before included."""
        return np.arange(self.begins - BEFORE, self.begins + self.months, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class TrialUse:
    """What was measured once the arms were drawn. ``planted``: the effect by arm [kWh/day], the mean of the known
    days of homes in it and in the control, and ``percent`` of what these homes had used without it."""

    use: Float64
    days: Float64
    planted: tuple[float, ...]
    percent: tuple[float, ...]


def make_homes(homes: int, months: int, seed: int, begins: date) -> TrialHomes:
    """Homes that could take part; a function of its arguments.

    ``months``: of the trial, from that of ``begins`` on. Raises ValueError for fewer than 1 home or month.
    """
    if homes < 1 or months < 1:
        raise ValueError(f"a trial needs a home and a month, and has {homes} and {months}")
    what = stream(seed, FAMILY, "homes")
    electric = what.random(homes) < _ELECTRIC
    tenure = np.searchsorted(np.cumsum(_TENURES)[:-1], what.random(homes)).astype(np.int16)
    deprivation = what.integers(1, 11, homes).astype(np.int16)
    first = begins.year * 12 + begins.month - 1 - 1970 * 12
    without = _use(homes, months, seed, first, electric)
    days, left, why = _days(homes, months, seed, first)
    before = _mean(without[:, :BEFORE], days[:, :BEFORE])
    rank = np.empty(homes, np.int64)
    rank[np.argsort(np.nan_to_num(before, nan=float(np.nanmean(before))), kind="stable")] = np.arange(homes)
    return TrialHomes(
        seed=seed,
        begins=first,
        months=months,
        home=np.arange(1, homes + 1, dtype=np.int64),
        tenure=tenure,
        deprivation=deprivation,
        electric=electric,
        decile=(rank * 10 // homes).astype(np.int16),
        without=without,
        days=days,
        left=left,
        why=why,
    )


def measured(homes: TrialHomes, arm: Int8, arms: Sequence[str], effects: Mapping[str, float]) -> TrialUse:
    """What these homes use once each is in its arm.

    ``arm`` (homes,): place in ``arms``, whose first is the control; ``effects``: percent of use that an arm lowers it
    by while it is nudged, of all homes together; an arm that is not named has none. Months with fewer known days than
    half are NaN, and so is everything after a home left. Raises ValueError for an effect of an arm that is not there.
    """
    unknown = sorted(set(effects) - set(arms[1:]))
    if unknown:
        raise ValueError(f"an effect is planted in {', '.join(unknown)}, which is no arm of this trial but the control")
    after = homes.without[:, BEFORE:]
    days = homes.days.copy()
    # in proportion to the use of a month, such that all homes together use less by just the planted percent
    shape = _BY_TENTH[homes.decile][:, None] * after
    shape *= after.sum() / shape.sum()
    use = homes.without.copy()
    planted, percent = [0.0], [0.0]
    weight = np.where(_known(homes)[:, BEFORE:], homes.days[:, BEFORE:], 0.0)
    for place, name in enumerate(arms[1:], 1):
        change = -effects.get(name, 0.0) / 100 * shape * _still(name, homes.months)
        mine = arm == place
        use[mine, BEFORE:] += change[mine]
        both = weight * (mine | (arm == 0))[:, None]
        known = both.sum()
        planted.append(float((change * both).sum() / known) if known else 0.0)
        percent.append(float(100 * (change * both).sum() / (after * both).sum()) if known else 0.0)
    seen = _known(homes)
    return TrialUse(np.where(seen, use, np.nan), np.where(seen, days, 0.0), tuple(planted), tuple(percent))


def prior(homes: TrialHomes) -> tuple[Float64, Bool]:
    """Prior use (homes, 3) [kWh/day]: the 12 months, June to September, December to March; and which are filled: a
    home without a known month there has the mean of the others."""
    seen = _known(homes)[:, :BEFORE]
    use = np.where(seen, homes.without[:, :BEFORE], np.nan)
    of_year = homes.month[:BEFORE] % 12 + 1
    parts = (np.full(BEFORE, True), (of_year >= 6) & (of_year <= 9), (of_year == 12) | (of_year <= 3))
    found = np.stack([_mean(use[:, part], homes.days[:, :BEFORE][:, part]) for part in parts], axis=1)
    filled = np.isnan(found)
    means = np.array([column[~np.isnan(column)].mean() if (~np.isnan(column)).any() else 0.0 for column in found.T])
    return np.where(filled, means, found), filled


def attrition(homes: TrialHomes, arm: Int8, arms: Sequence[str]) -> dict[str, list[int]]:
    """Homes that left, by why, each by arm."""
    return {
        why: [int(((homes.why == place) & (arm == one)).sum()) for one in range(len(arms))]
        for place, why in enumerate(WHY)
        if place
    }


def _use(homes: int, months: int, seed: int, first: int, electric: Bool) -> Float64:
    """Use without nudges (homes, BEFORE + months) [kWh/day]."""
    all_months = BEFORE + months
    base = stream(seed, FAMILY, "use").standard_normal(homes) * _SPREAD + np.where(electric, 0.35, 0.0)
    winter = np.where(electric, _WINTER_ELECTRIC, _WINTER) * (
        1 + 0.3 * stream(seed, FAMILY, "season").standard_normal(homes)
    )
    of_year = (first - BEFORE + np.arange(all_months)) % 12
    season = 1 + np.clip(winter, 0.0, 0.9)[:, None] * np.cos(2 * np.pi * (of_year - 0.5) / 12)
    years = np.arange(all_months) // 12
    year = stream(seed, FAMILY, "year").standard_normal((homes, int(years[-1]) + 1))[:, years] * _YEAR
    month = stream(seed, FAMILY, "month").standard_normal((homes, all_months)) * _MONTH
    month[:, 1:] *= np.sqrt(1 - _STAYS**2)
    for place in range(1, all_months):
        month[:, place] += _STAYS * month[:, place - 1]
    found: Float64 = _MEDIAN * season * np.exp(base[:, None] + year + month)
    return found


def _days(homes: int, months: int, seed: int, first: int) -> tuple[Float64, Int32, Int8]:
    """Known days, and in which month of the trial each home left and why."""
    all_months = BEFORE + months
    whole = _lengths(first - BEFORE, all_months)
    luck = stream(seed, FAMILY, "gaps").random((homes, all_months))
    part = stream(seed, FAMILY, "parts").random((homes, all_months))
    days = np.where(luck < _SILENT, 0.0, np.where(luck < _SILENT + _PATCHY, np.floor(part * whole), whole))
    leaving = stream(seed, FAMILY, "leaving")
    ends = []
    for chance in (_MOVES, _WITHDRAWS):
        rate = -np.log1p(-chance) / 12
        ends.append(np.floor(-np.log1p(-leaving.random(homes)) / rate))
    left = np.minimum(np.minimum(ends[0], ends[1]), months).astype(np.int32)
    why = np.where(left == months, 0, np.where(ends[0] <= ends[1], 1, 2)).astype(np.int8)
    days[:, BEFORE:] *= np.arange(months) < left[:, None]
    return days, left, why


def _known(homes: TrialHomes) -> Bool:
    whole = _lengths(int(homes.month[0]), len(homes.month))
    found: Bool = (homes.days * 2 >= whole) & (homes.days > 0)
    return found


def _lengths(first: int, months: int) -> Float64:
    """Days of each month (months,) from ``first`` on, months since 1970-01."""
    starts = [date(month // 12 + 1970, month % 12 + 1, 1).toordinal() for month in range(first, first + months + 1)]
    return np.diff(np.array(starts, np.float64))


def _mean(use: Float64, days: Float64) -> Float64:
    """Mean by home [kWh/day], weighted by days; NaN without any."""
    weight = np.where(np.isnan(use), 0.0, days)
    total = weight.sum(axis=1)
    found: Float64 = (np.nan_to_num(use) * weight).sum(axis=1) / np.where(total > 0, total, np.nan)
    return found


def _still(arm: str, months: int) -> Float64:
    """What is left of an arm's effect by month (months,)."""
    stops = STOPS_AFTER.get(arm, months)
    return np.asarray(_FADES ** np.maximum(np.arange(months) - stops + 1, 0), np.float64)
