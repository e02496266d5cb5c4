"""Readings of registers as the rules of daily use take them, over three days around a change of the clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy import daily_use
from analytics.energy.daily_use import Days, Steps
from analytics.periods import day_edges
from tests.references.daily_use import HOUR, Reading

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
