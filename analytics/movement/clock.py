"""Time of day as people live it: half-hours of the wall clock, local days, and kinds of days."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

import numpy as np

from analytics.movement.arrays import DAY, HOUR, SECOND, Int64

#: A half-hour of the clock [us].
HALF_HOUR: Final = HOUR // 2
#: Half-hours that are looked up at once, a week's; and how many such pages, four years, make no table of their own.
_PAGE: Final = 336
_PAGES: Final = 208
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ORDINAL: Final = date(1970, 1, 1).toordinal()


def local(time: Int64, zone: tzinfo) -> Int64:
    """Wall-clock microseconds since 1970-01-01 00:00 of instants [us], same shape.

    Clocks change at whole half-hours of UTC, so each half-hour is looked up once.
    """
    half = np.asarray(time) // HALF_HOUR
    if not half.size:
        return np.asarray(time, np.int64)
    page = half // _PAGE
    low, high = int(page.min()), int(page.max())
    if high - low < _PAGES:
        offsets = np.concatenate([_offsets(one, zone) for one in range(low, high + 1)])
        return np.asarray(time + offsets[half - low * _PAGE], np.int64)
    different, place = np.unique(half, return_inverse=True)
    offsets = np.array([_offset(one, zone) for one in different.tolist()], np.int64)
    return np.asarray(time + offsets[place].reshape(np.shape(time)), np.int64)


def bins(time: Int64, zone: tzinfo) -> tuple[Int64, Int64]:
    """Local day (days since 1970-01-01) and half-hour of the day (0 to 47) of instants [us]."""
    wall = local(time, zone)
    day = wall // DAY
    return day, (wall - day * DAY) // HALF_HOUR


def kinds(days: Int64, holidays: Container[date]) -> Int64:
    """Kinds of local days (since 1970-01-01): 0 is Monday to Friday, 1 is Saturday, Sunday and ``holidays``."""
    days = np.asarray(days, np.int64)
    different, place = np.unique(days, return_inverse=True)
    free = [(day + 3) % 7 >= 5 or date.fromordinal(_ORDINAL + day) in holidays for day in different.tolist()]
    return np.array(free, np.int64)[place].reshape(days.shape)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _ORDINAL


@lru_cache(maxsize=8 * _PAGES)
def _offsets(page: int, zone: tzinfo) -> Int64:
    """Offsets of UTC [us] of the half-hours of a page, which nobody changes."""
    found = np.array([_offset(half, zone) for half in range(page * _PAGE, (page + 1) * _PAGE)], np.int64)
    found.setflags(write=False)
    return found


def _offset(half: int, zone: tzinfo) -> int:
    """Offset of UTC [us] from a half-hour (since 1970-01-01 UTC) on."""
    offset = (_EPOCH + timedelta(microseconds=half * HALF_HOUR)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * SECOND
