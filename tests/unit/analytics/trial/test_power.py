"""Power by simulation: the textbook's formula where it holds, what is seen in trials, and warnings in words."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from analytics.trial.power import LITERATURE, Prior, power, smallest
from analytics.trial.prior_use import ASSUMED, Summary, of_panel, summary
from tests.worlds.trials import world

NORMAL = NormalDist()
REACH = NORMAL.inv_cdf(0.975)


def by_formula(saving: float, error: float) -> float:
    """Power of a two-sided test at 5 % to find a saving, below zero alone."""
    return NORMAL.cdf(saving / error - REACH)


def error_of(of: Summary, control: float, treated: float) -> float:
    """Standard error as a share of mean use: what prior use does not explain, over so many homes each."""
    return of.deviation * sqrt((1 - of.correlation**2) * (1 / control + 1 / treated)) / of.mean


@pytest.mark.parametrize("shares", [(1, 1), (3, 1)])
def test_power_is_what_the_formula_says(shares: tuple[int, int]) -> None:
    of = Summary(2_000, 10.0, 4.0, 0.9)
    found = power(of, shares, savings=(0.01, 0.02, 0.03), seed=1, gradient=0.0)
    control, treated = (2_000 * share / sum(shares) for share in shares)
    error = error_of(of, control, treated)
    (arm,) = found.arms
    assert (arm.control, arm.homes) == (control, treated)
    assert arm.error == pytest.approx(error, rel=0.03)
    for tested in arm.tested:
        expected = by_formula(tested.saving, error)
        assert tested.power == pytest.approx(expected, abs=4.5 * sqrt(expected * (1 - expected) / 1_000) + 0.015)
        assert tested.low <= tested.power <= tested.high
    # 2.8 standard errors
    assert found.smallest == pytest.approx((REACH + NORMAL.inv_cdf(0.8)) * error, rel=0.07)


def test_a_large_saving_makes_the_error_smaller_too() -> None:
    of, few = Summary(60, 10.0, 6.0, 0.8), 0.3
    error = error_of(of, 30, 30)
    for _ in range(30):  # homes that save a share vary by as much less
        few = (REACH + NORMAL.inv_cdf(0.8)) * error * sqrt((1 + (1 - few) ** 2) / 2)
    found = power(of, (1, 1), gradient=0.0)
    assert found.smallest == pytest.approx(few, rel=0.12)
    # one that grows with prior use bends its slope in one arm alone, which the estimate has as noise
    assert (power(of, (1, 1), gradient=1.0).smallest or 0.0) > 1.03 * (found.smallest or 1.0)


def test_the_prior_of_effects_is_averaged_over() -> None:
    of = Summary(1_000, 10.0, 3.0, 0.9)
    error = error_of(of, 500, 500)
    spread = NormalDist(LITERATURE.mean, LITERATURE.deviation)
    expected = np.mean([by_formula(spread.inv_cdf((k + 0.5) / 400), error) for k in range(400)])
    found = power(of, (1, 1), gradient=0.0).arms[0].expected
    assert found.power == pytest.approx(expected, abs=4.5 * sqrt(0.25 / 1_000) + 0.015)
    # without a spread it is the power of its mean
    sure = power(of, (1, 1), savings=(0.02,), gradient=0.0, prior=Prior(0.02, 0.0, "a test")).arms[0]
    assert sure.expected == sure.tested[0]


def test_without_a_saving_few_are_found() -> None:
    found = power(Summary(400, 10.0, 4.0, 0.9), (1, 1), savings=(1e-9,)).arms[0].tested[0]
    # one side of 5 %
    assert found.power == pytest.approx(0.025, abs=4.5 * sqrt(0.025 * 0.975 / 1_000))


def test_what_it_says_of_a_panel_is_what_trials_of_such_homes_find() -> None:
    past = world(51, 1_500, effects=(0.0,)).panel
    said = power(past, (1, 1), savings=(0.03,), simulations=400).arms[0]
    # the same homes' year, an arm drawn and a saving taken off, by ordinary least squares
    use, prior = of_panel(past, 12)
    chance = np.random.default_rng(8)
    found = 0
    for _ in range(200):
        arm = chance.permutation(np.arange(len(use)) % 2)
        depth = prior[:, 0] / prior[:, 0].mean()
        seen = use - 0.03 * arm * use * depth * use.sum() / (use * depth).sum()
        columns = np.column_stack((arm, np.ones(len(use)), prior))
        inverse = np.linalg.inv(columns.T @ columns)
        slopes = inverse @ columns.T @ seen
        left = columns * (seen - columns @ slopes)[:, None]
        error = sqrt((inverse @ left.T @ left @ inverse)[0, 0])
        found += slopes[0] + REACH * error < 0
    share = found / 200
    assert said.tested[0].power == pytest.approx(share, abs=4.5 * sqrt(0.25 * (1 / 200 + 1 / 400)))
    assert 0.1 < share < 0.95  # so that it says something


def test_a_target_that_cannot_be_detected_is_said_in_words() -> None:
    (warning,) = power(Summary(400, 10.0, 6.0, 0.85), (1, 1), target=0.02, simulations=500).warnings
    assert "A saving of 2.0 %, what this trial is to find, cannot be detected with these homes." in warning
    assert "With 200 homes in an arm and 200 in the control for 12 months" in warning
    # (REACH + 0.84)^2 * 4 * variance / target^2
    needed = (REACH + NORMAL.inv_cdf(0.8)) ** 2 * 4 * 0.36 * (1 - 0.85**2) / 0.02**2
    said = int(warning.split("about ")[1].split(" homes")[0].replace(",", ""))
    assert said == pytest.approx(needed, rel=0.2)
    enough = Summary(2_000, 10.0, 3.0, 0.9)  # 1.6 % is found
    assert power(enough, (1, 1), target=0.02, simulations=200).warnings == ()
    assert len(power(enough, (1, 1), target=0.013, simulations=200).warnings) == 1


def test_a_target_beyond_what_studies_found_is_said() -> None:
    (warning,) = power(Summary(20_000, 10.0, 6.0, 0.85), (1, 1), target=0.06, simulations=100).warnings
    assert "6.0 % is more than studies lead one to expect" in warning
    assert "Allcott 2011" in warning


def test_a_trial_too_small_for_any_saving_says_so() -> None:
    found = power(Summary(24, 10.0, 30.0, 0.1), (1, 1), simulations=100)
    assert found.smallest is None
    assert "no saving up to 90 % is found" in found.warnings[0]


def test_arms_of_one_size_are_one_simulation_and_the_smallest_share_counts() -> None:
    found = power(Summary(1_000, 10.0, 4.0, 0.9), (2, 1, 1, 4), simulations=200)
    sizes = [(arm.arm, arm.homes, arm.control) for arm in found.arms]
    assert sizes == [(1, 125, 250), (2, 125, 250), (3, 500, 250)]
    assert found.arms[0][2:] == found.arms[1][2:]
    assert found.smallest == found.arms[0].smallest
    assert (found.arms[0].smallest or 0.0) > (found.arms[2].smallest or 1.0)


def test_more_months_and_homes_find_smaller_savings() -> None:
    of = Summary(300, 10.0, 4.0, 0.9)
    more = Summary(1_200, 10.0, 4.0, 0.9)
    short, year, many = (
        smallest(one, (1, 1), months, simulations=300) or 1.0 for one, months in ((of, 3), (of, 12), (more, 12))
    )
    assert 0.9 > short > year > many > 0.01


def test_the_seed_decides() -> None:
    of = Summary(200, 10.0, 4.0, 0.9)
    found = [power(of, (1, 1), seed=seed, simulations=100) for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("homes", "months", "savings", "simulations", "words"),
    [
        (15, 12, (0.02,), 100, "15 homes cannot make these arms"),
        (100, 0, (0.02,), 100, "a trial lasts a month or more"),
        (100, 12, (2.0,), 100, "as 0.02 for 2 %"),
        (100, 12, (0.02,), 5, "take 100 or more"),
    ],
)
def test_what_cannot_be_tried_is_said(
    homes: int, months: int, savings: tuple[float, ...], simulations: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        power(Summary(homes, 10.0, 4.0, 0.9), (1, 1), months, savings, simulations=simulations)


def test_a_panel_too_short_is_said() -> None:
    panel = world(52, 60, 3).panel
    with pytest.raises(ValueError, match="has 3 months, a trial of 12"):
        power(panel, (1, 1))
    panel.days[:] = 0
    with pytest.raises(ValueError, match="no home of the panel has a known month"):
        power(panel, (1, 1), 3)


def test_use_of_a_panel_is_weighted_by_days() -> None:
    panel = world(53, 60, 2, gaps=0.3).panel
    use, prior = of_panel(panel, 2)
    known = panel.known.any(axis=1)
    expected = [
        np.average(panel.use[home][panel.known[home]], weights=panel.days[home][panel.known[home]])
        for home in np.flatnonzero(known)
    ]
    assert use == pytest.approx(np.array(expected))
    assert (prior == panel.prior[known]).all()


def test_a_sample_has_the_mean_deviation_and_correlation_of_its_summary() -> None:
    of = Summary(400_000, 9.0, 5.0, 0.85)
    use, before = of.sample(12, np.random.default_rng(1))
    for year in (use, before[:, 0]):
        assert year.min() > 0
        assert year.mean() == pytest.approx(9.0, rel=0.01)
        assert year.std() == pytest.approx(5.0, rel=0.02)
    assert np.corrcoef(use, before[:, 0])[0, 1] == pytest.approx(0.85, abs=0.01)
    # three months: half of what is not foretold comes four times as strong
    short, before = of.sample(3, np.random.default_rng(2))
    assert short.std() == pytest.approx(5.0 * sqrt(0.85**2 + (1 - 0.85**2) * 2.5), rel=0.03)
    slope = np.cov(short, before[:, 0])[0, 1] / before[:, 0].var()
    assert slope == pytest.approx(0.85, rel=0.03)


def test_a_summary_is_of_the_last_two_years() -> None:
    chance = np.random.default_rng(5)
    own = chance.lognormal(2, 0.5, (300, 1))
    use = np.concatenate((own * 9, own * chance.lognormal(0, 0.2, (300, 24))), axis=1)
    use[chance.random(use.shape) < 0.1] = np.nan
    use[:3, -12:] = np.nan
    found = summary(use)
    last, before = np.nanmean(use[3:, -12:], axis=1), np.nanmean(use[3:, -24:-12], axis=1)
    assert (found.homes, found.assumed) == (297, False)
    assert (found.mean, found.deviation) == pytest.approx((last.mean(), last.std(ddof=1)))
    assert found.correlation == pytest.approx(np.corrcoef(last, before)[0, 1])


def test_one_year_alone_assumes_the_correlation_and_says_so() -> None:
    found = summary(np.random.default_rng(6).lognormal(2, 0.5, (500, 12)))
    assert (found.correlation, found.assumed) == (ASSUMED, True)
    assert any("not measured but assumed" in warning for warning in power(found, (1, 1), simulations=100).warnings)
    assert summary(np.random.default_rng(6).lognormal(2, 0.5, (500, 23))).assumed  # no whole year before the last
    with pytest.raises(ValueError, match="fewer than two homes"):
        summary(np.full((5, 12), np.nan))
    with pytest.raises(ValueError, match="above zero"):
        summary(np.ones((5, 12)))


@pytest.mark.parametrize(("mean", "deviation", "correlation"), [(0.0, 1.0, 0.5), (1.0, np.nan, 0.5), (1.0, 1.0, 1.0)])
def test_a_summary_that_cannot_be_is_said(mean: float, deviation: float, correlation: float) -> None:
    with pytest.raises(ValueError, match=r"above zero|from 0 to below 1"):
        Summary(10, mean, deviation, correlation)
