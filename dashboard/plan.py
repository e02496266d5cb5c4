"""The map of bays and monitors as SVG, without tiles: one path a state whose points carry that state's mark.

A path says each of them by its distance from the one before it, in whole units of the drawing and on a way that goes to
and fro, so that one takes about five bytes: ten thousand of them are lighter than one photograph.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from store.batch import Float64, Int64

#: Width of the drawing, and most and least of its height, in its own units.
WIDTH, MOST, LEAST = 1_200, 1_200, 450
#: Room at the edges, and the height of a strip in which the way goes to or fro.
EDGE, _STRIP = 20, 12
#: More than any place along either side.
_SPAN = 2_048
#: Marks by state: what is told by colour is told by shape too. A mark is 10 units wide and scaled.
_MARKS: Mapping[str, str] = {
    "free": '<circle class="free" cx="5" cy="5" r="3.6"/>',
    "occupied": '<path class="occupied" d="M1 1h8v8h-8z"/>',
    "unknown": '<path class="unknown" d="M1.5 1.5l7 7M8.5 1.5l-7 7"/>',
    "over": '<path class="over" d="M5-1L11 10H-1z"/>',
    # bands of the air quality index: the more corners the worse, and a cross where there is none
    "low": '<circle class="low" cx="5" cy="5" r="4.4"/>',
    "moderate": '<path class="moderate" d="M5-.6L10.6 9.6H-.6z"/>',
    "high": '<path class="high" d="M.6.6h8.8v8.8H.6z"/>',
    "very-high": '<path class="very-high" d="M3-.2h4L10.2 3v4L7 10.2H3L-.2 7V3z"/>',
    "no-index": '<path class="no-index" d="M1.5 1.5l7 7M8.5 1.5l-7 7"/>',
}
PARKING = ("free", "occupied", "unknown", "over")
AIR = ("low", "moderate", "high", "very-high", "no-index")


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the map lies: its corner [degrees], units a degree, the drawing's height, and the room at its edges."""

    west: float
    north: float
    across: float
    down: float
    height: int
    edge: int = EDGE

    def place(self, lon: Float64, lat: Float64) -> tuple[Int64, Int64]:
        """Points of the drawing, whole units."""
        x = self.edge + (lon - self.west) * self.across
        y = self.edge + (self.north - lat) * self.down
        return np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)


def frame(lon: Float64, lat: Float64, edge: int = EDGE) -> Frame:
    """The frame in which all these places fit, as large as it can be; ``(places,)``, at least one."""
    middle = math.cos(math.radians(float(lat.mean())))
    # a single street has some surroundings still
    wide, high = max(float(np.ptp(lon)) * middle, 0.002), max(float(np.ptp(lat)), 0.001)
    scale = min((WIDTH - 2 * edge) / wide, (MOST - 2 * edge) / high)
    height = min(MOST, max(LEAST, round(high * scale) + 2 * edge))
    spare_x = (WIDTH - 2 * edge - float(np.ptp(lon)) * middle * scale) / 2
    spare_y = (height - 2 * edge - float(np.ptp(lat)) * scale) / 2
    west, north = float(lon.min()) - spare_x / scale / middle, float(lat.max()) + spare_y / scale
    return Frame(west, north, scale * middle, scale, height, edge)


def draw(
    lon: Float64, lat: Float64, marks: Mapping[str, NDArray[np.bool_]], alternative: str, *, largest: int = 24
) -> Markup:
    """The map: ``marks`` says by mark which places have it, ``(places,)`` each. Without places an empty text.

    ``largest``: of a mark, in units of the drawing, where there are few.
    """
    if not len(lon):
        return Markup("")
    size = _size(len(lon), largest)
    held = frame(lon, lat, max(EDGE, size // 2 + 8))
    x, y = held.place(lon, lat)
    parts = [
        Markup(
            '<svg class="plan" role="img" aria-label="{}" viewBox="0 0 {} {}" data-west="{:.7f}" data-north="{:.7f}"'
            ' data-across="{:.1f}" data-down="{:.1f}" data-edge="{}" data-size="{}"><defs>'
        ).format(alternative, WIDTH, held.height, held.west, held.north, held.across, held.down, held.edge, size)
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


def symbols(names: Iterable[str]) -> Markup:
    """What `key` refers to, once a page: the marks ``names`` (`PARKING`, `AIR`)."""
    parts = "".join(f'<symbol id="key-{name}" viewBox="-1 -1 12 12">{_MARKS[name]}</symbol>' for name in names)
    return Markup(f'<svg class="hidden" aria-hidden="true" focusable="false">{parts}</svg>')  # noqa: S704  # as above


def key(name: str) -> Markup:
    """A mark in a line of text."""
    return Markup('<svg class="mark" aria-hidden="true"><use href="#key-{}"/></svg>').format(name)


def _size(places: int, largest: int) -> int:
    """How large a mark is [units]: many are small."""
    return max(6, min(largest, round(640 / math.sqrt(places))))
