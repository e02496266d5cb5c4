"""The calendar: when a local day begins, and which month and quarter follow."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from store.times import begin_of, local_day, midnight, next_month, next_quarter, quarter

ZONES = [ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Pacific/Auckland", "America/Havana")]
DAYS = [date(2023, 1, 1) + timedelta(days=place) for place in range(2 * 365 + 2)]


def test_the_next_month_follows_every_day_of_this_one() -> None:
    for day in DAYS:
        last = date(day.year, day.month, monthrange(day.year, day.month)[1])
        assert next_month(day) == last + timedelta(days=1)


def test_the_next_quarter_follows_every_day_of_this_one() -> None:
    for day in DAYS:
        following = next_quarter(day)
        assert (following.day, following.month % 3) == (1, 1)
        assert quarter(following - timedelta(days=1)) == quarter(day) <= day < following


@pytest.mark.parametrize("zone", [*ZONES, UTC], ids=str)
def test_a_local_day_begins_where_the_one_before_ends(zone: ZoneInfo) -> None:
    """Also where clocks change at midnight itself (Havana)."""
    for day in DAYS:
        begin = begin_of(day, zone)
        assert begin.utcoffset() == timedelta(0)
        assert (begin - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == midnight(day, zone)
        assert local_day(begin, zone) == day
        assert local_day(begin - timedelta(microseconds=1), zone) == day - timedelta(days=1)
