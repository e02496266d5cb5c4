"""Which time of a series is looked at: local days, weeks, months, years, all of it, or from one time to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from store.times import instant, microseconds

Name = Literal["", "day", "week", "month", "year", "all"]
NAMES: tuple[tuple[Name, str], ...] = (
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
    ("year", "Year"),
    ("all", "All of it"),
)
#: Years that can be reached by stepping on (dashboard.web.values has the same for what is typed).
_FIRST, _LAST = 1900, 2199


class NoSpan(ValueError):
    """The times that were asked for are no span; the text says why."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end`` (not included) [us]; ``name`` is "" where it is no unit of the calendar."""

    start: int
    end: int
    name: Name


def choose(
    name: Name,
    begin: datetime | None,
    end: datetime | None,
    extent: tuple[int, int] | None,
    now: datetime,
    zone: ZoneInfo,
) -> Span:
    """The span that is asked for: from one local time to another; a unit from a local time on; or the last one that has
    readings, of which a week is shown where nothing is asked.

    ``extent``: first and last reading [us]. Raises NoSpan.
    """
    if begin is not None and end is not None and not name:
        first, last = _instant(begin, zone, fold=0), _instant(end, zone, fold=1)
        if last <= first:
            raise NoSpan("the end is not after the beginning")
        return Span(first, last, "")
    if name == "all" and extent is not None:
        return Span(extent[0], extent[1] + 1, "all")
    unit: Name = "week" if name in ("", "all") else name
    if begin is not None:
        return Span(_instant(begin, zone, fold=0), _instant(_later(begin, unit, 1), zone, fold=0), unit)
    newest = now if extent is None else instant(extent[1])
    after = datetime.combine(newest.astimezone(zone).date() + timedelta(days=1), datetime.min.time())
    return Span(_instant(_later(after, unit, -1), zone, fold=0), _instant(after, zone, fold=0), unit)


def beside(span: Span, zone: ZoneInfo, units: int) -> datetime | None:
    """When the unit before (-1) or after (1) a span of the calendar begins, local; None where there is none."""
    if span.name in ("", "all"):
        return None
    begin = instant(span.start).astimezone(zone).replace(tzinfo=None)
    try:
        return _later(begin, span.name, units)
    except NoSpan:
        return None


def _later(moment: datetime, unit: Name, units: int) -> datetime:
    if unit in ("day", "week"):
        later = moment + timedelta(days=units if unit == "day" else 7 * units)
    else:
        months = moment.year * 12 + moment.month - 1 + (units if unit == "month" else 12 * units)
        year, month = divmod(months, 12)
        if not _FIRST <= year <= _LAST:
            raise NoSpan(f"years go from {_FIRST} to {_LAST}")
        # the last day of a month that is shorter
        for day in range(moment.day, 27, -1):
            try:
                return moment.replace(year=year, month=month + 1, day=day)
            except ValueError:
                continue
        return moment.replace(year=year, month=month + 1)
    if not _FIRST <= later.year <= _LAST:
        raise NoSpan(f"years go from {_FIRST} to {_LAST}")
    return later


def _instant(moment: datetime, zone: ZoneInfo, *, fold: int) -> int:
    """A local time as an instant: of an hour that comes twice the first, or with ``fold`` the second."""
    return microseconds(moment.replace(tzinfo=zone, fold=fold))
