"""A time axis in local time: places are instants, labels are what the clock on the wall says there.

Around a change of the clocks a label names the zone, so that the hour that comes twice is told apart from itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from store.times import instant, microseconds, midnight

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
#: Steps within days [minutes], of days, and of months.
_MINUTES = (1, 5, 15, 30, 60, 180, 360, 720)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1_200)
#: Labels of an axis at most.
MOST = 8
#: How near a change of the clocks labels name the zone.
_NEAR = timedelta(hours=3)
#: Finest steps between local times: some zones are quarters of an hour apart from others.
_QUARTER = 15

Tick = tuple[int, str]


def ticks(start: int, end: int, zone: ZoneInfo, most: int = MOST) -> list[Tick]:
    """Instants [us] from ``start`` to ``end`` (included) and their labels, ``most`` at most, rising.

    A span of less than some minutes has the finest labels there are: its beginning, to the microsecond.
    """
    for minutes in _MINUTES:
        if (end - start) // (minutes * _MINUTE) < most:
            found = list(_within_days(start, end, zone, minutes))
            if 0 < len(found) <= most:
                return found
    for days in _DAYS:
        if (end - start) // (days * _DAY) < most:
            found = list(_days(start, end, zone, days))
            if 0 < len(found) <= most:
                return found
    for months in _MONTHS:
        if (end - start) // (months * 28 * _DAY) < 2 * most:
            found = list(_months(start, end, zone, months))
            if 0 < len(found) <= most:
                return found
    return [(start, local(start, zone))]


def local(at: int, zone: ZoneInfo) -> str:
    """A local time in full, as tables have it: ``29 Mar 2026, 02:15:00 BST``; finer only where it is."""
    moment = instant(at).astimezone(zone)
    below = f".{moment:%f}".rstrip("0").rstrip(".")
    return f"{moment.day} {moment:%b %Y, %H:%M:%S}{below} {moment:%Z}"


def _within_days(start: int, end: int, zone: ZoneInfo, minutes: int) -> Iterator[Tick]:
    fine = min(minutes, _QUARTER) * _MINUTE
    at = -(-start // fine) * fine
    while at <= end:
        moment = instant(at).astimezone(zone)
        if (moment.hour * 60 + moment.minute) % minutes == 0:
            yield at, _clock(moment)
        at += fine


def _clock(moment: datetime) -> str:
    if changes_near(moment):
        return f"{moment:%H:%M %Z}"
    return f"{moment:%H:%M}" if moment.hour or moment.minute else f"{moment.day} {moment:%b}"


def changes_near(moment: datetime) -> bool:
    """Whether clocks are or were changed within some hours: by instants, for local times cannot tell."""
    at = microseconds(moment)
    near = _NEAR // timedelta(microseconds=1)
    return (
        instant(at - near).astimezone(moment.tzinfo).utcoffset()
        != instant(at + near).astimezone(moment.tzinfo).utcoffset()
    )


def _days(start: int, end: int, zone: ZoneInfo, days: int) -> Iterator[Tick]:
    day = instant(start).astimezone(zone).date()
    # weeks begin on Mondays, others are counted from the calendar's beginning, so that a shifted span has the same
    day -= timedelta(days=(day.toordinal() - 1) % days)
    while (at := midnight(day, zone)) <= end:
        if at >= start:
            yield at, f"{day.day} {day:%b}"
        day += timedelta(days=days)


def _months(start: int, end: int, zone: ZoneInfo, months: int) -> Iterator[Tick]:
    first = instant(start).astimezone(zone).date()
    number = (first.year * 12 + first.month - 1) // months * months
    while True:
        day = date(number // 12, number % 12 + 1, 1)
        at = midnight(day, zone)
        if at > end:
            return
        if at >= start:
            yield at, f"{day.year}" if months % 12 == 0 else f"{day:%b %Y}"
        number += months
