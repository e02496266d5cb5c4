"""The post-only model: what statsmodels says, its limits in words, and how often its interval is right."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from analytics.trial import lin, post_only
from analytics.trial.panel import Panel
from devices.trials import Arm
from tests.references import trial_by_statsmodels
from tests.worlds.trials import world


def gappy(seed: int = 3, homes: int = 90, months: int = 4) -> Panel:
    """Three arms of unlike size, a sixth of the months missing, homes that leave, priors that were not known."""
    return world(seed, homes, months, (-0.05, 0.02), (4, 2, 1), gaps=0.15, leaving=0.03, missing=0.2).panel


def same(panel: Panel, level: float) -> None:
    estimates = post_only.estimate(panel, level)
    assert [one.arm for one in estimates] == list(panel.arms[1:])
    for place, one in enumerate(estimates, start=1):
        table = trial_by_statsmodels.rows(panel, place)
        judge = trial_by_statsmodels.post_only(table, level)
        ours = (one.effect, one.error, one.low, one.high, one.p)
        assert ours == pytest.approx(judge[:5], rel=1e-8)
        assert (one.observations, one.homes) == (judge.rows, table.home.nunique())


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_estimates_and_errors_are_those_of_statsmodels(level: float) -> None:
    same(gappy(), level)


def test_a_month_without_anybody_changes_nothing() -> None:
    panel = gappy()
    empty = replace(panel, use=panel.use.copy(), days=panel.days.copy())
    empty.use[:, 1] = np.nan
    left = panel.part(np.ones(panel.homes, np.bool_), np.arange(panel.months) != 1)
    for one, other in zip(post_only.estimate(empty), post_only.estimate(left), strict=True):
        assert one[2:] == pytest.approx(other[2:], rel=1e-12)
    empty.days[:, 2] = 0.0  # known use that stands on no day is no observation
    assert post_only.estimate(empty)[0].observations < post_only.estimate(left)[0].observations
    same(empty, 0.95)


@pytest.mark.soak  # statsmodels needs half a minute
def test_estimates_of_many_homes_are_those_of_statsmodels() -> None:
    same(gappy(8, 20_000, 12), 0.95)


def test_an_arm_is_estimated_alone_whatever_other_arms_did() -> None:
    panel = gappy()
    changed = replace(panel, use=np.where((panel.arm == 2)[:, None], 5 * panel.use, panel.use))
    one, other = post_only.estimate(panel)[0], post_only.estimate(changed)[0]
    assert one == other
    assert post_only.estimate(panel)[1] != post_only.estimate(changed)[1]


def only(panel: Panel, control: int, arm: int) -> Panel:
    """So many homes of the control and of the first arm alone."""
    chosen = np.zeros(panel.homes, np.bool_)
    for place, count in ((0, control), (1, arm)):
        chosen[np.flatnonzero(panel.arm == place)[:count]] = True
    return panel.part(chosen)


ESTIMATORS = [post_only, lin]


@pytest.mark.parametrize("way", ESTIMATORS, ids=lambda way: way.NAME)
def test_limits_are_told_in_words(way: ModuleType) -> None:
    panel = world(4, 60, 3).panel
    cases = {
        r"control, nothing, has no home .* 2 or more": only(panel, 0, 20),
        r"arm comparison has no home": only(panel, 20, 0),
        r"arm comparison has 1 home ": only(panel, 20, 1),
        r"has no home with a known use": replace(panel, days=np.zeros_like(panel.days)),
        r"nothing is left to find an error by": replace(panel, use=np.full_like(panel.use, 7.25)),
        r"every use of arm comparison and the control": replace(
            panel, use=panel.prior[:, :1] - 0.3 * panel.arm[:, None] + 0 * panel.days
        ),
    }
    for words, limit in cases.items():
        assert way.why_not(limit, 1)
        with pytest.raises(ValueError, match=words):
            way.estimate(limit)
    with pytest.raises(ValueError, match="level of an interval lies between 0 and 1"):
        way.estimate(panel, 95.0)
    alone = replace(panel, arms=(Arm.NOTHING,), arm=np.zeros_like(panel.arm))
    with pytest.raises(ValueError, match="no arm beside the control"):
        way.estimate(alone)


def test_months_of_the_arm_alone_compare_nothing() -> None:
    panel = world(4, 60, 2).panel
    known = panel.days * ((panel.arm == 1)[:, None] == (np.arange(2) == 1))
    with pytest.raises(ValueError, match="or no month has homes of it and of the control"):
        post_only.estimate(replace(panel, days=known))


def test_fewer_months_than_unknowns_give_no_error() -> None:
    panel = world(4, 60, 1, gaps=0.0).panel
    with pytest.raises(ValueError, match="5 known household-months for 5 unknowns"):
        post_only.estimate(only(panel, 3, 2))
    with pytest.raises(ValueError, match="too few homes"):
        post_only.estimate(only(panel, 2, 2))


@pytest.mark.parametrize("way", ESTIMATORS, ids=lambda way: way.NAME)
def test_an_arm_without_an_estimate_takes_no_other_with_it(way: ModuleType) -> None:
    panel = gappy()
    chosen = panel.arm != 2
    chosen[np.flatnonzero(panel.arm == 2)[0]] = True
    (one,) = way.estimate(panel.part(chosen))
    assert one.arm is panel.arms[1]
    assert way.why_not(panel.part(chosen), 2)
    assert way.why_not(panel.part(chosen), 1) is None


class Held:
    """Over seeded trials with one effect: how often intervals held the truth, and how errors and estimates agree."""

    def __init__(self, trials: int, homes: int, months: int, effect: float) -> None:
        rows = []
        for seed in range(trials):
            made = world(seed, homes, months, (effect,))
            (one,), (beside,) = post_only.estimate(made.panel), lin.estimate(made.panel)
            held = one.low <= made.truth[1] <= one.high
            rows.append((held, one.effect - made.truth[1], one.error, abs(beside.effect - one.effect) / one.error))
        found = np.array(rows, np.float64)
        self.covered = int(found[:, 0].sum())
        self.spread = float(found[:, 1].std(ddof=1) / found[:, 2].mean())
        self.lin_apart = float(found[:, 3].max())


@pytest.mark.parametrize("effect", [-0.02, 0.0])
def test_intervals_hold_the_truth(effect: float) -> None:
    held = Held(100, 300, 4, effect)
    assert 88 <= held.covered <= 99  # 95 within three standard errors
    assert 0.8 < held.spread < 1.2
    assert Held(3, 3_000, 6, effect).lin_apart < 0.5


@pytest.mark.soak
@pytest.mark.parametrize("effect", [-0.02, 0.0])
def test_intervals_of_400_trials_hold_the_truth(effect: float) -> None:
    held = Held(400, 2_000, 12, effect)
    assert 366 <= held.covered <= 396
    assert 0.88 <= held.spread <= 1.12
    assert held.lin_apart < 0.5
