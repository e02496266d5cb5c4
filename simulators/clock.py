"""Local time of a simulation: people live by the clock on the wall, readings by UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SECOND_US = 1_000_000
HALF_HOUR_US = 1_800 * SECOND_US
HOUR_US = 3_600 * SECOND_US
DAY_US = 86_400 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LocalClock:
    """Local time at evenly spaced instants. Arrays have one entry an instant.

    ``hour``: hour of the local day [h, 0 to 24); ``weekday``: Monday is 0; ``day_of_year``: 0 on 1 January;
    ``date``: days since 1970-01-01 of the local calendar.
    """

    hour: NDArray[np.float64]
    weekday: NDArray[np.int64]
    day_of_year: NDArray[np.int64]
    date: NDArray[np.int64]

    @property
    def hour_of_week(self) -> NDArray[np.int64]:
        """0 (Monday 00:00 to 01:00) to 167."""
        return self.weekday * 24 + self.hour.astype(np.int64)


@lru_cache(maxsize=64)
def local_clock(zone: str, start_us: int, step_s: int, count: int) -> LocalClock:
    """Local time at ``count`` instants, ``step_s`` [s] apart, from ``start_us`` on.

    Raises zoneinfo.ZoneInfoNotFoundError for a zone that is not known.
    """
    place = ZoneInfo(zone)
    start = _EPOCH + timedelta(microseconds=start_us)
    # offsets change at whole half-hours of UTC at the earliest: looking at each half-hour suffices
    per_half_hour = max(1, 1_800 // step_s)
    offsets = np.empty(count, np.int64)
    for first in range(0, count, per_half_hour):
        offset = (start + timedelta(seconds=first * step_s)).astimezone(place).utcoffset()
        assert offset is not None
        offsets[first : first + per_half_hour] = int(offset.total_seconds())
    local = start_us // SECOND_US + np.arange(count, dtype=np.int64) * step_s + offsets
    date = local // 86_400
    days = date.astype("datetime64[D]")
    year_start = days.astype("datetime64[Y]").astype("datetime64[D]")
    return LocalClock(
        hour=(local % 86_400) / 3_600,
        weekday=(date + 3) % 7,
        day_of_year=(days - year_start).astype(np.int64),
        date=date,
    )


def utc_days(start_us: int, end_us: int) -> range:
    """Days since the epoch that a span [start, end) touches."""
    return range(start_us // DAY_US, -(-end_us // DAY_US))
