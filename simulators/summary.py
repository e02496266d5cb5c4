"""What a set of series is like: mean, quantiles, autocorrelation and means by hour. For both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
#: Lags of the autocorrelation [h].
LAGS = (0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 168.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics of some series of one quantity, in its unit."""

    series: int
    values: int
    mean: float
    deviation: float
    #: Each series' own, then the mean over the series.
    quantiles: Mapping[float, float]
    #: 10 %, 50 % and 90 % quantiles of the series' means, None for a single series.
    of_means: tuple[float, float, float] | None
    #: By lag [h]: each series' own, then the mean over the series.
    autocorrelation: Mapping[float, float]
    #: Means by local time, 24 values; empty where the data have no such thing.
    by_hour: Sequence[float]
    #: Means by local time, 168 values, Monday first; empty where the data have no such thing.
    by_hour_of_week: Sequence[float]


def summarise(values: Float64, step: float, hour_of_week: Int64) -> Summary:
    """Summarise ``values``, shape (series, instants), NaN where there is none, ``step`` [h] apart.

    ``hour_of_week``, shape (instants,), is the local hour 0 to 167. Raises ValueError where there is no value at all.
    """
    values = values[np.isfinite(values).any(axis=1)]
    if not len(values):
        raise ValueError("no values to summarise")
    means = np.nanmean(values, axis=1)
    marks = np.nanquantile(values, QUANTILES, axis=1).mean(axis=1)
    lags = [lag for lag in LAGS if lag >= step and float(lag / step).is_integer() and lag / step < values.shape[1] / 2]
    by_week = _means_by(values, hour_of_week, 168)
    return Summary(
        series=len(values),
        values=int(np.isfinite(values).sum()),
        mean=float(means.mean()),
        deviation=float(np.nanstd(values, axis=1).mean()),
        quantiles=dict(zip(QUANTILES, marks.tolist(), strict=True)),
        of_means=_tenths(means),
        autocorrelation={lag: _autocorrelation(values, round(lag / step)) for lag in lags},
        by_hour=_means_by(values, hour_of_week % 24, 24),
        by_hour_of_week=by_week,
    )


def summarise_ages(values: Float64) -> Summary:
    """Summarise numbers without an order in time, shape (values,)."""
    if not len(values):
        raise ValueError("no values to summarise")
    marks = np.quantile(values, QUANTILES).tolist()
    return Summary(
        series=1,
        values=len(values),
        mean=float(values.mean()),
        deviation=float(values.std()),
        quantiles=dict(zip(QUANTILES, marks, strict=True)),
        of_means=None,
        autocorrelation={},
        by_hour=(),
        by_hour_of_week=(),
    )


def _tenths(means: Float64) -> tuple[float, float, float] | None:
    if len(means) < 2:
        return None
    low, middle, high = np.quantile(means, (0.1, 0.5, 0.9)).tolist()
    return low, middle, high


def _means_by(values: Float64, group: Int64, groups: int) -> list[float]:
    """Mean of all values of each group; NaN for a group without any."""
    known = np.isfinite(values)
    total = np.bincount(group, np.where(known, values, 0.0).sum(axis=0), groups)
    number = np.bincount(group, known.sum(axis=0), groups)
    return [float(part / count) if count else float("nan") for part, count in zip(total, number, strict=True)]


def _autocorrelation(values: Float64, lag: int) -> float:
    """Correlation of each series with itself ``lag`` steps later where both are known, mean over series that vary."""
    found = []
    for series in values:
        early, late = series[:-lag], series[lag:]
        both = np.isfinite(early) & np.isfinite(late)
        if both.sum() > 2:
            early, late = early[both] - early[both].mean(), late[both] - late[both].mean()
            scale = float(np.sqrt((early**2).sum() * (late**2).sum()))
            if scale > 0:
                found.append(float((early * late).sum()) / scale)
    return float(np.mean(found)) if found else float("nan")
