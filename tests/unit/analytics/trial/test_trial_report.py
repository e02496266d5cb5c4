"""A trial's report from a panel whose figures can be worked out by hand: what is shown, what is not, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from analytics.energy import prices
from analytics.trial.panel import Panel
from analytics.trial.report import report
from analytics.trial.report_facts import Facts, Noted
from analytics.trial.report_rows import MAIN, Range, Report
from devices.trials import Arm

ENERGY = prices.load()
ARMS = (Arm.NOTHING, Arm.ZONE, Arm.COMPARISON_YEAR)
BEGINS = date(2025, 1, 1)
_MONTH = 55 * 12


def panel(counts: tuple[int, ...] = (60, 40, 40), months: int = 12, change: float = -0.5, *, stops: int = 99) -> Panel:
    """Homes that use what they used before, up and down by a hundredth, and ``change`` more [kWh/day] where nudged,
    of ``comparison-year`` until month ``stops``."""
    arm = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
    homes = len(arm)
    prior = 5 + (np.arange(homes) * 7 % 40) / 8.0
    own = 0.02 * ((np.arange(homes) * 13 % 7) - 3) / 3
    noise = own[:, None] + 0.01 * np.where(np.arange(homes)[:, None] // 2 + np.arange(months) & 1, 1, -1)
    use = prior[:, None] + noise
    use[arm == 1] += change
    use[arm == 2, :stops] += change
    return Panel(
        arms=ARMS[: len(counts)],
        home=np.arange(homes, dtype=np.int64),
        arm=arm,
        stratum=np.zeros(homes, np.int32),
        block=(np.arange(homes) % 20).astype(np.int32),
        month=np.arange(_MONTH, _MONTH + months, dtype=np.int32),
        use=use,
        days=np.full((homes, months), 30.0),
        prior=np.column_stack((prior, prior - np.arange(homes) * 3 % 11 / 9, prior + np.arange(homes) * 5 % 13 / 9)),
        filled=np.zeros((homes, 3), np.bool_),
        labels={"tenure": (np.arange(homes) % 3 == 0).astype(np.int16)},
        names={"tenure": ["owner", "other"]},
    )


def facts(arms: tuple[Arm, ...] = ARMS, **more: object) -> Facts:
    made = Facts(1, "hand-made", "real", "electricity", [str(arm) for arm in arms], (1,) * len(arms), BEGINS, 12)
    return replace(made, **more)  # type: ignore[arg-type]  # fields of it


def made(of: Panel | None = None, draws: int = 0, **more: object) -> Report:
    given = panel() if of is None else of
    return report(given, facts(given.arms, **more), energy=ENERGY, draws=draws)


def test_what_each_arm_did_in_every_unit() -> None:
    found = made()
    assert [(one.method, one.arm) for one in found.effects] == [
        (method, arm) for method in (MAIN, "lin", "differences") for arm in ("zone", "comparison-year")
    ]
    control = panel().prior[:60, 0].mean()
    price, factor = ENERGY.price("electricity", date(2025, 12, 1)), ENERGY.factor("electricity", 2025)
    assert price is not None
    assert factor is not None
    for one in found.effects:
        assert one.kwh_day.value == pytest.approx(-0.5, abs=0.01)
    for one in found.main():
        assert one.percent.value == pytest.approx(100 * (one.kwh_day.value or 0) / control, rel=1e-3)
        assert one.kwh_year.value == pytest.approx(365.2425 * (one.kwh_day.value or 0))
        assert one.pounds.value == pytest.approx((one.kwh_year.value or 0) * price.rate / 100)
        assert one.tonnes.value == pytest.approx((one.kwh_year.value or 0) * factor.value / 1000)
        assert one.homes == 100
    assert found.control_mean == pytest.approx(control, abs=0.01)
    assert (found.prices.price, found.prices.pence) == (price.name, price.rate)
    assert found.months[0] == BEGINS
    assert found.months[-1] == date(2025, 12, 1)
    assert (found.drawn, found.homes, found.strata, found.blocks) == (140, 140, 1, 20)


def test_an_arm_of_fewer_than_fifteen_homes_has_no_figure() -> None:
    found = made(panel((60, 14, 40)), draws=20)
    for lines in (found.effects, found.looks, found.chance, found.values):
        assert {one.arm for one in lines} == {"comparison-year"}
    assert {one.arm for one in found.subgroups if one.kwh_day.value is not None} <= {"comparison-year"}
    line = found.arms[1]
    assert (line.assigned, line.measured, line.mean) == (None, None, None)
    assert found.arms[2].assigned == 40
    assert not [one for one in found.balance if one.arm == "zone" and one.mean is not None]


def test_fifteen_homes_are_enough() -> None:
    assert {one.arm for one in made(panel((15, 15, 15))).main()} == {"zone", "comparison-year"}


def test_a_control_of_fewer_than_fifteen_homes_leaves_no_figure() -> None:
    found = made(panel((14, 40, 40)), draws=20)
    assert not [*found.effects, *found.looks, *found.chance, *found.values, *found.subgroups, *found.persistence]
    assert found.control_mean is None
    assert [text.partition(":")[0] for text in found.missing] == [MAIN, "lin", "differences"]
    assert [one.assigned for one in found.arms] == [None, 40, 40]


def test_homes_without_a_known_month_do_not_count_as_fifteen() -> None:
    of = panel((60, 20, 40))
    use = of.use.copy()
    use[60:66] = np.nan
    found = made(replace(of, use=use))
    assert {one.arm for one in found.main()} == {"comparison-year"}
    assert found.arms[1].assigned == 20
    assert found.arms[1].measured is None


def test_small_numbers_of_homes_are_not_told() -> None:
    found = made(
        assigned=(70, 41, 40), erased=(10, 1, 0), left={"moved out": (15, 14, 0)},
        not_eligible={"no consent": 200, "simulated": 3, "none such": 0},
    )  # fmt: skip
    assert [one.erased for one in found.arms] == [None, None, 0]
    assert [one.left for one in found.arms] == [{"moved out": 15}, {"moved out": None}, {"moved out": 0}]
    assert found.facts.not_eligible == {"no consent": 200, "simulated": None, "none such": 0}
    assert found.facts.erased == [None, None, 0]
    assert found.drawn == 151


def test_what_is_left_after_the_stop() -> None:
    found = made(panel(months=18, stops=12))
    (line,) = found.persistence
    assert line.arm == "comparison-year"
    assert line.during.value == pytest.approx(-0.5, abs=0.02)
    assert line.after.value == pytest.approx(0, abs=0.02)
    assert line.left == pytest.approx(0, abs=4)
    (steady,) = made(panel(months=18)).persistence
    assert steady.left == pytest.approx(100, abs=4)


@pytest.mark.parametrize("months", [1, 12])
def test_nothing_is_said_of_a_stop_that_has_not_been(months: int) -> None:
    assert made(panel(months=months)).persistence == []


def test_no_share_is_left_of_an_effect_that_may_be_none() -> None:
    found = made(panel(months=18, change=0.0))
    assert [one.left for one in found.persistence] == [None]


def test_looks_as_they_were_noted_count_and_are_not_made_again() -> None:
    def noted(month: int, effect: float) -> Noted:
        return Noted(date(2025, month, 1), "zone", effect, -1, 1, -0.5, 0.5)

    found = made(looks=[noted(2, -0.2), noted(1, -0.1), noted(2, -0.3)])
    assert [(one.month.month, one.effect) for one in found.looks] == [(1, -0.1), (2, -0.3)]


def test_looks_that_nobody_took_are_made_for_every_month() -> None:
    found = made()
    zone = [one for one in found.looks if one.arm == "zone"]
    assert [one.month for one in zone] == found.months[-len(zone) :]
    assert zone[-1].effect == pytest.approx(found.main()[0].kwh_day.value)
    assert all(one.low <= one.fixed_low <= one.effect <= one.fixed_high <= one.high for one in zone)


def test_cost_and_saving_of_all_homes_of_an_arm() -> None:
    found = made(cost=(0.0, 500.0, None))
    zone, year = found.values
    days = 40 * 12 * 30
    effect = found.main()[0].kwh_day.value or 0
    assert zone.saved.value == pytest.approx(-effect * days)
    assert zone.per_kwh.value == pytest.approx(500 / (-effect * days))
    assert (year.cost, year.per_kwh) == (None, Range(None))


def test_what_was_planted_beside_what_was_found() -> None:
    found = made(planted=(0.0, -0.5, -0.9))
    assert [(one.arm, one.planted) for one in found.recovered] == [("zone", -0.5), ("comparison-year", -0.9)]
    assert not found.recovered[1].held
    assert not made().recovered


def test_chance_and_balance_and_subgroups() -> None:
    found = made(draws=99)
    assert [(one.arm, one.draws) for one in found.chance] == [("zone", 99), ("comparison-year", 99)]
    assert all(one.low <= one.p <= one.high + 0.02 for one in found.chance)
    assert found.balance_p is not None
    assert {one.what for one in found.balance} >= {"prior use, year", "tenure: owner"}
    assert found.looked_at == len(found.subgroups) > 0
    assert any(one.why and one.kwh_day.value is None for one in made(panel((60, 40, 16))).subgroups)


def test_strata_have_names_where_the_trial_gave_them() -> None:
    named = {one.group for one in made(strata_names=["gas, owner"]).subgroups if one.label == "stratum"}
    assert named == {"gas, owner"}


def test_before_the_first_month_is_over() -> None:
    found = made(panel(months=0), draws=20)
    assert found.months == []
    assert not found.effects
    assert len(found.missing) == 3
    assert [one.known for one in found.arms] == [None, None, None]


def test_panel_and_facts_of_other_arms() -> None:
    with pytest.raises(ValueError, match="the facts name the arms nothing, zone, the panel"):
        report(panel(), facts((Arm.NOTHING, Arm.ZONE)), energy=ENERGY)
    with pytest.raises(ValueError, match="level"):
        report(panel(), facts(), energy=ENERGY, level=1.0)


def test_a_part_of_the_months_has_a_figure_of_fifteen_homes_too() -> None:
    of = panel(months=18)
    use = of.use.copy()
    use[100:126, 12:] = np.nan
    found = made(replace(of, use=use))
    assert found.main()[1].arm == "comparison-year"
    assert found.persistence == []
    assert [text for text in found.missing if text.startswith("persistence: ")]


def test_a_look_that_nobody_took_is_of_fifteen_homes_by_then() -> None:
    of = panel()
    use = of.use.copy()
    use[60:86, :6] = np.nan
    found = made(replace(of, use=use))
    assert {one.month.month for one in found.looks if one.arm == "zone"} <= {7, 8, 9, 10, 11, 12}
    assert {one.month.month for one in found.looks if one.arm == "comparison-year"} >= {3, 4, 5, 6}


def test_the_stratum_of_those_that_were_too_small_is_the_rest() -> None:
    of = replace(panel(), stratum=np.repeat(np.array([0, -1], np.int32), 70))
    for names in ([], ["gas, owner"]):
        groups = {one.group for one in made(of, strata_names=names).subgroups if one.label == "stratum"}
        assert groups == {names[0] if names else "0", "rest"}


def test_an_arm_without_a_figure_is_said() -> None:
    assert made().missing == ["randomisation inference: no draws were asked for"]
    found = made(panel((60, 14, 40)), draws=20)
    assert found.missing == ["zone: fewer than 15 homes of it have a known month"]
    of = panel()
    filled = of.filled.copy()
    filled[60:86, 0] = True
    found = made(replace(of, filled=filled), draws=20)
    assert found.missing == ["differences: zone: fewer than 15 homes of it have a known year before and a known month"]
    assert [one.arm for one in found.effects if one.method == "differences"] == ["comparison-year"]
