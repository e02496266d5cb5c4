"""Eight weeks of days as a drawing: a dot or a column for each, hatched where nothing is known, told by shape alone.

As `dashboard.figures`, with its style: positions across in per cent, heights in em, no script.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

#: Per cent of the width for the numbers of the axis; heights [em] of the plot, above and below it.
_LEFT, _HEIGHT, _ABOVE, _BELOW = 14.0, 9.0, 1.8, 2.0


def days(
    name: str,
    values: Sequence[float | None],
    ticks: Sequence[tuple[float, str]],
    labels: Sequence[tuple[int, str]],
    alternative: str,
    *,
    dots: bool,
) -> Markup:
    """Days from left to right, ``values`` (days,), None where a day is not known; the second half is the newer one.

    ``ticks``: the axis, rising, with its words; ``labels``: what stands below some days. ``name`` makes the pattern's
    id the page's only one. ``dots``: points instead of columns that rise from the lowest tick.
    """
    low, high = ticks[0][0], ticks[-1][0]
    slot = (100 - _LEFT) / max(1, len(values))

    def level(value: float) -> float:
        return _ABOVE + _HEIGHT * (high - min(max(value, low), high)) / (high - low)

    parts = [
        Markup(
            '<defs><pattern id="{0}-gap" class="gap" width="16" height="16" patternUnits="userSpaceOnUse">'
            '<rect class="ground" width="16" height="16"/><path d="M-2 10 10 -2M-2 18 18 -2M6 18 18 6"/></pattern>'
            "</defs>"
        ).format(name)
    ]
    for place, (value, text) in enumerate(ticks):
        line = Markup('<line class="{}" x1="{}%" x2="100%" y1="{}em" y2="{}em"/>')
        at = _number(level(value))
        parts.append(line.format("grid" if place else "base", _number(_LEFT), at, at))
        parts.append(_text(_LEFT - 1.5, level(value) + 0.32, "end", text))
    for place, known in enumerate(values):
        left = _LEFT + place * slot
        if known is None:
            bar = Markup('<rect class="gap" x="{}%" y="{}em" width="{}%" height="{}em" fill="url(#{}-gap)"/>')
            parts.append(bar.format(_number(left), _number(_ABOVE), _number(slot), _number(_HEIGHT), name))
        elif dots:
            dot = Markup('<circle class="column" cx="{}%" cy="{}em" r="0.3em"/>')
            parts.append(dot.format(_number(left + slot / 2), _number(level(known))))
        else:
            column = Markup('<rect class="column" x="{}%" y="{}em" width="{}%" height="{}em"/>')
            height = level(low) - level(known)
            parts.append(
                column.format(_number(left + slot * 0.15), _number(level(known)), _number(slot * 0.7), _number(height))
            )
    middle = _LEFT + (100 - _LEFT) / 2
    parts.append(
        Markup('<line class="base" x1="{0}%" x2="{0}%" y1="{1}em" y2="{2}em"/>').format(
            _number(middle), _number(_ABOVE - 1.4), _number(_ABOVE + _HEIGHT)
        )
    )
    parts.append(_text(middle - 1, _ABOVE - 0.6, "end", "Before"))
    parts.append(_text(middle + 1, _ABOVE - 0.6, "start", "Now"))
    for place, text in labels:
        parts.append(_text(_LEFT + place * slot, _ABOVE + _HEIGHT + 1.3, "start", text))
    head = Markup('<svg class="drawing report" role="img" aria-label="{}" width="100%" height="{}em">')
    total = _number(_ABOVE + _HEIGHT + _BELOW)
    return head.format(alternative, total) + Markup("").join(parts) + Markup("</svg>")


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}%" y="{}em" text-anchor="{}">{}</text>').format(_number(x), _number(y), anchor, text)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
