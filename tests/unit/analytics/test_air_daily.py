"""The index of local days against exact fractions: clock changes, 75 % of 23, 24 and 25 hours, hours before the day."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.daily import daily, day_highest, day_means, hours_of
from analytics.air.means import HOUR
from store.times import midnight
from tests.examples import examples
from tests.references import air as reference
from tests.references.air import Mean
from tests.worlds.air_hours import array, bounds, decimals

LONDON = ZoneInfo("Europe/London")
LEAD = 7
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
#: When Lord Howe Island's clocks go back and forward, by half an hour.
HALF_BACK, HALF_FORWARD = date(2026, 4, 5), date(2026, 10, 4)


@given(
    st.sampled_from([SPRING, AUTUMN, HALF_BACK, HALF_FORWARD, date(2026, 6, 1)]),
    st.sampled_from(["Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.data(),
)
@settings(max_examples=examples(40))
def test_days_as_exact_fractions_have_them(middle: date, name: str, data: st.DataObject) -> None:
    zone, first = ZoneInfo(name), middle - timedelta(days=1)
    edges = hours_of(zone, first, 3)
    length = LEAD + int(edges[-1])
    made: dict[str, list[Mean]] = {}
    for pollutant in INDEXED:
        size = length * (4 if pollutant == "so2" else 1)
        level = data.draw(bounds(pollutant))
        some = st.one_of(st.just(level), st.just(level), st.none(), decimals(0, 80))
        made[pollutant] = data.draw(st.lists(some, min_size=size, max_size=size))
    mean = np.full((len(POLLUTANTS), length), np.nan)
    for place, pollutant in enumerate(INDEXED[:4]):
        mean[place] = array(made[pollutant])
    found = daily(mean, zone, first, 3, so2=array(made["so2"]), lead=LEAD)
    start = -(-midnight(first, zone) // HOUR) * HOUR - LEAD * HOUR
    theirs = reference.daily(made, start, zone)
    assert list(theirs) == [first, middle, middle + timedelta(days=1)]
    for day, hour in enumerate(theirs.values()):
        assert {name: int(found.by_pollutant[row, day]) for row, name in enumerate(INDEXED)} == {
            name: hour.by_pollutant.get(name, 0) for name in INDEXED
        }
        worst = found.worst[day]
        assert (found.overall[day], INDEXED[worst] if worst >= 0 else "") == (hour.overall, hour.worst)


@pytest.mark.parametrize(("day", "hours", "needed"), [(SPRING, 23, 18), (date(2026, 6, 1), 24, 18), (AUTUMN, 25, 19)])
def test_three_quarters_of_the_hours_that_the_day_has(day: date, hours: int, needed: int) -> None:
    assert hours_of(LONDON, day, 1).tolist() == [0, hours]
    mean = np.full((2, len(POLLUTANTS), hours), 20.0)
    mean[0, :, needed:] = np.nan
    mean[1, :, needed - 1 :] = np.nan
    found = daily(mean, LONDON, day, 1, lead=0)
    assert found.value[0, :3, 0].tolist() == [20.0] * 3
    assert np.isnan(found.value[1]).all()
    assert found.overall[:, 0].tolist() == [2, 0]  # pm2_5 and pm10 of 20
    assert found.worst[:, 0].tolist() == [0, -1]


def test_an_hour_belongs_to_the_day_in_which_it_begins() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    assert hours_of(zone, HALF_BACK, 2).tolist() == [0, 25, 49]  # from 13:00 UTC to 13:30: the hour at 13:00 is in it
    assert hours_of(zone, HALF_FORWARD, 2).tolist() == [0, 23, 47]


def test_ozone_of_the_first_hours_needs_the_evening_before() -> None:
    mean = np.full((len(POLLUTANTS), 31), np.nan)
    mean[POLLUTANTS.index("o3")] = 10.0
    mean[POLLUTANTS.index("o3"), :7] = 300.0
    day = date(2026, 6, 1)
    with_lead = daily(mean, LONDON, day, 1, lead=7)
    assert with_lead.value[3, 0] == (7 * 300 + 10) / 8
    without = daily(mean[:, 7:], LONDON, day, 1)
    assert without.value[3, 0] == 10.0
    assert without.overall[0] == 1


def test_so2_of_a_day_needs_its_quarters() -> None:
    mean = np.full((len(POLLUTANTS), 24), 5000.0)
    mean[:4] = np.nan
    day = date(2026, 6, 1)
    assert daily(mean, LONDON, day, 1).overall[0] == 0
    so2 = np.full(96, 10.0)
    so2[50] = 1065.0
    assert daily(mean, LONDON, day, 1, so2=so2).overall[0] == 10


def test_no_days_and_too_few_hours() -> None:
    none = daily(np.full((2, 7, 0), np.nan), LONDON, SPRING, 0, so2=np.empty((2, 0)))
    assert none.value.shape == none.by_pollutant.shape == (2, 5, 0)
    assert none.overall.shape == (2, 0)
    with pytest.raises(ValueError, match="have 30 hours with their lead, not 29"):
        daily(np.full((7, 29), 1.0), LONDON, SPRING, 1, lead=7)


def test_days_alone() -> None:
    hourly = np.array([[1.0, 3.0, np.nan, 5.0, np.nan, np.nan, 7.0, 9.0]])
    edges = np.array([0, 4, 8])
    np.testing.assert_array_equal(day_means(hourly, edges), [[3.0, np.nan]])
    np.testing.assert_array_equal(day_highest(hourly, edges), [[5.0, np.nan]])
