"""The pattern report in words and figures. Pure: the arrays of `analytics.movement.patterns` in, what is shown out.

Numbers stand beside each other, and nothing judges them: no word says that somebody does well or badly, no colour does,
and what is not known is said, with the reason where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analytics.movement import patterns
from analytics.movement.arrays import ROOMS
from analytics.movement.patterns import DAYS, ENOUGH, Report
from analytics.movement.patterns import Figure as Compared
from analytics.report import words as report_words
from dashboard.care import report_picture
from dashboard.figures import Cell, Figure, Key, scale
from devices.counts import counted

ROOM_WORDS = {
    "bedroom": "Bedroom", "bathroom": "Bathroom", "kitchen": "Kitchen", "living-room": "Living room", "hall": "Hall",
    "other": "Other rooms",
}  # fmt: skip
NOT_KNOWN = "Not known"
NO_SENSOR = "No sensor for it"
#: Differences smaller than this [min] are not told apart: the sensors' own time-outs are as long.
_SAME = 8
_BATHROOM = ROOMS.index("bathroom")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the summary: both times in words, the difference, and how many days each rests on."""

    name: str
    now: str
    before: str
    difference: str
    days: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The whole report. ``known``: how many of the days of each time count."""

    lines: Sequence[Line]
    rooms: Sequence[Line]
    figures: Sequence[Figure]
    known_now: int
    known_before: int


def show(report: Report, end: date, csv: str) -> Shown:
    """The report of the eight weeks before the local day ``end``; ``csv``: where its days can be had."""
    some = report.days.known >= patterns.KNOWN
    bathroom = _has(report.days.rooms[:, _BATHROOM], some)
    door = _has(report.days.outings, some)
    lines = [
        _line("First movement of the day", report.first, clock, later),
        _line("Last movement of the day", report.last, clock, later),
        _line("Visits to the bathroom in a night", report.nights, one_decimal, more, sensor=bathroom),
        _line(
            "Days of the week with a time out of the home", _times(report.days_out, 7), one_decimal, more, sensor=door
        ),
        _line("Times out of the home a day", report.outings, one_decimal, more, sensor=door),
        _line("Time out of the home a day", report.out, length, longer, sensor=door),
    ]
    rooms = [
        _line(ROOM_WORDS[room], report.rooms[place], whole, more_whole, sensor=_has(report.days.rooms[:, place], some))
        for place, room in enumerate(ROOMS)
    ]
    first = end - timedelta(days=2 * DAYS)
    given: list[tuple[str, str, np.ndarray, Line, Callable[[float], str], bool, bool]] = [
        ("first", "h", report.days.first, lines[0], clock, True, True),
        ("last", "h", report.days.last, lines[1], clock, True, True),
        ("nights", "visits in the night before", report.days.nights, lines[2], whole, False, bathroom),
        ("out", "hours out of the home", report.days.out, lines[5], one_decimal, False, door),
    ]
    figures = [
        _figure(name, unit, values, line, say, first, csv, dots=dots)
        for name, unit, values, line, say, dots, sensor in given
        if sensor and np.isfinite(values).any()
    ]
    return Shown(lines, [one for one in rooms if one.now != NO_SENSOR], figures, report.known.days_now,
                 report.known.days_before)  # fmt: skip


def table(report: Report, end: date) -> tuple[list[str], list[list[str | float | None]]]:
    """All days as a table for a file: its head and its rows. An empty cell is not known."""
    head = [
        "day",
        "known",
        "first_movement",
        "last_movement",
        "bathroom_visits_in_the_night_before",
        "times_out",
        "hours_out",
    ]
    head += [f"movements_{room.replace('-', '_')}" for room in ROOMS]
    found, rows = report.days, list[list[str | float | None]]()
    for place in range(2 * DAYS):
        day = end - timedelta(days=2 * DAYS - place)
        rows.append([
            day.isoformat(), round(float(found.known[place]), 3),
            *(None if math.isnan(value) else clock(value) for value in (found.first[place], found.last[place])),
            *(_cell(value) for value in (found.nights[place], found.outings[place], found.out[place])),
            *(_cell(value) for value in found.rooms[place]),
        ])  # fmt: skip
    return head, rows


def clock(hours: float) -> str:
    """A time of the wall clock [h], also after midnight: ``00:40`` for 24.67."""
    minutes = round(hours * 60) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def length(hours: float) -> str:
    """A length of time [h] to ten minutes: ``2 h 10 min``."""
    return _length(_ten_minutes(hours))


def _ten_minutes(hours: float) -> int:
    return round(hours * 6) * 10


def _length(minutes: int) -> str:
    parts = [f"{minutes // 60} h" if minutes >= 60 else "", f"{minutes % 60} min" if minutes % 60 else ""]
    return " ".join(part for part in parts if part) or "none"


def one_decimal(value: float) -> str:
    """``1.4``."""
    return f"{value:.1f}"


def whole(value: float) -> str:
    """``34``."""
    return f"{value:.0f}"


def later(now: float, before: float) -> str:
    """How two times of the day [h] differ, in words, to the minute: as they are said."""
    apart = round(now * 60) - round(before * 60)
    if abs(apart) < _SAME:
        return "about the same"
    return f"{_length(abs(apart))} {'later' if apart > 0 else 'earlier'}"


def longer(now: float, before: float) -> str:
    """How two lengths [h] differ, in words, as exactly as they are said."""
    apart = _ten_minutes(now) - _ten_minutes(before)
    return f"{_length(abs(apart))} {'more' if apart > 0 else 'less'}" if apart else "about the same"


def more(now: float, before: float) -> str:
    """How two numbers differ, in words, as exactly as they are said."""
    apart = float(one_decimal(now)) - float(one_decimal(before))
    return f"{abs(apart):.1f} {'more' if apart > 0 else 'fewer'}" if apart else "about the same"


def more_whole(now: float, before: float) -> str:
    """The same of numbers that are said as whole ones."""
    apart = int(whole(now)) - int(whole(before))
    return f"{abs(apart)} {'more' if apart > 0 else 'fewer'}" if apart else "about the same"


def _line(
    name: str,
    figure: Compared,
    say: Callable[[float], str],
    differ: Callable[[float, float], str],
    *,
    sensor: bool = True,
) -> Line:
    if not sensor:
        return Line(name, NO_SENSOR, NO_SENSOR, "", "")

    def one(value: float) -> str:
        return NOT_KNOWN if math.isnan(value) else say(value)

    known = not math.isnan(figure.now) and not math.isnan(figure.before)
    days = f"{figure.days_now} and {figure.days_before} of {DAYS}"
    return Line(name, one(figure.now), one(figure.before), differ(figure.now, figure.before) if known else "", days)


def _figure(
    name: str,
    unit: str,
    values: np.ndarray,
    line: Line,
    say: Callable[[float], str],
    first: date,
    csv: str,
    *,
    dots: bool,
) -> Figure:
    known = [None if math.isnan(value) else float(value) for value in values.tolist()]
    some = [value for value in known if value is not None]
    if dots:
        low, high = math.floor(min(some)), math.ceil(max(some))
        step = max(1, math.ceil((high - low) / 4))
        marks = [float(low + step * place) for place in range(max(2, math.ceil((high - low) / step) + 1))]
        ticks = [(mark, clock(mark)) for mark in marks]
    else:
        ticks = [(mark, f"{mark:g}") for mark in scale(max(*some, 1.0))]
    labels = [(place, short(first + timedelta(days=place))) for place in (0, DAYS // 2, DAYS, DAYS + DAYS // 2)]
    headline = _headline(line)
    rows = [
        [
            Cell(report_words.day(first + timedelta(days=place))),
            Cell(NOT_KNOWN if value is None else say(value)),
        ]
        for place, value in enumerate(known)
    ]
    drawing = report_picture.days(name, known, ticks, labels, f"{headline} The table below has each day.", dots=dots)
    lost = sum(value is None for value in known)
    keys = [Key(f"{name}-gap", f"hatched: not known, {lost} of {counted(2 * DAYS, 'day')}")] if lost else []
    columns = ("Day", unit if not dots else "Time")
    return Figure(name, headline, drawing, f"{line.name}, day by day", columns, rows, keys, csv)


def _headline(line: Line) -> str:
    if NOT_KNOWN in (line.now, line.before):
        return f"{line.name}: now {line.now.lower()}, in the four weeks before {line.before.lower()}."
    return f"{line.name}: {line.now}, in the four weeks before {line.before}: {line.difference}."


def short(day: date) -> str:
    """``3 Oct``."""
    return f"{day:%-d %b}"


def _has(values: np.ndarray, some: np.ndarray) -> bool:
    """Whether there is a sensor for a figure: where there is none, no known day has a number."""
    return bool(not some.any() or np.isfinite(values[some]).any())


def _times(figure: Compared, factor: float) -> Compared:
    return figure._replace(now=figure.now * factor, before=figure.before * factor)


def _cell(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 2)


#: Said on the page: how many days a figure needs.
LEAST = ENOUGH
