"""Homes of a simulated trial: they are as the literature has homes, and what is planted is what changes use."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import trial
from simulators.trial import BEFORE, attrition, make_homes, measured, prior

ARMS = ["nothing", "own-history", "zone", "comparison", "comparison-year"]
BEGINS = date(2025, 1, 1)


@pytest.fixture(scope="module")
def homes() -> trial.TrialHomes:
    return make_homes(4_000, 24, 7, BEGINS)


def all_in(homes: trial.TrialHomes, arm: str) -> trial.TrialUse:
    """Everybody in one arm."""
    place = ARMS.index(arm)
    return measured(homes, np.full(len(homes), place, np.int8), ARMS, {arm: 2.0})


def test_a_function_of_its_arguments() -> None:
    one, same, other = (make_homes(50, 3, seed, BEGINS) for seed in (1, 1, 2))
    assert np.array_equal(one.without, same.without)
    assert np.array_equal(one.days, same.days)
    assert not np.array_equal(one.without, other.without)


def test_homes_use_what_homes_use(homes: trial.TrialHomes) -> None:
    """2,500 kWh a year is the medium home (Ofgem 2026), heavy users pull the mean above it; winter is above summer."""
    year = homes.without[:, :BEFORE].mean(axis=1)
    assert 6.5 < np.median(year) < 7.8
    assert np.mean(year) > 1.08 * np.median(year)
    logs = np.log(year)
    skew = np.mean(((logs - logs.mean()) / logs.std()) ** 3)
    assert abs(skew) < 0.3
    assert homes.without[:, 0].mean() > 1.3 * homes.without[:, 6].mean()
    next_year = np.log(homes.without[:, BEFORE : BEFORE + 12].mean(axis=1))
    assert 0.9 < np.corrcoef(logs, next_year)[0, 1] < 0.98
    electric = homes.without[homes.electric]
    assert electric[:, 0].mean() / electric[:, 6].mean() > 2


def test_months_hang_together(homes: trial.TrialHomes) -> None:
    left = np.log(homes.without[:, :BEFORE])
    left -= left.mean(axis=1, keepdims=True) + left.mean(axis=0) - left.mean()
    next_to = np.mean([np.corrcoef(left[:, m], left[:, m + 1])[0, 1] for m in (2, 3, 8, 9)])
    far = np.mean([np.corrcoef(left[:, m], left[:, m + 5])[0, 1] for m in (1, 2, 3)])
    assert next_to > far + 0.2


def test_what_is_planted_is_what_changes(homes: trial.TrialHomes) -> None:
    """Against plain sums over what was measured, when all are in the arm."""
    use = all_in(homes, "comparison")
    with_it, weight = 0.0, 0.0
    without = 0.0
    for home in range(len(homes)):
        for month in range(BEFORE, BEFORE + 24):
            if not np.isnan(use.use[home, month]):
                days = use.days[home, month]
                with_it += days * use.use[home, month]
                without += days * homes.without[home, month]
                weight += days
    place = ARMS.index("comparison")
    assert use.planted[place] == pytest.approx((with_it - without) / weight, rel=1e-9)
    assert use.percent[place] == pytest.approx(100 * (with_it / without - 1), rel=1e-9)
    assert use.percent[place] == pytest.approx(-2.0, abs=0.05)
    assert use.planted[0] == use.percent[0] == 0


def test_the_control_and_the_year_before_stay_as_they_are(homes: trial.TrialHomes) -> None:
    arm = (np.arange(len(homes)) % 5).astype(np.int8)
    use = measured(homes, arm, ARMS, {"zone": 5.0})
    seen = ~np.isnan(use.use)
    same = np.isclose(np.where(seen, use.use, 0), np.where(seen, homes.without, 0), rtol=0, atol=0)
    assert same[arm != 2].all()
    assert same[:, :BEFORE].all()
    assert not same[arm == 2][:, BEFORE:].all()
    assert use.planted[1] == use.planted[3] == 0 > use.planted[2]


def test_the_effect_grows_with_prior_use(homes: trial.TrialHomes) -> None:
    """0.3 % in the tenth that uses least and 6.3 % in the tenth that uses most (Allcott 2011): 21 to 1."""
    use = all_in(homes, "comparison").use[:, BEFORE:] / homes.without[:, BEFORE:] - 1
    by_tenth = [np.nanmean(use[homes.decile == tenth]) for tenth in range(10)]
    assert by_tenth == sorted(by_tenth, reverse=True)
    assert by_tenth[9] / by_tenth[0] == pytest.approx(21, rel=1e-6)
    year, _ = prior(homes)
    assert year[homes.decile == 0, 0].max() <= year[homes.decile == 9, 0].min()


def test_after_the_stop_the_effect_fades_by_fifteen_percent_a_year() -> None:
    homes = make_homes(200, 36, 3, BEGINS)
    stopped = all_in(homes, "comparison-year").use[:, BEFORE:] / homes.without[:, BEFORE:] - 1
    steady = all_in(homes, "comparison").use[:, BEFORE:] / homes.without[:, BEFORE:] - 1
    left = np.nanmean(stopped, axis=0) / np.nanmean(steady, axis=0)
    assert left[:12] == pytest.approx(np.ones(12))
    assert left[23] / left[11] == pytest.approx(0.85, rel=0.01)
    assert (np.diff(left[12:]) < 0).all()


def test_nothing_is_known_after_a_home_left(homes: trial.TrialHomes) -> None:
    use = all_in(homes, "zone")
    gone = np.arange(24) >= homes.left[:, None]
    assert np.isnan(use.use[:, BEFORE:][gone]).all()
    assert (use.days[:, BEFORE:][gone] == 0).all()
    assert ((homes.why == 0) == (homes.left == 24)).all()
    counts = attrition(homes, np.full(len(homes), 2, np.int8), ARMS)
    assert [sum(one) for one in counts.values()] == [int((homes.why == place).sum()) for place in (1, 2)]
    # two years at 8 % and 2 % a year
    assert 0.14 < (homes.left < 24).mean() < 0.22


def test_a_month_of_fewer_than_half_its_days_is_not_known(homes: trial.TrialHomes) -> None:
    use = all_in(homes, "zone")
    lengths = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # 2024
    known = ~np.isnan(use.use[:, :BEFORE])
    assert np.array_equal(known, homes.days[:, :BEFORE] * 2 >= lengths)
    assert (use.days[:, :BEFORE][~known] == 0).all()
    assert 0.005 < 1 - known.mean() < 0.12


def test_prior_use_is_the_mean_of_the_known_days(homes: trial.TrialHomes) -> None:
    found, filled = prior(homes)
    use, days = (one[5, :BEFORE] for one in (all_in(homes, "zone").use, homes.days))
    for column, months in enumerate((range(12), (5, 6, 7, 8), (11, 0, 1, 2))):
        told = [(use[m], days[m]) for m in months if not np.isnan(use[m])]
        assert found[5, column] == pytest.approx(sum(u * d for u, d in told) / sum(d for _, d in told))
    assert np.isfinite(found).all()
    assert filled.dtype == np.bool_


@given(st.integers(1, 12), st.integers(1, 14), st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_any_size_is_whole(count: int, months: int, seed: int) -> None:
    homes = make_homes(count, months, seed, date(2024, 2, 1))
    use = measured(homes, (np.arange(count) % 2).astype(np.int8), ["nothing", "zone"], {"zone": 1.0})
    assert use.use.shape == use.days.shape == (count, BEFORE + months)
    assert (homes.without > 0).all()
    assert np.isfinite(use.planted).all()


def test_what_cannot_be_made() -> None:
    for size in ((0, 12), (10, 0)):
        with pytest.raises(ValueError, match="needs a home and a month"):
            make_homes(*size, 1, BEGINS)
    with pytest.raises(ValueError, match="planted in nothing, wonder"):
        measured(make_homes(5, 2, 1, BEGINS), np.zeros(5, np.int8), ARMS, {"wonder": 1, "nothing": 1, "zone": 1})
