"""The score: rows that should be stored against rows that are. Pure arrays, one pass, no loop over rows.

Times are int64 microseconds since the Unix epoch. Every row of one series and time can be stored once only, so a row
is found by its key; a row without a time of its own is found by its place among those of its series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]

#: What became of a row that should be stored.
MATCHED, WRONG_VALUE, WRONG_TIME, MISSING = range(4)

#: Values are the same when they differ by less than a conversion of units rounds.
_RELATIVE, _ABSOLUTE = 1e-12, 1e-12


class Wanted(NamedTuple):
    """Rows that the table should hold, shapes ``(rows,)``, in the order of publication.

    ``series`` numbers the series from 0; ``tolerance`` [us] is 0 where the time is the message's own.
    """

    series: Int64
    time: Int64
    value: Float64
    tolerance: Int64


class Stored(NamedTuple):
    """Rows of the table, shapes ``(stored,)``, sorted by (series, time)."""

    series: Int64
    time: Int64
    value: Float64


class Match(NamedTuple):
    """``fate`` and ``place`` ``(rows,)``: the stored row or -1; ``claimed`` ``(stored,)``: by one of the rows."""

    fate: UInt8
    place: Int64
    claimed: Bools


def match(wanted: Wanted, stored: Stored) -> Match:
    """Find every wanted row. Of the rows not found, those whose series holds the same value at a time that nobody
    wants are WRONG_TIME."""
    place = np.full(len(wanted.time), -1, np.int64)
    own = wanted.tolerance == 0
    place[own] = find(wanted.series[own], wanted.time[own], stored)
    place[~own] = _in_order(Wanted(*(column[~own] for column in wanted)), stored)
    claimed = np.zeros(len(stored.time), bool)
    claimed[place[place >= 0]] = True
    fate = np.full(len(wanted.time), MISSING, np.uint8)
    found = np.flatnonzero(place >= 0)
    fate[found] = np.where(same(wanted.value[found], stored.value[place[found]]), MATCHED, WRONG_VALUE)
    late = found[np.abs(wanted.time[found] - stored.time[place[found]]) > wanted.tolerance[found]]
    fate[late] = WRONG_TIME
    missing, free = np.flatnonzero(place < 0), np.flatnonzero(~claimed)
    if len(missing) and len(free):
        twin = _pairs((wanted.series[missing], wanted.value[missing]), (stored.series[free], stored.value[free]))
        moved = twin >= 0
        place[missing[moved]] = free[twin[moved]]
        fate[missing[moved]] = WRONG_TIME
        claimed[free[twin[moved]]] = True
    return Match(fate, place, claimed)


def find(series: Int64, time: Int64, stored: Stored) -> Int64:
    """The stored row of each key, -1 where there is none. Shapes: (rows,)."""
    known = len(stored.time)
    both = np.concatenate((stored.series, series)), np.concatenate((stored.time, time))
    order = np.lexsort((both[1], both[0]))  # stable: the stored row leads its key
    begins = np.ones(len(order), bool)
    begins[1:] = (both[0][order][1:] != both[0][order][:-1]) | (both[1][order][1:] != both[1][order][:-1])
    leader = order[np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))]
    result = np.full(len(order), -1, np.int64)
    result[order] = np.where(leader < known, leader, -1)
    return result[known:]


def same(one: Float64, other: Float64) -> Bools:
    """Whether values are equal but for the rounding of a conversion of units."""
    result: Bools = np.abs(one - other) <= _ABSOLUTE + _RELATIVE * np.abs(other)
    return result


def _in_order(wanted: Wanted, stored: Stored) -> Int64:
    """Places of rows without a time of their own: the k-th of a series is the k-th that is stored near its time.

    Where a series has as many as are wanted they are paired as they stand, whatever their values; where it has fewer
    or more, each takes the next one of its value within the tolerance.
    """
    place = np.full(len(wanted.time), -1, np.int64)
    if not len(wanted.time):
        return place
    order = np.argsort(wanted.series, kind="stable")
    series, first, count = np.unique(wanted.series[order], return_index=True, return_counts=True)
    lows, highs = np.searchsorted(stored.series, series), np.searchsorted(stored.series, series, side="right")
    for begin, number, low, high in zip(first.tolist(), count.tolist(), lows.tolist(), highs.tolist(), strict=True):
        rows = order[begin : begin + number]
        reach = int(wanted.tolerance[rows].max())
        times = stored.time[low:high]
        near = np.arange(
            low + np.searchsorted(times, wanted.time[rows].min() - reach),
            low + np.searchsorted(times, wanted.time[rows].max() + reach, side="right"),
        )
        if len(near) == number:
            place[rows] = near
        else:
            _greedy(rows, near, wanted, stored, place)
    return place


def _greedy(rows: Int64, near: Int64, wanted: Wanted, stored: Stored, place: Int64) -> None:
    at = 0
    for row in rows.tolist():
        step = at
        while step < len(near):
            found = int(near[step])
            if (
                abs(stored.time[found] - wanted.time[row]) <= wanted.tolerance[row]
                and same(wanted.value[row : row + 1], stored.value[found : found + 1]).all()
            ):
                place[row], at = found, step + 1
                break
            step += 1


def _pairs(left: tuple[Int64, Float64], right: tuple[Int64, Float64]) -> Int64:
    """For each of ``left`` an entry of ``right`` with the same series and value, each once; -1 where none is left."""
    orders = [np.lexsort((value, series)) for series, value in (left, right)]
    (a, b) = (left, right)
    result = np.full(len(a[0]), -1, np.int64)
    keys: dict[tuple[int, float], list[int]] = {}
    for row in orders[1].tolist():
        keys.setdefault((int(b[0][row]), float(b[1][row])), []).append(row)
    for row in orders[0].tolist():
        waiting = keys.get((int(a[0][row]), float(a[1][row])))
        if waiting:
            result[row] = waiting.pop(0)
    return result


#: Reasons that only ever reject one reading of a message.
_OF_READINGS = frozenset(("bad_value", "bad_unit", "out_of_range", "conflict", "unknown_property"))

#: (device, property or None for a whole message, reason) -> how many.
Rejections = Mapping[tuple[str, str | None, str], int]


@dataclass(slots=True)
class Allotment:
    """Rejections that the ledger wants against those of the table.

    ``found``: readings whose rejection stands in the table, by device; ``absent``: readings whose does not; ``more``:
    rejections that nobody wants, by (device, property or None).
    """

    found: dict[str, int]
    absent: dict[str, int]
    more: dict[tuple[str, str | None], int]


def allot(
    readings: Rejections,
    messages: Mapping[tuple[str, str], Sequence[int]],
    table: Rejections,
    counted: Mapping[str, int],
    *,
    resent: bool = False,
) -> Allotment:
    """Match rejections by device, reason and property.

    ``readings``: wanted readings by (device, property, reason); ``messages``: by (device, reason) the numbers of wanted
    readings in each message, since a message that is rejected whole is one row; ``table``: rows by (device, property
    or None, reason); ``counted``: by device, rejections that were counted and not kept, because there were too many.
    ``resent``: some of it went out twice, nobody knows what, so that as many again as are wanted are no fault.
    """
    left, spare = dict(table), dict(counted)
    result = Allotment({}, {}, {})
    open_: dict[tuple[str, str], int] = {}
    single = {(device, reason) for device, name, reason in table if name is not None}
    single |= {(device, reason) for device, _, reason in readings if reason in _OF_READINGS}
    for (device, name, reason), wanted in readings.items():
        hits = min(wanted, left.get((device, name, reason), 0))
        if hits:
            left[device, name, reason] -= hits
        result.found[device] = result.found.get(device, 0) + hits
        open_[device, reason] = open_.get((device, reason), 0) + wanted - hits
    for (device, reason), wanted in open_.items():
        if not wanted:
            continue
        sizes = messages[device, reason]
        rows = left.get((device, None, reason), 0)
        # messages that are rejected whole are alike: which of them are in the table does not matter for their number
        whole = min(rows, len(sizes))
        covered = min(wanted, sum(sizes[:whole]))
        if whole:
            left[device, None, reason] -= whole
        if (short := wanted - covered) and spare.get(device):
            # each that was only counted stands for one reading, or for a whole message
            units = [1] * short if (device, reason) in single else sizes[whole:]
            used = min(spare[device], len(units))
            spare[device] -= used
            covered = min(wanted, covered + sum(units[:used]))
        result.found[device] = result.found.get(device, 0) + covered
        if wanted > covered:
            result.absent[device] = result.absent.get(device, 0) + wanted - covered
    for (device, name, reason), surplus in left.items():
        twice = len(messages.get((device, reason), ())) if name is None else readings.get((device, name, reason), 0)
        count = surplus - min(surplus, twice) if resent else surplus
        if count:
            result.more[device, name] = result.more.get((device, name), 0) + count
    for device, count in spare.items():
        if count:
            result.more[device, None] = result.more.get((device, None), 0) + count
    return result


def without_later(more: Mapping[tuple[str, str | None], int], later: Rejections) -> dict[tuple[str, str | None], int]:
    """Rejections beyond those wanted, less those that came after the ledger's end, by device and property.

    ``later``: rows by (device, property or None, reason). A late one that the ledger is to blame for leaves a reading
    missing, so it still counts there.
    """
    result = dict(more)
    for (device, name, _reason), count in later.items():
        if (device, name) in result:
            result[device, name] = max(0, result[device, name] - count)
    return {key: count for key, count in result.items() if count}


def quantiles(values: Float64) -> dict[str, float] | None:
    """Median, 95th and 99th percentile and maximum; None where there is nothing."""
    if not len(values):
        return None
    p50, p95, p99, most = np.quantile(values, (0.5, 0.95, 0.99, 1.0)).tolist()
    return {"p50": p50, "p95": p95, "p99": p99, "max": most}
