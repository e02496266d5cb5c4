"""What each arm may see and which nudge it gets, day by day, as decision 013 says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.trials import ARMS, SIGHTS, Arm, Sight, nudged, sight

BEGINS = date(2026, 10, 1)


def test_the_order_of_arms_and_sights_in_all_arrays() -> None:
    assert ARMS == ("nothing", "own-history", "zone", "comparison", "comparison-year")
    assert SIGHTS == ("all", "zone", "own")


@pytest.mark.parametrize(
    ("arm", "sees", "gets"),
    [
        (Arm.NOTHING, Sight.OWN, None),
        (Arm.OWN_HISTORY, Sight.OWN, "own"),
        (Arm.ZONE, Sight.ZONE, "zone"),
        (Arm.COMPARISON, Sight.ALL, "compare"),
        (Arm.COMPARISON_YEAR, Sight.ALL, "compare"),
    ],
)
def test_what_an_arm_sees_and_gets(arm: Arm, sees: Sight, gets: str | None) -> None:
    for today in (BEGINS, date(2027, 9, 30)):
        assert (sight(arm, BEGINS, today), nudged(arm, BEGINS, today)) == (sees, gets)
    before = BEGINS - timedelta(days=1)
    assert (sight(arm, BEGINS, before), nudged(arm, BEGINS, before)) == (sees, None), "from the draw on"


@given(begins=st.dates(date(2020, 1, 1), date(2040, 1, 1)), days=st.integers(0, 900))
def test_after_a_year_the_arm_of_a_year_is_as_nothing(begins: date, days: int) -> None:
    today = begins + timedelta(days=days)
    # the same day a year later, or the first one after it
    ended = (today.year, today.month, today.day) >= (begins.year + 1, begins.month, begins.day)
    other = Arm.NOTHING if ended else Arm.COMPARISON
    assert sight(Arm.COMPARISON_YEAR, begins, today) == sight(other, begins, today)
    assert nudged(Arm.COMPARISON_YEAR, begins, today) == nudged(other, begins, today)
    assert sight(Arm.COMPARISON, begins, today) is Sight.ALL


def test_a_year_from_a_leap_day_ends_on_the_first_of_march() -> None:
    begins = date(2028, 2, 29)
    assert sight(Arm.COMPARISON_YEAR, begins, date(2029, 2, 28)) is Sight.ALL
    assert sight(Arm.COMPARISON_YEAR, begins, date(2029, 3, 1)) is Sight.OWN
