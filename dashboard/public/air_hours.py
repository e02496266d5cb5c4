"""A monitor's hours and local days as arrays, for pages, files and the API; by `analytics.air` from the record.

The first axis of all arrays is the pollutant, in the order of ``store.air.POLLUTANTS``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.air.daily import day_highest, day_means, hours_of
from analytics.air.running import running
from store import air
from store.air import INDEXED, POLLUTANTS, Monitor
from store.batch import Float64, Int64
from store.connect import Connection
from store.times import begin_of

HOUR = timedelta(hours=1)
#: Of how many hours the running mean of a pollutant is, and how many of them it needs: as guidelines are told.
RUNNING = {name: (8, 6) if name == "o3" else (24, 18) for name in POLLUTANTS}
#: Hours before a span that its first running means need.
LEAD = max(window for window, _ in RUNNING.values()) - 1


@dataclass(frozen=True, slots=True)
class HourTable:
    """Hours of one monitor from ``start`` on: ``mean``, ``running`` (of ``RUNNING``'s hours; each belongs to its last
    one) and ``readings`` ``(7, hours)``, the ``index`` by pollutant ``(5, hours)``, 0 for none, ``humidity``
    ``(hours,)`` [%]. Means in the pollutant's unit, NaN where there is none.
    """

    start: datetime
    mean: Float64
    running: Float64
    readings: NDArray[np.int16]
    index: NDArray[np.int8]
    humidity: Float64

    @property
    def hours(self) -> int:
        """How many hours there are."""
        return int(self.mean.shape[1])

    def begin(self, place: int) -> datetime:
        """When an hour begins."""
        return self.start + place * HOUR

    @property
    def overall(self) -> NDArray[np.int8]:
        """The index of each hour, of its worst pollutant ``(hours,)``."""
        found: NDArray[np.int8] = self.index.max(axis=0)
        return found


@dataclass(frozen=True, slots=True)
class DayTable:
    """Local days of one monitor from ``first`` on.

    ``mean``, ``highest`` (hour) and ``highest_running`` (running mean of 8 hours; ozone alone) ``(7, days)``, NaN where
    less than 75 % of the day's hours are there; ``known``: hours with a mean, ``(7, days)``; ``hours`` of each day
    ``(days,)``; the daily ``index`` ``(days,)`` and that ``by_pollutant`` ``(5, days)``, 0 for none.
    """

    first: date
    mean: Float64
    highest: Float64
    highest_running: Float64
    known: Int64
    hours: Int64
    index: NDArray[np.int8]
    by_pollutant: NDArray[np.int8]

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.hours)

    @property
    def value(self) -> Float64:
        """What a day is held against guidelines by: its mean, of ozone the highest running mean ``(7, days)``."""
        found = self.mean.copy()
        found[POLLUTANTS.index("o3")] = self.highest_running[POLLUTANTS.index("o3")]
        return found


def hour_table(connection: Connection, device: str, start: datetime, end: datetime) -> HourTable:
    """Hours from ``start`` to ``end`` (not included), both full hours. Raises psycopg.Error."""
    found = air.hours(connection, [device], start - LEAD * HOUR, end)
    mean = found.mean[0]
    long = np.stack([running(mean[place], *RUNNING[name]) for place, name in enumerate(POLLUTANTS)])
    return HourTable(
        start,
        mean[:, LEAD:],
        long[:, LEAD:],
        found.captured[0][:, LEAD:],
        found.index[0][:, LEAD:],
        found.humidity[0][LEAD:],
    )


def day_table(
    connection: Connection, device: str, first: date, end: date, zone: ZoneInfo
) -> tuple[DayTable, HourTable]:
    """Local days from ``first`` to ``end`` (not included), and their hours. Raises psycopg.Error."""
    count = max(0, (end - first).days)
    edges = hours_of(zone, first, count)
    start = full_hour_from(begin_of(first, zone))
    hours = hour_table(connection, device, start, start + int(edges[-1]) * HOUR)
    stored = air.days(connection, [device], first, end)
    known = np.isfinite(hours.mean).astype(np.int64)
    days = DayTable(
        first,
        day_means(hours.mean, edges),
        day_highest(hours.mean, edges),
        day_highest(hours.running, edges),
        np.add.reduceat(known, edges[:-1], axis=1) if count else np.zeros((len(POLLUTANTS), 0), np.int64),
        np.diff(edges),
        np.maximum(stored.index[0], 0),
        np.maximum(stored.by_pollutant[0], 0),
    )
    return days, hours


def pollutants_of(monitor: Monitor) -> list[str]:
    """What a monitor measures that is shown, in the order of all arrays."""
    return [name for name in POLLUTANTS if name in monitor.measured]


def full_hour_from(at: datetime) -> datetime:
    """The first full hour (UTC) from an instant on."""
    down = at.replace(minute=0, second=0, microsecond=0)
    return down if down == at else down + HOUR


def worst(by_pollutant: Sequence[int]) -> str | None:
    """Which pollutant makes an index, the first of equals; None where none has one."""
    highest = max(by_pollutant, default=0)
    return INDEXED[list(by_pollutant).index(highest)] if highest > 0 else None


def newest_hour(monitor: Monitor, at: datetime) -> datetime:
    """The end of the newest full hour that there can be something of: now, or where a monitor was last heard."""
    over = at.replace(minute=0, second=0, microsecond=0)
    if monitor.heard is None:
        return over
    return min(over, monitor.heard.replace(minute=0, second=0, microsecond=0) + HOUR)
