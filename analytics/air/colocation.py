"""A cheap monitor beside a reference: how its readings follow from the true ones, and how far off it is.

``monitor = intercept + slope * reference`` by least squares: the reference is held to be right, the error is the
monitor's. Hours that follow each other err alike, so the intervals come from drawing whole days again and again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from store.batch import Float64

#: Fewer pairs of hours, or fewer days of them, say nothing.
PAIRS, DAYS = 72, 7
#: How often the days are drawn again.
DRAWS: Final = 2_000


class Figure(NamedTuple):
    """A value with its interval of 95 %."""

    value: float
    low: float
    high: float


class Colocation(NamedTuple):
    """``hours`` and ``days`` that were compared. ``slope`` [1] and ``intercept`` [ug/m3]; ``bias``, the mean of monitor
    less reference, ``error``, the root of the mean square of it, and ``corrected``, the same of
    ``(monitor - intercept) / slope`` less reference [ug/m3]; ``r2`` [1]."""

    hours: int
    days: int
    slope: Figure
    intercept: Figure
    bias: Figure
    error: Figure
    corrected: Figure
    r2: float


def colocation(monitor: Float64, reference: Float64, generator: np.random.Generator) -> Colocation | None:
    """Compare a monitor with the reference that it hung beside, by hourly means of one pollutant.

    ``monitor``, ``reference``: ``(24 * days,)`` [ug/m3], hours that both have count. None where there are fewer than 72
    such hours on 7 days, or where one of the two never changes. ``generator`` draws the
    days. Raises ValueError where the hours are no whole days or the two differ in length.
    """
    if monitor.shape != reference.shape or monitor.ndim != 1 or len(monitor) % 24:
        raise ValueError(f"whole days of both are compared, not arrays of {monitor.shape} and {reference.shape}")
    both = np.isfinite(monitor) & np.isfinite(reference)
    # sums about a middle: squares of large values would eat the digits of the small difference
    centre = float(np.median(reference[both])) if both.any() else 0.0
    x, y = np.where(both, reference - centre, 0.0), np.where(both, monitor - centre, 0.0)
    days = np.stack([part.reshape(-1, 24).sum(axis=1) for part in (both, x, y, x * x, x * y, y * y)], axis=1)
    days = days[days[:, 0] > 0]
    if both.sum() < PAIRS or len(days) < DAYS or not (np.ptp(monitor[both]) and np.ptp(reference[both])):
        return None
    whole = _figures(days.sum(axis=0)[None])[0]
    if not np.isfinite(whole).all():
        return None
    drawn = generator.multinomial(len(days), np.full(len(days), 1 / len(days)), DRAWS)
    again = _figures(drawn @ days)
    again = again[np.isfinite(again).all(axis=1)]
    again[:, 1] += centre * (1 - again[:, 0])
    whole[1] += centre * (1 - whole[0])
    low, high = np.quantile(again, (0.025, 0.975), axis=0)
    slope, intercept, bias, error, corrected = (
        Figure(float(whole[place]), float(low[place]), float(high[place])) for place in range(5)
    )
    return Colocation(int(both.sum()), len(days), slope, intercept, bias, error, corrected, float(whole[5]))


def _figures(sums: Float64) -> Float64:
    """Slope, intercept, bias, error, corrected error and r2, ``(rows, 6)``, of sums of 1, x, y, xx, xy and yy."""
    number, x, y, xx, xy, yy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = x / number, y / number
        of_x, of_both, of_y = xx / number - mean_x**2, xy / number - mean_x * mean_y, yy / number - mean_y**2
        slope = np.where(of_x > 1e-12 * np.maximum(xx / number, 1e-300), of_both / of_x, np.nan)
        intercept = mean_y - slope * mean_x
        error = np.sqrt(np.maximum((yy - 2 * xy + xx) / number, 0))
        left = np.maximum(of_y - slope * of_both, 0)
        corrected = np.where(slope != 0, np.sqrt(left) / np.abs(slope), np.nan)
        r2 = np.where(of_y > 0, slope * of_both / of_y, np.nan)
    return np.stack((slope, intercept, mean_y - mean_x, error, corrected, r2), axis=1)
