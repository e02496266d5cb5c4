"""A series as a line in SVG that the server draws: a gap stays a gap, what was changed has a sign.

Positions across are in per cent and heights in em, as in `dashboard.figures`; the line itself is drawn in a plot of its
own units and keeps its width however wide that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from analytics.pipeline.decimation import Float64, Int64
from dashboard.engineer.time_axis import Tick

#: Per cent of the width, and heights [em] of the plot and around it, as in `dashboard.figures`.
_LEFT, _HEIGHT, _ABOVE, _BELOW = 14.0, 13.0, 1.5, 2.0
#: The plot's own units.
_WIDE, _HIGH = 10_000, 1_000
#: Labels have ten digits, and twelve behind the point: part of the greatest value, and least difference.
_NEAR, _LEAST = 1e-9, 1e-12
#: The sign of a reading that was changed, here and in tables.
CHANGED = "\N{BLACK UP-POINTING TRIANGLE}"


def draw(
    times: Int64,
    values: Float64,
    broken: Int64,
    span: tuple[int, int],
    labels: Sequence[Tick],
    marks: tuple[Int64, Float64],
    alternative: str,
    *,
    steps: bool,
) -> Markup:
    """Points ``times`` [us] and ``values`` ``(points,)`` as a line, broken before each place of ``broken``.

    ``span``: the plot's edges [us]. ``marks``: times and values of readings that were changed. ``steps``: a value holds
    until the next one, as a state does. ``alternative`` is read in the drawing's place.
    """
    low, high = axis(values)
    start, end = span
    parts = [_grid(low, high), *(_label(place, at, start, end, text) for place, (at, text) in enumerate(labels))]
    x = np.rint((times - start) / (end - start) * _WIDE).astype(np.int64)
    y = np.rint((high - values) / (high - low) * _HIGH).astype(np.int64)
    parts.append(
        Markup(
            '<svg class="plot" aria-hidden="true" x="{}%" y="{}em" width="{}%" height="{}em" viewBox="0 0 {} {}"'
            ' preserveAspectRatio="none"><path class="line" vector-effect="non-scaling-stroke" d="{}"/></svg>'
        ).format(
            _text(_LEFT),
            _text(_ABOVE),
            _text(100 - _LEFT),
            _text(_HEIGHT),
            _WIDE,
            _HIGH,
            path(x, y, broken, steps=steps),
        )
    )
    for at, value in zip(marks[0].tolist(), marks[1].tolist(), strict=True):
        across = _LEFT + (100 - _LEFT) * (at - start) / (end - start)
        below = _ABOVE + _HEIGHT * (high - value) / (high - low)
        parts.append(
            Markup('<text class="changed" x="{}%" y="{}em" text-anchor="middle">{}</text>').format(
                _text(across), _text(below + 0.9), CHANGED
            )
        )
    return (
        Markup('<svg class="drawing" role="img" aria-label="{}" width="100%" height="{}em">').format(
            alternative, _text(_ABOVE + _HEIGHT + _BELOW)
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def path(x: Int64, y: Int64, broken: Int64, *, steps: bool) -> str:
    """The path of a line through whole numbers; one reading alone between two breaks is a dot."""
    cuts = set(broken.tolist())
    words: list[str] = []
    for place, (across, down) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        if place == 0 or place in cuts:
            words.append(f"M{across} {down}h0")
        elif steps:
            words.append(f"H{across}V{down}")
        else:
            words.append(f"L{across} {down}")
    return "".join(words)


def axis(values: Float64) -> tuple[float, float]:
    """The least and the greatest value of the axis: round numbers around all values, apart where these are equal, or
    nearer to each other than labels can tell."""
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    greatest = max(abs(low), abs(high))
    if high - low <= max(_NEAR * greatest, _LEAST):
        room = greatest * 0.05 if greatest > _LEAST else 1.0
        low, high = low - room, high + room
    step = _step(low, high)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _step(low: float, high: float) -> float:
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _grid(low: float, high: float) -> Markup:
    step = _step(low, high)
    lines = []
    for number in range(round(low / step), round(high / step) + 1):
        value = number * step
        at = _ABOVE + _HEIGHT * (high - value) / (high - low)
        lines.append(
            Markup('<line class="{}" x1="{}%" x2="100%" y1="{}em" y2="{}em"/>').format(
                "base" if number == round(low / step) else "grid", _text(_LEFT), _text(at), _text(at)
            )
        )
        said = f"{round(value, 12):,.10g}".replace("-", "\N{MINUS SIGN}")
        lines.append(
            Markup('<text class="tick" x="{}%" y="{}em" text-anchor="end">{}</text>').format(
                _text(_LEFT - 1.5), _text(at + 0.32), said
            )
        )
    return Markup("").join(lines)


def _label(place: int, at: int, start: int, end: int, text: str) -> Markup:
    share = (at - start) / (end - start)
    across = _LEFT + (100 - _LEFT) * share
    anchor = "end" if share > 0.95 else "start" if share < 0.03 else "middle"
    line = Markup('<line class="grid" x1="{}%" x2="{}%" y1="{}em" y2="{}em"/>').format(
        _text(across), _text(across), _text(_ABOVE), _text(_ABOVE + _HEIGHT + 0.4)
    )
    # on a phone there is room for every third
    kind = "hour" if place % 3 == 1 else "wide hour"
    return line + Markup('<text class="{}" x="{}%" y="{}em" text-anchor="{}">{}</text>').format(
        kind, _text(across), _text(_ABOVE + _HEIGHT + 1.4), anchor, text
    )


def _text(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
