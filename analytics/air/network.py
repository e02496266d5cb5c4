"""Monitors against each other: who drifts away from the others. And what damp air makes doubtful.

A monitor is compared with the median of the others, hour by hour: what all of them see, weather and a fire, is in both.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64

Bools = NDArray[np.bool_]

#: Above it [%] an optical sensor takes drops for dust.
HUMID: Final = 85.0
#: Others that are needed for an hour's comparison, hours for a day's, days for a slope.
OTHERS, HOURS, DAYS = 3, 18, 14
#: A drift is told where it is surely one, and in the time looked at more than this part of what the network has, and
#: more than so much [ug/m3].
PART, LEAST = 0.2, 2.0
#: Normal quantile of 95 %, both sides.
_Z = 1.959964


class Drift(NamedTuple):
    """Of each monitor, ``(monitors,)``: ``days`` that could be compared; ``offset``, the median of its difference to
    the others [ug/m3]; ``slope`` of it [ug/m3 in 30 days] with ``low`` and ``high``, 95 % by ranks; NaN with fewer than
    14 days. ``drifting``: the slope is surely not 0, and large."""

    days: Int64
    offset: Float64
    slope: Float64
    low: Float64
    high: Float64
    drifting: Bools


def humid(humidity: Float64) -> Bools:
    """Whether particles of an hour are doubtful: its mean humidity [%] is over 85. Without humidity nothing is said."""
    with np.errstate(invalid="ignore"):
        found: Bools = np.asarray(humidity) > HUMID
    return found


def others(mean: Float64) -> Float64:
    """The median of the other monitors in each hour, ``(monitors, hours)``, NaN where fewer than three are there.

    ``mean``: hourly means of one pollutant, ``(monitors, hours)``, of monitors that may be compared.
    """
    monitors = len(mean)
    there = np.isfinite(mean)
    order = np.argsort(np.where(there, mean, np.inf), axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(monitors)[:, None], axis=0)
    rows = np.concatenate((np.take_along_axis(mean, order, axis=0), np.full((1, mean.shape[1]), np.nan)))
    # without its own value what is above it moves down by one; a missing one stands above all
    left = there.sum(axis=0) - there
    lower, upper = (left - 1) // 2, left // 2
    pair = [np.take_along_axis(rows, np.clip(place + (place >= rank), 0, monitors), axis=0) for place in (lower, upper)]
    found: Float64 = np.where(left >= OTHERS, (pair[0] + pair[1]) / 2, np.nan)
    return found


def drift(mean: Float64, pollutant_level: float | None = None) -> Drift:
    """How each monitor moves away from the others over whole days of 24 hours.

    ``mean``: hourly means of one pollutant, ``(monitors, 24 * days)``, a month to a quarter of a year of them; real and
    simulated monitors never together. ``pollutant_level`` [ug/m3]: what a drift is compared with, by default the median
    of all that is there. The slope is that of Theil and Sen, its interval by Kendall's ranks: a day's storm moves
    neither. Raises ValueError where the hours are no whole days.
    """
    if mean.ndim != 2 or mean.shape[1] % 24:
        raise ValueError(f"drift is told from whole days of monitors, not from an array of {mean.shape}")
    apart = _by_day(mean - others(mean))
    level = pollutant_level if pollutant_level is not None else _middle(mean)
    found = np.array([_slope(row) for row in apart]).reshape(-1, 5)
    number, offset, slope, low, high = found.T
    moved = np.abs(slope) * apart.shape[1] / 30
    with np.errstate(invalid="ignore"):
        drifting = ((low > 0) | (high < 0)) & (moved > max(PART * level, LEAST))
    return Drift(number.astype(np.int64), offset, slope, low, high, drifting)


def _middle(mean: Float64) -> float:
    there = mean[np.isfinite(mean)]
    return float(np.median(there)) if len(there) else 0.0


def _by_day(hourly: Float64) -> Float64:
    """Medians of days where 18 of the 24 hours are there, ``(monitors, days)``."""
    days = hourly.reshape(len(hourly), hourly.shape[1] // 24, 24)
    there = np.isfinite(days).sum(axis=-1)
    ordered = np.sort(days, axis=-1)  # what is missing stands at the end
    lower, upper = (
        np.take_along_axis(ordered, np.maximum(place, 0)[..., None], axis=-1)[..., 0]
        for place in ((there - 1) // 2, there // 2)
    )
    found: Float64 = np.where(there >= HOURS, (lower + upper) / 2, np.nan)
    return found


def _slope(days: Float64) -> tuple[float, float, float, float, float]:
    """Days, offset, and the slope in 30 days with its interval, of one monitor's differences by day."""
    at = np.flatnonzero(np.isfinite(days))
    number = len(at)
    offset = float(np.median(days[at])) if number else np.nan
    if number < DAYS:
        return number, offset, np.nan, np.nan, np.nan
    one, two = np.triu_indices(number, 1)
    slopes = np.sort((days[at[two]] - days[at[one]]) / (at[two] - at[one])) * 30
    wide = _Z * np.sqrt(number * (number - 1) * (2 * number + 5) / 18)
    low = round((len(slopes) - wide) / 2) - 1
    high = round((len(slopes) + wide) / 2)
    return (
        number, offset, float(np.median(slopes)), float(slopes[max(low, 0)]), float(slopes[min(high, len(slopes) - 1)]),
    )  # fmt: skip
