"""Background load and the typical day: truths that were put in come out, on days of the clock change too."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.energy.half_hours import background, by_clock, pattern

LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def home(days: int = 14, load: float = 90.0, seed: int = 1) -> np.ndarray:
    """A home that draws ``load`` W by itself, its refrigerator in cycles, and more by day [Wh]."""
    rng = np.random.default_rng(seed)
    cycles = np.tile([0.7, 1.3], 24) * load / 2
    day = np.zeros(48)
    day[13:46] = 200
    return cycles + day * rng.uniform(0.2, 1.5, (days, 48))


def test_the_background_is_what_draws_by_itself() -> None:
    # three lowest of a cycle of 0.7 and 1.3: 0.7 of the mean load; a steady load is itself
    assert background(home()) == pytest.approx(0.7 * 90)
    assert background(np.full((14, 48), 45.0)) == 90.0


def test_a_car_that_charges_on_some_nights_and_a_night_awake_are_no_background() -> None:
    days = home()
    days[::3, :12] += 3_500
    assert background(days) == pytest.approx(63)


def test_only_the_last_two_weeks_count() -> None:
    assert background(np.concatenate((home(60, 400), home(14, 90)))) == pytest.approx(63)


def test_too_few_nights_give_no_background() -> None:
    days = home()
    days[:8, 2:5] = np.nan
    assert np.isnan(background(days))
    days[0, 2] = days[0, 3] = 30.0  # a night may lack one half-hour: the seventh night
    assert background(days) == pytest.approx(63, rel=0.1)
    assert np.isnan(background(np.empty((0, 48))))


@given(st.floats(0.1, 1e4), st.integers(0, 2**32 - 1))
def test_the_background_scales_and_does_not_ask_for_the_order_of_nights(factor: float, seed: int) -> None:
    days = home(seed=seed)
    mixed = np.random.default_rng(seed).permutation(days)
    assert background(factor * mixed) == pytest.approx(factor * background(days))


@pytest.mark.parametrize(
    ("day", "zone", "count", "missing", "twice"),
    [
        (date(2026, 3, 28), LONDON, 48, [], []),
        (date(2026, 3, 29), LONDON, 46, [2, 3], []),
        (date(2026, 10, 25), LONDON, 50, [], [2, 3]),
        # half an hour of summer time
        (date(2026, 10, 4), LORD_HOWE, 47, [4], []),
        (date(2026, 4, 5), LORD_HOWE, 49, [], [3]),
    ],
)
def test_days_of_the_clock_change(day: date, zone: ZoneInfo, count: int, missing: list[int], twice: list[int]) -> None:
    given_day = np.arange(count, dtype=float)
    found = by_clock(given_day, day, zone)
    assert found.shape == (48,)
    assert np.flatnonzero(np.isnan(found)).tolist() == missing
    assert found[0] == 0
    assert found[47] == count - 1
    shift = len(twice)
    for slot in twice:
        assert found[slot] == slot + shift / 2
    with pytest.raises(ValueError, match=f"has {count} half-hours"):
        by_clock(np.zeros(count + 1), day, zone)


def test_of_an_hour_that_comes_twice_the_known_one_counts() -> None:
    long = np.ones(50)
    long[2] = np.nan
    long[4] = 7.0
    assert by_clock(long, date(2026, 10, 25), LONDON)[2] == 7.0


def test_the_pattern_parts_weekdays_from_weekends() -> None:
    first = date(2026, 2, 26)  # a Thursday
    days = np.array([np.full(48, 10.0 if (first + timedelta(days=n)).weekday() < 5 else 30.0) for n in range(14)])
    days[1, 20] = 5_000.0  # one bath more does not make a habit
    days[:, 47] = np.nan
    days[:2, 47] = 1.0
    found = pattern(days, first)
    assert (found.weekday[:47] == 10).all()
    assert (found.weekend[:47] == 30).all()
    assert np.isnan(found.weekday[47])
    assert np.isnan(found.weekend[47])
    nothing = pattern(np.empty((0, 48)), first)
    assert np.isnan(nothing.weekday).all()
    assert np.isnan(nothing.weekend).all()
