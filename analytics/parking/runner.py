"""Keeps days of bays, stays and days of zones what the readings say: computes what was touched again.

Touched are days (UTC) of all bays that readings were written to, and bays of which a link, a restriction, a suspension
or the like changed, of which all days are computed again. So are all days where a setting or the bank holidays are
others, and everything where the zone is. The record ends one microsecond after the newest reading that any bay's sensor
gave, and never at the clock: it is the same whenever it is computed, and where nothing comes in nothing is claimed.
What follows from another end of a day is followed into the next days for as long as it differs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from analytics.parking import forecasts
from analytics.parking.days import Days, ParkingOptions
from analytics.parking.sources import Register
from store import daily, parking_record, session_lock
from store.connect import Connection
from store.parking_record import Touched
from store.times import instant, local_day, midnight
from store.touched import Notes, forget, notes

FAMILY = "parking-bay"
_LOCK = "analyse parking"
_EPOCH = date(1970, 1, 1)
_ONE_DAY = timedelta(days=1)
#: Days of bays that are computed at once: of ten thousand bays two, in some hundred megabytes.
_AT_ONCE = 20_000
#: And in one call before it says that there is more.
_CELLS = 100_000
#: Days of one bay that are computed at once.
_LONGEST = 62


@dataclass(slots=True)
class ParkingSummary:
    """What was written or taken away: days of bays, stays, days of zones. ``more``: not all is computed; call again."""

    days: int = 0
    stays: int = 0
    zones: int = 0
    #: Where the record ends, or None.
    recorded_to: datetime | None = None
    more: bool = False

    def add(self, other: ParkingSummary) -> None:
        """Add what a later call did."""
        self.days += other.days
        self.stays += other.stays
        self.zones += other.zones
        self.recorded_to, self.more = other.recorded_to, other.more


def run(
    connection: Connection, options: ParkingOptions, stopping: Callable[[], bool] = lambda: False
) -> ParkingSummary:
    """Bring the record up to date, in many transactions, and tell what lies ahead of it. Commits.

    ``stopping`` is asked between them.

    Raises session_lock.Busy, daily.OtherZone, psycopg.Error; ValueError for a connection in autocommit: what a day is
    merged from would be gone with each statement.
    """
    if connection.autocommit:
        raise ValueError("the record of parking needs a connection that is not in autocommit")
    with session_lock.alone(connection, _LOCK):
        total = ParkingSummary(more=True)
        while total.more and not stopping():
            total.add(update(connection, options))
            connection.commit()
        if total.recorded_to is not None and not total.more:
            forecasts.update(connection, options.zone, total.recorded_to)
            connection.commit()
        return total


def update(connection: Connection, options: ParkingOptions, *, cells: int = _CELLS) -> ParkingSummary:
    """Compute again what was touched, inside the running transaction, which the caller commits.

    Deletes exactly the notes that were seen before any reading was read: what is written meanwhile is either read or
    still noted. Takes the lock of the record; READ COMMITTED. About ``cells`` days of bays are computed in one call,
    whole days or bays at least: a first year comes in many calls, each with its commit. Where no bay has a sensor it
    does nothing. Raises store.daily.OtherZone where the stored days are of another zone; psycopg.Error.
    """
    parking_record.lock(connection)
    recorded, rules = parking_record.recorded(connection) or (None, "")
    if recorded is not None and rules != (now := _rules(options, recorded)):
        daily.check_zone(connection, options.zone)
        if rules.split()[0] != options.zone.key:
            parking_record.begin_anew(connection)
            recorded = None
        else:
            parking_record.touch_bays(connection)
            parking_record.keep_recorded(connection, recorded, now)
    noted = notes(connection, FAMILY)
    bays = parking_record.touched_bays(connection)
    if not len(noted.ids) and not len(bays.ids) and recorded is None:
        return ParkingSummary()
    newest = parking_record.newest_reading(connection)
    end = max(
        (moment for moment in (recorded, None if newest is None else newest + 1) if moment is not None), default=0
    )
    if not len(noted.ids) and not len(bays.ids) and recorded == end:
        return ParkingSummary(recorded_to=instant(end))
    register = Register(connection, sorted(set(bays.bays)), options.silence)
    return _Update(connection, register, options, recorded, end, cells).run(noted, bays)


def _rules(options: ParkingOptions, recorded: int) -> str:
    """What days up to a moment are computed by, beside the register. Holidays to come change nothing yet."""
    last = local_day(instant(recorded), options.zone)
    holidays = " ".join(sorted(day.isoformat() for day in options.bank_holidays if day <= last))
    digest = f"{zlib.crc32(holidays.encode()):08x}"
    return f"{options.zone.key} grace {options.grace} silence {options.silence} holidays {digest}"


class _Update:
    """One call. ``recorded``, ``end`` [us]: where the record ended before, and where it will, once all is computed."""

    def __init__(
        self,
        connection: Connection,
        register: Register,
        options: ParkingOptions,
        recorded: int | None,
        end: int,
        cells: int,
    ) -> None:
        self.connection, self.register, self.options = connection, register, options
        self.recorded, self.end, self.left = recorded, end, cells
        self.days = Days(connection, register, options, end)

    def run(self, noted: Notes, touched: Touched) -> ParkingSummary:
        """Bays first, then days; notes are forgotten of what was computed."""
        first = self._begin()
        if first is None:  # no bay has a reading: there is nothing to keep, and a link that comes notes its bay
            forget(self.connection, noted.ids)
            parking_record.forget_bays(self.connection, touched.ids)
            return ParkingSummary()
        daily.keep_zone(self.connection, self.options.zone)
        more = self._bays(touched)
        if not more:
            more = self._days(noted, first)
        recorded = None if self.recorded is None else instant(self.recorded)
        return ParkingSummary(self.days.days, self.days.stays, self.days.zones, recorded, more)

    def _begin(self) -> date | None:
        """The local day that the record goes on with, or begins with."""
        moment = self.register.first_reading(self.connection) if self.recorded is None else self.recorded
        return None if moment is None else self._floored(self._day(moment))

    def _bays(self, touched: Touched) -> bool:
        """Compute all recorded days of touched bays again; whether some are left."""
        if self.recorded is None:
            parking_record.forget_bays(self.connection, touched.ids)
            return False
        end = self._day(self.recorded - 1) + _ONE_DAY
        pending, done = sorted(set(touched.bays)), set[str]()
        while pending and self.left > 0:
            part, pending = pending[: _AT_ONCE // _LONGEST], pending[_AT_ONCE // _LONGEST :]
            self._part(part, {zone for bay, zone in zip(touched.bays, touched.zones, strict=True)
                              if zone is not None and bay in part}, end)  # fmt: skip
            done.update(part)
        parking_record.forget_bays(self.connection, touched.ids[[bay in done for bay in touched.bays]])
        return bool(pending)

    def _part(self, names: list[str], zones: set[str], end: date) -> None:
        """Compute all recorded days of some bays, and sum up again the zones that they are in or have left."""
        places = self.register.places(names)
        reading = self.register.first_reading(self.connection, places)
        begins = [parking_record.first_day(self.connection, names), None if reading is None else self._day(reading)]
        first = self._floored(min((day for day in begins if day is not None), default=end))
        self.left -= len(names) * max(1, (end - first).days)
        begin = first
        while begin < end:
            stop = min(end, begin + timedelta(days=_LONGEST))
            self.days.compute(places, begin, stop)
            begin = stop
        zones = zones | {self.register.zones[place] for place in places.tolist()}
        known = parking_record.first_zone_day(self.connection, sorted(zones))
        self.days.refresh(zones, first if known is None else min(first, self._floored(known)), end)

    def _days(self, noted: Notes, first: date) -> bool:
        """Compute touched days and those that the record has not reached yet, of all bays; whether some are left."""
        last = self._day(self.end - 1)
        every: dict[int, list[date]] = {
            day: [one for one in self._local_days(day) if self._floored(one) == one and one <= last]
            for day in np.unique(noted.days).tolist()
        }
        ahead = {first + timedelta(days=number) for number in range((last - first).days + 1)}
        if self.recorded == self.end:
            ahead.clear()
        pending = ahead.union(*every.values())
        if self.recorded is None:
            pending = ahead
        while pending and self.left > 0:
            begin = min(pending)
            stop = begin + _ONE_DAY
            width = min(_LONGEST, max(1, _AT_ONCE // max(1, len(self.register.bays))))
            while stop in pending and (stop - begin).days < width:
                stop += _ONE_DAY
            self._all(begin, stop, pending, last)
            pending = {day for day in pending if day >= stop}
        if left := ahead & pending:
            self._reached(midnight(min(left), self.options.zone))
        else:
            self._reached(self.end)
        done = [day for day, days in every.items() if not pending.intersection(days)]
        forget(self.connection, noted.ids[np.isin(noted.days, done)])
        return bool(pending)

    def _all(self, begin: date, stop: date, pending: set[date], last: date) -> None:
        """Compute some days of all bays, and those after them of bays whose carry changes."""
        zone = self.options.zone
        linked = self.register.linked(midnight(begin - _ONE_DAY, zone), midnight(stop, zone))
        bays = np.flatnonzero(linked)
        self.left -= max(1, len(bays)) * (stop - begin).days
        width = 1
        while len(bays):
            bays = bays[self.days.compute(bays, begin, stop)]
            if stop > last or stop in pending:
                return
            begin, stop = stop, stop + _ONE_DAY
            while (stop - begin).days < width and stop <= last and stop not in pending:
                stop += _ONE_DAY
            width = min(2 * width, _LONGEST, max(1, _AT_ONCE // max(1, len(bays))))

    def _reached(self, moment: int) -> None:
        """Note how far the record goes now. It never goes back."""
        if self.recorded is None or moment > self.recorded:
            self.recorded = moment
            parking_record.keep_recorded(self.connection, moment, _rules(self.options, moment))

    def _local_days(self, day: int) -> list[date]:
        """The local days that have a part of a day (UTC) [days since 1970-01-01]."""
        start = datetime.combine(_EPOCH + timedelta(days=day), time(), UTC)
        end = start + _ONE_DAY - timedelta(microseconds=1)
        return sorted({local_day(moment, self.options.zone) for moment in (start, end)})

    def _day(self, moment: int) -> date:
        return local_day(instant(moment), self.options.zone)

    def _floored(self, day: date) -> date:
        return day if self.options.floor is None else max(day, self.options.floor)
