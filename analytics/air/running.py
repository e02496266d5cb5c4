"""Running means of hours: of 8 hours for ozone, of 24 for particles. A running mean belongs to its last hour."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64

Number = TypeVar("Number", bound=np.number[Any])

#: So many hours are worked on at once, so that they stay in the processor's cache.
BLOCK = 1 << 16


def running(mean: Float64, window: int, needed: int) -> Float64:
    """Means of the last ``window`` hours where at least ``needed`` of them are there, else NaN.

    ``mean``: hourly means, hours on the last axis, NaN where missing; what comes out has the same shape. Hours before
    the first are missing. Each mean is summed by itself, by halves: a sum that is carried along by adding and taking
    away keeps the rounding of all that it ever held.
    Raises ValueError where ``needed`` is not from 1 to ``window``, or ``window`` over 120.
    """
    if not 1 <= needed <= window <= 120:
        raise ValueError(f"a window has 1 to 120 hours, of which 1 to all are needed: not {needed} of {window}")
    mean = np.asarray(mean, np.float64)
    found = np.empty_like(mean, order="C")
    if not mean.size:
        return found
    hours = mean.shape[-1]
    rows, out = mean.reshape(-1, hours), found.reshape(-1, hours)
    step = max(1, min(len(rows), BLOCK // hours))
    numbers, totals = _Sums(np.dtype(np.int8), step, hours), _Sums(np.dtype(np.float64), step, hours)
    values = np.empty((step, hours))
    for first in range(0, len(rows), step):
        some, means = rows[first : first + step], out[first : first + step]
        there = np.isfinite(some)
        known = values[: len(some)]
        np.copyto(known, some)
        np.copyto(known, 0, where=~there)
        number = numbers.of(there.view(np.int8), window)
        # nothing by nothing, where no hour is there, is none of the means that count; a division by mask takes seven
        # times as long
        with np.errstate(invalid="ignore"):
            np.divide(totals.of(known, window), number, out=means)
        np.copyto(means, np.nan, where=number < needed)
    return found


class _Sums(Generic[Number]):
    """Sums of the last so many hours of some rows; what it needs for it is allocated once, and not for each block."""

    def __init__(self, kind: np.dtype[Number], rows: int, hours: int) -> None:
        self._three: NDArray[Number] = np.empty((3, rows, hours), kind)

    def of(self, values: NDArray[Number], window: int) -> NDArray[Number]:
        """Sums ``(rows, hours)`` on the last axis: of 24 as of 16 and 8, of 16 as of 8 and 8, and so on. ``values`` are
        left as they are, and are the sums of one hour."""
        free: list[NDArray[Number]] = [of_all[: len(values)] for of_all in self._three]
        sums, power = values, 1
        total: NDArray[Number] | None = None
        covered = 0
        while True:
            if window & power:
                total, before = sums, total
                if before is not None:
                    total = free.pop()
                    _later(sums, before, power, total)
                    if before is not values:
                        free.append(before)
                covered += power
            if total is not None and covered == window:
                return total
            double = free.pop()
            _later(sums, sums, power, double)
            if sums is not values and sums is not total:
                free.append(sums)
            sums, power = double, power * 2


def _later(one: NDArray[Number], other: NDArray[Number], by: int, out: NDArray[Number]) -> None:
    """``one`` plus ``other`` of so many hours before."""
    np.copyto(out[:, :by], one[:, :by])
    if by < out.shape[1]:
        np.add(one[:, by:], other[:, :-by], out=out[:, by:])
