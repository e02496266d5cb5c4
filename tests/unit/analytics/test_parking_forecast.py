"""What is foretold of zones: nothing where nobody can tell, and as well as can be where the answer is known."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.parking import forecast, forecasts

DAYS = 42
WEEKDAY = np.arange(DAYS) % 7
#: What is left after a quarter hour of how far the present is off the usual, and what comes new.
KEPT, NEW = 0.9, 0.02


def walk(seed: int) -> NDArray[np.float64]:
    """A random walk: nobody knows better than that it stays as it is."""
    steps = np.random.default_rng(seed).normal(0, 0.004, DAYS * 96)
    return (0.5 + np.cumsum(steps)).reshape(DAYS, 96)


def returning(seed: int, days: int = DAYS) -> NDArray[np.float64]:
    """A course of the day that is always the same, and deviations from it that die away."""
    new = np.random.default_rng(seed).normal(0, NEW, days * 96)
    off = np.zeros(days * 96)
    for at in range(1, len(off)):
        off[at] = KEPT * off[at - 1] + new[at]
    course = 0.5 + 0.3 * np.sin(2 * np.pi * (np.arange(96) - 30) / 96)
    return np.tile(course, (days, 1)) + off.reshape(days, 96)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_shown_of_a_random_walk(seed: int) -> None:
    found = forecast.backtest(walk(seed), WEEKDAY)
    assert found.days == DAYS - forecast.LEAST
    assert not found.shown.any()
    # and what is drawn to persistence is hardly worse than it
    assert (found.forecast < 1.10 * found.persistence).all()


def test_nothing_is_shown_of_noise_and_of_what_never_changes() -> None:
    rng = np.random.default_rng(5)
    for occupancy in (rng.uniform(0, 1, (DAYS, 96)), np.full((DAYS, 96), 0.7)):
        assert not forecast.backtest(occupancy, WEEKDAY).shown.any()


def test_what_returns_to_its_course_is_foretold_as_well_as_can_be() -> None:
    found = forecast.backtest(returning(3), WEEKDAY)
    assert found.shown.all()
    steps = np.array(forecast.STEPS)
    # mean absolute error of whoever knows the course and how deviations die away: what comes new until then
    best = NEW * np.sqrt(2 / np.pi) * np.sqrt((1 - KEPT ** (2 * steps)) / (1 - KEPT**2))
    assert (found.forecast > 0.95 * best).all()
    assert (found.forecast < 1.10 * best).all()


def test_the_errors_are_those_of_the_plain_rules() -> None:
    """Persistence and the mean of the hour of the week, by a loop."""
    occupancy = returning(4)
    found = forecast.backtest(occupancy, WEEKDAY)
    flat = occupancy.ravel()
    persistence, means = [], []
    for day in range(forecast.LEAST, DAYS):
        for quarter in range(96):
            at = day * 96 + quarter
            persistence.append([abs(flat[at] - flat[at - step]) for step in forecast.STEPS])
            hour = quarter // 4 * 4
            same = [occupancy[one, hour : hour + 4] for one in range(day % 7, day, 7)]
            means.append(abs(flat[at] - np.mean(same)))
    np.testing.assert_allclose(found.persistence, np.mean(persistence, axis=0))
    np.testing.assert_allclose(found.hour_of_week, np.mean(means))


def test_what_comes_is_not_looked_at() -> None:
    occupancy = returning(6)
    told = forecast.ahead(occupancy, WEEKDAY, 40)
    later = occupancy.copy()
    later[-1, 41:] = np.nan
    np.testing.assert_array_equal(forecast.ahead(later, WEEKDAY, 40), told)
    assert np.abs(told - occupancy[-1, [41, 42, 44]]).max() < 0.15


def test_days_without_data() -> None:
    occupancy = returning(7)
    occupancy[20:24] = np.nan
    occupancy[30, 10:50] = np.nan
    assert forecast.backtest(occupancy, WEEKDAY).shown.all()
    assert np.isfinite(forecast.ahead(occupancy, WEEKDAY, 95)).all()
    occupancy[-1, 39:41] = np.nan
    assert np.isnan(forecast.ahead(occupancy, WEEKDAY, 40)).all()
    few = returning(8, forecast.LEAST)
    assert np.isnan(forecast.ahead(few, WEEKDAY[: forecast.LEAST], 40)).all()
    nothing = forecast.backtest(np.full((20, 96), np.nan), WEEKDAY[:20])
    assert nothing.days == 0
    assert not nothing.shown.any()


def test_on_few_days_nothing_is_shown() -> None:
    days = forecast.LEAST + forecast.TESTED - 1
    found = forecast.backtest(returning(9, days), WEEKDAY[:days])
    assert found.days == forecast.TESTED - 1
    assert not found.shown.any()


@pytest.mark.parametrize(
    ("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 6, 1), 96)]
)
def test_days_on_which_clocks_change(day: date, quarters: int) -> None:
    wall = forecasts._wall(day, ZoneInfo("Europe/London"))
    assert len(wall) == quarters
    occupied = np.arange(quarters) * 9
    stored = np.stack((occupied, 900 - occupied, np.zeros(quarters), np.zeros(quarters)), axis=1).astype(np.int32)
    found = forecast.grid(stored, wall)
    assert found[0] == 0
    assert found[95] == pytest.approx((quarters - 1) / 100)
    assert list(np.flatnonzero(np.isnan(found))) == ([4, 5, 6, 7] if quarters == 92 else [])
    if quarters == 100:  # the hour that comes twice counts together
        assert found[4] == pytest.approx((4 + 8) / 200)
    stored[:8, :2] = 0
    assert np.isnan(forecast.grid(stored, wall)[:4]).all()
