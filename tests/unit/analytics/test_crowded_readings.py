"""Readings of a register that waited in a broker's queue and came together."""

from __future__ import annotations

import pytest

from tests.references.daily_use import HOUR, utc
from tests.tools.registers import days_of, plain, registers


@pytest.mark.parametrize("apart", [1, 70_000, 250_000, 3_000_000])
def test_readings_that_waited_in_a_queue_keep_their_rise(apart: int) -> None:
    """Ten hourly readings came together at 11:00, with the instants of their arrival."""
    rows = [(utc("2026-03-27T00:00"), 100.0), (utc("2026-03-27T01:00"), 101.5)]
    rows += [(utc("2026-03-27T11:00") + k * apart, 103.0 + 1.5 * k) for k in range(10)]
    rows += [(utc("2026-03-27T12:00") + k * HOUR, 118.0 + 1.5 * k) for k in range(13)]
    steps = registers([rows])
    assert steps.amount.sum() == 136_000 - 100_000
    assert not len(steps.beyond)
    assert plain(days_of(steps))[0] == (36_000, 1440)
    # some had the same instant: one of them was kept
    assert registers([[*rows[:4], *rows[9:]]]).amount.sum() == 36_000
