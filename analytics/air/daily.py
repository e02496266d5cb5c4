"""The index of local days: particles by the mean of the day's hours, the others by their highest hour of the day.

A day is from one local midnight to the next: 23 or 25 hours where the clocks change. An hour belongs to the day in
which it begins.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.air import INDEXED
from analytics.air.index import Index, highest_quarter, index, overall
from analytics.air.means import HOUR
from analytics.air.running import running
from analytics.periods import day_edges
from devices.counts import counted
from store.batch import Float64, Int64


class Days(NamedTuple):
    """Local days: what the index rests on [ug/m3] and the index, ``(..., 5, days)`` in the order of ``INDEXED``; of all
    together the index and which is the worst (-1: none), ``(..., days)``."""

    value: Float64
    by_pollutant: Index
    overall: Index
    worst: Index


def daily(
    mean: Float64, zone: ZoneInfo, first_day: date, days: int, *, so2: Float64 | None = None, lead: int = 0
) -> Days:
    """The index by local day, of hourly means from the beginning of ``first_day`` on.

    ``mean``: ``(..., pollutants, hours)`` in the order of ``POLLUTANTS``, at least the first five; ``so2``: 15-minute
    means, ``(..., 4 * hours)``. The hours begin ``lead`` hours before the first day (7 for the eight-hour means of its
    first hours; without them these are missing) and go at least to the end of the last: `hours_of` says how many.
    A value needs 75 % of the day's hours, of ozone's running means too. Raises ValueError where hours lack.
    """
    edges = hours_of(zone, first_day, days) + lead
    if mean.shape[-1] < edges[-1]:
        raise ValueError(
            f"the days from {first_day} on have {counted(edges[-1], 'hour')} with their lead, not {mean.shape[-1]:,}"
        )
    value = np.full((*mean.shape[:-2], len(INDEXED), days), np.nan)
    for place, pollutant in enumerate(INDEXED):
        if pollutant in ("pm2_5", "pm10"):
            value[..., place, :] = day_means(mean[..., place, :], edges)
        elif pollutant == "o3":
            value[..., place, :] = day_highest(running(mean[..., place, :], 8, 6), edges)
        elif pollutant == "no2":
            value[..., place, :] = day_highest(mean[..., place, :], edges)
        elif so2 is not None:
            value[..., place, :] = day_highest(highest_quarter(so2), edges)
    found = np.stack([index(name, value[..., place, :]) for place, name in enumerate(INDEXED)], axis=-2)
    return Days(value, found, *overall(found))


def hours_of(zone: ZoneInfo, first_day: date, days: int) -> Int64:
    """Which hours a local day has: those from ``[day]`` to ``[day + 1]`` of what comes out, ``(days + 1,)``.

    Hours are counted from the first that begins in ``first_day``.
    """
    edges: Int64 = -(-day_edges(first_day, days, zone) // HOUR)
    return edges - edges[:1]


def day_means(hourly: Float64, edges: Int64) -> Float64:
    """Means of the hours of each day, ``(..., days)``, where 75 % of them are there.

    ``hourly`` ``(..., hours)``; ``edges``: which hours a day has, as `hours_of` says.
    """
    there = np.isfinite(hourly)
    number = _sums(there.astype(np.float64), edges)
    total = _sums(np.where(there, hourly, 0.0), edges)
    mean = np.full(total.shape, np.nan)
    np.divide(total, number, out=mean, where=_enough(number, edges))
    return mean


def day_highest(hourly: Float64, edges: Int64) -> Float64:
    """The highest of the hours of each day, ``(..., days)``, where 75 % of them are there; the arrays as above."""
    there = np.isfinite(hourly)
    number = _sums(there.astype(np.float64), edges)
    if not number.size:
        return number
    highest: Float64 = np.maximum.reduceat(np.where(there, hourly, -np.inf)[..., : edges[-1]], edges[:-1], axis=-1)
    highest[~_enough(number, edges)] = np.nan
    return highest


def _sums(hourly: Float64, edges: Int64) -> Float64:
    if len(edges) < 2:
        return np.empty((*hourly.shape[:-1], 0))
    found: Float64 = np.add.reduceat(hourly[..., : edges[-1]], edges[:-1], axis=-1)
    return found


def _enough(number: Float64, edges: Int64) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = 4 * number >= 3 * np.diff(edges)
    return enough
