"""What the runner computes from, as arrays: the register once a run, events of some bays and days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking.arrays import NONE, OPEN, BayTable, Bools, Closed, Events, Hours, Int64, Links, closed
from analytics.parking.hours import Regime, compile_hours
from devices.bays import Permit, Restriction, Suspension
from devices.duration import duration
from store import bays as kept
from store import parking_sources
from store.arrays import read_series
from store.connect import Connection
from store.parking_sources import moments
from store.times import instant, local_day

#: A bay is known for so many heartbeats of its sensor after a reading: numerator, denominator.
HEARTBEATS = (5, 2)


class Register:
    """Bays that have or had a sensor, and ``others`` where they are registered, with all that holds in them.

    ``bays``: ids; ``zones``: by bay; ``devices``: ids. ``links``: by bay and start, bays and devices as places in
    those. ``silence`` [us]: how long a bay is known after a reading of a sensor without a heartbeat. Reads the tables
    when it is made; raises psycopg.Error.
    """

    def __init__(self, connection: Connection, others: Sequence[str], silence: int) -> None:
        rows = parking_sources.bays(connection, others)
        self.bays = [row[0] for row in rows]
        self.zones = [row[1] for row in rows]
        self._place = {bay: at for at, bay in enumerate(self.bays)}
        links = parking_sources.links(connection)
        self.devices = sorted({link.device for link in links})
        self._device = {device: at for at, device in enumerate(self.devices)}
        self.links = Links(
            np.array([self._place[link.bay] for link in links], np.int64),
            np.array([self._device[link.device] for link in links], np.int64),
            moments([link.start for link in links], NONE),
            moments([link.end for link in links], OPEN),
        )
        self.series = np.array([NONE if link.series is None else link.series for link in links], np.int64)
        heartbeat = np.full(len(self.bays), NONE, np.int64)
        for bay, link in zip(self.links.bay.tolist(), links, strict=True):
            heartbeat[bay] = duration(link.heartbeat) or NONE  # links are in the order of time: the newest one's stays
        limit = np.where(heartbeat > 0, heartbeat * HEARTBEATS[0] // HEARTBEATS[1], silence)
        self._regimes, regime = self._compiled(connection)
        none = np.zeros(len(self.bays), np.int64)
        self.table = BayTable(regime, none, limit, heartbeat)
        self._suspensions = self._intervals(kept.suspensions(connection))
        self._permits = self._intervals(kept.permits(connection))

    def places(self, bays: Sequence[str]) -> Int64:
        """Where these bays stand, rising; those that are not registered are left out."""
        return np.array(sorted({self._place[bay] for bay in bays if bay in self._place}), np.int64)

    def device_places(self, devices: Sequence[str | None]) -> Int64:
        """Where these devices stand; ``NONE`` for none, and for one that no link names (any more)."""
        return np.array([NONE if one is None else self._device.get(one, NONE) for one in devices], np.int64)

    def linked(self, start: int, end: int) -> Bools:
        """Which bays ``(bays,)`` have a sensor at some moment from ``start`` to ``end`` (not included) [us]."""
        found = np.zeros(len(self.bays), np.bool_)
        found[self.links.bay[(self.links.start < end) & (self.links.end > start)]] = True
        return found

    def first_reading(self, connection: Connection, bays: Int64 | None = None) -> int | None:
        """When [us] the first reading is of that any of these bays, or of all, has in its links."""
        some = self.series != NONE
        if bays is not None:
            some &= np.isin(self.links.bay, bays)
        # the store sends instants up to the year 9999
        end = np.minimum(self.links.end[some], 253_000_000_000_000_000)
        return parking_sources.first_reading(
            connection, self.series[some].astype(np.int32), self.links.start[some], end
        )

    def part(self, bays: Int64) -> Part:
        """The register of some of the bays, ``(bays,)`` rising."""
        local = np.full(len(self.bays), NONE, np.int64)
        local[bays] = np.arange(len(bays))
        mine = local[self.links.bay] >= 0
        links = Links(local[self.links.bay[mine]], *(column[mine] for column in self.links[1:]))
        table = BayTable(*(column[bays] for column in self.table))
        suspensions, permits = (
            Closed(local[each.bay[some]], each.start[some], each.end[some])
            for each in (self._suspensions, self._permits)
            for some in [local[each.bay] >= 0]
        )
        return Part(
            [self.bays[bay] for bay in bays.tolist()], [self.zones[bay] for bay in bays.tolist()], links,
            self.series[mine], table, suspensions, permits,
        )  # fmt: skip

    def hours(self, start: int, end: int, zone: ZoneInfo, bank_holidays: AbstractSet[date]) -> Hours:
        """When the regimes' restrictions hold on all local days from one moment [us] to another."""
        first = local_day(instant(start), zone)
        days = (local_day(instant(end), zone) - first).days + 1
        return compile_hours(self._regimes, first, days, zone, bank_holidays)

    def _compiled(self, connection: Connection) -> tuple[list[Regime], Int64]:
        """The regimes that differ, and which one each bay has."""
        held: defaultdict[str, list[Restriction]] = defaultdict(list)
        for bay, restriction in parking_sources.restrictions(connection):
            held[bay].append(restriction)
        events: defaultdict[str, set[date]] = defaultdict(set)
        for event in kept.events(connection):
            events[event.zone].add(event.day)
        days = {zone: frozenset(found) for zone, found in events.items()}
        known: dict[Regime, int] = {}
        regime = np.empty(len(self.bays), np.int64)
        for at, (bay, zone) in enumerate(zip(self.bays, self.zones, strict=True)):
            rows = tuple(held.get(bay, ()))
            # days on which events are matter to whom a restriction says so alone
            minds = any(row.event_days != "any" for row in rows)
            own = Regime(rows, days.get(zone, frozenset()) if minds else frozenset())
            regime[at] = known.setdefault(own, len(known))
        return list(known), regime

    def _intervals(self, rows: Sequence[Suspension] | Sequence[Permit]) -> Closed:
        mine = [row for row in rows if row.bay in self._place]
        return closed(
            np.array([self._place[row.bay] for row in mine], np.int64),
            moments([row.start for row in mine], NONE),
            moments([row.end for row in mine], NONE),
        )


class Part:
    """Some bays of a register: bays are places among them, devices places in the register's."""

    def __init__(
        self,
        bays: list[str],
        zones: list[str],
        links: Links,
        series: Int64,
        table: BayTable,
        suspensions: Closed,
        permits: Closed,
    ) -> None:
        self.bays, self.zones, self.links, self.table = bays, zones, links, table
        self.suspensions, self.permits = suspensions, permits
        self._series = series

    def linked(self, start: int, end: int) -> Bools:
        """Which bays ``(bays,)`` have a sensor at some moment from ``start`` to ``end`` (not included) [us]."""
        found = np.zeros(len(self.bays), np.bool_)
        found[self.links.bay[(self.links.start < end) & (self.links.end > start)]] = True
        return found

    def events(self, connection: Connection, start: int, end: int) -> Events:
        """The readings of these bays from ``start`` to ``end`` (not included) [us], by bay and time.

        What a sensor says while it lies in another bay, or in none, is not among them. Raises psycopg.Error.
        """
        some = np.flatnonzero((self._series != NONE) & (self.links.start < end) & (self.links.end > start))
        ids, which = np.unique(self._series[some], return_inverse=True)
        found = read_series(connection, ids.astype(np.int32), start, end)
        if len(some) == len(ids) and np.array_equal(which, np.arange(len(ids))):
            # each sensor once, in the order of the bays: the readings are in order already
            link = np.repeat(some, np.diff(found.offsets))
            time, value = found.times, found.values
        else:
            lengths = np.diff(found.offsets)[which]
            link = np.repeat(some, lengths)
            begin = np.repeat(found.offsets[:-1][which] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
            place = begin + np.arange(len(link))
            time, value = found.times[place], found.values[place]
        inside = (time >= self.links.start[link]) & (time < self.links.end[link])
        link, time, value = link[inside], time[inside], value[inside]
        return Events(self.links.bay[link], time, value, self.links.device[link])


def days_between(first: date, end: date) -> list[date]:
    """The days from ``first`` to ``end`` (not included)."""
    return [first + timedelta(days=day) for day in range((end - first).days)]
