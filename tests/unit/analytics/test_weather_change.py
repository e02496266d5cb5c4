"""Change apart from the weather: what was planted comes out, and what cannot be said is not."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.weather.caltrack import HEATING, Models, fit
from analytics.weather.change import NO_ANSWER, NO_MODEL, SAID, SHORT_PERIOD, SHORT_YEAR, Change, change
from analytics.weather.degree_days import below

DAYS = np.arange(365)
WARMTH = 11.5 - 7.5 * np.cos(2 * np.pi * (DAYS - 20) / 365) + 2.5 * np.sin(DAYS * 1.7)
#: A January four kelvins colder than the year's.
COLD = WARMTH[:31] - 4
HEATED = np.array([True])


def by_line(warmth: np.ndarray) -> np.ndarray:
    return 5 + 1.5 * below(warmth, np.array([59.0]))


def told(use: np.ndarray, *, year: np.ndarray | None = None, warmth: np.ndarray = COLD, heated: bool = True) -> Change:
    model = fit(by_line(WARMTH) if year is None else year, WARMTH)
    return change(model, use, warmth, heated=np.array([heated]))


def test_a_colder_month_is_no_change_and_a_fifth_less_is_one() -> None:
    same = told(by_line(COLD))
    assert same.why[0] == SAID
    assert same.percent[0] == pytest.approx(0, abs=1e-9)
    assert same.actual[0] == pytest.approx(by_line(COLD).sum())
    assert same.actual[0] > 1.2 * by_line(WARMTH[:31]).sum()  # against last January alone it would be much more
    less = told(0.8 * by_line(COLD))
    assert less.percent[0] == pytest.approx(-20)
    assert less.expected[0] == pytest.approx(same.expected[0])


def test_only_days_of_which_use_and_temperature_are_known_count() -> None:
    use, warmth = 0.9 * by_line(COLD), COLD.copy()
    use[0, 3:6] = np.nan
    warmth[5:8] = np.nan
    found = told(use, warmth=warmth)
    assert found.days[0] == 26
    both = np.isfinite(use[0]) & np.isfinite(warmth)
    assert found.actual[0] == pytest.approx(use[0, both].sum())
    assert found.percent[0] == pytest.approx(-10)


def test_days_of_the_clock_change_are_asked_for_their_own_hours() -> None:
    hours = np.full(31, 24.0)
    hours[[9, 20]] = 23, 25
    found = change(fit(by_line(WARMTH), WARMTH), by_line(COLD) * hours / 24, COLD, hours)
    assert found.percent[0] == pytest.approx(0, abs=1e-9)
    assert found.expected[0] == pytest.approx((by_line(COLD) * hours / 24).sum())


def test_what_cannot_be_said_is_not() -> None:
    year = by_line(WARMTH)
    year[0, :36] = np.nan
    assert told(by_line(COLD), year=year).why[0] == SAID  # 329 days are nine tenths
    year[0, 36] = np.nan
    assert told(by_line(COLD), year=year).why[0] == SHORT_YEAR
    month = by_line(COLD)
    month[0, :7] = np.nan
    assert told(month).why[0] == SAID  # 24 of 31
    month[0, 7] = np.nan
    found = told(month)
    assert found.why[0] == SHORT_PERIOD
    assert np.isnan([found.actual[0], found.expected[0], found.percent[0], found.chance[0]]).all()
    flat = np.full((1, 365), 6.0)
    assert told(np.full((1, 31), 6.0), year=flat).why[0] == NO_ANSWER
    assert told(np.full((1, 31), 6.0), year=flat, heated=False).why[0] == SAID
    assert told(np.zeros((1, 31)), year=np.zeros((1, 365)), heated=False).why[0] == NO_MODEL
    assert told(by_line(COLD), warmth=np.full(31, np.nan)).why[0] == SHORT_PERIOD


def test_a_home_that_uses_more_in_the_warmth_alone_does_not_answer_the_cold() -> None:
    summer = 4 + 0.8 * np.maximum(WARMTH - 15, 0)[None]
    assert told(np.full((1, 31), 4.0), year=summer).why[0] == NO_ANSWER


def test_without_a_change_few_homes_find_one() -> None:
    # days that resemble the one before, as people do
    rng = np.random.default_rng(5)
    homes, days = 400, 365 + 31
    shocks = rng.normal(0, 1, (homes, days))
    noise = np.empty_like(shocks)
    noise[:, 0] = shocks[:, 0]
    for day in range(1, days):
        noise[:, day] = 0.5 * noise[:, day - 1] + shocks[:, day]
    warmth = np.concatenate([WARMTH, COLD])
    use = by_line(warmth) + noise
    found = change(fit(use[:, :365], WARMTH), use[:, 365:], COLD)
    beyond = np.abs(found.actual - found.expected) > found.chance
    assert 0.002 < beyond.mean() < 0.08
    assert (np.abs(0.7 * found.actual - found.expected) > found.chance).mean() > 0.99


def test_homes_together_are_as_each_alone() -> None:
    year = np.concatenate([by_line(WARMTH), by_line(WARMTH) * 2, np.full((1, 365), np.nan)])
    month = np.concatenate([by_line(COLD), by_line(COLD), by_line(COLD)])
    models = fit(year, WARMTH)
    assert models.kind.tolist() == [HEATING, HEATING, -1]
    found = change(models, month, COLD)
    assert found.percent[:2] == pytest.approx([0, -50], abs=1e-9)
    assert found.why.tolist() == [SAID, SAID, SHORT_YEAR]
    alone = change(Models._make(column[1:2] for column in models), month[1:2], COLD)
    assert alone.percent[0] == found.percent[1]
