"""Days (UTC) of monitors, computed from their readings and written where they changed; local days from their hours."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.air import INDEXED
from analytics.air.daily import daily, hours_of
from analytics.air.index import WINDOWS, highest_quarter, index
from analytics.air.means import HOUR, hourly, quarters
from analytics.air.running import running
from store import air_record
from store.air_record import NONE, Register, SeriesDays
from store.arrays import Readings, read_series
from store.batch import Float64, Int64
from store.connect import Connection
from store.times import instant, local_day, midnight

Bools = NDArray[np.bool_]

_DAY = 24 * HOUR
_EPOCH = date(1970, 1, 1)
#: A median of fewer steps between readings says nothing of the next day.
_STEPS = 12
#: Expected readings of an hour where nothing says how often there is one: too few for a mean.
_SELDOM = 0.5
#: Hours before a local day that its eight-hour means need.
_LEAD = 7


@dataclass(frozen=True, slots=True)
class Floors:
    """``first``: the first day (UTC) [since 1970-01-01] that is computed from readings; ``zone``: of local days."""

    first: int
    zone: ZoneInfo


class Days:
    """Computes and writes. ``written``: days of series that changed; ``indices``: local days of monitors that did."""

    def __init__(self, connection: Connection, register: Register, floors: Floors) -> None:
        self.connection, self.register, self.floors = connection, register, floors
        self.written = self.indices = 0

    def compute(self, rows: Int64, first: int, end: int, *, every: bool = False) -> Int64:
        """Compute days from ``first`` to ``end`` (not included) of some series; those the next day may differ for.

        ``rows`` ``(series,)``, rising: places in the register. ``every``: the local days too where no hour changed.
        Raises psycopg.Error.
        """
        if not len(rows):
            return rows
        ids, what = self.register.ids[rows], self.register.what[rows]
        before = air_record.read(self.connection, ids, first - 1, end)
        stored = before.after(1)
        found = self._hours(rows, first, end, before)
        mean = np.concatenate((before.mean[:, :1], found.mean), axis=1).reshape(len(rows), -1)
        found = replace(found, index=_index(what, mean, found.quarters, found.known))
        changed, hours = air_record.write(self.connection, ids, what, first, found, stored)
        self.written += int(changed.sum())
        touched = self.register.device[rows if every else rows[changed.any(axis=1)]]
        self._local_days(np.unique(touched), first, end)
        return rows[hours[:, -1]]

    def _hours(self, rows: Int64, first: int, end: int, before: SeriesDays) -> SeriesDays:
        """The days without their index. ``before``: as stored, from the day before ``first`` on."""
        found = deepcopy(before.after(1))
        begin = max(first, self.floors.first)
        if begin >= end:
            return found
        skipped, days = begin - first, end - begin
        interval, by_end = self.register.interval[rows], self.register.by_end[rows]
        readings = read_series(self.connection, self.register.ids[rows], begin * _DAY, end * _DAY + HOUR)
        # an hour is said by its end by what sends each hour
        shift = HOUR * (by_end & (interval == HOUR))
        readings = _within(readings, shift, begin * _DAY, end * _DAY)
        group = np.repeat(np.arange(len(rows)), np.diff(readings.offsets)) * days + readings.times // _DAY - begin
        median, steps = _medians(group, readings.times, len(rows) * days)
        median, steps = median.reshape(-1, days), steps.reshape(-1, days)
        # what the register says wins; a day's own step counts where the day before says nothing
        own = np.where((steps >= _STEPS) & (interval == 0)[:, None], median, 0)
        earlier = np.concatenate((before.step[:, skipped : skipped + 1], own[:, :-1]), axis=1)
        step = np.where(interval[:, None] > 0, interval[:, None], np.where(earlier > 0, earlier, median))
        expected = np.full(step.shape, _SELDOM)
        np.divide(HOUR, step, out=expected, where=step > 0)
        expected = expected.repeat(24, axis=1)
        given = (readings.times, readings.values, readings.offsets, begin * _DAY, 24 * days, expected)
        shape = (len(rows), days, 24)
        count = np.bincount(group * 24 + readings.times % _DAY // HOUR, minlength=len(rows) * days * 24)
        captured = np.minimum(count, np.iinfo(np.int16).max).astype(np.int16).reshape(shape)
        part = slice(skipped, None)
        found.known[:, part] = captured.any(axis=2)
        found.step[:, part] = own
        found.mean[:, part] = hourly(*given).mean.reshape(shape)
        found.captured[:, part] = captured
        found.quarters[:, part] = np.nan
        self._quarters(rows, readings, begin, expected, found.quarters[:, part])
        return found

    def _quarters(self, rows: Int64, readings: Readings, begin: int, expected: Float64, out: Float64) -> None:
        """Means of 15 minutes of the rows that are of sulphur dioxide, into ``out`` ``(series, days, 96)``."""
        for row in np.flatnonzero(self.register.what[rows] == INDEXED.index("so2")).tolist():
            low, high = readings.offsets[row : row + 2].tolist()
            given = readings.times[low:high], readings.values[low:high], np.array([0, high - low])
            hours = expected.shape[1]
            out[row] = quarters(*given, begin * _DAY, hours, expected[row : row + 1]).mean.reshape(-1, 96)

    def _local_days(self, devices: Int64, first: int, end: int) -> None:
        """Write the index of the local days that have a part of days from ``first`` to ``end`` of some monitors."""
        if not len(devices):
            return
        zone = self.floors.zone
        day = local_day(instant(first * _DAY), zone)
        count = (local_day(instant(end * _DAY - 1), zone) - day).days + 1
        edges = hours_of(zone, day, count)
        start = -(-midnight(day, zone) // HOUR) - _LEAD
        hours = int(edges[-1]) + _LEAD
        mean, so2 = self._stored(devices, start, hours)
        found = daily(mean, zone, day, count, so2=so2, lead=_LEAD).by_pollutant
        there: Bools = np.logical_or.reduce(np.isfinite(mean), axis=1)
        known: Bools = np.logical_or.reduceat(there[:, : _LEAD + int(edges[-1])], _LEAD + edges[:-1], axis=1)
        given = np.where(known[:, None, :], found, NONE).astype(np.int8)
        names = [self.register.devices[place] for place in devices.tolist()]
        self.indices += air_record.write_index(self.connection, names, (day - _EPOCH).days, given)

    def _stored(self, devices: Int64, start: int, hours: int) -> tuple[Float64, Float64]:
        """Hours of monitors as stored, ``(devices, 5, hours)``, and quarter hours of sulphur dioxide."""
        rows = np.flatnonzero(np.isin(self.register.device, devices) & (self.register.what < len(INDEXED)))
        first, end = start // 24, -(-(start + hours) // 24)
        days = air_record.read(self.connection, self.register.ids[rows], first, end)
        mean = np.full((len(devices), len(INDEXED), hours), np.nan)
        so2 = np.full((len(devices), 4 * hours), np.nan)
        place, what = np.searchsorted(devices, self.register.device[rows]), self.register.what[rows]
        begin = start - first * 24
        mean[place, what] = days.mean.reshape(len(rows), (end - first) * 24)[:, begin : begin + hours]
        sulphur = what == INDEXED.index("so2")
        four = days.quarters[sulphur].reshape(int(sulphur.sum()), (end - first) * 96)
        so2[place[sulphur]] = four[:, 4 * begin : 4 * (begin + hours)]
        return mean, so2


def _index(what: Int64, mean: Float64, quarter: Float64, known: Bools) -> NDArray[np.int8]:
    """The index of each hour ``(series, days, 24)``, 0 on days without a reading; ``mean`` begins a day earlier."""
    found = np.zeros((*known.shape, 24), np.int8)
    for place, name in enumerate(INDEXED):
        rows = what == place
        if not rows.any():
            continue
        if name == "so2":
            value = highest_quarter(quarter[rows].reshape(int(rows.sum()), -1))
        else:
            window, needed = WINDOWS[name]
            value = running(mean[rows], window, needed)[:, 24:]
        found[rows] = index(name, value).reshape(-1, *found.shape[1:])
    found[~known] = 0
    return found


def _within(readings: Readings, shift: Int64, start: int, end: int) -> Readings:
    """Readings with their times moved back by ``shift`` [us] of their series, those from ``start`` to ``end`` alone."""
    counts = np.diff(readings.offsets)
    times = readings.times - np.repeat(shift, counts) if shift.any() else readings.times
    inside = (times >= start) & (times < end)
    if inside.all():
        return Readings(readings.offsets, times, readings.values)
    before = np.zeros(len(inside) + 1, np.int64)
    np.cumsum(inside, out=before[1:])
    return Readings(before[readings.offsets], times[inside], readings.values[inside])


def _medians(group: Int64, times: Int64, groups: int) -> tuple[Int64, Int64]:
    """Of each group the lower median of the steps from one time to the next [us], 0 without one, and their number.

    ``group`` ``(times,)`` rises, and so do the times within one.
    """
    same = group[1:] == group[:-1]
    steps, of = np.diff(times)[same], group[1:][same]
    number = np.bincount(of, minlength=groups)
    found = np.zeros(groups, np.int64)
    if len(steps):
        steps = steps[np.lexsort((steps, of))]
        some = number > 0
        found[some] = steps[(np.cumsum(number) - number + (number - 1) // 2)[some]]
    return found, number
