"""Figures as SVG that the server draws: they need no script, and their text keeps its size on a phone.

Positions across are in per cent and heights in em, so a drawing has no size of its own: it takes the width that there
is and the reader's letters. What is told by colour is also told by pattern or shape. A :class:`Figure` carries the
same numbers as a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

Who = Literal["you", "efficient", "similar"]

#: Per cent of the width that is left to the numbers of the axis.
_LEFT = 14.0
#: Heights [em] of the plot, of what is above it and of what is below. All text is of the drawing's own size, for em in
#: a text's place is of that text.
_HEIGHT, _ABOVE, _BELOW = 13.0, 1.5, 2.0


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a figure's table: its text, and the number behind it for a chart that a script draws."""

    text: str
    value: float | str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What a colour and pattern mean: ``mark`` is a class of the style sheet."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its finding, its numbers and where they can be had as CSV."""

    name: str
    #: What the drawing shows.
    headline: str
    drawing: Markup
    caption: str
    #: Headings of the table; the first is that of the row's name.
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    keys: Sequence[Key] = ()
    csv: str | None = None
    #: Names the axis.
    unit: str = ""
    #: Shape of the chart that a script draws, "" for none ...
    chart: Literal["", "bar", "step", "heat", "line"] = ""
    #: ... from these columns of the table.
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the comparison: ``value`` decides its length, ``text`` is what is read."""

    who: Who
    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One month: own use and the neighbours' average [kWh], None where there is none; ``part``: days are missing.

    ``own`` below zero: more was given to the grid than taken.
    """

    label: str
    short: str
    own: float | None
    average: float | None = None
    part: bool = False
    #: What stands below it on a phone; its first letter where nothing is said.
    narrow: str = ""


def bars(given: Sequence[Bar]) -> Markup:
    """Bars under each other, a list: each has its words as text beside it, so the bar itself says nothing more.

    All bars are to one scale from zero. Without bars an empty list.
    """
    longest = max((bar.value for bar in given), default=0.0)
    lines = [
        Markup(
            '<li class="{who}"><span class="who">{label}</span> <span class="amount">{text}</span>'
            '<svg class="bar" aria-hidden="true" focusable="false" width="100%" height="1.75em">{defs}'
            '<rect class="track" width="100%" height="100%"/>'
            '<rect class="fill {who}" width="{width}%" height="100%"{fill}/></svg></li>'
        ).format(
            who=bar.who,
            label=bar.label,
            text=bar.text,
            width=_number(100 * max(bar.value, 0.0) / longest if longest > 0 else 0.0),
            defs=_pattern(bar.who, "bars"),
            fill=_fill(bar.who, "bars"),
        )
        for bar in given
    ]
    return Markup('<ul class="bars">') + Markup("").join(lines) + Markup("</ul>")


def year(columns: Sequence[Column], alternative: str) -> Markup:
    """Columns of months with a mark at the neighbours' average. ``alternative`` is read in the drawing's place.

    Columns below zero hang from the axis' zero.
    """
    values = [value for column in columns for value in (column.own, column.average) if value is not None]
    ticks = scale(max(values, default=0.0), min(values, default=0.0))
    zero = _level(ticks, 0.0)
    slot = (100 - _LEFT) / max(len(columns), 1)
    parts = [_pattern("part", "year"), _axis(ticks)]
    for place, column in enumerate(columns):
        left = _LEFT + place * slot
        if column.own is not None:
            end = _level(ticks, column.own)
            parts.append(
                Markup('<rect class="{kind}" x="{x}%" y="{y}em" width="{w}%" height="{h}em"{fill}/>').format(
                    kind="part" if column.part else "column",
                    x=_number(left + slot * 0.16),
                    y=_number(min(end, zero)),
                    w=_number(slot * 0.68),
                    h=_number(abs(end - zero)),
                    fill=_fill("part", "year") if column.part else "",
                )
            )
        if column.average is not None:
            at = _level(ticks, column.average)
            parts.append(_line("average", left + slot * 0.04, left + slot * 0.96, at))
        middle = _number(left + slot / 2)
        foot = _number(_ABOVE + _HEIGHT + 1.3)
        parts.append(_text("wide", middle, foot, "middle", column.short))
        parts.append(_text("narrow", middle, foot, "middle", column.narrow or column.short[:1]))
    return _drawing(parts, alternative)


def day(
    starts: Sequence[str], watts: Sequence[float | None], background: float | None, alternative: str, *, kilo: bool
) -> Markup:
    """A day's half-hours as columns, local time; a dashed line at the background load.

    ``starts`` are the local times at which they begin, ``watts`` their mean power [W], None where it was not measured,
    both of shape ``(46, 48 or 50,)``. ``kilo``: the axis counts kilowatts.
    """
    unit = 1000.0 if kilo else 1.0
    values = [None if value is None else value / unit for value in watts]
    line = None if background is None else background / unit
    ticks = scale(max([value for value in values if value is not None] + ([] if line is None else [line]), default=0.0))
    top = ticks[-1]
    slot = (100 - _LEFT) / max(len(values), 1)
    parts = [_pattern("gap", "day"), _axis(ticks)]
    for place, value in enumerate(values):
        height = _HEIGHT if value is None else _HEIGHT * max(value, 0.0) / top
        parts.append(
            Markup('<rect class="{kind}" x="{x}%" y="{y}em" width="{w}%" height="{h}em"{fill}/>').format(
                kind="gap" if value is None else "column",
                x=_number(_LEFT + place * slot + (0 if value is None else slot * 0.08)),
                y=_number(_ABOVE + _HEIGHT - height),
                w=_number(slot if value is None else slot * 0.84),
                h=_number(height),
                fill=_fill("gap", "day") if value is None else "",
            )
        )
    hours = [(place, start) for place, start in enumerate(starts) if start in ("00:00", "06:00", "12:00", "18:00")]
    for place, start in [*hours, (len(starts), "24:00")]:
        anchor = "end" if start == "24:00" else "middle" if place else "start"
        # on a phone there is no room for those at the edges
        kind = "hour" if anchor == "middle" else "wide hour"
        parts.append(_text(kind, _number(_LEFT + place * slot), _number(_ABOVE + _HEIGHT + 1.3), anchor, start))
    if line is not None:
        parts.append(_line("background", _LEFT, 100, _level(ticks, line)))
    return _drawing(parts, alternative)


def scale(most: float, least: float = 0.0) -> list[float]:
    """Round numbers for an axis, three to seven of them with 0, from at most ``least`` to at least ``most``.

    ``least`` above zero counts as zero, and so does ``most`` below.
    """
    high, low = (most if most > 0 else 0.0), (least if least < 0 else 0.0)
    if high == low:
        return [0.0, 1.0]
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 3, 4, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(count * step, 12) for count in range(first, last + 1)]


def _level(ticks: Sequence[float], value: float) -> float:
    """How far below the drawing's top a value of the axis stands [em]."""
    return _ABOVE + _HEIGHT * (ticks[-1] - value) / (ticks[-1] - ticks[0])


def _line(kind: str, left: float, right: float, level: float) -> Markup:
    """A level line over a light one, so that it stands out from columns and paper alike."""
    one = Markup('<line class="{}" x1="{}%" x2="{}%" y1="{}em" y2="{}em"/>')
    at = _number(level)
    return Markup("").join(one.format(name, _number(left), _number(right), at, at) for name in ("halo", kind))


def _axis(ticks: Sequence[float]) -> Markup:
    lines = []
    for tick in ticks:
        at = _level(ticks, tick)
        lines.append(
            Markup('<line class="{kind}" x1="{x}%" x2="100%" y1="{y}em" y2="{y}em"/>').format(
                kind="grid" if tick else "base", x=_number(_LEFT), y=_number(at)
            )
        )
        text = f"{tick:,.10g}".replace("-", "\N{MINUS SIGN}")
        lines.append(_text("tick", _number(_LEFT - 1.5), _number(at + 0.32), "end", text))
    return Markup("").join(lines)


def _drawing(parts: Sequence[Markup], alternative: str) -> Markup:
    return (
        Markup('<svg class="drawing" role="img" aria-label="{}" width="100%" height="{}em">').format(
            alternative, _number(_ABOVE + _HEIGHT + _BELOW)
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def _text(kind: str, x: str, y: str, anchor: str, text: str) -> Markup:
    return Markup('<text class="{}" x="{}%" y="{}em" text-anchor="{}">{}</text>').format(kind, x, y, anchor, text)


#: Lines of each pattern; one without is filled evenly.
_PATTERNS = {
    "efficient": '<path d="M-2 10 10 -2M-2 18 18 -2M6 18 18 6"/>',
    "similar": '<circle cx="4" cy="4" r="1.6"/><circle cx="12" cy="12" r="1.6"/>',
    "part": '<path d="M0 4H16M0 12H16"/>',
    "gap": '<path d="M-2 10 10 -2M-2 18 18 -2M6 18 18 6"/>',
}


def _pattern(name: str, figure: str) -> Markup:
    if name not in _PATTERNS:
        return Markup("")
    # every mark of it is constant text of this module
    return Markup(  # noqa: S704
        f'<defs><pattern id="{figure}-{name}" class="{name}" width="16" height="16" patternUnits="userSpaceOnUse">'
        f'<rect class="ground" width="16" height="16"/>{_PATTERNS[name]}</pattern></defs>'
    )


def _fill(name: str, figure: str) -> Markup:
    return Markup(' fill="url(#{})"').format(f"{figure}-{name}") if name in _PATTERNS else Markup("")


def _number(value: float) -> str:
    return str(escape(f"{value:.2f}".rstrip("0").rstrip(".")))
