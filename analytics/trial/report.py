"""The report of a trial: every figure of the fixed list, from one panel and the facts of its design.

Figures of use are shown of 15 homes or more, and so are numbers of homes but zero. What cannot be worked out is said in
``missing`` and stands as None; a report is always whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from analytics.energy.prices import Energy
from analytics.trial import balance, differences, lin, money, post_only, randomisation, sequential, subgroups
from analytics.trial.estimate import Estimate, quantile
from analytics.trial.panel import Panel
from analytics.trial.report_facts import Facts, Noted
from analytics.trial.report_rows import (
    LEAST_HOMES,
    MAIN,
    ArmLine,
    BalanceLine,
    Chance,
    Effect,
    Persistence,
    Prices,
    Range,
    Recovered,
    Report,
    SubgroupLine,
    Value,
)
from analytics.trial.untold import untold
from devices.counts import counted
from devices.trials import Arm, year_later

Bools = NDArray[np.bool_]

DIFFERENCES = differences.NAME
#: Draws of the joint test of balance: p to a two-hundredth.
_BALANCE_DRAWS = 199
_METHODS: Mapping[str, Callable[[Panel, float], Sequence[Estimate]]] = {
    MAIN: post_only.estimate,
    "lin": lin.estimate,
    DIFFERENCES: differences.estimate,
}
_WHY_NOT: Mapping[str, Callable[[Panel, int], str | None]] = {
    MAIN: post_only.why_not,
    "lin": lin.why_not,
    DIFFERENCES: differences.why_not,
}


def report(panel: Panel, facts: Facts, *, energy: Energy, draws: int = 1_000, level: float = 0.95) -> Report:
    """Everything that evaluators ask for of one trial.

    ``panel``: its months alone, of the arms that ``facts`` names. ``energy``: prices and factors. ``draws``: of the
    randomisation inference; none where 0. ``level``: of the intervals. Raises ValueError where panel and facts do not
    fit together, or the level is none.
    """
    if tuple(facts.arms) != tuple(str(arm) for arm in panel.arms):
        raise ValueError(f"the facts name the arms {', '.join(facts.arms)}, the panel {', '.join(panel.arms)}")
    quantile(level)
    missing: list[str] = []
    large = _large(panel)
    months = [_first(month) for month in panel.month.tolist()]
    # homes without a known year before have no part in differences, and are none of its fifteen
    measured = _large(large.part(~large.filled[:, 0]))
    found = {
        method: _tried(estimate, measured if method == DIFFERENCES else large, level, method, missing)
        for method, estimate in _METHODS.items()
    }
    main = found[MAIN]
    missing += _left_out(large, measured, found)
    if facts.unread:
        missing.append(f"looks: {facts.unread} noted by another version of the program cannot be read")
    effects = [_effect(one, large.control_mean, energy, facts, months) for of in found.values() for one in of]
    parts = subgroups.estimates(_with_strata(large, facts), level) if main else []
    shown = _shown(facts)
    drawn = sum(one or 0 for one in facts.assigned) or panel.homes
    return Report(
        facts=shown,
        level=level,
        months=months,
        drawn=_hidden(drawn),
        homes=None if _hidden(drawn - panel.homes) is None else _hidden(panel.homes),
        strata=len(np.unique(panel.stratum)),
        blocks=len(set(zip(panel.stratum.tolist(), panel.block.tolist(), strict=True))),
        control_mean=_known(large.control_mean),
        arms=_arms(panel, shown),
        balance=[
            BalanceLine(one.what, str(one.arm), one.mean, one.control, one.difference) for one in balance.table(large)
        ],
        balance_p=balance.joint(large, _BALANCE_DRAWS) if main else None,
        effects=effects,
        chance=_chance(large, draws, missing) if main else [],
        looks=_last(facts.looks) if facts.looks else _looks(large, level, facts.months),
        subgroups=_subgroups(parts),
        looked_at=len(parts),
        persistence=_persistence(large, facts, level, missing),
        values=[_value(large, facts, one) for one in main],
        prices=_prices(facts, months, energy),
        recovered=_recovered(facts, effects),
        missing=missing,
    )


def _large(panel: Panel) -> Panel:
    """The panel without the homes of arms that have too few with a known month; without any where the control has."""
    known = panel.known.any(axis=1)
    counts = np.bincount(panel.arm[known], minlength=len(panel.arms))
    if counts[0] < LEAST_HOMES:
        return panel.part(np.zeros(panel.homes, np.bool_))
    return panel.part((counts >= LEAST_HOMES)[panel.arm])


def _with_strata(panel: Panel, facts: Facts) -> Panel:
    """The panel with its strata as a label, where their names are known: a number says nothing to a reader."""
    if not facts.strata_names:
        return panel
    return replace(
        panel,
        labels={**panel.labels, subgroups.STRATUM: panel.stratum.astype(np.int16)},
        names={**panel.names, subgroups.STRATUM: facts.strata_names},
    )


def _tried(
    estimate: Callable[[Panel, float], Sequence[Estimate]], panel: Panel, level: float, what: str, missing: list[str]
) -> Sequence[Estimate]:
    """Effects of the arms that can be estimated; a reason in ``missing`` where none can."""
    try:
        return estimate(panel, level)
    except ValueError as error:
        missing.append(f"{what}: {error}")
        return []


def _left_out(large: Panel, measured: Panel, found: Mapping[str, Sequence[Estimate]]) -> list[str]:
    """Why an arm has no figure where another has one, so that none is missed."""
    if not large.homes:
        return []
    few = f"fewer than {counted(LEAST_HOMES, 'home')} of it"
    there = set(large.arm.tolist())
    told = [f"{arm}: {few} have a known month" for place, arm in enumerate(large.arms) if place not in there]
    for method, of in found.items():
        arms = {one.arm for one in of}
        gone = [place for place in sorted(there - {0}) if of and large.arms[place] not in arms]
        for place in gone:
            if method == DIFFERENCES and not (measured.arm == place).any():
                told.append(f"{method}: {large.arms[place]}: {few} have a known year before and a known month")
            else:
                told.append(f"{method}: {_WHY_NOT[method](large, place)}")
    return told


def _effect(one: Estimate, control_mean: float, energy: Energy, facts: Facts, months: Sequence[date]) -> Effect:
    worth = money.worth(one, control_mean, energy, facts.fuel, months[-1])
    return Effect(
        method=one.name,
        arm=str(one.arm),
        homes=one.homes,
        observations=one.observations,
        kwh_day=_range(one),
        error=_known(one.error),
        p=_known(one.p),
        percent=_range(worth.percent),
        kwh_year=_range(worth.kwh_year),
        pounds=_range(worth.pounds),
        tonnes=_range(worth.tonnes),
    )


def _subgroups(parts: Sequence[subgroups.Subgroup]) -> list[SubgroupLine]:
    """Lines of parts; numbers of homes that are not told are not got from the others of the same arm and label."""
    alike: dict[tuple[str, Arm], list[int]] = {}
    for place, one in enumerate(parts):
        alike.setdefault((one.label, one.arm), []).append(place)
    told: dict[int, int] = {}
    for places in alike.values():
        counts = [parts[place].homes for place in places]
        kept = untold(counts, [bool(parts[place].why) for place in places])
        told |= {place: count for place, count, hidden in zip(places, counts, kept, strict=True) if not hidden}
    return [_subgroup(one, told.get(place)) for place, one in enumerate(parts)]


def _subgroup(one: subgroups.Subgroup, homes: int | None) -> SubgroupLine:
    p = None if one.estimate is None else _known(one.estimate.p)
    return SubgroupLine(one.label, one.group, str(one.arm), homes, _range(one.estimate), p, one.holm, one.why)


def _chance(panel: Panel, draws: int, missing: list[str]) -> list[Chance]:
    if draws < 1:
        missing.append("randomisation inference: no draws were asked for")
        return []
    try:
        found = randomisation.test(panel, draws)
    except ValueError as error:
        missing.append(f"randomisation inference: {error}")
        return []
    return [Chance(str(one.arm), one.effect, one.p, one.low, one.high, draws) for one in found]


def _last(looks: Sequence[Noted]) -> list[Noted]:
    """Of each arm and month the look that was noted last, in the order of the months."""
    found = {(one.month, one.arm): one for one in looks}
    return sorted(found.values(), key=lambda one: one.month)


def _looks(panel: Panel, level: float, planned: int) -> list[Noted]:
    """Looks as they would have been, month by month, where none were noted; those that say nothing yet left out."""
    return [
        Noted(_first(one.month), str(one.arm), one.effect, one.low, one.high, one.fixed_low, one.fixed_high)
        for one in sequential.enough(panel, sequential.intervals(panel, level, expected=planned))
    ]


def _persistence(panel: Panel, facts: Facts, level: float, missing: list[str]) -> list[Persistence]:
    """The arm that is stopped after a year, in the months before that day and in those after."""
    arm = Arm.COMPARISON_YEAR
    if arm not in panel.arms:
        return []
    stop = year_later(facts.begins)
    after = panel.month >= stop.year * 12 + stop.month - 1 - 1970 * 12
    if not after.any() or after.all():
        return []
    mine = (panel.arm == 0) | (panel.arm == panel.arms.index(arm))
    found = []
    for months in (~after, after):
        of = _tried(post_only.estimate, _large(panel.part(mine, months)), level, "persistence", missing)
        one = next((one for one in of if one.arm == arm), None)
        if one is None:
            return []
        found.append(_range(one))
    during, later = found
    left = None
    if during.value and later.value is not None and not during.holds(0.0):
        left = 100 * later.value / during.value
    return [Persistence(str(arm), during, later, left)]


def _arms(panel: Panel, facts: Facts) -> list[ArmLine]:
    known = panel.known
    lines = []
    for place, arm in enumerate(panel.arms):
        mine = panel.arm == place
        homes = int(mine.sum())
        use, days = panel.use[mine], np.where(known[mine], panel.days[mine], 0.0)
        there = int(known[mine].any(axis=1).sum())
        total = float(days.sum())
        drawn = facts.assigned[place] if facts.assigned else _hidden(homes)
        lines.append(
            ArmLine(
                arm=str(arm),
                share=facts.shares[place],
                assigned=drawn,
                measured=_hidden(there),
                erased=facts.erased[place] if facts.erased else 0,
                known=float(known[mine].mean()) if homes and panel.months else None,
                left={why: counts[place] for why, counts in facts.left.items()},
                mean=float(np.nansum(use * days)) / total if there >= LEAST_HOMES and total else None,
            )
        )
    return lines


def _value(panel: Panel, facts: Facts, one: Estimate) -> Value:
    """All homes of the arm in the months that were read, at the effect of a known day."""
    place = panel.arms.index(one.arm)
    found = money.value(one, money.home_days(panel, place), facts.cost[place] if facts.cost else None)
    return Value(str(one.arm), found.cost, _range(found.saved), _range(found.per_kwh))


def _recovered(facts: Facts, effects: Iterable[Effect]) -> list[Recovered]:
    main = [one for one in effects if one.method == MAIN]
    if not facts.planted:
        return []
    planted = dict(zip(facts.arms, facts.planted, strict=True))
    return [Recovered(one.arm, planted[one.arm], one.kwh_day, one.kwh_day.holds(planted[one.arm])) for one in main]


def _prices(facts: Facts, months: Sequence[date], energy: Energy) -> Prices:
    if not months:
        return Prices(None, None, None, None)
    price = energy.price(facts.fuel, months[-1])
    factor = energy.factor(facts.fuel, months[-1].year)
    return Prices(
        None if price is None else price.name,
        None if price is None else price.rate,
        None if factor is None else str(factor.year),
        None if factor is None else factor.value,
    )


def _shown(facts: Facts) -> Facts:
    """The facts with no number of homes that is too small to be told."""
    return replace(
        facts,
        assigned=[_hidden(one) for one in facts.assigned],
        erased=[_hidden(one) for one in facts.erased],
        not_eligible={why: _hidden(one) for why, one in facts.not_eligible.items()},
        left={why: [_hidden(one) for one in counts] for why, counts in facts.left.items()},
    )


def _hidden(homes: int | None) -> int | None:
    """A number of homes as it is told: None for one that is too small."""
    return None if homes is None or 0 < homes < LEAST_HOMES else homes


def _range(given: Estimate | money.Interval | None) -> Range:
    """An effect or a figure with its interval; not known where there is none."""
    if given is None:
        return Range(None)
    value = given.effect if isinstance(given, Estimate) else given.value
    return Range(_known(value), _known(given.low), _known(given.high))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _first(month: int) -> date:
    """The first day of a month since 1970-01."""
    return date(1970 + month // 12, month % 12 + 1, 1)
