"""The pipeline drawn as SVG by the server: a message's way with the counts on its arrows, and lines over time.

The way is drawn twice, across for wide windows and downwards for phones; the style sheet shows one of them. The thicker
an arrow, the more goes that way, in steps of powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from markupsafe import Markup, escape

from store.batch import Float64

#: Line styles of a chart: classes of the style sheet.
STYLES = 6


class Branch(NamedTuple):
    """What leaves the way: its word, the text's id and where it leads to, None: nowhere."""

    word: str
    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way: its name, what stands below the name, what comes in (a word and a text's id), what leaves.

    ``notes``: (word, text's id, href) of what is there.
    """

    name: str
    comes: tuple[tuple[str, str], ...] = ()
    notes: tuple[Branch, ...] = ()
    branches: tuple[Branch, ...] = ()


class Words(NamedTuple):
    """The texts of the drawing by id, the numbers behind those of arrows, and whether they change by themselves."""

    texts: Mapping[str, str]
    numbers: Mapping[str, int]
    live: bool


def way(stops: Sequence[Stop], words: Words, alternative: str) -> Markup:
    """A message's way, twice: the style sheet shows the one that fits."""
    # all that is not of this module is escaped where it comes in
    return Markup(_across(stops, words, alternative) + _down(stops, words, alternative))  # noqa: S704


# -- the way ---------------------------------------------------------------------------------------------------------

#: Boxes and gaps in the drawing's units, which are pixels where it has all its room; lines are _LINE apart.
_BOX, _GAP, _HIGH, _LINE = 140, 120, 56, 22


def _across(stops: Sequence[Stop], words: Words, alternative: str) -> str:
    wide = len(stops) * _BOX + (len(stops) - 1) * _GAP
    deepest = max(len(stop.notes) + len(stop.branches) for stop in stops)
    top = 44.0
    parts = []
    for place, stop in enumerate(stops):
        left = float(place * (_BOX + _GAP))
        if place:
            middle = top + _HIGH / 2
            parts.append(_arrow(left - _GAP, middle, left, middle, words, stop.comes[0][1] if stop.comes else None))
            for line, (word, text) in enumerate(stop.comes):
                at = middle - 30 if line == 0 else middle + 22
                parts.append(_label(left - _GAP / 2, at, "middle", word, text, words, two=True))
        parts.append(_box(left + 1, top, _BOX - 2, _HIGH, stop.name))
        below = top + _HIGH
        for line, note in enumerate(stop.notes):
            parts.append(_label(left + 2, below + 20 + line * _LINE, "start", note.word, note.text, words, note.href))
        start = below + (len(stop.notes) * _LINE + 6 if stop.notes else 0)
        for line, branch in enumerate(stop.branches):
            at = start + 22 + line * _LINE
            stem = start if line == 0 else at - _LINE
            parts.append(f'<path class="goes stem" d="M{_n(left + 14)} {_n(stem)}V{_n(at - 5)}"/>')
            parts.append(_arrow(left + 14, at - 5, left + 34, at - 5, words, branch.text))
            parts.append(_label(left + 40, at, "start", branch.word, branch.text, words, branch.href))
    height = top + _HIGH + deepest * _LINE + 24
    return _drawing("across", wide, height, parts, alternative)


def _down(stops: Sequence[Stop], words: Words, alternative: str) -> str:
    parts, top = [], 2.0
    for place, stop in enumerate(stops):
        if place:
            tall = 34 + max(0, len(stop.comes) - 1) * _LINE
            parts.append(_arrow(40, top, 40, top + tall, words, stop.comes[0][1] if stop.comes else None))
            for line, (word, text) in enumerate(stop.comes):
                parts.append(_label(60, top + 21 + line * _LINE, "start", word, text, words))
            top += tall
        lines = [*stop.notes, *stop.branches]
        high = max(_HIGH - 8, len(lines) * _LINE + 12)
        parts.append(_box(1, top, 138, high, stop.name))
        for line, item in enumerate(lines):
            at = top + high / 2 + (line - (len(lines) - 1) / 2) * _LINE + 5
            leaves = line >= len(stop.notes)
            if leaves:
                parts.append(_arrow(139, at - 5, 172, at - 5, words, item.text))
            parts.append(_label(178 if leaves else 150, at, "start", item.word, item.text, words, item.href))
        top += high
    return _drawing("down", 340, top + 4, parts, alternative)


def _drawing(name: str, wide: float, high: float, parts: Sequence[str], alternative: str) -> str:
    # no image: what can be followed from it is read one by one
    return (
        f'<svg class="way {name}" role="group" aria-label="{escape(alternative)}" viewBox="0 0 {_n(wide)} {_n(high)}">'
        f"{''.join(parts)}</svg>"
    )


def _box(x: float, y: float, wide: float, high: float, name: str) -> str:
    words = name.split(" ")
    half = (len(words) + 1) // 2
    lines = [name] if len(name) <= 12 else [" ".join(words[:half]), " ".join(words[half:])]
    first = y + high / 2 + 5 - (len(lines) - 1) * 10
    said = "".join(
        f'<text class="place" x="{_n(x + wide / 2)}" y="{_n(first + line * 20)}" text-anchor="middle">'
        f"{escape(text)}</text>"
        for line, text in enumerate(lines)
    )
    return f'<rect class="place" x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}"/>{said}'


def _arrow(x1: float, y1: float, x2: float, y2: float, words: Words, text: str | None) -> str:
    """An arrow to the right or down; dashed where nothing went that way. ``text`` None: nobody counts what does."""
    count = 1 if text is None else words.numbers.get(text, 0)
    kind, width = ("goes", 2 + 1.6 * math.log10(1 + count)) if count else ("goes none", 1.5)
    head = 5 + width
    if x1 == x2:
        shaft = f"V{_n(y2 - head)}"
        tip = f"{_n(x2 - head)},{_n(y2 - head)} {_n(x2 + head)},{_n(y2 - head)}"
    else:
        shaft = f"H{_n(x2 - head)}"
        tip = f"{_n(x2 - head)},{_n(y2 - head * 0.7)} {_n(x2 - head)},{_n(y2 + head * 0.7)}"
    return (
        f'<path class="{kind}" d="M{_n(x1)} {_n(y1)}{shaft}" stroke-width="{_n(width)}"/>'
        f'<polygon class="head" points="{_n(x2)},{_n(y2)} {tip}"/>'
    )


def _label(
    x: float, y: float, anchor: str, word: str, text: str, words: Words, href: str | None = None, *, two: bool = False
) -> str:
    """A number and its word, in one line or ``two``."""
    mark = f' data-live="{escape(text)}"' if words.live else ""
    count = f'<tspan class="count"{mark}>{escape(words.texts.get(text, "0"))}</tspan>'
    beside = f'<tspan x="{_n(x)}" dy="1.15em">{escape(word)}</tspan>' if two else f" <tspan>{escape(word)}</tspan>"
    found = f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{count}{beside}</text>'
    return found if href is None else f'<a href="{escape(href)}">{found}</a>'


# -- lines -----------------------------------------------------------------------------------------------------------

#: Room for the axis [per cent], heights [em] of plot, above and below.
_LEFT, _PLOT, _ABOVE, _BELOW = 14.0, 13.0, 1.0, 2.0


class Line(NamedTuple):
    """One line of a chart: its name and values ``(steps,)``; NaN is a gap."""

    name: str
    values: Float64


class Axis(NamedTuple):
    """Marks of an axis from below: (value, text); ``logarithmic``: the marks are positive and a decade is a decade."""

    marks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def height(self) -> Callable[[Float64], Float64]:
        """Values to heights, 0 at the lowest mark and 1 at the highest; what lies outside is drawn at the edge."""
        low, high = self.marks[0][0], self.marks[-1][0]
        if not self.logarithmic:
            return lambda values: np.clip((values - low) / (high - low), 0, 1)
        with np.errstate(divide="ignore"):
            span = math.log(high / low)
            return lambda values: np.clip(np.log(np.maximum(values, low) / low) / span, 0, 1)


def lines(given: Sequence[Line], axis: Axis, times: Sequence[tuple[float, str]], alternative: str) -> Markup:
    """Lines over equal steps. ``times``: marks along the bottom, how far along (0 to 1) and the text."""
    height = axis.height()
    size = f'width="100%" height="{_n(_ABOVE + _PLOT + _BELOW)}em"'
    parts = [f'<svg class="drawing" role="img" aria-label="{escape(alternative)}" {size}>']
    for value, text in axis.marks:
        at = _ABOVE + _PLOT * (1 - float(height(np.array([value]))[0]))
        kind = "base" if value == axis.marks[0][0] else "grid"
        parts.append(f'<line class="{kind}" x1="{_n(_LEFT)}%" x2="100%" y1="{_n(at)}em" y2="{_n(at)}em"/>')
        parts.append(
            f'<text class="tick" x="{_n(_LEFT - 1.5)}%" y="{_n(at + 0.32)}em" text-anchor="end">{escape(text)}</text>'
        )
    for place, (share, text) in enumerate(times):
        anchor = "start" if place == 0 else "end" if place == len(times) - 1 else "middle"
        # on a phone there is room for three
        kind = "hour" if place in (0, len(times) - 1) or place == len(times) // 2 else "wide hour"
        x, y = _n(_LEFT + (100 - _LEFT) * share), _n(_ABOVE + _PLOT + 1.3)
        parts.append(f'<text class="{kind}" x="{x}%" y="{y}em" text-anchor="{anchor}">{escape(text)}</text>')
    steps = max((len(line.values) for line in given), default=1)
    parts.append(
        f'<svg x="{_n(_LEFT)}%" y="{_n(_ABOVE)}em" width="{_n(100 - _LEFT)}%" height="{_n(_PLOT)}em"'
        f' viewBox="0 0 {steps} 100" preserveAspectRatio="none">'
    )
    parts += [_polyline(line, place, height) for place, line in enumerate(given)]
    parts.append("</svg></svg>")
    if len(given) > 1:
        parts.append(_keys(given))
    return Markup("".join(parts))  # noqa: S704 - what is not of this module is escaped where it comes in


def _polyline(line: Line, place: int, height: Callable[[Float64], Float64]) -> str:
    """The line, one piece between two gaps; a value between gaps is a short level line."""
    known = np.flatnonzero(~np.isnan(line.values))
    pieces = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else []
    path = []
    for piece in pieces:
        up = (100 * (1 - height(line.values[piece]))).tolist()
        first = int(piece[0])
        if len(piece) == 1:
            path.append(f"M{first} {_n(up[0])}H{first + 1}")
        else:
            path.append("M" + "L".join(f"{first + step}.5 {y:.1f}" for step, y in enumerate(up)))
    return f'<path class="line l{place % STYLES}" d="{"".join(path)}"/>'


def _keys(given: Sequence[Line]) -> str:
    items = "".join(
        '<li><svg class="key" aria-hidden="true" focusable="false" width="2.5em" height="1em">'
        f'<line class="line l{place % STYLES}" x1="0" x2="100%" y1=".5em" y2=".5em"/></svg>{escape(line.name)}</li>'
        for place, line in enumerate(given)
    )
    return f'<ul class="keys">{items}</ul>'


def _n(value: float) -> str:
    """A number of the drawing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
