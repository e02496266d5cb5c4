"""Local days and the periods that are compared: Monday weeks, calendar months, the last four whole weeks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from store.times import midnight, next_month, quarter

Int64 = NDArray[np.int64]
Kind = Literal["week", "month", "four-weeks"]
KINDS: tuple[Kind, ...] = ("week", "month", "four-weeks")
#: Late data have come in by then after the end of a period, so that it is revised once and never again.
FINAL_AFTER = timedelta(days=7)

_WEEK = re.compile(r"(4w-)?(\d{4})-W(\d{2})\Z")
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole local days from ``start`` to ``end`` (not included)."""

    kind: Kind
    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days

    @property
    def key(self) -> str:
        """Its name in addresses and commands: ``2026-W07``, ``2026-02``, ``4w-2026-W07`` (by its last week)."""
        if self.kind == "month":
            return f"{self.start:%Y-%m}"
        year, week, _ = (self.end - timedelta(days=1)).isocalendar()
        return f"{'4w-' if self.kind == 'four-weeks' else ''}{year}-W{week:02d}"

    @property
    def quarter(self) -> date:
        """First day of the calendar quarter whose cells it is compared by: the one in which it begins."""
        return quarter(self.start)

    def before(self) -> Period:
        """The period of the same kind that ends where this one begins."""
        if self.kind == "month":
            return month_of(self.start - timedelta(days=1))
        return Period(self.kind, self.start - timedelta(days=self.days), self.start)


def week_of(day: date) -> Period:
    """The Monday week that a day is in."""
    monday = day - timedelta(days=day.weekday())
    return Period("week", monday, monday + timedelta(days=7))


def month_of(day: date) -> Period:
    """The calendar month that a day is in."""
    first = day.replace(day=1)
    return Period("month", first, next_month(first))


def four_weeks_to(day: date) -> Period:
    """The four whole weeks of which the last is the one that a day is in."""
    last = week_of(day)
    return Period("four-weeks", last.start - timedelta(days=21), last.end)


def period_of(kind: Kind, day: date) -> Period:
    """The period of a kind that a day is in; of four weeks those whose last week it is in."""
    return {"week": week_of, "month": month_of, "four-weeks": four_weeks_to}[kind](day)


def starting(kind: Kind, start: date) -> Period:
    """The period of a kind that begins on a day."""
    return (
        month_of(start) if kind == "month" else Period(kind, start, start + timedelta(days=7 if kind == "week" else 28))
    )


def parse_period(text: str) -> Period:
    """Read ``2026-W07``, ``2026-02`` or ``4w-2026-W07``. Raises ValueError with what would be right."""
    try:
        if found := _WEEK.match(text):
            monday = date.fromisocalendar(int(found[2]), int(found[3]), 1)
            return four_weeks_to(monday) if found[1] else week_of(monday)
        if found := _MONTH.match(text):
            return month_of(date(int(found[1]), int(found[2]), 1))
    except (ValueError, OverflowError):
        pass  # there is no such week or month: said below like any other
    raise ValueError(f"{text!r} is no period; write a week as 2026-W07, a month as 2026-02, four weeks as 4w-2026-W07")


def periods_touching(start: date, end: date) -> list[Period]:
    """Every period of any kind that has a day in ``start`` to ``end`` (not included), in order."""
    found = set()
    for offset in range((end - start).days):
        day = start + timedelta(days=offset)
        found |= {week_of(day), month_of(day)}
        found |= {four_weeks_to(day + timedelta(days=7 * week)) for week in range(4)}
    return sorted(found)


def day_edges(first: date, days: int, zone: ZoneInfo) -> Int64:
    """Instants [us since the Unix epoch] at which local days begin, shape ``(days + 1,)``: the last is the end."""
    return np.array([midnight(first + timedelta(days=day), zone) for day in range(days + 1)], np.int64)
