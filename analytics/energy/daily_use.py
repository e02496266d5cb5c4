"""Readings of meters to integer watt-hours a local day. Pure: arrays in, arrays out.

A reading becomes a **step**: energy between two instants.

- An interval is one step from its time on, as long as the device says, or to the next reading where that comes sooner;
  its kWh are rounded to watt-hours, half up. More than the supply can carry in that time is no reading.
- Registers are rounded to watt-hours (volumes to litres), half up, and each two neighbours make a step: differences of
  integers, so that half-hours sum to their day and days to the register's own difference, exactly.
- A register's step is impossible if it falls, or rises by more than the supply can carry in its time and the register's
  own resolution. One reading between two that make a possible step, but no possible step with it, is a **glitch** and
  left out; of two such neighbours the earlier. A register that falls otherwise restarted, was corrected, or nobody
  knows (`register_falls`): the first two make steps whose time is not measured. Any other impossible step says nothing.
- Readings that waited somewhere and came within seconds are one (`crowded_readings`).
- A day in which a register falls more than once without a restart has no value: it counts backwards while a home
  exports, or is broken.
- A step over local midnight is divided by time, to the floor at each midnight. If it is longer than two hours, it is a
  **gap**: its energy stands in its days, its time is not measured in them. Within one day a step of any length is
  measured, since the day's energy is exact.
- A day has a value where steps cover at least half of it; where they cover less than all of it, the value is that of
  the whole day at the same rate (half up, time in whole seconds).

What a supply carries at most: electricity and export 25.3 kW (100 A at 253 V, the highest that one phase may have; a
device's attribute ``supply`` [kW] says otherwise), gas 200 kW or 16 m3/h (a meter of 16 m3/h, the largest in homes),
heat 200 kW.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.energy import register_falls
from analytics.energy.crowded_readings import crowded
from devices.duration import duration

Int64 = NDArray[np.int64]
Int16 = NDArray[np.int16]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

NONE = -1
MINUTE = 60_000_000
HOUR = 60 * MINUTE
#: A longer step over midnight is a gap [us].
GAP = 2 * HOUR
#: So many readings before and after a span decide what the steps in it are: a fall is told by those near it, and each
#: of them may be a glitch, which is told by its neighbours.
MARGIN = register_falls.RETURN + 6
#: A day in which a register falls more often, restarts left out, has no value.
_MOST_FALLS = 1

_NUMBER = re.compile(r"\d{1,4}(\.\d{1,3})?\Z", re.ASCII)
_LONGEST = 10 * 365 * 24 * HOUR
_DEFAULT_INTERVAL = 30 * MINUTE


class Source(NamedTuple):
    """What a property of a meter measures.

    ``scale``: integer units in one of the property's: watt-hours, or litres where ``volume``. ``limit`` [units/h]:
    what the supply can carry; ``slack`` [units]: by how much a register may rise at once, its resolution.
    """

    fuel: str
    limit: int
    slack: int
    scale: int = 1_000
    volume: bool = False


INTERVAL = "import_interval"
SOURCES: Mapping[str, Source] = {
    INTERVAL: Source("electricity", 25_300, 0),
    "import_register": Source("electricity", 25_300, 1_000),
    "export_register": Source("export", 25_300, 1_000),
    "gas_register": Source("gas", 200_000, 12_000),
    "gas_volume_register": Source("gas", 16_000, 1_000, volume=True),
    "heat_register": Source("heat", 200_000, 3_000),
}


_NO_ROWS = np.empty(0, np.int64)


class Steps(NamedTuple):
    """Energy between two instants, ``(steps,)``, sorted by ``row`` and ``start``; no two of a row overlap.

    ``start``, ``end`` [us since the Unix epoch]; ``amount`` [Wh or litres]; ``sure``: its time counts as measured.
    ``beyond``: rows, rising, that had more in some time than their supply carries, which is left out. ``fall_row``,
    ``fall_at`` [us] ``(falls,)``: when a register of a row was lower than before and had not begun again at zero.
    """

    row: Int64
    start: Int64
    end: Int64
    amount: Int64
    sure: Bools
    beyond: Int64 = _NO_ROWS
    fall_row: Int64 = _NO_ROWS
    fall_at: Int64 = _NO_ROWS


class Spread(NamedTuple):
    """By span of time ``(rows, spans)``: ``amount`` [Wh or litres], time ``covered`` by steps and ``measured`` [us].

    ``falls``: how many without a restart; None: no row has any.
    """

    amount: Int64
    covered: Int64
    measured: Int64
    falls: Int64 | None = None


class Days(NamedTuple):
    """``use`` [Wh or litres] of whole days, -1: no value; ``minutes`` measured. ``(rows, days)``."""

    use: Int64
    minutes: Int16


def interval_length(text: str | None) -> int:
    """Length [us] of an ISO 8601 duration such as PT30M, PT1H, PT15M; half an hour where it is none."""
    return duration(text) or _DEFAULT_INTERVAL


def supply_limit(name: str, supply: str | None) -> int:
    """What the supply of a property's fuel carries at most [units/h]; ``supply``: the device's attribute [kW]."""
    source = SOURCES[name]
    if source.fuel in ("electricity", "export") and supply is not None and _NUMBER.match(supply):
        return round(float(supply) * 1_000)
    return source.limit


def rounded(values: Float64, scale: float | Float64 = 1.0) -> Int64:
    """``values * scale`` to integers, half up; what floats do to the seventh decimal does not decide."""
    result: Int64 = np.floor(np.round(values * scale, 6) + 0.5).astype(np.int64)
    return result


def interval_steps(offsets: Int64, times: Int64, kwh: Float64, length: Int64, limit: Int64) -> Steps:
    """Steps of interval series.

    ``offsets`` ``(rows + 1,)``: row i has ``times[offsets[i]:offsets[i + 1]]`` [us], rising; ``length`` [us] and
    ``limit`` [W] ``(rows,)``.
    """
    row = _rows(offsets)
    amount = rounded(kwh, 1_000)
    end = times + length[row]
    if len(row):
        follows = row[1:] == row[:-1]
        end[:-1] = np.where(follows, np.minimum(end[:-1], times[1:]), end[:-1])
    beyond = amount > _carried(limit, length)[row]
    good = (amount >= 0) & ~beyond
    sure = np.ones(int(good.sum()), np.bool_)
    return Steps(row[good], times[good], end[good], amount[good], sure, _some_rows(row, beyond))


def register_steps(
    offsets: Int64, times: Int64, values: Float64, limit: Int64, slack: int, scale: int = 1_000
) -> Steps:
    """Steps of registers. ``limit`` ``(rows,)`` [units/h], ``slack`` [units], ``scale``: units in one of ``values``."""
    row = _rows(offsets)
    amount = rounded(values, scale)
    together = crowded(row, times, amount, _carried(limit, np.full_like(limit, MINUTE)))
    if together is not None:
        row, times, amount = row[~together], times[~together], amount[~together]
    glitches = _glitches(row, times, amount, limit, slack)
    place = None
    if glitches.any():
        place = np.flatnonzero(~glitches)
        row, times, amount = row[place], times[place], amount[place]
    pair = np.flatnonzero(row[1:] == row[:-1])
    row, start, end = row[pair], times[pair], times[pair + 1]
    old, new = amount[pair], amount[pair + 1]
    energy = new - old
    most = _carried(limit[row], end - start) + slack
    fallen = energy < 0
    good = (energy <= most) & ~fallen
    beyond = _some_rows(row, energy > most)
    falls = np.flatnonzero(fallen)
    if not len(falls):
        return Steps(row[good], start[good], end[good], energy[good], np.ones(int(good.sum()), np.bool_), beyond)
    before, after = (pair, pair + 1) if place is None else (place[pair], place[pair + 1])
    pairs = register_falls.Pairs(row, before, after, start, end, old, new, most, good)
    restarts, corrections = register_falls.judged(pairs, falls, limit, slack)
    returned = register_falls.returns(pairs, falls, limit, slack)
    sure = good.copy()
    good[returned] = False
    good[restarts] = good[corrections] = True
    energy[restarts], energy[corrections] = new[restarts], 0
    down = np.setdiff1d(falls, restarts, assume_unique=True)
    return Steps(row[good], start[good], end[good], energy[good], sure[good], beyond, row[down], end[down])


def waited(offsets: Int64, times: Int64, values: Float64, limit: Int64, scale: int = 1_000) -> Bools | None:
    """Which readings of registers are left out since they waited with a later one; None: none. Arguments as of
    ``register_steps``."""
    return crowded(_rows(offsets), times, rounded(values, scale), _carried(limit, np.full_like(limit, MINUTE)))


def _some_rows(row: Int64, mask: Bools) -> Int64:
    """The rows of a mask, rising, each once; mostly there are none."""
    return np.unique(row[mask]) if mask.any() else _NO_ROWS


def of_row(steps: Steps, row: int) -> Steps:
    """The steps of one row alone, which becomes row 0."""
    own, falls = steps.row == row, steps.fall_row == row
    return Steps(
        np.zeros(int(own.sum()), np.int64),
        steps.start[own],
        steps.end[own],
        steps.amount[own],
        steps.sure[own],
        fall_row=np.zeros(int(falls.sum()), np.int64),
        fall_at=steps.fall_at[falls],
    )


def without_crossing(steps: Steps, row: Int64, cut: Int64) -> Steps:
    """Leave out the gaps with a cut inside: their energy belongs to two sides and nobody knows how much to which.

    ``row``, ``cut`` [us]: instants, whole seconds, at which a row passes from one household to another; ``(cuts,)``.
    """
    place = np.flatnonzero(steps.end - steps.start > GAP)
    if not len(place) or not len(row):
        return steps
    base = int(min(steps.start[place].min(), cut.min())) // 1_000_000
    keys = np.sort((row << 33) + cut // 1_000_000 - base)
    key = steps.row[place] << 33
    first = np.searchsorted(keys, key + steps.start[place] // 1_000_000 - base, side="right")
    last = np.searchsorted(keys, key + -(-steps.end[place] // 1_000_000) - base, side="left")
    keep = np.ones(len(steps.row), np.bool_)
    keep[place[last > first]] = False
    return steps._replace(
        row=steps.row[keep],
        start=steps.start[keep],
        end=steps.end[keep],
        amount=steps.amount[keep],
        sure=steps.sure[keep],
    )


def spread(steps: Steps, rows: int, edges: Int64) -> Spread:
    """Sum steps by spans of time. ``edges`` ``(spans + 1,)`` [us], rising: local midnights, or half-hours."""
    spans = len(edges) - 1
    low = np.searchsorted(edges, steps.start, side="right") - 1
    high = np.searchsorted(edges, steps.end, side="left") - 1
    size = rows * spans
    inside = np.flatnonzero((low == high) & (low >= 0) & (low < spans))
    key = steps.row[inside] * spans + low[inside]
    length = steps.end[inside] - steps.start[inside]
    amount = _sums(key, steps.amount[inside], size)
    covered = _sums(key, length, size)
    measured = _sums(key, length * steps.sure[inside], size)

    over = np.flatnonzero(low != high)
    first, last = np.maximum(low[over], 0), np.minimum(high[over], spans - 1)
    counts = last - first + 1
    over = np.repeat(over, counts)
    span = np.arange(len(over)) + np.repeat(first - np.cumsum(counts) + counts, counts)
    start, end = steps.start[over], steps.end[over]
    inner_start, inner_end = np.maximum(start, edges[span]), np.minimum(end, edges[span + 1])
    key = steps.row[over] * spans + span
    share = _share(steps.amount[over], inner_end - start, end - start)
    share -= _share(steps.amount[over], inner_start - start, end - start)
    amount += _sums(key, share, size)
    covered += _sums(key, inner_end - inner_start, size)
    measured += _sums(key, (inner_end - inner_start) * (steps.sure[over] & (end - start <= GAP)), size)
    shape = (rows, spans)
    falls = None
    if len(steps.fall_row):
        # a reading at midnight ends the day before
        span = np.searchsorted(edges, steps.fall_at, side="left") - 1
        here = (span >= 0) & (span < spans)
        falls = np.bincount(steps.fall_row[here] * spans + span[here], minlength=size).reshape(shape)
    return Spread(amount.reshape(shape), covered.reshape(shape), measured.reshape(shape), falls)


def whole_days(found: Spread, edges: Int64) -> Days:
    """Values of whole days from what steps cover of them. ``edges`` ``(days + 1,)``: local midnights [us].

    A day in which a register falls more than once without a restart has no value, and nothing of it is measured.
    """
    length = np.diff(edges)
    seconds, day = found.covered // 1_000_000, length // 1_000_000
    enough = (found.covered > 0) & (2 * found.covered >= length)
    part = enough & (found.covered < length)
    use = np.where(enough, found.amount, NONE)
    if part.any():
        whole = (2 * found.amount * day + seconds) // np.maximum(2 * seconds, 1)
        use = np.where(part, whole, use)
    minutes = (found.measured // MINUTE).astype(np.int16)
    if found.falls is not None:
        wrong = found.falls > _MOST_FALLS
        use, minutes = np.where(wrong, NONE, use), np.where(wrong, np.int16(0), minutes)
    return Days(use, minutes)


def falling(found: Spread) -> Int64:
    """The rows, rising, that have a day without a value since their register fell more than once in it."""
    return _NO_ROWS if found.falls is None else np.flatnonzero((found.falls > _MOST_FALLS).any(axis=1))


def from_litres(days: Days, factor: Float64) -> Days:
    """Litres of gas to watt-hours; ``factor`` ``(days,)`` [kWh/m3]."""
    use = np.where(days.use < 0, NONE, rounded(days.use.astype(np.float64), factor))
    return Days(use, days.minutes)


def more_measured(first: Days, second: Days) -> Bools:
    """Where the second of two measurements of the same counts: only it has a value, or it measured more."""
    result: Bools = (second.use >= 0) & ((first.use < 0) | (second.minutes > first.minutes))
    return result


def only_where_missing(first: Days, second: Days) -> Bools:
    """Where the second of two measurements of the same counts if the first always goes before."""
    result: Bools = (second.use >= 0) & (first.use < 0)
    return result


def either(first: Days, second: Days, second_counts: Bools) -> Days:
    """One measurement out of two; where neither has a value the minutes of the one that measured more."""
    minutes = np.where(second_counts, second.minutes, first.minutes)
    minutes = np.where((first.use < 0) & ~second_counts, np.maximum(first.minutes, second.minutes), minutes)
    return Days(np.where(second_counts, second.use, first.use), minutes)


def together(home: Int64, meters: Days, homes: int) -> Days:
    """Meters of the same fuel to homes: those with a value that day add up, and the one that measured least tells how
    much was measured.

    ``home`` ``(meters,)``: whose a meter is. A meter that is silent for a whole day is not known to lack.
    """
    shape = (homes, meters.use.shape[1])
    has = meters.use >= 0
    use, counts = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    np.add.at(use, home, np.where(has, meters.use, 0))
    np.add.at(counts, home, has)
    least = np.full(shape, np.iinfo(np.int16).max, np.int16)
    np.minimum.at(least, home, np.where(has, meters.minutes, np.iinfo(np.int16).max).astype(np.int16))
    most = np.zeros(shape, np.int16)
    np.maximum.at(most, home, meters.minutes)
    return Days(np.where(counts > 0, use, NONE), np.where(counts > 0, least, most))


def _rows(offsets: Int64) -> Int64:
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def _carried(limit: Int64, time: Int64) -> Int64:
    """What a supply of ``limit`` [units/h] carries in a time [us], whole units."""
    most: Int64 = limit * (np.minimum(time, _LONGEST) // 1_000) // 3_600_000
    return most


def _glitches(row: Int64, times: Int64, amount: Int64, limit: Int64, slack: int) -> Bools:
    """Single readings that are wrong: no possible step with a neighbour, but the neighbours make one."""
    found = np.zeros(len(row), np.bool_)
    if len(row) < 3:
        return found

    def possible(apart: int) -> Bools:
        rise = amount[apart:] - amount[:-apart]
        most = _carried(limit[row[apart:]], times[apart:] - times[:-apart]) + slack
        result: Bools = (rise >= 0) & (rise <= most) & (row[apart:] == row[:-apart])
        return result

    one = possible(1)
    # the ends of a row have a neighbour of another row: no possible step over them
    found[1:-1] = ~(one[:-1] & one[1:]) & possible(2)
    found[1:] &= ~found[:-1]
    return found


def _share(amount: Int64, part: Int64, whole: Int64) -> Int64:
    """``amount * part // whole``, exactly, although the product has more than 64 bits."""
    share: Int64 = np.floor(amount * (part / whole)).astype(np.int64)
    # the remainder is small, so that it is right modulo 2**64
    share += (amount * part - share * whole) // whole
    return share


def _sums(key: Int64, values: Int64, size: int) -> Int64:
    """Sum integers by key; exact, for no sum reaches 2**53."""
    sums: Int64 = np.bincount(key, weights=values.astype(np.float64), minlength=size).astype(np.int64)
    return sums
