"""The pictures of a trial's report: intervals by arm, and the looks month by month. Drawn here, without a script.

Positions across are in per cent and heights in em, as `dashboard.figures` has them. Colours are the reader's own text
colour, told apart by shape and width alone, for the report is also one file without our style sheets. Each picture
stands beside a table with the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.figures import scale

#: Per cent of the width for the numbers of a vertical axis.
_LEFT = 16.0
#: Heights [em]: of the plot, above and below it; of a row of intervals, of its words and of the axis below all rows.
_HEIGHT, _ABOVE, _BELOW = 13.0, 1.0, 2.2
_ROW, _WORDS, _AXIS = 4.4, 2.6, 2.2


@dataclass(frozen=True, slots=True)
class Interval:
    """One row: ``label`` and ``text`` are what is read; ``mark``: the truth of a simulation, None otherwise."""

    label: str
    text: str
    value: float
    low: float
    high: float
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One look: ``label`` stands below it where there is room."""

    label: str
    value: float
    low: float
    high: float
    fixed_low: float
    fixed_high: float


def intervals(rows: Sequence[Interval], alternative: str) -> Markup:
    """Rows under each other to one scale that has zero in it; below zero is less use. Empty without rows."""
    if not rows:
        return Markup("")
    marks = [row.mark for row in rows if row.mark is not None]
    ticks = scale(max([*(row.high for row in rows), *marks]), min([*(row.low for row in rows), *marks]))
    foot = _ROW * len(rows)

    def across(value: float) -> float:
        return 3 + 94 * (value - ticks[0]) / (ticks[-1] - ticks[0])

    # in the bands of the intervals alone: a line through words makes them hard to read
    parts = [
        _line(across(tick), across(tick), place * _ROW + _WORDS, (place + 1) * _ROW, 1 if tick else 2, faint=bool(tick))
        for place in range(len(rows))
        for tick in ticks
    ]
    for place, tick in enumerate(ticks):
        anchor = "start" if place == 0 else "end" if place == len(ticks) - 1 else "middle"
        # on a phone there is room for the ends and for zero
        if anchor != "middle" or tick == 0:
            edge = 0 if anchor == "start" else 100 if anchor == "end" else across(tick)
            parts.append(_text(edge, foot + 1.4, anchor, _words(tick)))
    for place, row in enumerate(rows):
        top = place * _ROW
        middle = top + _WORDS + 0.8
        parts.append(_text(0, top + 1.1, "start", row.label, bold=True))
        parts.append(_text(0, top + 2.3, "start", row.text))
        parts.append(_line(across(row.low), across(row.high), middle, middle, 3))
        parts += [_line(across(end), across(end), middle - 0.4, middle + 0.4, 2) for end in (row.low, row.high)]
        parts.append(_dot(across(row.value), middle))
        if row.mark is not None:
            parts.append(_truth(across(row.mark), middle))
    return _drawing(parts, alternative, foot + _AXIS)


def looks(points: Sequence[Point], alternative: str) -> Markup:
    """Looks from left to right: the thin line with ends holds at every look, the wide bar at one look alone."""
    if not points:
        return Markup("")
    ticks = scale(
        max(max(point.high, point.fixed_high) for point in points),
        min(min(point.low, point.fixed_low) for point in points),
    )
    slot = (100 - _LEFT) / len(points)

    def level(value: float) -> float:
        return _ABOVE + _HEIGHT * (ticks[-1] - value) / (ticks[-1] - ticks[0])

    parts: list[Markup] = []
    for tick in ticks:
        parts.append(_line(_LEFT, 100, level(tick), level(tick), 1 if tick else 2, faint=bool(tick)))
        parts.append(_text(_LEFT - 1.5, level(tick) + 0.35, "end", _words(tick)))
    every = -(-len(points) // 4)
    for place, point in enumerate(points):
        at = _LEFT + (place + 0.5) * slot
        parts.append(_line(at, at, level(point.fixed_high), level(point.fixed_low), 9, faint=True))
        parts.append(_line(at, at, level(point.high), level(point.low), 2))
        parts += [_line(at - slot / 4, at + slot / 4, level(end), level(end), 2) for end in (point.low, point.high)]
        parts.append(_dot(at, level(point.value)))
        if place % every == 0:
            parts.append(_text(at, _ABOVE + _HEIGHT + 1.5, "middle", point.label))
    return _drawing(parts, alternative, _ABOVE + _HEIGHT + _BELOW)


def _drawing(parts: Sequence[Markup], alternative: str, height: float) -> Markup:
    # the site's style sheet gives pictures in figures the height of their viewBox, and this one has none
    head = Markup('<svg role="img" aria-label="{}" width="100%" height="{}em" style="height: {}em" overflow="visible">')
    tall = _number(height)
    return head.format(alternative, tall, tall) + Markup("").join(parts) + Markup("</svg>")


def _line(x1: float, x2: float, y1: float, y2: float, width: float, *, faint: bool = False) -> Markup:
    return Markup(
        '<line x1="{}%" x2="{}%" y1="{}em" y2="{}em" stroke="currentColor" stroke-width="{}"{}/>'
    ).format(
        _number(x1), _number(x2), _number(y1), _number(y2), _number(width),
        Markup(' stroke-opacity="0.35"') if faint else "",
    )  # fmt: skip


def _dot(x: float, y: float) -> Markup:
    return Markup('<circle cx="{}%" cy="{}em" r="0.3em" fill="currentColor"/>').format(_number(x), _number(y))


def _truth(x: float, y: float) -> Markup:
    """A dashed upright stroke through the row, which the dot on it does not hide."""
    return Markup(
        '<line x1="{0}%" x2="{0}%" y1="{1}em" y2="{2}em" stroke="currentColor" stroke-width="2"'
        ' stroke-dasharray="4 3"/>'
    ).format(_number(x), _number(y - 0.9), _number(y + 0.9))


def _text(x: float, y: float, anchor: str, text: str, *, bold: bool = False) -> Markup:
    return Markup('<text x="{}%" y="{}em" text-anchor="{}" fill="currentColor"{}>{}</text>').format(
        _number(x), _number(y), anchor, Markup(' font-weight="700"') if bold else "", text
    )


def _words(tick: float) -> str:
    return f"{tick:,.10g}".replace("-", "\N{MINUS SIGN}")


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
