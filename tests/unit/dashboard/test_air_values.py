"""Guidelines and limits in sentences and on charts: whose they are, from when, and what is above them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.air.limits import limits
from dashboard.public import air_figures, air_values
from dashboard.public.air_pictures import Reference

NOW = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("value", "above"),
    [(50.0, False), (50.4, False), (50.4999999, True), (50.49999, False), (50.5, True), (51.0, True), (np.nan, False)],
)
def test_values_are_rounded_half_up_before_they_are_held_against_a_limit(value: float, above: bool) -> None:
    limit = Reference(50.0, "50 (UK)")
    assert bool(air_values.passes(value, limit)) is above
    assert air_values.passes(np.array([value, 0.0]), limit).tolist() == [above, False]


def test_values_of_one_size_are_named_together_and_those_to_come_with_their_year() -> None:
    assert [(one.value, one.name) for one in air_values.references("pm2_5", "year", NOW)] == [
        (5.0, "5 (WHO)"), (10.0, "10 (UK from 2040, EU from 2030)"), (20.0, "20 (UK)"),
    ]  # fmt: skip
    later = [one.name for one in air_values.references("pm2_5", "year", date(2041, 1, 1))]
    assert later[1] == "10 (UK, EU)"
    assert air_values.references("no2", "hour", NOW)[0].name == "200 (UK, EU from 2030 in an hour)"
    assert air_values.references("pm1", "day", NOW) == []


def test_a_day_of_ozone_is_told_by_eight_hours() -> None:
    assert [one.value for one in air_values.of_long("o3", NOW)] == [100.0]
    assert [one.value for one in air_values.of_long("pm10", NOW)] == [45.0, 50.0]


def test_every_averaging_has_words() -> None:
    assert {one.averaging for one in limits()} <= set(air_values.AVERAGING_WORDS)


def test_a_sentence_says_what_is_above_and_what_is_not() -> None:
    who, uk = Reference(15.0, "15 (WHO)"), Reference(25.0, "25 (EU)")
    assert air_figures.against(15.4, [who, uk]) == ", not above 15 (WHO) nor 25 (EU)"
    assert air_figures.against(15.5, [who, uk]) == ", above 15 (WHO)"
    assert air_figures.against(99.0, [who, uk]) == ", above 15 (WHO) and above 25 (EU)"
    assert air_figures.against(99.0, []) == ""
    days = np.array([15.4, 15.6, np.nan, 20.0])
    assert air_figures.over_days(days, [who, uk]) == "; above 15 (WHO) on 2 days, never above 25 (EU)"
    assert air_figures.over_days(days, []) == ""
