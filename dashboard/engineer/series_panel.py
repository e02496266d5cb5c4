"""One series over a span, ready for the page: its finding, its drawing, a short table, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup

from analytics.pipeline.decimation import PIECES, Float64, Int64, breaks, piece_width, whole_step
from analytics.pipeline.series_points import Points, read_points
from dashboard.engineer import line_picture
from dashboard.engineer.time_axis import changes_near, local, ticks
from dashboard.engineer.traffic import UNIT_WORDS
from dashboard.labels import age
from devices.counts import counted
from devices.duration import duration
from store import open_series
from store.connect import Connection
from store.open_series import Change, OpenSeries
from store.times import instant

#: Rows of the table below a picture: readings where there are no more, else pieces of the span.
ROWS = 48
#: Changes that the page lists.
CHANGES = 100
#: The interval of series of kind `interval` whose device says nothing [us].
_INTERVAL = 1_800_000_000
#: How many times as long as usual a silence is that breaks a line: of a rhythm that is said, and of one that is not.
_LATE, _UNUSUAL = 1.5, 5


@dataclass(frozen=True, slots=True)
class Row:
    """A reading, or a piece of the span with its least and greatest reading and how many were drawn of it."""

    when: str
    least: str
    greatest: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A reading that was changed, in words."""

    when: str
    old: str
    new: str
    how: str
    at: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A series over a span. ``longest`` [us]: a longer silence breaks the line; None: a state holds until the next one.

    ``marks``: times [us] and values of readings that were changed, one a piece. ``changed``: how many readings were;
    ``times_changed``: how often, for one may be changed again.
    """

    series: OpenSeries
    start: int
    end: int
    points: Points
    longest: int | None
    marks: tuple[Int64, Float64]
    changed: int
    times_changed: int
    changes: Sequence[Change]

    @property
    def unit(self) -> str:
        """The unit in words."""
        return UNIT_WORDS.get(self.series.unit or "", self.series.unit or "")

    @property
    def name(self) -> str:
        """Property and device."""
        return f"{property_words(self.series.property)} of {self.series.device}"

    @property
    def steps(self) -> bool:
        """Whether a value holds until the next."""
        return self.series.kind == "state"

    def broken(self) -> Int64:
        """Places of the points before which the line is broken."""
        return np.empty(0, np.int64) if self.longest is None else breaks(self.points.times, self.longest)


def read(
    connection: Connection, series: OpenSeries, start: int, end: int, now: datetime, *, listed: bool = True
) -> Panel:
    """A series from ``start`` to ``end`` [us]; ``listed``: with the changes themselves. Raises psycopg.Error."""
    points = read_points(connection, series.id, start, end, now)
    count, times = open_series.count_changes(connection, series.id, start, end)
    marks = np.empty(0, np.int64), np.empty(0)
    if count:
        marks = open_series.marks(connection, series.id, start, end, points.width or piece_width(start, end, PIECES))
    some = open_series.changes(connection, series.id, start, end, CHANGES) if count and listed else []
    return Panel(series, start, end, points, _longest(series, points), marks, count, times, some)


def headline(panel: Panel) -> str:
    """What the picture shows."""
    points = panel.points
    if not points.readings:
        return f"{panel.name}: no reading in this time"
    low, high = float(points.values.min()), float(points.values.max())
    said = f"always {value(low, panel)}" if low == high else f"{value(low)} to {value(high, panel)}"
    silences = len(panel.broken())
    silent = f", {counted(silences, 'silence')}" if silences else ""
    late = f", {panel.changed:,} changed later" if panel.changed else ""
    return f"{panel.name}: {said}, {counted(points.readings, 'reading')}{silent}{late}"


def notes(panel: Panel) -> list[str]:
    """How the picture is to be read."""
    said = []
    if panel.points.width:
        said.append(
            f"Drawn are {len(panel.points.times):,} of {counted(panel.points.readings, 'reading')}: the first, the"
            f" least, the greatest and the last of every {length(panel.points.width)}."
        )
    if panel.points.readings and panel.longest is not None:
        said.append(f"The line is broken where nothing came for more than {length(panel.longest)}.")
    return said


def drawing(panel: Panel, zone: ZoneInfo) -> Markup:
    """The picture."""
    return line_picture.draw(
        panel.points.times,
        panel.points.values,
        panel.broken(),
        (panel.start, panel.end),
        ticks(panel.start, panel.end, zone),
        panel.marks,
        f"{headline(panel)}. The table has the numbers.",
        steps=panel.steps,
    )


def rows(panel: Panel, zone: ZoneInfo) -> list[Row]:
    """The table: all readings where they are few, else the least and greatest of pieces."""
    times, values = panel.points.times, panel.points.values
    if len(times) <= ROWS and not panel.points.width:
        return [
            Row(local(at, zone), value(one, panel), "") for at, one in zip(times.tolist(), values.tolist(), strict=True)
        ]
    # whole pieces of the picture: what lies in a part of one is not all drawn
    step = panel.points.width or whole_step(panel.end - panel.start, ROWS)
    width = piece_width(panel.start, panel.end, ROWS, step)
    piece = times // width
    first = np.flatnonzero(np.concatenate(([True], piece[1:] != piece[:-1])))
    least, greatest = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
    return [
        Row(local(max(panel.start, int(at) * width), zone), value(low, panel), value(high, panel))
        for at, low, high in zip(piece[first].tolist(), least.tolist(), greatest.tolist(), strict=True)
    ]


def change_rows(panel: Panel, zone: ZoneInfo) -> list[ChangeRow]:
    """The changes in words, by the readings' time."""
    return [
        ChangeRow(
            local(one.time, zone),
            "no reading" if one.old is None else value(one.old, panel),
            value(one.new, panel),
            "restated by its source" if one.correction is None else f"correction {one.correction}: {one.reason}",
            f"{one.at.astimezone(zone):%-d %b %Y, %H:%M %Z}",
        )
        for one in panel.changes
    ]


def document(panel: Panel, zone: ZoneInfo) -> dict[str, Any]:
    """What a script draws: times [ms], values, null where the line is broken, labels of the axis, signs."""
    broken = panel.broken()
    # a null half a way into the silence breaks the line, and is at no reading's time
    times = panel.points.times
    middle = (times[broken] + times[broken - 1]) // 2
    values: list[float | None] = panel.points.values.tolist()
    for place in reversed(broken.tolist()):
        values.insert(place, None)
    return {
        "name": panel.name,
        "headline": headline(panel),
        "notes": notes(panel),
        "unit": panel.unit,
        "steps": panel.steps,
        "zone": str(zone),
        "start": panel.start / 1000,
        "end": panel.end / 1000,
        "times": (np.insert(times, broken, middle) / 1000).tolist(),
        "values": values,
        "ticks": [[at / 1000, text] for at, text in ticks(panel.start, panel.end, zone)],
        "marks": [(panel.marks[0] / 1000).tolist(), panel.marks[1].tolist()],
    }


def length(microseconds: int) -> str:
    """A length of time in words, below two minutes in seconds."""
    return f"{microseconds / 1e6:g} s" if microseconds < 120_000_000 else age(microseconds)


def value(number: float, panel: Panel | None = None) -> str:
    """A value as text, with the panel's unit where it is given."""
    unit = "" if panel is None else panel.unit
    return f"{number:,.10g} {unit}".rstrip().replace("-", "\N{MINUS SIGN}", 1 if number < 0 else 0)


def property_words(name: str) -> str:
    """A property as people read it."""
    return name.replace("pm2_5", "pm2.5").replace("_", " ")


def newest(at: datetime | None, zone: ZoneInfo) -> str:
    """When the newest reading of a series was, in words."""
    return "never heard" if at is None else f"{at.astimezone(zone):%-d %b %Y, %H:%M}"


def when(at: int, zone: ZoneInfo) -> str:
    """A local time of a heading; around a change of the clocks it names the zone."""
    moment = instant(at).astimezone(zone)
    return f"{moment:%-d %B %Y, %H:%M %Z}" if changes_near(moment) else f"{moment:%-d %B %Y, %H:%M}"


def _longest(series: OpenSeries, points: Points) -> int | None:
    said = duration(series.interval)
    if said is None and series.kind == "interval":
        said = _INTERVAL
    if series.kind == "state":
        said = duration(series.heartbeat) or said
        if said is None:
            return None
    return max(round(_LATE * said) if said else _UNUSUAL * points.usual, points.width)
