"""A year of a monitor against limits: how often each was passed, of how much of the year, and what follows.

Values are rounded half up to a whole, as limits are written, and then compared: 50.4 does not pass 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.air import POLLUTANTS
from analytics.air.daily import day_highest, day_means, hours_of
from analytics.air.limits import ONCE, Limit
from analytics.air.running import running
from devices.counts import counted
from store.batch import Float64, Int64

#: Rounding half up after rounding to 6 decimals, as the index does (`analytics.air.index`).
_HALF = 0.5 + 0.5e-6 + 1e-10


class Exceedance(NamedTuple):
    """One limit in one year.

    ``value``: the mean of the year or the peak season, else the highest of all values [ug/m3, of co mg/m3]; None where
    there is none. ``times``: how many values passed it. ``captured``: how much of the year has values, 0 to 1.
    ``kept``: False where it was passed more often than is allowed, True where not and 75 % of the year have values,
    None where nobody can say. Of a year that is not over it is so far: hours to come count as missing.
    """

    limit: Limit
    value: float | None
    times: int
    captured: float
    kept: bool | None


def exceedances(
    mean: Float64, zone: ZoneInfo, year: int, limits: Sequence[Limit], *, so2: Float64 | None = None, lead: int = 0
) -> list[Exceedance]:
    """What became of each limit in a calendar year (local) of one monitor.

    ``mean``: hourly means of the whole year, ``(7, hours)``, in the order of ``POLLUTANTS``, NaN where missing or yet
    to come; ``so2`` its 15-minute means, ``(4 * hours,)``. They begin ``lead`` hours before the year (7 for its first
    means of 8 hours). Raises ValueError where hours lack.
    """
    first = date(year, 1, 1)
    days = (date(year + 1, 1, 1) - first).days
    edges = hours_of(zone, first, days) + lead
    if mean.shape[-1] < edges[-1]:
        raise ValueError(f"{year} has {counted(edges[-1], 'hour')} with their lead, not {mean.shape[-1]:,}")
    return [_of_limit(mean[POLLUTANTS.index(limit.pollutant)], limit, so2, year, edges) for limit in limits]


def _of_limit(hours: Float64, limit: Limit, so2: Float64 | None, year: int, edges: Int64) -> Exceedance:
    first, end = int(edges[0]), int(edges[-1])
    if limit.averaging == "year":
        of_year = hours[first:end]
        captured = float(np.isfinite(of_year).mean())
        return _once(limit, float(np.nanmean(of_year)) if captured >= 0.75 else None, captured)
    if limit.averaging == "peak-season":
        highest = day_highest(running(hours, 8, 6), edges)
        return _once(limit, _peak_season(highest, year), float(np.isfinite(highest).mean()))
    if limit.averaging == "hour":
        values = hours[first:end]
    elif limit.averaging == "quarter-hour":
        values = np.full(1, np.nan) if so2 is None else so2[4 * first : 4 * end]
    elif limit.averaging == "day":
        values = day_means(hours, edges)
    else:
        values = day_highest(running(hours, 8, 6), edges)
    there = values[np.isfinite(values)]
    captured = len(there) / len(values)
    times = int((np.floor(there + _HALF) > limit.value).sum())
    kept = False if times > limit.allowed else True if captured >= 0.75 else None
    return Exceedance(limit, float(there.max()) if len(there) else None, times, captured, kept)


def _once(limit: Limit, value: float | None, captured: float) -> Exceedance:
    """Of a limit that one value of the year is held against."""
    assert limit.averaging in ONCE
    if value is None:
        return Exceedance(limit, None, 0, captured, None)
    passed = bool(np.floor(value + _HALF) > limit.value)
    return Exceedance(limit, value, int(passed), captured, not passed)


def _peak_season(highest: Float64, year: int) -> float | None:
    """The highest mean of the days of six months that follow each other in a year, of which 75 % are there.

    ``highest`` ``(days,)``. None where a month of the year is missing: the worst six may be among what is not known.
    """
    starts = [(date(year + month // 12, month % 12 + 1, 1) - date(year, 1, 1)).days for month in range(13)]
    there = np.isfinite(highest)
    for month in range(12):
        if there[starts[month] : starts[month + 1]].mean() < 0.75:
            return None
    means = [np.nanmean(highest[starts[month] : starts[month + 6]]) for month in range(7)]
    return float(max(means))
