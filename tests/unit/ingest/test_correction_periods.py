"""Which instants a correction is asked for."""

from __future__ import annotations

from datetime import date

import pytest

from ingest.correct import day_before, period_of
from store.times import instant
from tests.tools.batches import DAY, T0


def test_periods() -> None:
    assert period_of("2026-02-01", "2026-02-02") == (T0, T0 + DAY)
    assert period_of("2026-02-01T01:00:00+01:00", "2026-02-02T00:00:00Z") == (T0, T0 + DAY)
    with pytest.raises(ValueError, match="ends before it begins"):
        period_of("2026-02-02", "2026-02-01")


def test_messages_are_looked_for_from_the_day_before_on() -> None:
    assert day_before(T0) == date(2026, 1, 31)
    assert day_before(T0 - 1) == date(2026, 1, 30)


def test_a_period_may_begin_with_the_calendar() -> None:
    for first in ("0001-01-01", "0001-01-02", "0001-01-01T00:00+05:00"):
        start, end = period_of(first, "9999-12-31")
        assert day_before(start) == date.min
        assert instant(start) < instant(end)
    assert instant(period_of("2026-01-01", "9999-12-31T23:59-05:00")[1]).year == 9999
