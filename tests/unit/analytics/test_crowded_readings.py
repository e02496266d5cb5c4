"""Readings of a register that waited in a broker's queue and came together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.energy import daily_use
from analytics.energy.daily_use import Days, Steps
from analytics.periods import day_edges
from tests.references.daily_use import HOUR, Reading, utc

EDGES = day_edges(date(2026, 3, 27), 3, ZoneInfo("Europe/London"))
HALF = HOUR // 2


def registers(series: Sequence[Sequence[Reading]], limit: int = 25_300, slack: int = 1_000) -> Steps:
    offsets = np.cumsum([0, *map(len, series)])
    times = np.array([at for rows in series for at, _ in rows], np.int64)
    values = np.array([value for rows in series for _, value in rows], np.float64)
    return daily_use.register_steps(offsets, times, values, np.full(len(series), limit), slack)


def days_of(steps: Steps) -> Days:
    return daily_use.whole_days(daily_use.spread(steps, 1, EDGES), EDGES)


def plain(days: Days, row: int = 0) -> list[tuple[int, int]]:
    return list(zip(days.use[row].tolist(), days.minutes[row].tolist(), strict=True))


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
