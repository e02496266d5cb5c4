"""The shape of a home's days: what was put in comes out, with days away, gaps and supplies that were off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.energy.profile import PARTS, days_away, profile


def home(days: int = 28, load: float = 90.0, seed: int = 1) -> np.ndarray:
    """Half-hours [Wh] of a home with ``load`` W always on, its refrigerator in cycles, and use from 06:30 to 23:00."""
    rng = np.random.default_rng(seed)
    day = np.zeros(48)
    day[13:46] = 200
    return np.tile([0.8, 1.2], 24) * load / 2 + day * rng.uniform(0.2, 1.5, (days, 48))


def empty(days: int, load: float = 90.0) -> np.ndarray:
    return np.tile(np.tile([0.8, 1.2], 24) * load / 2, (days, 1))


def test_shares_of_a_home_that_uses_the_same_always_are_those_of_the_hours() -> None:
    found = profile(np.full((10, 48), 50.0))
    assert found.background == 100.0
    assert found.peak_share == pytest.approx(3 / 24)
    assert found.shares == pytest.approx(np.array([6, 4, 6, 3, 5]) / 24)
    assert found.evening_to_night == pytest.approx(1)
    assert (found.days, found.away) == (10, 0)


def test_the_peak_is_from_16_to_19() -> None:
    days = np.zeros((7, 48))
    days[:, 32:38] = 100
    found = profile(days)
    assert found.peak_share == 1.0
    assert np.isnan(found.evening_to_night)  # nothing is used at night
    days[:, [31, 38]] = 300
    assert profile(days).peak_share == pytest.approx(0.5)
    assert list(PARTS) == ["night", "morning", "day", "peak", "evening"]


def test_days_away_change_neither_background_nor_shares() -> None:
    there = home()
    some = np.concatenate([there[:10], empty(9), there[10:]])
    found, without = profile(some), profile(there)
    assert (found.days, found.away) == (28, 9)
    assert days_away(some).tolist() == [False] * 10 + [True] * 9 + [False] * 18
    assert found.peak_share == pytest.approx(without.peak_share)
    assert found.background == pytest.approx(without.background)
    off = np.concatenate([there, np.zeros((5, 48))])
    assert profile(off).background == pytest.approx(without.background)
    assert profile(off).away == 5


def test_a_home_that_is_heated_at_night_is_not_away_by_day() -> None:
    days = home()
    days[:, 1:14] += 1_500
    assert not days_away(days).any()


def test_an_evening_out_is_no_day_away() -> None:
    days = home()
    days[3] = empty(1)[0]
    days[3, 14:30] += 140  # somebody until the afternoon
    assert not days_away(days).any()
    # less than half of the usual day, but more than what is always on: somebody was there
    days[3] = empty(1)[0]
    days[3, 14:46] += 50
    assert days[3, 14:46].sum() < 0.5 * np.median(days[:, 14:46].sum(axis=1))
    assert not days_away(days).any()


def test_who_is_mostly_away_is_told_what_is() -> None:
    days = np.concatenate([empty(20), home(8)])
    assert profile(days).away == 0
    assert profile(days).days == 28


def test_too_few_days_say_nothing() -> None:
    assert profile(home(6)).shares is None
    assert np.isnan(profile(home(6)).background)
    gaps = home(20)
    gaps[:14, 30] = np.nan  # six whole days, twenty nights
    found = profile(gaps)
    assert found.shares is None
    assert np.isnan(found.peak_share)
    assert found.background == pytest.approx(0.8 * 90)
    assert profile(np.empty((0, 48))).days == 0
    assert profile(np.zeros((10, 48))).shares is None
    with pytest.raises(ValueError, match="half-hours"):
        profile(np.zeros((3, 46)))


@given(st.floats(0.1, 100), st.integers(0, 2**32 - 1), st.integers(7, 20))
def test_shares_add_up_scale_and_do_not_ask_for_the_order_of_days(factor: float, seed: int, days: int) -> None:
    one = home(days, seed=seed)
    found = profile(one)
    other = profile(factor * np.random.default_rng(seed).permutation(one))
    assert found.shares is not None
    assert other.shares is not None
    assert found.shares.sum() == pytest.approx(1)
    assert other.shares == pytest.approx(found.shares)
    assert other.background == pytest.approx(factor * found.background)
    assert other.evening_to_night == pytest.approx(found.evening_to_night)
