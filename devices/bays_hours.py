"""Hours of bays as people write them, and whether two of a bay hold at once (docs/reference/bays-file.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from typing import get_args

from devices.bays import DAY_MINUTES, BankHolidays, EventDays, Restriction
from devices.cells import Cells
from devices.duration import duration

#: Columns of the hours of one restriction.
COLUMNS = (
    "days", "hours", "from_time", "to_time", "maximum_stay", "no_return", "bank_holidays", "event_days", "hours_from",
    "hours_to",
)  # fmt: skip

_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY = 127
_TIME = re.compile(r"(?:([01]?\d|2[0-3]):([0-5]\d)|(24):(00))\Z", re.ASCII)
_HOURS = re.compile(r"([\d:]+)\s*[-\u2013]\s*([\d:]+)\Z", re.ASCII)
_MINUTE_US = 60_000_000
#: No stay that a sign allows is longer [min].
LONGEST = 31 * DAY_MINUTES
#: Words of `Restriction` for which no day is that of both.
_APART = ({"off", "only"}, {"not", "only"})


def days_of(text: str) -> int | None:
    """Days of the week, bit 0 Monday, of words such as ``Mo-Sa``, ``Mon, Wed`` or ``Sa-Su``; None: no such words."""
    found = 0
    for part in re.split(r"[,;\s]+", re.sub(r"\s*[-\u2013]\s*", "-", text.strip())):
        ends = [_day(name) for name in part.split("-")]
        if len(ends) > 2 or None in ends:
            return None
        first, last = ends[0] or 0, ends[-1] or 0
        for day in range(first, first + (last - first) % 7 + 1):
            found |= 1 << day % 7
    return found


def _day(name: str) -> int | None:
    word = name.lower()
    places = [place for place, long in enumerate(_LONG) if len(word) >= 2 and (long.startswith(word))]
    return places[0] if places else None


def runs_of_days(days: int) -> list[tuple[int, int]]:
    """The first and the last of each run of days of the week, 0 is Monday; none goes beyond Sunday."""
    runs: list[tuple[int, int]] = []
    for day in (day for day in range(7) if days >> day & 1):
        if runs and runs[-1][1] == day - 1:
            runs[-1] = runs[-1][0], day
        else:
            runs.append((day, day))
    return runs


def days_said(days: int) -> str:
    """Words that `days_of` reads back: ``Mo-Sa``, ``Mo,We``."""
    return ",".join(
        f"{_DAYS[first]}-{_DAYS[last]}" if last > first + 1 else ",".join(_DAYS[first : last + 1])
        for first, last in runs_of_days(days)
    )


def time_said(minute: int) -> str:
    """A minute of the day: ``08:30``; the day's end is ``24:00``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def restrictions_of(cells: Cells) -> tuple[Restriction, ...]:
    """The restriction of one line, two where its hours go beyond midnight, none where the line gives no hours.

    What is left out: every day, all day, no limit. ``cells.wrong`` gets what cannot be taken.
    """
    given = [name for name in COLUMNS if name in cells.cells]
    if not given:
        return ()
    before = len(cells.wrong)
    days = EVERY_DAY
    if (text := cells.cells.get("days")) is not None:
        found = days_of(text)
        if found is None:
            cells.wrong.append(f"days {text!r} are no days such as Mo-Sa or Mo,We,Fr")
        days = found or EVERY_DAY
    start, end = _times(cells)
    maximum, no_return = _minutes(cells, "maximum_stay"), _minutes(cells, "no_return")
    holidays = cells.word("bank_holidays", get_args(BankHolidays)) or "as-usual"
    events = cells.word("event_days", get_args(EventDays)) or "any"
    from_day, to_day = cells.day("hours_from"), cells.day("hours_to")
    if from_day and to_day and to_day <= from_day:
        cells.wrong.append(f"hours_to {to_day} is not after hours_from {from_day}; it is the first day without them")
    if start > end > 0 and (holidays, events) != ("as-usual", "any"):
        cells.wrong.append(
            "its hours go beyond midnight, and nothing says whether the hours after it are of the holiday or event: "
            "give two lines, one to 24:00 and one from 00:00"
        )
    if len(cells.wrong) > before:
        return ()
    whole = Restriction(days, start, end, maximum, no_return, holidays, events, from_day, to_day)  # type: ignore[arg-type]
    if start < end:
        return (whole,)
    evening, morning = replace(whole, end=DAY_MINUTES), replace(_next_day(whole), start=0)
    return (evening, morning) if end else (evening,)


def _next_day(one: Restriction) -> Restriction:
    days = (one.days << 1 | one.days >> 6) & EVERY_DAY
    from_day, to_day = (None if day is None else day + timedelta(1) for day in (one.from_day, one.to_day))
    return replace(one, days=days, from_day=from_day, to_day=to_day)


def _times(cells: Cells) -> tuple[int, int]:
    """First minute and the one after the last; all day where something is wrong."""
    hours, given = cells.cells.get("hours"), [cells.cells.get(name) for name in ("from_time", "to_time")]
    if hours is not None:
        if given != [None, None]:
            cells.wrong.append("hours and from_time or to_time are given; one of the two says it")
            return 0, DAY_MINUTES
        found = _HOURS.match(hours)
        texts = [None, None] if found is None else [found[1], found[2]]
    elif given == [None, None]:
        return 0, DAY_MINUTES
    elif None in given:
        cells.wrong.append("from_time and to_time belong together")
        return 0, DAY_MINUTES
    else:
        texts, hours = list(given), f"{given[0]}-{given[1]}"
    start, end = (None if text is None else _minute(text) for text in texts)
    if start is None or end is None:
        cells.wrong.append(f"hours {hours!r} are no hours such as 08:30-18:30")
    elif start % DAY_MINUTES == end % DAY_MINUTES and (start, end) != (0, DAY_MINUTES):
        cells.wrong.append(f"hours {hours!r} begin when they end; all day is 00:00-24:00")
    elif start == DAY_MINUTES:
        cells.wrong.append(f"hours {hours!r} begin at 24:00; say 00:00 of the next day")
    else:
        return start, end
    return 0, DAY_MINUTES


def _minute(text: str) -> int | None:
    found = _TIME.match(text)
    return None if found is None else int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def _minutes(cells: Cells, name: str) -> int | None:
    """A length in whole minutes, of a number of them or an ISO 8601 duration."""
    text = cells.cells.get(name)
    if text is None:
        return None
    length = int(text) * _MINUTE_US if text.isascii() and text.isdigit() and len(text) < 8 else duration(text.upper())
    if length is None or length % _MINUTE_US or not 0 < length <= LONGEST * _MINUTE_US:
        cells.wrong.append(f"{name} {text!r} is no length of time in whole minutes, such as 60 or PT1H, up to 31 days")
        return None
    return length // _MINUTE_US


def ordered(restrictions: Iterable[Restriction]) -> tuple[Restriction, ...]:
    """The one order in which a bay has its restrictions, whatever the order of its lines."""
    return tuple(
        sorted(
            restrictions,
            key=lambda one: (
                one.from_day or date.min, one.days, one.start, one.end, one.bank_holidays, one.event_days,
                one.to_day or date.max,
            ),
        )
    )  # fmt: skip


def contradictions(restrictions: Sequence[Restriction]) -> list[tuple[int, int]]:
    """Places of every two restrictions that hold at once at some minute of some day.

    Exact for all days: any day can be proclaimed a bank holiday, and a zone can have an event on any.
    """
    return [
        (first, second)
        for (first, one), (second, other) in combinations(enumerate(restrictions), 2)
        if _hold_at_once(one, other)
    ]


def _hold_at_once(one: Restriction, other: Restriction) -> bool:
    if max(one.start, other.start) >= min(one.end, other.end):
        return False
    if {one.bank_holidays, other.bank_holidays} == _APART[0] or {one.event_days, other.event_days} == _APART[1]:
        return False
    days = one.days & other.days
    begin = max(one.from_day or date.min, other.from_day or date.min)
    end = min(one.to_day or date.max, other.to_day or date.max)
    # from a week on every day of the week is among them
    return any(days >> (begin + timedelta(ahead)).weekday() & 1 for ahead in range(min((end - begin).days, 7)))


def hours_said(one: Restriction) -> str:
    """A restriction in words, such as ``Mo-Sa 08:30-18:30, up to 60 min, no return within 2 h``."""
    parts = [f"{days_said(one.days)} {time_said(one.start)}-{time_said(one.end)}"]
    if (one.start, one.end) == (0, DAY_MINUTES):
        parts = ["at any time" if one.days == EVERY_DAY else f"{days_said(one.days)} all day"]
    if one.maximum_stay is not None:
        parts.append(f"up to {_length(one.maximum_stay)}")
    if one.no_return is not None:
        parts.append(f"no return within {_length(one.no_return)}")
    parts += {"off": ["not on bank holidays"], "only": ["on bank holidays only"]}.get(one.bank_holidays, [])
    parts += {"not": ["not on event days"], "only": ["on event days only"]}.get(one.event_days, [])
    if one.from_day is not None:
        parts.append(f"from {one.from_day}")
    if one.to_day is not None:
        parts.append(f"until {one.to_day - timedelta(1)}")
    return ", ".join(parts)


def _length(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 and minutes > 60 else f"{minutes} min"


def hours_cells(one: Restriction) -> dict[str, str]:
    """The columns of a restriction that `restrictions_of` reads back."""
    found = {"days": days_said(one.days), "hours": f"{time_said(one.start)}-{time_said(one.end)}"}
    values = {
        "maximum_stay": one.maximum_stay, "no_return": one.no_return, "bank_holidays": one.bank_holidays,
        "event_days": one.event_days, "hours_from": one.from_day, "hours_to": one.to_day,
    }  # fmt: skip
    found |= {name: str(value) for name, value in values.items() if value not in (None, "as-usual", "any")}
    return found
