"""Charts of one or two monitors: hours, days and a year by pollutant against reference values; calendar.

Each says its finding in words first. What is missing is a gap in the drawing and a word in the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.air.patterns import Diurnal
from analytics.report import words as report_words
from dashboard.figures import Cell, Figure, Key
from dashboard.public import air_pictures, air_values, air_words
from dashboard.public.air_hours import RUNNING, DayTable, HourTable
from dashboard.public.air_pictures import Line, Mark, Reference, Tick
from dashboard.public.air_words import NAMES, UNITS, concentration
from devices.counts import counted
from store.air import POLLUTANTS
from store.batch import Float64

#: Kinds of local days, in the order of `analytics.air.patterns.KINDS`, and the lines that they are drawn with.
DAY_KINDS = ("Working days", "Saturdays", "Sundays and bank holidays")
_MARKS: tuple[Mark, ...] = ("first", "second", "third")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_figure(table: HourTable, pollutant: str, csv: str, zone: ZoneInfo) -> Figure | None:
    """A pollutant's hours with its running mean against what stands then; None where not one hour has a mean."""
    place = POLLUTANTS.index(pollutant)
    mean, long = table.mean[place], table.running[place]
    if np.isnan(mean).all() and np.isnan(long).all():
        return None
    window = counted(RUNNING[pollutant][0], "hour")
    on = table.begin(table.hours).date()
    of_long = air_values.of_long(pollutant, on)
    references = [*of_long, *air_values.references(pollutant, "hour", on)]
    begins = [table.begin(hour).astimezone(zone) for hour in range(table.hours)]
    lines = [Line("first", mean), Line("second", long)]
    ticks = [
        Tick((hour + 0.5) / len(begins), f"{begin:%H:%M}", hour % 12 == 6 or begin.hour % 12 == 0)
        for hour, begin in enumerate(begins)
        if begin.hour % 6 == 0
    ]
    unit = UNITS[pollutant]
    known = int(np.isfinite(mean).sum())
    said = [f"{NAMES[pollutant]}: {_highest_hour(mean, begins, unit)}"]
    newest = float(long[-1])
    if not math.isnan(newest):
        said.append(f"mean of the last {window} {concentration(newest)} {unit}{against(newest, of_long)}")
    headline = ", ".join(part for part in said if part)
    return Figure(
        f"day-{pollutant}",
        f"{headline}.",
        air_pictures.draw(lines, references, ticks, f"Line chart. {headline}. The table has the numbers."),
        f"{NAMES[pollutant]} by hour [{unit}]; {known} of {counted(table.hours, 'hour')} have enough readings",
        ("Hour", "Mean of the hour", f"Mean of {window}"),
        [
            [Cell(f"{begin:%-d %b %H:%M}"), _cell(float(mean[hour])), _cell(float(long[hour]))]
            for hour, begin in enumerate(begins)
        ],
        [
            Key("first", "Mean of the hour"),
            Key("second", f"Mean of the last {window}"),
            *_reference_keys(lines, references),
        ],
        csv,
        unit,
        "line",
        ("Mean of the hour", f"Mean of {window}"),
    )


def month_figure(table: DayTable, pollutant: str, csv: str) -> Figure | None:
    """A pollutant's days against what stands then; None where not one has a value."""
    value = table.value[POLLUTANTS.index(pollutant)]
    if np.isnan(value).all():
        return None
    references = air_values.of_long(pollutant, table.first + timedelta(days=table.days))
    what, unit = day_words(pollutant), UNITS[pollutant]
    days = [table.first + timedelta(days=day) for day in range(table.days)]
    lines = [Line("first", value)]
    place = int(np.nanargmax(value))
    said = (
        f"{NAMES[pollutant]}: highest on {report_words.day(days[place], year=False)},"
        f" {concentration(float(value[place]))} {unit}{over_days(value, references)}"
    )
    known = table.known[POLLUTANTS.index(pollutant)]
    return Figure(
        f"month-{pollutant}",
        f"{said}.",
        air_pictures.draw(lines, references, _day_ticks(days), f"Line chart. {said}. The table has the numbers."),
        f"{NAMES[pollutant]} by day [{unit}]: {what}; {_days_known(value)}",
        ("Day", what[:1].upper() + what[1:], "Hours known"),
        [
            [
                Cell(f"{day.day} {_MONTHS[day.month - 1]}"),
                _cell(float(value[at])),
                Cell(f"{int(known[at])} of {int(table.hours[at])}"),
            ]
            for at, day in enumerate(days)
        ],
        [Key("first", what[:1].upper() + what[1:]), *_reference_keys(lines, references)],
        csv,
        unit,
        "line",
        (what[:1].upper() + what[1:],),
    )


def year_figure(table: DayTable, hours: Float64, pollutant: str, csv: str) -> Figure | None:
    """A pollutant's days of a year with the mean of the whole year, against values that are for a year.

    ``hours`` ``(hours,)``: the year's hourly means. None where not one day has a value. The table is by month.
    """
    row = POLLUTANTS.index(pollutant)
    mean = table.mean[row]
    if np.isnan(mean).all():
        return None
    references = air_values.references(pollutant, "year", table.first + timedelta(days=table.days))
    unit = UNITS[pollutant]
    days = [table.first + timedelta(days=day) for day in range(table.days)]
    share = float(np.isfinite(hours).mean())
    whole = float(np.nanmean(hours)) if share >= 0.75 else math.nan
    lines = [Line("first", mean), Line("second", np.full(len(mean), whole))]
    if math.isnan(whole):
        said = (
            f"{NAMES[pollutant]}: no mean of the year, for only {100 * share:.0f} % of its hours are known"
            " and 75 % are needed"
        )
    else:
        said = f"{NAMES[pollutant]}: mean of the year {concentration(whole)} {unit}{against(whole, references)}"
    return Figure(
        f"year-{pollutant}",
        f"{said}.",
        air_pictures.draw(lines, references, _month_ticks(days), f"Line chart. {said}. The table has the numbers."),
        f"{NAMES[pollutant]} by month [{unit}]; {100 * share:.0f} % of the year's hours are known",
        ("Month", "Mean of its days", "Highest day", "Days known"),
        _month_rows(table.first, mean),
        [Key("first", "Mean of the day"), Key("second", "Mean of the year"), *_reference_keys(lines, references)],
        csv,
        unit,
    )


def comparison_figure(names: tuple[str, str], tables: tuple[DayTable, DayTable], pollutant: str) -> Figure | None:
    """A pollutant's days at two monitors; None where one of them has no value."""
    row = POLLUTANTS.index(pollutant)
    one, other = (table.value[row] for table in tables)
    both = np.isfinite(one) & np.isfinite(other)
    if not both.any():
        return None
    what, unit = day_words(pollutant), UNITS[pollutant]
    days = [tables[0].first + timedelta(days=day) for day in range(tables[0].days)]
    gap = float(np.mean(one[both] - other[both]))
    apart = concentration(abs(gap))
    told = f"{apart} {unit} {'more' if gap > 0 else 'less'} than" if float(apart) else "as much as"
    said = f"{NAMES[pollutant]}: at {names[0]} on average {told} at {names[1]}"
    said += f" ({counted(int(both.sum()), 'day')} known at both)"
    lines = [Line("first", one), Line("second", other)]
    return Figure(
        f"compare-{pollutant}",
        f"{said}.",
        air_pictures.draw(lines, [], _day_ticks(days), f"Line chart. {said}. The table has the numbers."),
        f"{NAMES[pollutant]} by day [{unit}]: {what}",
        ("Day", *names),
        [
            [Cell(f"{day.day} {_MONTHS[day.month - 1]}"), _cell(float(one[at])), _cell(float(other[at]))]
            for at, day in enumerate(days)
        ],
        [Key("first", names[0]), Key("second", names[1])],
        unit=unit,
        chart="line",
        lines=names,
    )


def usual_day_figure(found: Diurnal, pollutant: str) -> Figure | None:
    """The usual day of one pollutant, ``(3, 24)`` by kind of day and local hour; None where nothing is known."""
    if np.isnan(found.mean).all():
        return None
    unit = UNITS[pollutant]
    lines = [Line(mark, values) for mark, values in zip(_MARKS, found.mean, strict=True)]
    work = found.mean[0]
    said = f"{NAMES[pollutant]}: nothing is known of working days"
    if np.isfinite(work).any():
        most, least = int(np.nanargmax(work)), int(np.nanargmin(work))
        said = (
            f"{NAMES[pollutant]}: on working days most at {most:02d}:00 ({concentration(float(work[most]))} {unit}),"
            f" least at {least:02d}:00 ({concentration(float(work[least]))} {unit})"
        )
    ticks = [Tick((hour + 0.5) / 24, f"{hour:02d}:00", hour % 12 == 0) for hour in range(0, 24, 6)]
    return Figure(
        f"usual-{pollutant}",
        f"{said}.",
        air_pictures.draw(lines, [], ticks, f"Line chart. {said}. The table has the numbers."),
        f"{NAMES[pollutant]} by hour of the day [{unit}], means",
        ("Hour", *DAY_KINDS),
        [[Cell(f"{hour:02d}:00"), *(_cell(float(one[hour])) for one in found.mean)] for hour in range(24)],
        [Key(mark, text) for mark, text in zip(_MARKS, DAY_KINDS, strict=True)],
        unit=unit,
        chart="line",
        lines=DAY_KINDS,
    )


def calendar_figure(table: DayTable, csv: str) -> Figure | None:
    """The daily indices of a year; None where no day has one."""
    known = table.index > 0
    if not known.any():
        return None
    days = [table.first + timedelta(days=day) for day in range(table.days)]
    months = sorted({(day.year, day.month) for day in days})
    place = {month: at for at, month in enumerate(months)}
    cells = np.full((len(months), 31), -1, np.int8)
    for at, day in enumerate(days):
        cells[place[day.year, day.month], day.day - 1] = table.index[at]
    high = int((table.index >= 7).sum())
    worst = int(np.argmax(table.index))
    said = (
        f"The highest index was {air_words.index_words(int(table.index[worst]))},"
        f" on {report_words.day(days[worst])}; {_high_days(high)}; {_unknown_days(int((~known).sum()))}"
    )
    return Figure(
        "calendar",
        f"{said}.",
        air_pictures.calendar(
            [_MONTHS[month - 1] for _, month in months],
            list(cells),
            f"Calendar of daily indices. {said}. The table has the numbers.",
        ),
        "Daily index by day; a dash where too little was measured",
        ("Month", *(str(day) for day in range(1, 32))),
        [
            [Cell(f"{_MONTHS[month - 1]} {year}"), *(_index_cell(one) for one in cells[at].tolist())]
            for at, (year, month) in enumerate(months)
        ],
        [],
        csv,
    )


def day_words(pollutant: str) -> str:
    """What of a day is shown: its mean, of ozone the highest mean of 8 hours."""
    return "highest mean of 8 hours" if pollutant == "o3" else "mean of the day"


def against(value: float, references: Sequence[Reference]) -> str:
    """How a mean stands to reference values: ``, above 15 (WHO)``; "" without any."""
    above = air_values.above(value, references)
    if above:
        return f", above {' and above '.join(one.name for one in above)}"
    return f", not above {' nor '.join(one.name for one in references)}" if references else ""


def over_days(values: Float64, references: Sequence[Reference]) -> str:
    """On how many days values were above each reference value: ``; above 15 (WHO) on 3 days``."""
    days = {one.name: int(air_values.passes(values, one).sum()) for one in references}
    above = [f"above {name} on {counted(number, 'day')}" for name, number in days.items() if number]
    never = [name for name, number in days.items() if not number]
    said = above + ([f"never above {' or '.join(never)}"] if never else [])
    return f"; {', '.join(said)}" if said else ""


def _highest_hour(mean: Float64, begins: Sequence[datetime], unit: str) -> str:
    if np.isnan(mean).all():
        return "no hour with enough readings"
    place = int(np.nanargmax(mean))
    return f"highest hour {concentration(float(mean[place]))} {unit}, from {begins[place]:%H:%M}"


def _cell(value: float) -> Cell:
    return Cell(concentration(value), None if math.isnan(value) else round(value, 2))


def _index_cell(index: int) -> Cell:
    # -1: no such day, or outside the year that is shown
    return Cell("" if index < 0 else "\N{EN DASH}" if index == 0 else str(index))


def _high_days(number: int) -> str:
    return "it was never High or Very High" if not number else f"it was High or Very High on {counted(number, 'day')}"


def _unknown_days(number: int) -> str:
    return f"{counted(number, 'day has', 'days have')} no index" if number else "every day has an index"


def _days_known(values: Float64) -> str:
    return f"{int(np.isfinite(values).sum())} of {counted(len(values), 'day')} known"


def _reference_keys(lines: Sequence[Line], references: Sequence[Reference]) -> list[Key]:
    """What the dashed levels are, and which reference values lie above the chart."""
    shown = air_pictures.drawn(lines, references)
    keys = [Key("reference", "Guideline or limit value")] if shown else []
    beyond = [one for one in references if one not in shown]
    return [*keys, *(Key("beyond", f"Above this chart: {one.name}") for one in beyond)]


def _day_ticks(days: Sequence[date]) -> list[Tick]:
    return [
        Tick((at + 0.5) / len(days), f"{day.day} {_MONTHS[day.month - 1]}", at % 10 == 5)
        for at, day in enumerate(days)
        if at % 5 == 0
    ]


def _month_ticks(days: Sequence[date]) -> list[Tick]:
    return [
        Tick((at + 0.5) / len(days), _MONTHS[day.month - 1], day.month % 3 == 1)
        for at, day in enumerate(days)
        if day.day == 1
    ]


def _month_rows(first: date, values: Float64) -> list[list[Cell]]:
    """A row for each month of days from ``first`` on: the mean of its known days, the highest, how many are known."""
    month = (np.datetime64(first) + np.arange(len(values))).astype("M8[M]")
    begins = np.flatnonzero(np.diff(month, prepend=month[:1] - 1))
    there = np.isfinite(values)
    number = np.add.reduceat(there.astype(np.int64), begins)
    total = np.add.reduceat(np.where(there, values, 0.0), begins)
    mean = np.divide(total, number, out=np.full(len(begins), np.nan), where=number > 0)
    highest = np.fmax.reduceat(values, begins)
    days = np.diff([*begins, len(values)])
    return [
        [
            Cell(f"{_MONTHS[at.month - 1]} {at.year}"),
            _cell(float(mean[place])),
            _cell(float(highest[place])),
            Cell(f"{number[place]} of {days[place]}"),
        ]
        for place, at in enumerate(month[begins].astype("M8[D]").tolist())
    ]
