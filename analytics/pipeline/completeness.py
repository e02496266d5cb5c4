"""What of a device's messages and readings arrived, from the numbers they carry, their rhythm, and their registers.

Arrays in, arrays out. Instants are int64 microseconds since the Unix epoch; days are UTC.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

DAY = 86_400_000_000


class NumberGaps(NamedTuple):
    """Gaps between runs of message numbers: ``(gaps,)``.

    ``missing`` numbers between a message at ``after`` and one at ``before``. ``restarted``: whether the device's
    counter began anew somewhere, so that runs cannot be compared and gaps may be hidden.
    """

    missing: Int64
    after: Int64
    before: Int64
    restarted: bool


def number_gaps(first: Int64, last: Int64, first_time: Int64, last_time: Int64) -> NumberGaps:
    """Gaps between unbroken runs ``first..last`` of one device, each ``(runs,)``, in any order.

    A later number with an earlier time shows that the counter restarted: between such runs nothing is missing.
    """
    order = np.argsort(first, kind="stable")
    first, last, first_time, last_time = first[order], last[order], first_time[order], last_time[order]
    missing = first[1:] - last[:-1] - 1
    backwards = first_time[1:] < last_time[:-1]
    gap = (missing > 0) & ~backwards
    return NumberGaps(missing[gap], last_time[:-1][gap], first_time[1:][gap], bool(backwards.any()))


class Cells(NamedTuple):
    """By day from ``start`` on: cells of a rhythm that should hold a reading, and those that do. ``(days,)``."""

    expected: Int64
    present: Int64


def cells(times: Int64, since: int, start: int, end: int, step: int) -> Cells:
    """Count the cells of ``step`` [us] between ``start`` (a midnight) and ``end`` that hold a reading.

    ``times``: of one series, sorted. Nothing is expected of cells that begin before ``since``, when the series did.
    A cell [k step, (k + 1) step) counts for the day in which it begins, and only if it ends by ``end``.
    """
    days = -(-(end - start) // DAY)
    edges = start + np.arange(days + 1) * DAY
    begin = max(start, since)
    # the first cell that begins at or after `begin`, or that a first reading within the step has opened
    lowest = begin // step if begin == since else -(-begin // step)
    bounds = np.clip(-(-edges // step), lowest, max(lowest, end // step))
    held = np.unique(times // step)
    held = held[(held >= bounds[0]) & (held < bounds[-1])]
    present = np.searchsorted(held, bounds[1:]) - np.searchsorted(held, bounds[:-1])
    return Cells(np.diff(bounds).astype(np.int64), present.astype(np.int64))


class Balance(NamedTuple):
    """By day: what a register rose by between its first and last reading, and the sum of the intervals between.

    Both in the register's unit, NaN where a day has no two register readings on the intervals' grid.
    ``intervals``: how many there should be between the two. ``(days,)``.
    """

    register: Float64
    summed: Float64
    intervals: Int64


def balance(
    register_times: Int64,
    register: Float64,
    interval_times: Int64,
    intervals: Float64,
    start: int,
    end: int,
    step: int,
) -> Balance:
    """Compare a register with its intervals, day by day. Times sorted; ``step`` [us] is the interval's length.

    A day's last register reading may be the next midnight's, so that whole days are compared where they can be.
    """
    days = -(-(end - start) // DAY)
    edges = start + np.arange(days + 1) * DAY
    grid = register_times % step == 0
    at, value = register_times[grid], register[grid]
    low, high = np.searchsorted(at, edges[:-1]), np.searchsorted(at, edges[1:], side="right") - 1
    known = high > low
    rose, total, count = np.full(days, np.nan), np.full(days, np.nan), np.zeros(days, np.int64)
    if known.any():
        from_place, to_place = low[known], high[known]
        sums = np.concatenate(([0.0], np.cumsum(intervals)))
        rose[known] = value[to_place] - value[from_place]
        total[known] = (
            sums[np.searchsorted(interval_times, at[to_place])] - sums[np.searchsorted(interval_times, at[from_place])]
        )
        count[known] = (at[to_place] - at[from_place]) // step
    return Balance(rose, total, count)


def disagrees(found: Balance, resolution: float = 0.001) -> Bools:
    """Whether register and intervals differ by more than rounding: half a ``resolution`` each value. ``(days,)``."""
    allowed = resolution * (found.intervals / 2 + 1) + 1e-9
    with np.errstate(invalid="ignore"):
        result: Bools = np.abs(found.register - found.summed) > allowed
    return result
