"""Columns whose headings are times of day: which ones they are, and the instants of their intervals on a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from borough.replay.headings import Headings
from borough.replay.table_mapping import TimeHeadings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
_DAY_MINUTES = 1440
#: Different dates that are remembered.
_REMEMBERED = 5_000
_CLOCK = r"(\d{1,2})[:.](\d{2})(?:[:.]00)?"
_TIME = re.compile(rf"[^\d:]*{_CLOCK}\D*\Z", re.ASCII)
_RANGE = re.compile(rf"[^\d:]*{_CLOCK}\s*\D{{1,4}}\s*{_CLOCK}\D*\Z", re.ASCII)
_DIGITS = re.compile(r"\D*(\d{2})(\d{2})\D*\Z", re.ASCII)
_NUMBER = re.compile(r"(?!column \d)(?:.*\D)?(\d{1,3})\D*\Z", re.ASCII)


class DayColumn(NamedTuple):
    """One column: where its interval starts [minutes of the day], or its number from 0; ``later``: the second time
    that its heading stands there, which is the second pass of an hour that the clocks repeat."""

    name: str
    place: int
    later: bool


class DayColumns:
    """The columns of one table. ``fault`` says why there are none, or None.

    ``step`` [us]. By their times of day they are clock times of the zone, unless one is beyond 24:00 or they are
    numbers: then they count on from local midnight, 46 or 50 half-hours where the clocks change.
    """

    def __init__(self, rule: TimeHeadings, zone: str, headings: Headings, others: Sequence[str]) -> None:
        self.fault: str | None = None
        self._rule = rule
        self._zone = ZoneInfo(zone)
        self._days: dict[date, list[int | None]] = {}
        found = []
        for name in headings.names:
            repeated = headings.repeated.get(name)
            if name not in others and fnmatchcase(name, rule.like):
                place = _place(repeated.heading if repeated else name, rule.at)
                if place is not None:
                    found.append(DayColumn(name, place, bool(repeated and repeated.number == 2)))
        places = sorted({column.place for column in found})
        step = rule.step // _MINUTE or (self._number_step(places) if rule.at == "number" else _distance(places))
        self.step = step * _MINUTE
        self._counts = rule.at == "number" or bool(places and places[-1] > _DAY_MINUTES)
        if not found:
            self.fault = "has no column that is a time of day" if rule.at != "number" else "has no columns with numbers"
        elif step == 0:
            self.fault = (
                'has times of day that do not tell how long an interval is; say headings = { at = "…", step = "…" }'
            )
        elif any(headings.repeated[name].number > 2 for name, _, _ in found if name in headings.repeated):
            self.fault = "has one time of day more than twice"
        elif len({column[1:] for column in found}) < len(found):
            self.fault = (
                'has two columns for one time of day; say headings = { at = "…", like = "HH*" } which are meant'
            )
        if rule.at == "number":
            found = [column._replace(place=(column.place - 1) * step) for column in found]
        elif rule.at == "end":
            # 00:00 as an end is that of the day
            found = [column._replace(place=(column.place or _DAY_MINUTES) - step) for column in found]
        self.columns = found

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [column.name for column in self.columns]

    def on(self, day: date) -> list[int | None]:
        """The instants at which the columns' intervals start on that day [us]; None: the day has none such."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            found = self._days[day] = [self._start(day, column) for column in self.columns]
        return found

    def _start(self, day: date, column: DayColumn) -> int | None:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 local, the zone follows
        try:
            if self._counts:
                start = _instant(midnight.replace(tzinfo=self._zone)) + column.place * _MINUTE
                end = _instant((midnight + timedelta(days=1)).replace(tzinfo=self._zone))
                return start if start < end else None
            local = midnight + timedelta(minutes=column.place)
            first, later = (_instant(local.replace(tzinfo=self._zone, fold=fold)) for fold in (0, 1))
        except OverflowError:
            return None
        if first > later or (column.later and first == later):
            return None  # a time that the clocks skip, or a second pass on a day that has one
        return later if column.later else first

    @staticmethod
    def _number_step(places: Sequence[int]) -> int:
        """Columns of a day by the highest number: 24 to 25 of an hour, 46 to 50 of half an hour, and so on."""
        highest = places[-1] if places else 0
        for step in (60, 30, 15, 10, 5, 1):
            count = _DAY_MINUTES // step
            if count <= highest <= count + 60 // step:
                return step
        return 0


def _instant(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _place(heading: str, at: str) -> int | None:
    """Minutes of the day that a heading says, or its number; None where it says none."""
    if at == "number":
        match = _NUMBER.match(heading)
        return int(match[1]) if match and int(match[1]) > 0 else None
    if match := _RANGE.match(heading):
        clock = match.groups()[:2] if at == "start" else match.groups()[2:]
    elif match := _TIME.match(heading) or _DIGITS.match(heading):
        clock = match.groups()
    else:
        return None
    hour, minute = int(clock[0]), int(clock[1])
    return hour * 60 + minute if minute < 60 and hour <= 25 else None


def _distance(places: Sequence[int]) -> int:
    """The distance between times of day, the smallest one, of which the others are multiples [minutes]; 0: none."""
    steps = {late - early for early, late in pairwise(places)}
    smallest = min(steps, default=0)
    return smallest if smallest and not any(step % smallest for step in steps) else 0
