"""Whom not to judge: homes that look empty, cut off or under-heated are never praised for it nor told to save.

Low use can be hardship. A home is looked at over about eight weeks up to a period's end and gets one code of KINDS:

- **empty**: electricity of the period is tiny (mean under ``vacant_watt_hours`` a day) or so steady that nobody
  switches anything on (day-to-day deviation under 8 % of the mean, less for few days, and the mean under three times
  that setting). A home whose people were away for the whole period is `empty` too, in neutral words: it is no hardship
  and ends with their return.
- **disconnected**: whole days at (nearly) no electricity in a home that used energy on the others, once in a home with
  prepayment, twice elsewhere; or heating fuel at nothing on two of the colder days while electricity says that people
  are there; or, with prepayment and in the cold, nothing at all in eight weeks. Ofgem counts a self-disconnection from
  three hours on; whole days are what daily figures can see. A day on which many homes had none is a power cut.
- **under-heated**: heats less than half of what homes of its kind and size do, and hardly more when it is colder: the
  slope of its daily use against the cohort's is under half of theirs with 95 % confidence. Judged only while the cohort
  itself answers to the cold, so never in summer. Days away (electricity under half of the home's own median) are left
  out, so that a holiday with the heating off is no hardship.

There is no weather service: the cold is the cohort's own median use per floor area and day, or degree-days below
15.5 Cel where outdoor temperatures are given. Every threshold but the vacant setting is our own judgement, measured on
simulated fleets: docs/decisions/004-measured.md has the figures,
tests/unit/analytics/test_hardship_fleet.py repeats them. Codes are told to the home alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import HARDSHIPS, HEATING

Int64 = NDArray[np.int64]
Int8 = NDArray[np.int8]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

#: Codes are places in this; the first is an ordinary home.
CODES = ("", *HARDSHIPS)
_EMPTY, _DISCONNECTED, _UNDER_HEATED = range(1, len(CODES))
#: How many days up to a period's end `classify` is meant to see.
WINDOW = 56

_ELECTRIC, _PUMP = HEATING.index("electric"), HEATING.index("heat-pump")
_GAS, _NETWORK = HEATING.index("gas"), HEATING.index("heat-network")
#: Degree-days are counted below this outdoor temperature [Cel]: the usual base in the United Kingdom (60 degrees F).
_BASE = 15.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What counts as a sign; our own judgement, measured on simulated fleets (docs/decisions/004-measured.md)."""

    #: Deviation of daily electricity relative to its mean, under which nobody switches anything on ...
    steady: float = 0.08
    #: ... where the mean is at most so many times the vacant setting.
    low: float = 3.0
    #: [Wh a day]; a refrigerator alone uses more.
    nothing: int = 100
    #: Homes that are needed to say what is usual.
    cohort: int = 20
    #: Median correlation of the cohort's homes with their common course, from which on it is the cold that moves them.
    answers: float = 0.5
    #: Part of a cold day's heating that an ordinary day needs to have: or a cold spell in June would be a winter.
    season: float = 0.45
    #: Part of an ordinary day's heating that a mild day may have at most.
    mild: float = 0.88
    #: Part of the usual use.
    level: float = 0.5
    #: The same with electric heating, because light and appliances are in it.
    mixed_level: float = 0.75
    #: Part of the usual answer to cold.
    slope: float = 0.5
    #: That a home needs for it.
    days: int = 21
    #: Part of the home's own median electricity, of a day at home.
    present: float = 0.5
    #: Part of all homes without electricity on a day, and at least five.
    power_cut: float = 0.10


class Recall(NamedTuple):
    """How well one kind is found."""

    kind: str
    #: Homes that are of this kind.
    planted: int
    #: Of them, those that are taken for what they are.
    found: int
    recall: float
    #: Of them, those with any code at all.
    spared: int
    #: Homes of no kind.
    ordinary: int
    #: Of them, those that are taken for this kind.
    false_alarms: int
    false_alarm_rate: float


def vacant(use: Int64, days: int, watt_hours: int = 1_000) -> Bool:
    """Whether electricity of a period is too little for anybody to live there, shape of ``use``.

    ``use`` [Wh] of the whole period, -1 where there is no figure (which is not vacant); ``days`` in it.
    """
    return np.asarray((use >= 0) & (use < watt_hours * days))


def warmth(heating: Int64, electricity: Int64, gas: Int64 | None = None, heat: Int64 | None = None) -> Int64:
    """Daily use [Wh] of the fuel that heats each home, (homes, days); -1 where there is none.

    ``heating``: places in `devices.homes.HEATING`. Oil and other fuels are not metered.
    """
    chosen = np.full_like(electricity, -1)
    for codes, use in (((_ELECTRIC, _PUMP), electricity), ((_GAS,), gas), ((_NETWORK,), heat)):
        mine = np.isin(heating, codes)
        if use is not None:
            chosen[mine] = use[mine]
    return chosen


def classify(
    electricity: Int64,
    fuel: Int64,
    heating: Int64,
    *,
    period_days: int,
    dwelling: Int64 | None = None,
    area: Float64 | None = None,
    prepayment: Bool | None = None,
    exports: Bool | None = None,
    outdoor: Float64 | None = None,
    vacant_watt_hours: int = 1_000,
    thresholds: Thresholds | None = None,
) -> Int8:
    """What each home looks like at the end of the days given, places in KINDS, shape (homes,).

    ``electricity``, ``fuel`` [Wh a local day], (homes, days), -1 where there is no value; ``fuel`` is what heats
    (`warmth`). The last ``period_days`` are the period that is judged, the days before are what is usual.
    ``heating``, ``dwelling``: codes that make a cohort; ``area`` [m2], NaN where it is not known. ``prepayment``: False
    where it is not known. ``exports``: homes that feed in, whose roof can make days of little import or none: they are
    never `empty`, nor cut off but in the cold. ``outdoor`` [Cel], (days,), mean of each day. Raises ValueError for
    arrays that do not fit each other.
    """
    homes, days = electricity.shape
    if fuel.shape != electricity.shape or heating.shape != (homes,) or not 0 < period_days <= days:
        raise ValueError(f"electricity {electricity.shape}, fuel {fuel.shape}, heating {heating.shape}, {period_days=}")
    limits = thresholds or Thresholds()
    prepaid = np.zeros(homes, np.bool_) if prepayment is None else prepayment
    usual = _median(electricity, electricity > limits.nothing)
    cold = _Cold.of(electricity, fuel, heating, dwelling, area, outdoor, usual, limits)
    found = np.zeros(homes, np.int8)
    found[cold.under_heated] = _UNDER_HEATED
    empty = _empty(electricity[:, days - period_days :], vacant_watt_hours, limits)
    if exports is not None:
        empty &= ~exports
    found[empty] = _EMPTY
    lived_in = (usual >= vacant_watt_hours) & ((electricity > limits.nothing).sum(axis=1) >= 7)
    cut_off = lived_in & _spells(electricity, prepaid, exports, cold, limits)
    # money ran out for gas alone; an empty house that is kept from freezing is not that
    cut_off |= lived_in & ~empty & _without_fuel(electricity, fuel, usual, cold, limits)
    # nothing at all for eight weeks of cold: it began before they did
    known = electricity >= 0
    dark = (electricity <= limits.nothing).all(axis=1) & (known.sum(axis=1) >= limits.days)
    found[cut_off | (prepaid & cold.answered.any() & dark)] = _DISCONNECTED
    return found


def recall_table(codes: Int8, planted: NDArray[np.str_]) -> list[Recall]:
    """How well each kind was found, (homes,) each; ``planted`` is the truth in words of KINDS, "" an ordinary home."""
    ordinary = planted == ""
    rows = []
    for code, kind in enumerate(CODES[1:], 1):
        mine = planted == kind
        found, false = int((codes[mine] == code).sum()), int((codes[ordinary] == code).sum())
        share = found / mine.sum() if mine.any() else float("nan")
        alarms = false / ordinary.sum() if ordinary.any() else float("nan")
        spared = int((codes[mine] > 0).sum())
        rows.append(
            Recall(kind, int(mine.sum()), found, float(share), spared, int(ordinary.sum()), false, float(alarms))
        )
    return rows


def recall_text(rows: list[Recall]) -> str:
    """The table of `recall_table` as lines of text."""
    lines = [f"{'kind':<13}{'planted':>8}{'found':>7}{'recall':>8}{'spared':>8}{'ordinary':>10}{'false alarms':>14}"]
    lines += [
        f"{row.kind:<13}{row.planted:>8}{row.found:>7}{row.recall:>8.1%}{row.spared:>8}{row.ordinary:>10}"
        f"{row.false_alarms:>7}{row.false_alarm_rate:>7.2%}"
        for row in rows
    ]
    return "\n".join(lines)


def _empty(period: Int64, vacant_watt_hours: int, limits: Thresholds) -> Bool:
    """Tiny use, or a low one that hardly moves; at least half of the days are needed, seven for how it moves."""
    known = period >= 0
    number = known.sum(axis=1)
    mean = np.where(known, period, 0).sum(axis=1) / np.maximum(number, 1)
    deviation = np.sqrt((np.where(known, period - mean[:, None], 0) ** 2).sum(axis=1) / np.maximum(number, 1))
    # a few days look steadier than they are
    still = limits.steady * (1 - 1 / np.sqrt(np.maximum(number, 1)))
    steady = (number >= 7) & (mean < limits.low * vacant_watt_hours) & (deviation < still * mean)
    return np.asarray((2 * number >= period.shape[1]) & ((mean < vacant_watt_hours) | steady))


def _spells(electricity: Int64, prepaid: Bool, exports: Bool | None, cold: _Cold, limits: Thresholds) -> Bool:
    """Days without electricity, other than those of a power cut; of homes that feed in, in the cold alone."""
    known = electricity >= 0
    nothing = known & (electricity <= limits.nothing)
    power_cut = nothing.sum(axis=0) >= np.maximum(5, limits.power_cut * known.sum(axis=0))
    cut_off = (nothing & ~power_cut).sum(axis=1) >= np.where(prepaid, 1, 2)
    return np.asarray(cut_off if exports is None else cut_off & (~exports | cold.answered))


def _without_fuel(electricity: Int64, fuel: Int64, usual: Float64, cold: _Cold, limits: Thresholds) -> Bool:
    """Nothing to heat with on two of the colder days while somebody is at home, in a home that heats on others."""
    at_home = electricity >= limits.present * np.where(np.isnan(usual), np.inf, usual)[:, None]
    burns = fuel > limits.nothing
    without = (fuel >= 0) & ~burns & at_home & cold.colder
    return np.asarray((burns.sum(axis=1) >= 7) & (without.sum(axis=1) >= 2))


@dataclass(frozen=True, slots=True)
class _Cold:
    """``answered`` (homes,): the home's cohort answers to the cold. ``colder`` (homes, days): the colder half of days.

    ``under_heated`` (homes,).
    """

    answered: Bool
    colder: Bool
    under_heated: Bool

    @classmethod
    def of(
        cls,
        electricity: Int64,
        fuel: Int64,
        heating: Int64,
        dwelling: Int64 | None,
        area: Float64 | None,
        outdoor: Float64 | None,
        usual: Float64,
        limits: Thresholds,
    ) -> _Cold:
        homes, days = fuel.shape
        found = cls(np.zeros(homes, np.bool_), np.zeros((homes, days), np.bool_), np.zeros(homes, np.bool_))
        mixed = np.isin(heating, (_ELECTRIC, _PUMP))
        # who was away says nothing about how the home is heated; with electric heating that cannot be told apart
        here = mixed[:, None] | ~(electricity >= 0) | ~(electricity < limits.present * usual[:, None])
        usable = (fuel >= 0) & here
        judged = usable.sum(axis=1) >= limits.days
        for members in _cohorts(heating, dwelling, judged, limits.cohort):
            if len(members) < limits.cohort:
                continue
            size = _sizes(area, members)
            use = fuel[members] / size[:, None]
            mask = usable[members]
            common = _median(use.T, mask.T) if outdoor is None else np.maximum(_BASE - outdoor, 0.0)
            common = np.where(np.isnan(common), np.nanmedian(common), common)
            slope, error, correlation = _fit(use, mask, common)
            mild, ordinary, dear = np.percentile(common, (10, 50, 95))
            season = ordinary >= limits.season * dear and mild <= limits.mild * ordinary
            if not (season and np.median(correlation) >= limits.answers):
                continue
            level = _median(use, mask)
            enough = limits.mixed_level if mixed[members[0]] else limits.level
            low = level < enough * np.median(level)
            unmoved = slope + 1.645 * error < limits.slope * np.median(slope)
            found.answered[members] = True
            found.colder[members] = common >= np.median(common)
            found.under_heated[members] = low & unmoved
        return found


def _cohorts(heating: Int64, dwelling: Int64 | None, judged: Bool, enough: int) -> list[Int64]:
    """Homes of the same heating and dwelling; dwellings too rare for a cohort are one together."""
    cohorts = []
    for code in np.unique(heating[judged]).tolist():
        mine = np.flatnonzero(judged & (heating == code))
        if dwelling is None:
            cohorts.append(mine)
            continue
        kinds, number = np.unique(dwelling[mine], return_counts=True)
        common = kinds[number >= enough]
        cohorts += [mine[dwelling[mine] == kind] for kind in common.tolist()]
        rare = mine[~np.isin(dwelling[mine], common)]
        # the rare few are measured against all homes of that heating where they are too few themselves
        cohorts.append(rare)
    return cohorts


def _sizes(area: Float64 | None, members: Int64) -> Float64:
    """Floor areas [m2], the cohort's median where one is not known; 1 where none is."""
    if area is None or np.isnan(area[members]).all():
        return np.ones(len(members))
    mine = area[members]
    return np.where(np.isnan(mine), np.nanmedian(mine), mine)


def _fit(use: Float64, mask: Bool, common: Float64) -> tuple[Float64, Float64, Float64]:
    """Ordinary least squares of each home's days on the common course: slope, its standard error, correlation.

    slope = Sxy / Sxx, error = sqrt((Syy - slope Sxy) / ((n - 2) Sxx)).
    """
    number = mask.sum(axis=1)
    x = np.where(mask, common, 0.0)
    x -= np.where(mask, (x.sum(axis=1) / number)[:, None], 0.0)
    y = np.where(mask, use, 0.0)
    y -= np.where(mask, (y.sum(axis=1) / number)[:, None], 0.0)
    sxx, sxy, syy = (x * x).sum(axis=1), (x * y).sum(axis=1), (y * y).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(sxx > 0, sxy / sxx, 0.0)
        error = np.where(sxx > 0, np.sqrt(np.maximum(syy - slope * sxy, 0) / ((number - 2) * sxx)), np.inf)
        correlation = np.where((sxx > 0) & (syy > 0), sxy / np.sqrt(sxx * syy), 0.0)
    return slope, error, correlation


def _median(values: NDArray[np.generic], mask: Bool) -> Float64:
    """Median of each row's masked values; NaN where there are none."""
    ordered = np.sort(np.where(mask, values, np.inf).astype(np.float64), axis=1)
    number = mask.sum(axis=1)
    row = np.arange(len(ordered))
    low, high = (
        ordered[row, np.maximum(number - 1, 0) // 2],
        ordered[row, np.minimum(number // 2, ordered.shape[1] - 1)],
    )
    return np.where(number > 0, (low + high) / 2, np.nan)
