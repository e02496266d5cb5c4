"""The interval for every look: the judges' bound, the regression's effect, and how often it is wrong about nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from math import exp, inf, log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from analytics.trial.panel import Panel
from analytics.trial.sequential import bound, intervals, tuned
from tests.tools import trial_judges
from tests.worlds.trials import world

JUDGED: list[dict[str, Any]] = json.loads(trial_judges.CASES.read_text())["bounds"]


class Wrong(NamedTuple):
    """Of so many trials without an effect, in how many an interval left zero out."""

    sequential: int
    fixed: int
    last: int


def wrong(trials: int, homes: int) -> Wrong:
    found = np.zeros(3, np.int64)
    for seed in range(trials):
        looks = intervals(world(seed, homes, effects=(0.0,)).panel)
        assert len(looks) == 12
        fixed = [look.fixed_low > 0 or look.fixed_high < 0 for look in looks]
        found += [any(look.low > 0 or look.high < 0 for look in looks), any(fixed), fixed[-1]]
    return Wrong(*found.tolist())


def test_a_hundred_trials_without_an_effect_looked_at_each_month() -> None:
    found = wrong(100, 400)
    print(found)
    # 5 are to be expected at most; above 14 once in 10,000
    assert found.sequential <= 14
    assert found.fixed > 2 * found.sequential
    assert found.fixed > found.last


@pytest.mark.soak
def test_400_trials_of_20_000_homes_without_an_effect() -> None:
    found = wrong(400, 20_000)
    print(found)
    assert found.sequential <= 20
    # 20 are what one look has
    assert found.fixed > 35


def missed(trials: int, homes: int) -> int:
    """In how many trials of an effect that follows prior use, and use by its season, the truth until some look lies
    outside of its interval."""
    found = 0
    for seed in range(trials):
        tried = world(seed, homes, effects=(-0.05,), missing=0, leaving=0.01)
        before = tried.panel.prior[:, 0]
        share = -0.05 * before * before.sum() / (before**2).sum()
        planted = np.cumsum((tried.untouched * share[:, None]).mean(axis=0)) / np.arange(1, 13)
        assert planted[-1] == pytest.approx(tried.truth[1])
        looks = zip(intervals(tried.panel), planted, strict=True)
        found += not all(look.low <= truth <= look.high for look, truth in looks)
    return found


def test_the_truth_lies_in_all_twelve_intervals() -> None:
    # of 60, 3 are to be expected at most; above 10 once in 2,000
    assert missed(60, 400) <= 10


@pytest.mark.soak
def test_the_truth_lies_in_all_twelve_intervals_of_400_trials() -> None:
    found = missed(400, 2_000)
    print(found)
    assert found <= 20


def regression(panel: Panel, place: int, until: int) -> tuple[float, float, float, float]:
    """Effect, error, low and high by statsmodels."""
    import pandas as pd
    import statsmodels.formula.api as smf

    home, month = np.nonzero(panel.known[:, :until] & ((panel.arm == 0) | (panel.arm == place))[:, None])
    rows = pd.DataFrame({
        "use": panel.use[home, month], "arm": (panel.arm[home] == place) * 1.0, "month": month, "home": home,
        "year": panel.prior[home, 0], "summer": panel.prior[home, 1], "winter": panel.prior[home, 2],
    })  # fmt: skip
    fit = smf.wls("use ~ arm + C(month) * (year + summer + winter)", rows, weights=panel.days[home, month]).fit(
        cov_type="cluster", cov_kwds={"groups": home}
    )
    return fit.params["arm"], fit.bse["arm"], *fit.conf_int().loc["arm"]


def test_effect_and_fixed_interval_are_the_regressions() -> None:
    panel = world(31, 240, 3, effects=(-0.02, -0.05), shares=(2, 1, 1), gaps=0.2, leaving=0.05).panel
    looks = intervals(panel)
    assert [(look.arm, look.month) for look in looks] == [
        (arm, month) for arm in panel.arms[1:] for month in panel.month.tolist()
    ]
    for number, look in enumerate(looks):
        judged = regression(panel, 1 + number // 3, 1 + number % 3)
        assert (look.effect, look.error, look.fixed_low, look.fixed_high) == pytest.approx(judged, rel=1e-8)


@pytest.mark.parametrize("judged", JUDGED, ids=str)
def test_the_bound_is_robbins_as_ville_and_confseq_have_it(judged: dict[str, Any]) -> None:
    level, judge = 1 - judged["alpha"], judged["judge"]
    tuning = tuned(level, judged["best"] ** 2)
    assert tuning == pytest.approx(judge["tuning"], rel=1e-4)
    assert bound(judged["clock"], judge["tuning"], level) == pytest.approx(judge["ville"], rel=1e-9)
    # confseq tunes by an approximation: with that tuning it is the same
    odds = -2 * log(judged["alpha"])
    near = judged["best"] / (odds + log(1 + odds))
    assert bound(judged["clock"], near, level) == pytest.approx(judge["confseq"], rel=1e-9)


@pytest.mark.soak  # an environment is made from the registry
def test_ville_says_it_still(tmp_path: Path) -> None:
    try:
        python = trial_judges.make(tmp_path)
    except trial_judges.NoJudgesError as error:
        pytest.skip(str(error))
    answers = trial_judges.ask(python, {"randomisation": [], "draws": 1, "bounds": JUDGED})["bounds"]
    for judged, answer in zip(JUDGED, answers, strict=True):
        assert answer["ville"] == pytest.approx(judged["judge"]["ville"], rel=1e-9)


@pytest.mark.parametrize("df", [8, 40, 500])
def test_with_few_homes_the_bound_is_lindons(df: int) -> None:
    """At the bound the mixture ratio of Lindon et al. 2022 is 1 / alpha, and the bound is wider than Robbins'."""
    for clock in (1.0, 3.0, 30.0):
        reach, share = bound(clock, 0.42, 0.95, df), 0.42 / (0.42 + clock)
        ratio = 0.5 * log(share) + (df + 1) / 2 * (log(1 + reach**2 / df) - log(1 + share * reach**2 / df))
        assert exp(ratio) == pytest.approx(20.0)
        assert reach > bound(clock, 0.42, 0.95)
    assert bound(1.0, 0.42, 0.95, 1e9) == pytest.approx(bound(1.0, 0.42, 0.95), rel=1e-6)
    assert bound(0.01, 5.0, 0.95, 3) == inf  # nothing can be said of so few so early


def test_the_bound_holds_for_independent_increments_and_is_not_idle() -> None:
    chance = np.random.default_rng(2)
    looks = np.arange(1, 1_001)
    limit = np.array([bound(float(clock), tuned(0.95, 12)) for clock in looks])
    crossed = 0
    for _ in range(10):
        motion = np.cumsum(chance.standard_normal((400, len(looks))), axis=1) / np.sqrt(looks)
        crossed += int((np.abs(motion) > limit).any(axis=1).sum())
    # of 4,000: 200 at most, less what lies between looks and after them
    assert 40 < crossed < 230


@pytest.fixture(scope="module", name="plain")
def _plain() -> Panel:
    """Homes that all have the same months known, nothing known of before, and no use yet."""
    panel = world(32, 600, 8, gaps=0, missing=0).panel
    return replace(panel, days=np.full(panel.days.shape, 30.0), prior=np.ones(panel.prior.shape))


def test_the_clock_stands_still_where_households_never_change(plain: Panel) -> None:
    own = np.random.default_rng(3).lognormal(2, 0.5, (plain.homes, 1))
    looks = intervals(replace(plain, use=np.repeat(own, 8, axis=1)))
    assert [look.clock for look in looks] == pytest.approx([1.0] * 8)
    assert looks[-1].high - looks[-1].low == pytest.approx(looks[0].high - looks[0].low, rel=1e-4)


def test_the_clock_counts_months_where_they_are_independent(plain: Panel) -> None:
    looks = intervals(replace(plain, use=np.random.default_rng(4).normal(10, 2, plain.use.shape)))
    assert np.array([look.clock for look in looks]) == pytest.approx(np.arange(1, 9), rel=0.35)


def test_a_look_does_not_change_when_more_is_known() -> None:
    panel = world(33, 400, 6).panel
    first = panel.part(np.ones(panel.homes, bool), np.arange(6) < 3)
    for early, late in zip(intervals(first), intervals(panel)[:3], strict=True):
        assert early[1:] == pytest.approx(late[1:], rel=1e-9)


def test_the_interval_is_wider_than_the_fixed_one_and_about_the_same_effect() -> None:
    for look in intervals(world(34, 60).panel, 0.9, 6):
        assert look.low < look.fixed_low < look.effect < look.fixed_high < look.high
        assert look.high - look.effect == pytest.approx(look.effect - look.low)
        # few homes, fewer degrees of freedom
        reach = bound(look.clock, tuned(0.9, 6), 0.9, look.homes - 2)
        assert look.high - look.effect == pytest.approx(reach * look.error, rel=1e-9)


def test_months_before_both_arms_have_homes_are_left_out() -> None:
    panel = world(35, 100, 3).panel
    panel.days[panel.arm == 1, 0] = 0
    panel.days[:, 1] = 0
    assert [look.month for look in intervals(panel)] == [panel.month[2]]
    panel.days[:] = 0
    assert intervals(panel) == []


def test_one_home_in_an_arm_is_no_trial() -> None:
    panel = world(37, 60, 2, gaps=0).panel
    one = np.flatnonzero(panel.arm == 1)[:1]
    kept = (panel.arm == 0) | np.isin(np.arange(panel.homes), one)
    assert intervals(panel.part(kept)) == []


def test_all_homes_alike_have_an_interval_of_nothing(plain: Panel) -> None:
    looks = intervals(replace(plain, use=np.full(plain.use.shape, 7.0)))
    assert all(abs(end) < 1e-9 for look in looks for end in (look.effect, look.low, look.high))


@pytest.mark.parametrize(("level", "expected", "words"), [(1.0, 12, "between 0 and 1"), (0.95, 0, "1 month or more")])
def test_what_no_interval_can_be_made_for_is_said(level: float, expected: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        intervals(world(36, 40, 1).panel, level, expected)
