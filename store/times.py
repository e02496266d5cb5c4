"""Instants: aware datetimes at the edges, int64 microseconds since the Unix epoch in the arrays; and the calendar: when
a local day begins, which day, month and quarter something is in."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

#: The first and the last instant that there are [us since the Unix epoch].
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """An aware instant, UTC, from microseconds since the Unix epoch."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def microseconds(moment: datetime) -> int:
    """Microseconds since the Unix epoch. Raises ValueError where ``moment`` has no time zone."""
    return (aware(moment) - _EPOCH) // _MICROSECOND


def aware(moment: datetime) -> datetime:
    """``moment`` itself. Raises ValueError where it has no time zone: it is no instant then."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: an instant is needed")
    return moment


@lru_cache(maxsize=4096)
def midnight(day: date, zone: tzinfo) -> int:
    """The instant [us since the Unix epoch] at which a local day begins."""
    return microseconds(datetime.combine(day, time(), zone))


def begin_of(day: date, zone: tzinfo) -> datetime:
    """The instant, UTC, at which a local day begins."""
    return instant(midnight(day, zone))


def local_day(moment: datetime, zone: tzinfo) -> date:
    """The local day that an aware instant is in."""
    return moment.astimezone(zone).date()


def next_month(day: date) -> date:
    """First day of the calendar month after the one that a day is in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def quarter(day: date) -> date:
    """First day of the calendar quarter that a day is in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def next_quarter(day: date) -> date:
    """First day of the calendar quarter after the one that a day is in."""
    return (quarter(day) + timedelta(days=93)).replace(day=1)
