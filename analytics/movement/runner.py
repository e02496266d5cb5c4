"""Learns once a day what is usual in each home that agrees to it, from its own last eight weeks.

A home's days that are over are read; the day that runs is not in it. A day of another tenancy, or of a sensor that hung
elsewhere then, is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.movement import quiet, spells, usual
from analytics.movement.arrays import BINS, DOOR, KINDS, NONE, SECOND, Int64
from analytics.movement.clock import bins, day_number, kinds
from analytics.movement.sources import Homes, read
from store import movement, session_lock
from store.connect import Connection
from store.times import local_day, midnight

_LOCK = "analyse movement"
#: Homes that are learnt together: of each some 100,000 readings.
_AT_ONCE = 50
#: A spell that runs as the first day begins is looked up this far back.
_BEFORE = timedelta(days=2)
#: Days of one kind that have to be known for its pattern to be shown.
_FEW = 4


@dataclass(slots=True)
class MovementSummary:
    """Homes of which what is usual was learnt; of ``learning`` too little is known yet."""

    homes: int = 0
    learning: int = 0

    def add(self, other: MovementSummary) -> None:
        """Add what a later call did."""
        self.homes += other.homes
        self.learning = other.learning if other.homes else self.learning


def run(
    connection: Connection,
    zone: ZoneInfo,
    holidays: Collection[date],
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> MovementSummary:
    """Learn what was not learnt on this local day yet, some homes a transaction. Commits; asks ``stopping`` between.

    Raises store.session_lock.Busy, psycopg.Error; ValueError for a connection in autocommit.
    """
    if connection.autocommit:
        raise ValueError("what is usual is learnt with a connection that is not in autocommit")
    done = MovementSummary()
    with session_lock.alone(connection, _LOCK):
        today = local_day(now, zone)
        waiting = movement.due(connection, today, usual.ENOUGH, now)
        connection.commit()
        for first in range(0, len(waiting), _AT_ONCE):
            if stopping():
                break
            for home in learn(connection, waiting[first : first + _AT_ONCE], today, zone, holidays, now):
                if movement.put_usual(connection, home):
                    done.homes += 1
                    done.learning += home.days < usual.ENOUGH
            connection.commit()
    return done


def learn(
    connection: Connection, tenancies: list[int], day: date, zone: ZoneInfo, holidays: Collection[date], now: datetime
) -> list[movement.Usual]:
    """What is usual in the homes of tenancies, of the four weeks before a local day. Raises psycopg.Error."""
    first = day - timedelta(days=usual.DAYS)
    start, end = midnight(first - _BEFORE, zone), midnight(day, zone)
    series = movement.series(connection, tenancies, first - _BEFORE, day)
    found = read(connection, series, tenancies, start, end, zone)
    count = len(tenancies)
    unheard = spells.unheard(*found.heard, count, quiet.gap(found.heartbeat), start, end)
    # where no door is watched an outing looks like quiet
    without = np.bincount(found.sensors.home, found.sensors.room == DOOR, count) == 0
    quiet_spells = spells.find(found.sensors, found.readings, count, start, end)
    of_days = (quiet_spells, unheard, count, day_number(first), usual.DAYS, zone)
    lasting, away = usual.longest(*of_days, whole=without)
    which = kinds(day_number(first) + np.arange(usual.DAYS), holidays)
    known = usual.learn(lasting, away, usual.lasted(*of_days, whole=without), which)
    days = (lasting != NONE).mean(axis=2) >= 0.5
    active = _active(found, days, which, day_number(first), zone)
    limits, begun = (np.where(one == NONE, NONE, one // SECOND) for one in (known.limit, known.begun))
    return [
        movement.Usual(
            tenancy, day, now, int(known.days[place]), limits[place], begun[place],
            NONE if known.away[place] == NONE else int(known.away[place]) // SECOND, active[place],
        )
        for place, tenancy in enumerate(tenancies)
    ]  # fmt: skip


def _active(found: Homes, known: np.ndarray, kind: Int64, first: int, zone: ZoneInfo) -> Int64:
    """Of a hundred known days (homes, days) of each kind, on how many there was movement in a half-hour:
    (homes, KINDS, BINS); ``NONE`` where too few days are known."""
    homes, days = known.shape
    moved = found.readings.value != 0
    # a door's changes are movement both ways
    counts = np.diff(found.readings.offsets)
    moved |= np.repeat(found.sensors.room < 0, counts)
    home = np.repeat(found.sensors.home, counts)[moved]
    day, half = bins(found.readings.time[moved], zone)
    day -= first
    seen = np.zeros((homes, days, BINS), np.bool_)
    inside = (day >= 0) & (day < days)
    seen[home[inside], day[inside], half[inside]] = True
    seen &= known[:, :, None]
    active = np.full((homes, KINDS, BINS), NONE)
    for one in range(KINDS):
        number = known[:, kind == one].sum(axis=1)
        enough = number >= _FEW
        share = seen[:, kind == one].sum(axis=1)[enough] * 100 / number[enough, None]
        active[enough, one] = np.rint(share).astype(np.int64)
    return active
