"""Hourly and 15-minute means of readings, with their capture: in one piece, or streamed so that a year is never held.

A mean needs 75 % of the readings that are expected in its time, else it is missing: 45 of the 60 minutes of an hour, 12
of the 15 of a quarter. A reading belongs to the hour that its time is in (half-open); one that is no number is none.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64

MINUTE: Final = 60_000_000
QUARTER: Final = 15 * MINUTE
HOUR: Final = 60 * MINUTE
#: Of what is expected so much must be there: numerator, denominator.
CAPTURE: Final = (3, 4)
#: With fewer expected readings a span has no mean. Not 1: a clock that is a bit slow makes steps of an hour and a bit.
SELDOM: Final = 0.99


class Hourly(NamedTuple):
    """Means of hours, or of quarter hours, ``(series, spans)``.

    ``mean``: of the readings, NaN where fewer than 75 % of the expected ones are there. ``captured``: readings by
    expected readings, 0 to 1; 0 where a span is too short for what sends so seldom.
    """

    mean: Float64
    captured: Float64


class Carry(NamedTuple):
    """What one piece of a stream leaves to the next, ``(series,)``: sum and number of the readings of the span that is
    not over, and until when [us] readings were taken in."""

    total: Float64
    number: Int64
    until: int


def hourly(
    time: Int64, value: NDArray[np.floating[Any]], offsets: Int64, start: int, hours: int, expected: Float64 | Int64
) -> Hourly:
    """Hourly means of many series.

    ``time`` [us] and ``value`` ``(readings,)``: those of series i stand from ``offsets[i]`` to ``offsets[i + 1]``, in
    any order; ``offsets`` ``(series + 1,)``. Hours are counted from ``start`` [us], a full hour UTC; readings outside
    are left out. ``expected``: readings of an hour, ``(series,)`` or ``(series, hours)``; below 0.99 there is no mean.
    Raises ValueError where ``start`` is no full hour or the arrays do not fit.
    """
    return spans(time, value, offsets, start, hours, expected, HOUR)


def quarters(
    time: Int64, value: NDArray[np.floating[Any]], offsets: Int64, start: int, hours: int, expected: Float64 | Int64
) -> Hourly:
    """15-minute means, ``(series, 4 * hours)``, of the same: ``expected`` are the readings of an **hour** here too.

    What sends less often than each 15 minutes has none.
    """
    expected = np.asarray(expected, np.float64) / 4
    return spans(
        time, value, offsets, start, 4 * hours, expected if expected.ndim == 1 else expected.repeat(4, 1), QUARTER
    )


def spans(
    time: Int64,
    value: NDArray[np.floating[Any]],
    offsets: Int64,
    start: int,
    count: int,
    expected: Float64 | Int64,
    length: int,
) -> Hourly:
    """Means of ``count`` spans of ``length`` [us] from ``start`` on; the rest as in `hourly`, ``expected`` of one."""
    total, number = _sums(time, value, offsets, start, count, length)
    return _means(total, number, expected)


def nothing(series: int, start: int) -> Carry:
    """The carry before the first piece of a stream that begins at ``start`` [us]."""
    return Carry(np.zeros(series), np.zeros(series, np.int64), start)


def advance(
    time: Int64,
    value: NDArray[np.floating[Any]],
    offsets: Int64,
    carry: Carry,
    until: int,
    expected: Float64 | Int64,
    length: int = HOUR,
) -> tuple[Hourly, Carry]:
    """The next piece of a stream: means of the spans that are over by ``until`` [us], and what the next piece needs.

    The readings are those from ``carry.until`` to ``until``; others are left out. The first span is the one that
    ``carry.until`` is in. The arrays as in `hourly`, ``expected`` of a span, ``(series,)``.
    However a stream is cut, its means are those of the whole (sums may differ in their last bit).
    """
    if until < carry.until:
        raise ValueError(f"a stream that was read until {carry.until} does not go back to {until}")
    start = carry.until // length * length
    over = until // length - start // length
    total, number = _sums(time, value, offsets, start, over + 1, length, carry.until, until)
    total[:, 0] += carry.total
    number[:, 0] += carry.number
    return (
        _means(total[:, :over], number[:, :over], expected),
        Carry(total[:, over].copy(), number[:, over].copy(), until),
    )


def begun(time: Int64, offsets: Int64, by_end: NDArray[np.bool_]) -> Int64:
    """Times of hourly sources by the hour's beginning: an hour is taken from those of series that label the end.

    ``by_end`` ``(series,)``: whether a series says an hour by its end (``hour_label = end``).
    """
    return time - HOUR * np.repeat(by_end, np.diff(offsets)).astype(np.int64)


def _sums(
    time: Int64,
    value: NDArray[np.floating[Any]],
    offsets: Int64,
    start: int,
    count: int,
    length: int,
    first: int | None = None,
    end: int | None = None,
) -> tuple[Float64, Int64]:
    """Sum and number of readings by series and span, of those from ``first`` to ``end``."""
    if start % length:
        raise ValueError(f"{start} is not the beginning of a span of {length} us")
    if len(time) != len(value) or not len(offsets) or offsets[0] != 0 or offsets[-1] != len(time):
        raise ValueError(f"{len(time)} times, {len(value)} values and offsets to {offsets[-1:]} do not fit")
    series = len(offsets) - 1
    first = start if first is None else first
    end = start + count * length if end is None else end
    place = (time - start) // length
    place += np.repeat(np.arange(series, dtype=np.int64) * count, np.diff(offsets))
    used = (time >= first) & (time < end) & np.isfinite(value)
    if not used.all():
        place, value = place[used], value[used]
    size = series * count
    total: Float64 = np.bincount(place, value, size).astype(np.float64, copy=False).reshape(series, count)
    number: Int64 = np.bincount(place, minlength=size).astype(np.int64, copy=False).reshape(series, count)
    return total, number


def _means(total: Float64, number: Int64, expected: Float64 | Int64) -> Hourly:
    wanted = np.asarray(expected, np.float64)
    if wanted.ndim == 1:
        wanted = wanted[:, None]
    if not (wanted > 0).all():
        raise ValueError("the expected number of readings is above 0 for every series")
    seldom = wanted < SELDOM
    wanted = np.broadcast_to(wanted, total.shape)
    part, whole = CAPTURE
    enough = (whole * number >= part * wanted) & ~seldom
    mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=enough)
    captured = np.where(seldom, 0.0, np.minimum(number / wanted, 1.0))
    return Hourly(mean, captured)
