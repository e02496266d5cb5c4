"""A home's half-hours: what it draws when nobody does anything, and its typical day. Pure arrays.

**Background load** is what Borgeson and others call idle load: everything that is on by itself, refrigerators and
freezers with their cycles included. It is read off the nights, when people sleep and no panel feeds the house: of each
night from midnight to 06:00 the mean of the three lowest half-hours, and of these the median over two weeks. Three,
because a refrigerator is off for half an hour now and then, and a single lowest half-hour would leave it out; the
median, because a car that is charged on some nights or a party is not background. Heating that runs at night counts,
and so does a battery that feeds the house: the page says so. The hours and the number three are our own choice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from store.times import midnight

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

SLOTS = 48
#: Nights that are looked at, and how many of them are needed.
NIGHTS, FEWEST_NIGHTS = 14, 7
#: Half-hours from midnight to 06:00, and how many of the lowest count: our own choice, see above.
_NIGHT, _LOWEST = 12, 3
#: A typical value needs so many days.
_FEWEST_DAYS = 3
_HALF_HOUR_US = 1_800_000_000


class Pattern(NamedTuple):
    """Median energy of each half-hour of the clock [Wh], ``(48,)`` each, NaN where fewer than three days have it."""

    weekday: Float64
    weekend: Float64


def by_clock(half_hours: Float64, day: date, zone: ZoneInfo) -> Float64:
    """The half-hours of one local day, 46 to 50 in order of time, by the clock: ``(48,)``, NaN where there is none.

    On the day that is short an hour of the clock does not exist: NaN. On the long one it comes twice: the mean of what
    is known of both, so that half-hours stay comparable and their sum is not the day's. Raises ValueError for another
    number of half-hours than the day has.
    """
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    count = (end - start) // _HALF_HOUR_US
    if len(half_hours) != count:
        raise ValueError(f"{day} has {count} half-hours in {zone.key}, not {len(half_hours)}")
    if count == SLOTS:
        return np.array(half_hours, np.float64)
    place = _clock_places(day, count, zone)
    known = ~np.isnan(half_hours)
    total = np.bincount(place[known], half_hours[known], SLOTS)
    number = np.bincount(place[known], minlength=SLOTS)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def background(half_hours: Float64) -> float:
    """Background load [W] from the half-hours of days by the clock [Wh], ``(days, 48)``; NaN where too little is known.

    The last 14 days count. A night needs all but one of its half-hours, and seven nights are needed.
    """
    nights = half_hours[-NIGHTS:, :_NIGHT]
    nights = nights[(~np.isnan(nights)).sum(axis=1) >= _NIGHT - 1]
    if len(nights) < FEWEST_NIGHTS:
        return float("nan")
    lowest = np.sort(nights, axis=1)[:, :_LOWEST]  # NaN sorts last
    # Wh in half an hour, times two: W
    return float(2 * np.median(lowest.mean(axis=1)))


def pattern(half_hours: Float64, first: date) -> Pattern:
    """The typical day from days by the clock [Wh], ``(days, 48)``, the first of which is ``first``."""
    weekend = (np.arange(len(half_hours)) + first.weekday()) % 7 >= 5
    return Pattern(_medians(half_hours[~weekend]), _medians(half_hours[weekend]))


def _medians(days: Float64) -> Float64:
    found = np.full(SLOTS, np.nan)
    enough = (~np.isnan(days)).sum(axis=0) >= _FEWEST_DAYS
    if enough.any():
        found[enough] = np.nanmedian(days[:, enough], axis=0)
    return found


def _clock_places(day: date, count: int, zone: ZoneInfo) -> NDArray[np.int64]:
    """Which half-hour of the clock each half-hour of a day begins in."""
    first = datetime.fromtimestamp(midnight(day, zone) // 1_000_000, UTC)
    clocks = [(first + timedelta(minutes=30 * slot)).astimezone(zone) for slot in range(count)]
    return np.array([clock.hour * 2 + clock.minute // 30 for clock in clocks], np.int64)
