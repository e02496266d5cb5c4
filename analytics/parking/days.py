"""Local days of bays computed again and written where they differ, with the stays and the zones' days that change.

A day takes its carry from the row of the day before; a bay without one begins as one of which nothing was ever heard.
So a bay has a row on each local day on which it has a sensor, from the first reading on; on a day without a sensor
what was known is over, and the next sensor begins anew.

**A stay stands under its arrival**, whatever days it touches. The carry knows since when a bay is occupied, so the day
in which a stay ends writes it whole, however many days ago it began, with its true departure and all its time over.
Where the days computed end within a stay there are two cases. The bay's carry there is what was stored: what follows
is as it was, and so is the stay's end, which is taken from its row. Or it is another: then the caller goes on with the
next day, which writes the stay again. At the end of the record a stay lasts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking import occupancy, overstays, stays
from analytics.parking.arrays import (
    BY_READING,
    LASTS,
    MINUTE,
    NONE,
    Bools,
    Carry,
    Counts,
    Events,
    Int64,
    Spans,
    Stays,
    nothing,
)
from analytics.parking.sources import Part, Register, days_between
from devices.bays import GRACE, SILENCE
from store import parking_record
from store.connect import Connection
from store.parking_record import BayDays, Carries, StayRows
from store.times import midnight

_QUARTER = 15 * MINUTE
_SECOND = 1_000_000
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ParkingOptions:
    """How stays are told, by the settings.

    ``grace`` [us]: time over counts above it. ``silence`` [us]: how long a bay is known after a reading of a sensor
    without a heartbeat. ``floor``: days before it are past their readings' retention and stay as they are.
    """

    zone: ZoneInfo
    grace: int = GRACE // timedelta(microseconds=1)
    silence: int = SILENCE // timedelta(microseconds=1)
    floor: date | None = None
    bank_holidays: AbstractSet[date] = frozenset()


class _Day(NamedTuple):
    """A local day: its date, beginning, quarter hours' edges, and how far of it is recorded [us]."""

    day: date
    edges: Int64
    end: int


class Days:
    """Computes days of bays inside the running transaction. ``end`` [us]: where the record ends (not included)."""

    def __init__(self, connection: Connection, register: Register, options: ParkingOptions, end: int) -> None:
        self.connection, self.register, self.options, self.end = connection, register, options, end
        #: Days of bays, stays and days of zones that were written or taken away.
        self.days = self.stays = self.zones = 0

    def compute(self, bays: Int64, first: date, end: date) -> Bools:
        """Compute the local days from ``first`` to ``end`` (not included) of bays; whose carry ``(bays,)`` changed.

        ``bays``: places in the register, rising. Raises psycopg.Error.
        """
        part = self.register.part(bays)
        before = self._carry(parking_record.carries(self.connection, part.bays, first - _ONE_DAY))
        stored = self._carry(parking_record.carries(self.connection, part.bays, end - _ONE_DAY))
        days = [self._day(day) for day in days_between(first, end)]
        start, stop = int(days[0].edges[0]), days[-1].end
        events = part.events(self.connection, start, stop)
        refresh: defaultdict[date, set[str]] = defaultdict(set)
        found: list[Stays] = []
        carry = before
        for day in days:
            begin = int(day.edges[0])
            mine = (events.time >= begin) & (events.time < day.end)
            some = Events(events.bay[mine], events.time[mine], events.value[mine], events.device[mine])
            spans, given, carry, counts = stays.run(some, part.links, part.table, carry, begin, day.end)
            linked = part.linked(begin, int(day.edges[-1]))
            carry = _where(linked, carry)
            rows = _rows(part, day, spans, given, carry, counts)
            changed = parking_record.write_bay_days(self.connection, day.day, part.bays, self.register.devices, rows)
            self.days += len(changed)
            refresh[day.day] |= {part.zones[bay] for bay in changed.tolist()}
            # a stay that goes on is told by the day in which it ends, or the last one that is computed
            kept = (given.ends != LASTS) | (day is days[-1])
            found.append(Stays(*(column[kept] for column in given)))
        differs: Bools = (stored.state != carry.state) | (stored.since != carry.since)
        differs |= (stored.heard != carry.heard) | (stored.device != carry.device)
        whole = Stays(*(np.concatenate(column) for column in zip(*found, strict=True)))
        if stop < self.end:
            whole = self._ended(part, whole, differs)
        bay, arrival = self._write_stays(part, whole, start, stop)
        for day in days:
            came = np.unique(bay[(arrival >= day.edges[0]) & (arrival < day.edges[-1])])
            zones = refresh[day.day] | {part.zones[one] for one in came.tolist()}
            self.zones += parking_record.refresh_zones(self.connection, day.day, day.edges, sorted(zones))
        return differs

    def refresh(self, zones: AbstractSet[str], first: date, end: date) -> None:
        """Sum zones up again, as bays came or went, on the local days from ``first`` to ``end`` (not included)."""
        for day in days_between(first, end):
            edges = self._day(day).edges
            self.zones += parking_record.refresh_zones(self.connection, day, edges, sorted(zones))

    def _day(self, day: date) -> _Day:
        start, end = (midnight(each, self.options.zone) for each in (day, day + _ONE_DAY))
        return _Day(day, np.arange(start, end + 1, _QUARTER), min(end, self.end))

    def _carry(self, found: Carries) -> Carry:
        """What is stored as a carry; a bay without a row is one of which nothing was ever heard."""
        device = self.register.device_places(found.device)
        known = found.state >= 0
        return _where(known, Carry(found.state.astype(np.int8), found.since, found.heard, device))

    def _ended(self, part: Part, whole: Stays, differs: Bools) -> Stays:
        """Stays that go on where the days end: their end as it is stored, of bays whose carry there is what it was."""
        going = np.flatnonzero((whole.ends == LASTS) & ~differs[whole.bay])
        place, _, ends, departure = parking_record.stays_at(
            self.connection, part.bays, whole.bay[going].astype(np.int64), whole.arrival[going]
        )
        departures, codes = whole.departure.copy(), whole.ends.copy()
        departures[going[place]] = np.where(departure == NONE, self.end, departure)
        codes[going[place]] = ends
        return whole._replace(departure=departures, ends=codes)

    def _write_stays(self, part: Part, whole: Stays, start: int, end: int) -> tuple[Int64, Int64]:
        """Make the stays that touch a span what they are; bay and arrival of those that changed."""
        rows = self._judged(part, whole)
        stored = parking_record.stays_of(self.connection, part.bays, start, end)
        place = _places(stored.bay, stored.arrival, rows.bay, rows.arrival)
        gone = np.ones(len(stored.bay), np.bool_)
        gone[place[place >= 0]] = False
        bay, arrival = stored.bay[gone], stored.arrival[gone]
        self.stays += parking_record.remove_stays(self.connection, part.bays, bay, arrival)
        differs = place < 0  # one that began before is compared where it is written
        if len(stored.bay):
            differs |= np.any([own != old[place] for own, old in zip(rows, stored, strict=True)], axis=0)
        some = StayRows(*(column[differs] for column in rows))
        bays, arrivals = parking_record.write_stays(self.connection, part.bays, some)
        self.stays += len(bays)
        return np.concatenate((bay, bays)), np.concatenate((arrival, arrivals))

    def _judged(self, part: Part, whole: Stays) -> StayRows:
        """Stays as they are stored, with what is over of them."""
        options = self.options
        bays, lasts = whole.bay.astype(np.int64), whole.ends == LASTS
        over_from, over, suspended = np.empty((3, len(bays)), np.int64)
        if len(bays):
            reach = int(whole.arrival.min()), int(whole.departure.max())
            hours = self.register.hours(*reach, options.zone, options.bank_holidays)
            over_from, over, suspended = overstays.over(
                whole, hours, part.table, part.suspensions, part.permits, options.grace
            )
        return StayRows(
            bays, whole.arrival, np.where(lasts, NONE, whole.departure), whole.begins.astype(np.int64),
            whole.ends.astype(np.int64), over_from, over // _SECOND, suspended // _SECOND,
        )  # fmt: skip


def _rows(part: Part, day: _Day, spans: Spans, given: Stays, carry: Carry, counts: Counts) -> BayDays:
    """The rows of a local day. Of one that is not over the quarter hours that are: what is stored of it then changes
    with what a bay says, and else each quarter of an hour."""
    bays, number = len(part.bays), len(day.edges) - 1
    over = int(np.searchsorted(day.edges, day.end, side="right")) - 1
    quarters = np.zeros((bays, number, 3), np.int32)
    if over > 0:
        sums = occupancy.quarters(spans, part.suspensions, part.table, day.edges[: over + 1])
        quarters[:, :over] = sums // 1_000
    came = (given.begins == BY_READING) & (given.arrival >= day.edges[0])
    arrivals = np.bincount(given.bay[came], minlength=bays)
    kept = np.flatnonzero(carry.heard != NONE)
    return BayDays(
        kept, quarters[kept], arrivals[kept], counts.repeated[kept], carry.state[kept].astype(np.int64),
        carry.since[kept], carry.heard[kept], carry.device[kept].astype(np.int64),
    )  # fmt: skip


def _where(which: Bools, carry: Carry) -> Carry:
    """The carry of these bays; of the others nothing was ever heard."""
    none = nothing(len(which))
    return Carry(
        np.where(which, carry.state, none.state), np.where(which, carry.since, none.since),
        np.where(which, carry.heard, none.heard), np.where(which, carry.device, none.device),
    )  # fmt: skip


def _places(bay: Int64, time: Int64, bays: Int64, times: Int64) -> Int64:
    """Where each pair ``(bays, times)`` stands among the pairs ``(bay, time)``; -1: nowhere."""
    if not len(bay):
        return np.full(len(bays), NONE, np.int64)
    moments, rank = np.unique(np.concatenate((time, times)), return_inverse=True)
    keys = np.concatenate((bay, bays)) * len(moments) + rank
    order = np.argsort(keys[: len(bay)])
    known, asked = keys[: len(bay)][order], keys[len(bay) :]
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[at] == asked, order[at], NONE)
