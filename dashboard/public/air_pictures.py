"""Pictures of air as SVG that the server draws: lines against reference values, and a calendar of daily indices.

Positions across are in per cent and heights in em, as in `dashboard.figures`; what is drawn inside has its own units.
A missing value is a gap, and a missing day a dash below the calendar's line: never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from dashboard.figures import scale
from dashboard.plan import AIR
from store.batch import Float64

#: Per cent of the width that is left to the numbers, heights [em] of the plot, above it and below it.
_LEFT, _HEIGHT, _ABOVE, _BELOW = 14.0, 13.0, 1.5, 2.0
#: The plot's own units.
_WIDE, _HIGH = 10_000, 1_000
#: Least distance of two labels of reference values [em], and how much of the axis a value beyond it must leave.
_APART, _ROOM = 1.15, 1.04
#: A reference value is on the axis where it is no more than so many times the greatest value measured.
_NEAR = 1.6
#: A row of the calendar [em], the height of its greatest column, and the room for the names of months [%].
_ROW, _COLUMN, _MONTH = 2.0, 1.6, 14.0
_MONTH_DAYS = 31
_TOP = 10


#: How a line is drawn: a class of the style sheet.
Mark = Literal["first", "second", "third"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of evenly spaced ``values`` ``(points,)`` [the axis' unit], NaN where there is none."""

    mark: Mark
    values: Float64


@dataclass(frozen=True, slots=True)
class Reference:
    """A level line with its name: a guideline or a limit value [the axis' unit]."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis: ``share`` of the width from 0 to 1; ``narrow``: there is room for it on a phone."""

    share: float
    text: str
    narrow: bool


def drawn(lines: Sequence[Line], references: Sequence[Reference]) -> list[Reference]:
    """Those reference values that stand on the axis of these lines: the lowest always, others where they are near."""
    most = _most(lines)
    lowest = min((one.value for one in references), default=0.0)
    return [one for one in references if one.value <= max(_NEAR * most, lowest)]


def draw(lines: Sequence[Line], references: Sequence[Reference], ticks: Sequence[Tick], alternative: str) -> Markup:
    """The lines, each reference value that `drawn` names as a dashed one with its name at the right edge.

    ``alternative`` is read in the drawing's place.
    """
    shown = drawn(lines, references)
    values = [one.values[~np.isnan(one.values)] for one in lines]
    least = min((float(one.min()) for one in values if len(one)), default=0.0)
    axis = scale(_ROOM * max([_most(lines), *(one.value for one in shown)]), least)
    parts = [_grid(axis), *(_tick(one) for one in ticks)]
    parts.append(
        Markup(
            '<svg class="plot" aria-hidden="true" x="{}%" y="{}em" width="{}%" height="{}em" viewBox="0 0 {} {}"'
            ' preserveAspectRatio="none">{}</svg>'
        ).format(
            _number(_LEFT),
            _number(_ABOVE),
            _number(100 - _LEFT),
            _number(_HEIGHT),
            _WIDE,
            _HIGH,
            Markup("").join(
                Markup('<path class="line {}" vector-effect="non-scaling-stroke" d="{}"/>').format(
                    one.mark, path(one.values, axis)
                )
                for one in lines
            ),
        )
    )
    parts += _references(shown, axis)
    return _drawing(parts, alternative, _ABOVE + _HEIGHT + _BELOW)


def path(values: Float64, axis: Sequence[float]) -> str:
    """The path of a line of evenly spaced values, broken where one is NaN; one alone between two gaps is a dot.

    In steps from point to point, and a level stretch in one: a year takes two kilobytes.
    """
    low, high = axis[0], axis[-1]
    x = np.rint((np.arange(len(values)) + 0.5) * _WIDE / max(len(values), 1)).astype(np.int64).tolist()
    words: list[str] = []
    drawn: tuple[int, int] | None = None
    level: int | None = None
    for across, value in zip([*x, 0], [*values.tolist(), math.nan], strict=True):
        down = None if math.isnan(value) else round((high - value) / (high - low) * _HIGH)
        if drawn is None:
            if down is not None:
                words.append(f"M{across} {down}h0")
                drawn, level = (across, down), across
            continue
        assert level is not None
        if down == drawn[1]:
            level = across
            continue
        if level > drawn[0]:
            words.append(f"h{level - drawn[0]}")
            drawn = level, drawn[1]
        if down is None:
            drawn = level = None
        else:
            words.append(f"l{across - drawn[0]} {down - drawn[1]}".replace(" -", "-"))
            drawn, level = (across, down), across
    return "".join(words)


def calendar(months: Sequence[str], index: Sequence[NDArray[np.int8]], alternative: str) -> Markup:
    """Months below each other, a day a column that is as high as its index; a day without one is a dash.

    ``months``: their names; ``index``: of each month's days, 1 to 10, 0 none, -1 outside the time
    that is shown.
    """
    slot = (100 - _MONTH) / _MONTH_DAYS
    parts = [
        _text("tick", _number(_MONTH - 1.5), (place + 1) * _ROW - 0.35, "end", name)
        for place, name in enumerate(months)
    ]
    paths = dict.fromkeys(AIR, "")
    unit = _WIDE / _MONTH_DAYS
    for row, days in enumerate(index):
        foot = round((row + 1) * _ROW * 100) - 20
        for day, found in enumerate(days.tolist()):
            left, wide = round(day * unit) + 30, round(unit) - 60
            if found == 0:
                paths["no-index"] += f"M{left} {foot - 12}h{wide}v12h-{wide}z"
            elif found > 0:
                high = round(_COLUMN * 100 * found / _TOP)
                paths[band_mark(found)] += f"M{left} {foot}v-{high}h{wide}v{high}z"
    parts.append(
        Markup(
            '<svg class="plot" aria-hidden="true" x="{}%" y="0" width="{}%" height="{}em" viewBox="0 0 {} {}"'
            ' preserveAspectRatio="none">{}</svg>'
        ).format(
            _number(_MONTH),
            _number(100 - _MONTH),
            _number(len(months) * _ROW),
            _WIDE,
            round(len(months) * _ROW * 100),
            Markup("").join(
                Markup('<path class="day {}" d="{}"/>').format(mark, text) for mark, text in paths.items() if text
            ),
        )
    )
    last = len(months) * _ROW + 1.1
    parts += [
        _text("tick", _number(_MONTH + (day - 0.5) * slot), last, "middle", str(day))
        for day in (1, 5, 10, 15, 20, 25, 30)
    ]
    return _drawing(parts, alternative, len(months) * _ROW + 1.6, "drawing calendar")


def band_mark(index: int) -> str:
    """The mark of an index: of its band, or of none (0)."""
    if index <= 0:
        return "no-index"
    return "low" if index <= 3 else "moderate" if index <= 6 else "high" if index <= 9 else "very-high"


def _most(lines: Sequence[Line]) -> float:
    found = [one.values[~np.isnan(one.values)] for one in lines]
    return max((float(one.max()) for one in found if len(one)), default=0.0)


def _level(axis: Sequence[float], value: float) -> float:
    return _ABOVE + _HEIGHT * (axis[-1] - value) / (axis[-1] - axis[0])


def _references(shown: Sequence[Reference], axis: Sequence[float]) -> list[Markup]:
    parts = []
    below = -math.inf
    # from the highest down: a name that has no room above its line goes below the one before
    for one in sorted(shown, key=lambda reference: -reference.value):
        at = _level(axis, one.value)
        parts.append(_level_line("reference", at))
        said = max(at - 0.3, below + _APART)
        below = said
        parts.append(_text("of", "99.5", said, "end", one.name))
    return parts


def _grid(axis: Sequence[float]) -> Markup:
    found = []
    for value in axis:
        at = _level(axis, value)
        found.append(_level_line("grid" if value else "base", at))
        said = f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")
        found.append(_text("tick", _number(_LEFT - 1.5), at + 0.32, "end", said))
    return Markup("").join(found)


def _tick(one: Tick) -> Markup:
    across = _LEFT + (100 - _LEFT) * one.share
    anchor = "end" if one.share > 0.95 else "start" if one.share < 0.03 else "middle"
    kind = "hour" if one.narrow else "wide hour"
    return _text(kind, _number(across), _ABOVE + _HEIGHT + 1.4, anchor, one.text)


# a page has hundreds of these: `Markup.format` takes a fifth of the time that the page does


def _level_line(kind: str, at: float) -> Markup:
    y = _number(at)
    return Markup(f'<line class="{kind}" x1="{_number(_LEFT)}%" x2="100%" y1="{y}em" y2="{y}em"/>')  # noqa: S704


def _text(kind: str, x: str, y: float, anchor: str, text: str) -> Markup:
    said = f'<text class="{kind}" x="{x}%" y="{_number(y)}em" text-anchor="{anchor}">{escape(text)}</text>'
    return Markup(said)  # noqa: S704  # its text is escaped, the rest is ours


def _drawing(parts: Sequence[Markup], alternative: str, height: float, kind: str = "drawing") -> Markup:
    return (
        Markup('<svg class="{}" role="img" aria-label="{}" width="100%" height="{}em">').format(
            kind, alternative, _number(height)
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
