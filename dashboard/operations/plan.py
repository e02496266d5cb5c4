"""The map of bays as SVG, without tiles: one path a state whose points carry that state's mark.

A path says each bay by its distance from the one before it, in whole units of the drawing and on a way that goes to and
fro, so that a bay takes about five bytes: ten thousand of them are lighter than one photograph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from store.batch import Float64, Int64

#: Width of the drawing, and most and least of its height, in its own units.
WIDTH, MOST, LEAST = 1_200, 1_200, 450
#: Room at the edges, and the height of a strip in which the way goes to or fro.
_EDGE, _STRIP = 20, 12
#: More than any place along either side.
_SPAN = 2_048
#: Marks by state: what is told by colour is told by shape too. A mark is 10 units wide and scaled.
_MARKS: Mapping[str, str] = {
    "free": '<circle class="free" cx="5" cy="5" r="3.6"/>',
    "occupied": '<path class="occupied" d="M1 1h8v8h-8z"/>',
    "unknown": '<path class="unknown" d="M1.5 1.5l7 7M8.5 1.5l-7 7"/>',
    "over": '<path class="over" d="M5-1L11 10H-1z"/>',
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the map lies: its corner [degrees], units a degree, and the drawing's height."""

    west: float
    north: float
    across: float
    down: float
    height: int

    def place(self, lon: Float64, lat: Float64) -> tuple[Int64, Int64]:
        """Points of the drawing, whole units."""
        x = _EDGE + (lon - self.west) * self.across
        y = _EDGE + (self.north - lat) * self.down
        return np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)


def frame(lon: Float64, lat: Float64) -> Frame:
    """The frame in which all these bays fit, as large as it can be; ``(bays,)``, at least one."""
    middle = math.cos(math.radians(float(lat.mean())))
    # a single street has some surroundings still
    wide, high = max(float(np.ptp(lon)) * middle, 0.002), max(float(np.ptp(lat)), 0.001)
    scale = min((WIDTH - 2 * _EDGE) / wide, (MOST - 2 * _EDGE) / high)
    height = min(MOST, max(LEAST, round(high * scale) + 2 * _EDGE))
    spare_x = (WIDTH - 2 * _EDGE - float(np.ptp(lon)) * middle * scale) / 2
    spare_y = (height - 2 * _EDGE - float(np.ptp(lat)) * scale) / 2
    west, north = float(lon.min()) - spare_x / scale / middle, float(lat.max()) + spare_y / scale
    return Frame(west, north, scale * middle, scale, height)


def draw(lon: Float64, lat: Float64, marks: Mapping[str, NDArray[np.bool_]], alternative: str) -> Markup:
    """The map: ``marks`` says by mark which bays have it, ``(bays,)`` each. Without bays an empty text."""
    if not len(lon):
        return Markup("")
    held = frame(lon, lat)
    x, y = held.place(lon, lat)
    size = _size(len(lon))
    parts = [
        Markup(
            '<svg class="plan" role="img" aria-label="{}" viewBox="0 0 {} {}" data-west="{:.7f}" data-north="{:.7f}"'
            ' data-across="{:.1f}" data-down="{:.1f}" data-edge="{}" data-size="{}"><defs>'
        ).format(alternative, WIDTH, held.height, held.west, held.north, held.across, held.down, _EDGE, size)
    ]
    parts += [
        # every mark is constant text of this module
        Markup(  # noqa: S704
            f'<marker id="mark-{name}" viewBox="-1 -1 12 12" refX="5" refY="5" markerWidth="{size}"'
            f' markerHeight="{size}" markerUnits="userSpaceOnUse">{_MARKS[name]}</marker>'
        )
        for name in marks
    ]
    parts.append(Markup("</defs>"))
    for name, which in marks.items():
        if which.any():
            parts.append(
                Markup(
                    '<path id="bays-{0}" fill="none" marker-start="url(#mark-{0})" marker-mid="url(#mark-{0})"'
                    ' marker-end="url(#mark-{0})" d="{1}"/>'
                ).format(name, way(x[which], y[which]))
            )
    return Markup("").join(parts) + Markup("</svg>")


def way(x: Int64, y: Int64) -> str:
    """Points as a path of short steps, each point once: to and fro in strips, downwards. At least one point."""
    strip = y // _STRIP
    along = np.where(strip % 2, WIDTH - x, x)
    # a key that sorts them and holds them whole: each place once
    key = np.unique(((strip * _SPAN + along) * _SPAN) + y)
    y = key % _SPAN
    strip, along = key // _SPAN // _SPAN, key // _SPAN % _SPAN
    x = np.where(strip % 2, WIDTH - along, along)
    steps = np.column_stack((np.diff(x), np.diff(y))).ravel().tolist()
    # a path of one point has no marks in some browsers: a step of nothing makes it two
    text = f" {' '.join(map(str, steps or (0, 0)))}".replace(" -", "-")
    return f"m{x[0]} {y[0]}{text}"


def symbols() -> Markup:
    """What `key` refers to, once a page."""
    parts = "".join(f'<symbol id="key-{name}" viewBox="-1 -1 12 12">{mark}</symbol>' for name, mark in _MARKS.items())
    return Markup(f'<svg class="hidden" aria-hidden="true" focusable="false">{parts}</svg>')  # noqa: S704  # as above


def key(name: str) -> Markup:
    """A mark in a line of text."""
    return Markup('<svg class="mark" aria-hidden="true"><use href="#key-{}"/></svg>').format(name)


def _size(bays: int) -> int:
    """How large a mark is [units]: many are small."""
    return max(6, min(24, round(640 / math.sqrt(bays))))
