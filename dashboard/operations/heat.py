"""Hours of the week as a heat map in SVG: the fuller, the darker; the number stands in each cell."""

from __future__ import annotations

import math

from markupsafe import Markup

from dashboard.labels import DAYS
from store.batch import Float64

#: Cells' size and the room for days and hours, in units of the drawing.
_WIDE, _HIGH, _LEFT, _TOP = 34, 30, 48, 22
#: From which share on a cell has the next darker class; from the last but one on its number is white.
STEPS = (0.2, 0.4, 0.6, 0.85, 0.95)


def draw(share: Float64, alternative: str) -> Markup:
    """``share`` ``(168,)`` of hours of the week, 0 to 1, NaN where nothing is known."""
    parts = [
        # on a phone it is moved to and fro: smaller it would not be read
        Markup('<div class="scroll" role="region" aria-label="Occupancy by hour of the week" tabindex="0">'),
        Markup('<svg class="heat" role="img" aria-label="{}" viewBox="0 0 {} {}">').format(
            alternative, _LEFT + 24 * _WIDE + 1, _TOP + 7 * _HIGH + 1
        ),
    ]
    hour_text = Markup('<text x="{}" y="{}">{:02d}:00</text>')
    parts += [hour_text.format(_LEFT + hour * _WIDE, _TOP - 7, hour) for hour in range(0, 24, 3)]
    for day, name in enumerate(DAYS):
        parts.append(Markup('<text x="0" y="{}">{}</text>').format(_TOP + day * _HIGH + 19, name[:3]))
        shares = share[day * 24 : day * 24 + 24].tolist()
        parts += [_cell(_LEFT + hour * _WIDE, _TOP + day * _HIGH, one) for hour, one in enumerate(shares)]
    return Markup("").join(parts) + Markup("</svg></div>")


def _cell(x: int, y: int, share: float) -> Markup:
    if math.isnan(share):
        return Markup('<rect class="none" x="{}" y="{}" width="{}" height="{}"/>').format(x, y, _WIDE, _HIGH)
    step = sum(share >= edge for edge in STEPS)
    # "on" is a light number on a dark cell
    return Markup(
        '<rect class="h{}" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="{}" x="{}" y="{}" text-anchor="middle">{:.0f}</text>'
    ).format(step, x, y, _WIDE, _HIGH, "on" if step >= len(STEPS) - 1 else "", x + _WIDE // 2, y + 19, share * 100)
