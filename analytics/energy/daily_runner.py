"""Keeps daily use what the readings say: computes the days that were touched again, and writes what changed.

A home's day depends on the readings of its meters in it, and on the readings before and after of registers, however far
away. Touched are days (UTC) that readings were written to, of the homes of the series that a note names or of the whole
fleet where it names none, and homes whose meters or tenancies changed, of which all days are computed that readings are
left of.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy import daily_sources, daily_use
from analytics.energy.daily_sources import EPOCH, GasEnergy, Meters, Span
from analytics.energy.daily_use import NONE
from analytics.energy.touched_homes import parts
from devices.homes import FUELS
from store import daily, meters, touched
from store.arrays import Readings
from store.connect import Connection
from store.daily import DailyUse
from store.times import instant, local_day

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

FAMILY = "smart-meter"
_DAY = 86_400_000_000
#: Days with readings of registers within so much of a touched day are computed at once for all homes [us].
_NEAR = 5 * 3_600_000_000
#: Readings that are held at once, roughly: 16 bytes each, and some times that while they are computed.
_READINGS = 4_000_000
#: Days of homes that one call computes before it says that there is more.
_CELLS = 5_000_000


class Changed(NamedTuple):
    """Days of homes that are not what they were. Shapes ``(changes,)``."""

    home: Int64
    #: A place in `devices.homes.FUELS`.
    fuel: NDArray[np.uint8]
    #: Local [days since 1970-01-01].
    day: Int64
    #: [Wh], -1 without a value. Where it equals ``after``, more or less of the day was measured.
    before: Int64
    #: [Wh], -1 without a value.
    after: Int64
    #: Homes of which all days were computed, since their meters or tenancies had changed, rising. ``(homes,)``
    anew: Int64
    #: Not all that was touched is computed; call again.
    more: bool
    #: Series of which something was left out, since it is more than their supply carries. ``(series,)``
    beyond: Int64
    #: Series with days without a value, since a register fell more than once in them. ``(series,)``
    falling: Int64


def update(connection: Connection, zone: ZoneInfo, energy: GasEnergy, *, cells: int = _CELLS) -> Changed:
    """Compute again what was touched, inside the running transaction, which the caller commits.

    Deletes exactly the notes of what was touched that were seen before any reading was read: what is written meanwhile
    is either read or still noted. Takes the lock of daily use; READ COMMITTED. About ``cells`` days of homes are
    computed in one call, whole days or homes at least: a fleet's first years come in many calls, each with its commit.
    Raises store.daily.OtherZone where the stored days are of another zone; psycopg.Error.
    """
    daily.lock_daily_use(connection)
    daily.keep_zone(connection, zone)
    notes = touched.notes(connection, FAMILY)
    homes = daily.touched_homes(connection)
    run = _Run(connection, zone, energy)
    seen_notes, seen_homes = [np.empty(0, np.int64)], np.empty(0, np.int64)
    left = cells
    pending = np.unique(homes.what)
    while len(pending) and left > 0:
        part, pending = pending[: _some(365)], pending[_some(365) :]
        left -= run.homes(part)
        seen_homes = np.concatenate((seen_homes, homes.ids[np.isin(homes.what, part)]))
    fleet = np.empty(0, np.int64)
    if any(series is None for series in notes.series):
        fleet = meters.homes(connection)
    days = parts(connection, notes, len(fleet), cells) if len(notes.ids) else []
    while days and left > 0:
        one = days.pop(0)
        left -= run.days(fleet if one.homes is None else one.homes, one.start, one.end)
        seen_notes.append(one.ids)
    touched.forget(connection, np.concatenate(seen_notes))
    daily.forget_homes(connection, seen_homes)
    anew = np.unique(homes.what[np.isin(homes.ids, seen_homes)])
    return run.changed(anew, more=bool(len(pending) or days))


class _Run:
    def __init__(self, connection: Connection, zone: ZoneInfo, energy: GasEnergy) -> None:
        self._connection = connection
        self._zone = zone
        self._energy = energy
        self._left_out = daily_sources.LeftOut()
        self._found: list[tuple[Int64, NDArray[np.uint8], Int64, Int64, Int64]] = []

    def changed(self, anew: Int64, *, more: bool) -> Changed:
        """All that changed so far."""
        beyond, falling = (np.array(sorted(part), np.int64) for part in (self._left_out.beyond, self._left_out.falling))
        if not self._found:
            none = np.empty(0, np.int64)
            return Changed(none, none.astype(np.uint8), none, none, none, anew, more, beyond, falling)
        home, fuel, day, before, after = (np.concatenate(part) for part in zip(*self._found, strict=True))
        return Changed(home, fuel, day, before, after, anew, more, beyond, falling)

    def days(self, fleet: Int64, start: int, end: int) -> int:
        """Compute what readings on days (UTC) from ``start`` to ``end`` [days since 1970-01-01] may have changed."""
        low, high = start * _DAY, end * _DAY
        # a reading of a register may change the days beside its own; one of an interval mostly does not
        own = Span(self._day(low), self._day(high - 1) + 1)
        near = Span(self._day(low - _NEAR), self._day(high + _NEAR) + 1)
        step = _some(near.end - near.start)
        cells = 0
        for place in range(0, len(fleet), step):
            found = daily_sources.load(self._connection, fleet[place : place + step], self._zone)
            if not len(found.series):
                continue
            plain = found.plain
            if plain.any():
                meters = found.of(plain)
                cells += self._intervals(meters, own) if len(meters.series) else meters.homes.size
            if not plain.all():
                cells += self._registers(found.of(~plain), near, low, high)
        return cells

    def _intervals(self, found: Meters, span: Span) -> int:
        readings = daily_sources.read_intervals(self._connection, found, span, self._zone)
        edges = daily_sources.edges_of(span, self._zone)
        return self._near(found, readings, span, *daily_sources.straddling(found, readings, edges))

    def _registers(self, found: Meters, span: Span, low: int, high: int) -> int:
        readings = daily_sources.read(self._connection, found, span, self._zone)
        return self._near(found, readings, span, *daily_sources.affected(found, readings, low, high))

    def _near(self, found: Meters, readings: Readings, near: Span, low: Int64, high: Int64) -> int:
        """Compute the days of a span, and all that may have changed of homes where that is more: between ``low`` and
        ``high`` ``(rows,)`` [us]."""
        wide = self._wide(found, low, high, near)
        alone = np.isin(found.homes, [home for homes in wide.values() for home in homes])
        use = daily_sources.compute(found, readings, near, self._zone, self._energy, self._left_out)
        where = np.broadcast_to(~alone[:, None], (len(found.homes), near.end - near.start))
        self._write(found.homes, near, use, where)
        return where.size + sum(self._whole(np.array(homes, np.int64), span) for span, homes in wide.items())

    def _wide(self, found: Meters, low: Int64, high: Int64, near: Span) -> dict[Span, list[int]]:
        """Homes with days outside ``near`` that may have changed, by all their days that may; ``low``, ``high`` as of
        ``_near``."""
        edges = daily_sources.edges_of(near, self._zone)
        spans: dict[int, Span] = {}
        for row in np.flatnonzero((low < edges[0]) | (high >= edges[-1])).tolist():
            first = min(near.start, self._day(int(low[row])))
            end = max(near.end, self._day(int(high[row])) + 1)
            for place in np.unique(found.home[found.meter == found.device[row]]).tolist():
                known = spans.get(place, near)
                spans[place] = Span(min(first, known.start), max(end, known.end))
        homes: dict[Span, list[int]] = {}
        for place, span in sorted(spans.items()):
            homes.setdefault(span, []).append(int(found.homes[place]))
        return homes

    def homes(self, homes: Int64) -> int:
        """Compute all days of some homes that have readings, and forget days on which nobody is measured there."""
        found = daily_sources.load(self._connection, homes, self._zone)
        place, first, last = meters.spans(self._connection, found.series)
        begins = np.full(found.devices, np.iinfo(np.int64).max)
        np.minimum.at(begins, found.device[place], [self._day(moment) for moment in first.tolist()])
        known = daily.months(self._connection, found.homes)
        bounds = [self._day(int(first.min())), self._day(int(last.max()) + _DAY)] if len(place) else []
        if known is not None:
            bounds += [(known[0] - EPOCH).days, (known[1] - EPOCH).days + 31]
        if not bounds:
            return len(homes)
        begin = np.full(len(found.homes), np.iinfo(np.int64).max)
        np.minimum.at(begin, found.home, begins[found.meter])
        return self._whole(found.homes, Span(min(bounds), max(bounds) + 1), begin)

    def _whole(self, homes: Int64, span: Span, begin: Int64 | None = None) -> int:
        """Compute a span of some homes; before ``begin`` ``(homes,)`` [days since 1970-01-01] there are no readings
        (any more): what is known of such a day stays, unless nobody is measured there."""
        width = min(span.end - span.start, 62)
        step = _some(width)
        for place in range(0, len(homes), step):
            found = daily_sources.load(self._connection, homes[place : place + step], self._zone)
            for first in range(span.start, span.end, width):
                part = Span(first, min(first + width, span.end))
                readings = daily_sources.read(self._connection, found, part, self._zone)
                use = daily_sources.compute(found, readings, part, self._zone, self._energy, self._left_out)
                where = np.ones((len(found.homes), part.end - part.start), np.bool_)
                cut = None
                if begin is not None:
                    days, first_day = np.arange(*part), begin[place : place + step, None]
                    where = (days >= first_day) | ~found.linked(part)
                    cut = (days == first_day) & found.linked(part)
                self._write(found.homes, part, use, where, cut)
        return len(homes) * (span.end - span.start)

    def _write(
        self, homes: Int64, span: Span, use: dict[str, daily_use.Days], where: Bools, cut: Bools | None = None
    ) -> None:
        """``cut``: days before which there are no readings. Where the day before has a value, they are gone, and so may
        be some of the day itself: what is known of it stays where it was measured better."""
        first = EPOCH + timedelta(days=span.start)
        for number, fuel in enumerate(FUELS):
            days = use.get(fuel)
            if days is None:
                shape = (len(homes), span.end - span.start)
                days = daily_use.Days(np.full(shape, NONE, np.int64), np.zeros(shape, np.int16))
            allowed = where
            if cut is not None and cut.any():
                before = first - timedelta(days=1)
                known = daily.read_days(self._connection, fuel, before, EPOCH + timedelta(days=span.end), homes)
                gone = (known.watt_hours[:, :-1] >= 0) & (known.minutes[:, 1:] > days.minutes)
                allowed = where & ~(cut & gone)
            given = DailyUse(homes, first, days.use, days.minutes)
            merged = daily.merge_days(self._connection, fuel, given, allowed)
            row, day = np.nonzero(merged.changed)
            if len(row):
                self._found.append(
                    (homes[row], np.full(len(row), number, np.uint8), day + span.start,
                     merged.before[row, day], days.use[row, day])
                )  # fmt: skip

    def _day(self, moment: int) -> int:
        """The local day of an instant [us], in days since 1970-01-01."""
        return (local_day(instant(moment), self._zone) - EPOCH).days


def _some(days: int) -> int:
    """How many homes are computed at once: with two series of 48 readings a day each, in bounded memory."""
    return max(50, _READINGS // (96 * days))
