"""The usual day, the calendar and the wind rose."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.air.means import HOUR
from analytics.air.patterns import calendar, diurnal, wind_rose
from store.times import midnight

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize("first", [date(2026, 3, 26), date(2026, 6, 1), date(2026, 10, 22), date(2026, 12, 23)])
def test_the_usual_day_by_kind_of_day(first: date) -> None:
    holidays = {date(2026, 12, 25), date(2026, 12, 28)}
    start, hours = midnight(first, LONDON), 24 * 9
    mean = np.round(np.random.default_rng(1).gamma(2, 9, (2, hours)), 1)
    mean[np.random.default_rng(2).random(mean.shape) < 0.2] = np.nan
    found = diurnal(mean, start, LONDON, holidays)
    assert found.mean.shape == found.hours.shape == (2, 3, 24)
    for row in range(2):
        values: dict[tuple[int, int], list[float]] = {}
        for place in range(hours):
            local = datetime.fromtimestamp((start + place * HOUR) / 1e6, UTC).astimezone(LONDON)
            kind = 2 if local.weekday() == 6 or local.date() in holidays else int(local.weekday() == 5)
            if np.isfinite(mean[row, place]):
                values.setdefault((kind, local.hour), []).append(mean[row, place])
        assert found.hours[row].sum() == np.isfinite(mean[row]).sum()
        for kind in range(3):
            for hour in range(24):
                there = values.get((kind, hour), [])
                assert found.hours[row, kind, hour] == len(there)
                if there:
                    assert found.mean[row, kind, hour] == pytest.approx(sum(there) / len(there))
                else:
                    assert np.isnan(found.mean[row, kind, hour])


def test_an_hour_that_comes_twice_counts_twice_and_one_that_is_skipped_not() -> None:
    for day, number in ((date(2026, 10, 25), 2), (date(2026, 3, 29), 0)):
        found = diurnal(np.ones(23), midnight(day, LONDON), LONDON)
        assert found.hours[2, 1] == number


def test_a_calendar_has_weeks_from_monday() -> None:
    values = np.arange(10.0)
    found = calendar(values, date(2026, 12, 5))  # a Saturday
    assert found.shape == (3, 7)
    assert np.isnan(found[0, :5]).all()
    assert found[0, 5:].tolist() == [0, 1]
    assert found[1].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert found[2, 0] == 9
    assert np.isnan(found[2, 1:]).all()
    assert calendar(np.ones((2, 7)), date(2026, 12, 7)).shape == (2, 1, 7)
    assert calendar(np.empty((2, 0)), date(2026, 12, 7)).shape == (2, 0, 7)


def test_the_wind_rose() -> None:
    nan = np.nan
    direction = np.array([0, 11.2, 11.3, 348.8, 359.9, 360.0, 90.0, nan, 180.0, 90.0, nan])
    speed = np.array([1.0, 1.9, 2.0, 4.0, 6.0, 20.0, 1.0, 1.0, 0.49, nan, 0.0])
    mean = np.array([2.0, 4.0, 6.0, 8.0, 10.0, 20.0, nan, 50.0, 12.0, 50.0, 14.0])
    found = wind_rose(mean, direction, speed)
    assert found.mean.shape == (16, 4)
    assert found.hours[0].tolist() == [2, 0, 1, 2]
    assert found.mean[0, [0, 2, 3]].tolist() == [3.0, 8.0, 15.0]
    assert (found.hours[1, 1], found.mean[1, 1]) == (1, 6.0)
    assert found.hours.sum() == 6
    assert (found.calm_mean, found.calm_hours) == (13.0, 2)
    nothing = wind_rose(np.full(3, nan), np.zeros(3), np.ones(3))
    assert nothing.hours.sum() == 0
    assert np.isnan(nothing.calm_mean)
