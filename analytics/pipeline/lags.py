"""Quantiles of lags that were counted in a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


def quantile(counts: Int64, bounds: Float64, share: float) -> Float64:
    """The value [unit of ``bounds``] below which ``share`` of the counted lie; NaN where nothing was counted.

    ``counts`` ``(..., n)`` by upper bound, the last of what lies above ``bounds`` ``(n - 1,)``, which rise and are
    positive; the answer is ``(...)``. Within its bin a value is taken to lie geometrically between the bounds (the
    first bin: evenly from zero), so the error is less than the bin's width. What lies above the last bound is told as
    that bound.
    """
    total = counts.sum(axis=-1)
    rank = share * total
    above = np.cumsum(counts, axis=-1)
    place = np.argmax(above >= np.maximum(rank, 0.5)[..., None], axis=-1)
    own = np.take_along_axis(counts, place[..., None], -1)[..., 0]
    below = np.take_along_axis(above, place[..., None], -1)[..., 0] - own
    part = np.clip((rank - below) / np.maximum(own, 1), 0.0, 1.0)
    last = len(bounds) - 1
    high = bounds[np.minimum(place, last)]
    low = bounds[np.clip(place - 1, 0, last)]
    found = np.where(place == 0, high * part, low * (high / low) ** part)
    return np.where(total > 0, found, np.nan)
