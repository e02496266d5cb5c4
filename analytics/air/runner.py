"""Keeps hours and local days of air monitors what the readings say: computes what was touched again.

Touched are days (UTC) of all monitors that readings were written to, and monitors of which the interval, the label of
hours or the class changed, of which all days are computed again; so is everything where the zone or our rules are
others. What follows from a day is followed into the next ones: running means, and how often a monitor sends that does
not say it. Of days whose readings are deleted for their age the hours stay as they are, and the index is made of them.
Nothing hangs on the clock: it is the same whenever it is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from analytics.air.days import Days, Floors
from store import air, air_record, daily, meters, session_lock
from store.batch import Int64
from store.connect import Connection
from store.times import microseconds
from store.touched import Notes, forget, notes

FAMILY = "air-monitor"
#: Raised when hours, index or days are computed otherwise: all of it is computed again then.
RULES = "1"
_LOCK = "analyse air"
_DAY = 86_400_000_000
#: Readings that are held at once, roughly, of monitors that send each minute.
_READINGS, _A_DAY = 4_000_000, 1_440
#: Days of one series that are computed at once, and monitors of which all days are.
_LONGEST, _MONITORS = 31, 8
#: Days of series that one call computes before it says that there is more.
_CELLS = 20_000


@dataclass(slots=True)
class AirSummary:
    """What was written or taken away: ``days`` of pollutants (UTC), ``indices``: local days of monitors.

    ``recorded_to``: the newest reading of a pollutant, None where there is none. ``more``: not all is computed; call
    again.
    """

    days: int = 0
    indices: int = 0
    recorded_to: datetime | None = None
    more: bool = False

    def add(self, other: AirSummary) -> None:
        """Add what a later call did."""
        self.days += other.days
        self.indices += other.indices
        self.recorded_to, self.more = other.recorded_to, other.more


def run(connection: Connection, zone: ZoneInfo, stopping: Callable[[], bool] = lambda: False) -> AirSummary:
    """Bring the record up to date, in many transactions; ``stopping`` is asked between them. Commits.

    Raises session_lock.Busy, daily.OtherZone, psycopg.Error; ValueError for a connection in autocommit: notes would be
    forgotten before what they ask for is written.
    """
    if connection.autocommit:
        raise ValueError("the record of air needs a connection that is not in autocommit")
    with session_lock.alone(connection, _LOCK):
        total = AirSummary(more=True)
        while total.more and not stopping():
            total.add(update(connection, zone))
            connection.commit()
        return total


def update(connection: Connection, zone: ZoneInfo, *, cells: int = _CELLS) -> AirSummary:
    """Compute again what was touched, inside the running transaction, which the caller commits.

    Deletes exactly the notes that were seen before any reading was read: what is written meanwhile is either read or
    still noted. Takes the lock of the record; READ COMMITTED. About ``cells`` days of series are computed in one call,
    whole days or monitors at least. Raises store.daily.OtherZone where the stored days are of another zone;
    psycopg.Error.
    """
    air_record.lock(connection)
    floor, rules = air_record.state(connection)
    wanted = f"{zone.key} {RULES}"
    if rules != wanted:
        daily.check_zone(connection, zone)
        if rules:
            if rules.split()[0] != zone.key:
                air_record.empty_index(connection)
            air_record.touch_all(connection)
        air_record.keep_rules(connection, wanted)
    noted = notes(connection, FAMILY)
    touched = air_record.touched_monitors(connection)
    if not len(noted.ids) and not len(touched.ids):
        return AirSummary(recorded_to=air.newest(connection))
    return _Update(connection, zone, floor, cells).run(noted, touched)


class _Update:
    """One call."""

    def __init__(self, connection: Connection, zone: ZoneInfo, floor: int, cells: int) -> None:
        self.connection, self.left = connection, cells
        self.register = air_record.register(connection)
        if len(self.register.ids):
            daily.keep_zone(connection, zone)
        self.days = Days(connection, self.register, Floors(floor, zone))
        newest = air.newest(connection)
        self.newest = newest
        #: No day beyond it has a reading.
        self.last = air_record.ALL_DAYS if newest is None else microseconds(newest) // _DAY + 1

    def run(self, noted: Notes, touched: air_record.Touched) -> AirSummary:
        """Monitors first, then days; notes are forgotten of what was computed."""
        more = self._monitors(touched)
        if not more:
            more = self._noted(noted)
        return AirSummary(self.days.written, self.days.indices, self.newest, more)

    def _monitors(self, touched: air_record.Touched) -> bool:
        """Compute all days of touched monitors again; whether some are left."""
        names = sorted(set(touched.devices))
        self.days.written += air_record.remove_hidden(self.connection, names)
        place = {name: number for number, name in enumerate(self.register.devices)}
        pending = [name for name in names if name in place]
        while pending and self.left > 0:
            part, pending = pending[:_MONITORS], pending[_MONITORS:]
            self._whole(np.flatnonzero(np.isin(self.register.device, [place[name] for name in part])))
        done = ~np.isin(np.array(touched.devices, object), pending)
        air_record.forget_monitors(self.connection, touched.ids[done])
        return bool(pending)

    def _whole(self, rows: Int64) -> None:
        """Compute all days of some series that are stored or have readings."""
        ids = self.register.ids[rows]
        bounds = []
        _, first, last = meters.spans(self.connection, ids)
        if len(first):
            # an hour that is labelled by its end can be of the day before
            bounds += [int(first.min()) // _DAY - 1, int(last.max()) // _DAY]
        if (stored := air_record.span(self.connection, ids)) is not None:
            bounds += stored
        if not bounds:
            return
        begin, end = min(bounds), max(bounds) + 1
        self.left -= len(rows) * (end - begin)
        for start in range(begin, end, _LONGEST):
            self.days.compute(rows, start, min(end, start + _LONGEST), every=True)

    def _noted(self, noted: Notes) -> bool:
        """Compute touched days of all monitors; whether some are left."""
        pending = np.unique(noted.days)
        every = np.arange(len(self.register.ids))
        width = max(1, min(_LONGEST, _READINGS // (_A_DAY * max(1, len(every)))))
        done: list[int] = []
        labelled = np.flatnonzero(self.register.by_end)
        for first, end in _runs(pending, width):
            if self.left <= 0:
                break
            self.left -= max(1, len(every)) * (end - first)
            if len(labelled) and first - 1 not in done:
                self.days.compute(labelled, first - 1, first)
            follow = [self.days.compute(part, first, end) for part in self._parts(every)]
            self._follow(np.concatenate(follow) if follow else every, end, pending)
            done.extend(range(first, end))
        forget(self.connection, noted.ids[np.isin(noted.days, done)])
        return len(done) < len(pending)

    def _follow(self, rows: Int64, day: int, pending: Int64) -> None:
        """Compute the days after one of series that it changed for, up to one that is computed anyway."""
        while len(rows) and day <= self.last and day not in pending:
            rows = self.days.compute(rows, day, day + 1)
            day += 1

    def _parts(self, rows: Int64) -> Iterator[Int64]:
        step = max(1, _READINGS // _A_DAY)
        for place in range(0, len(rows), step):
            yield rows[place : place + step]


def _runs(days: Int64, width: int) -> Iterator[tuple[int, int]]:
    """Runs of days one after another, at most ``width`` long: first and last (not included)."""
    found = days.tolist()
    while found:
        end = 1
        while end < min(width, len(found)) and found[end] == found[0] + end:
            end += 1
        yield found[0], found[0] + end
        found = found[end:]
