"""The pipeline drawn as SVG by the server: a message's way with the counts on its arrows, and lines over time.

The way is drawn twice, across for wide windows and downwards for phones; the style sheet shows one of them. The thicker
an arrow, the more goes that way, in steps of powers of ten.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

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
    return Markup("").join([_across(stops, words, alternative), _down(stops, words, alternative)])


# -- the way ---------------------------------------------------------------------------------------------------------

#: Boxes and gaps in the drawing's units, which are pixels where it has all its room; lines are _LINE apart.
_BOX, _GAP, _HIGH, _LINE = 140, 120, 56, 22


def _across(stops: Sequence[Stop], words: Words, alternative: str) -> Markup:
    wide = len(stops) * _BOX + (len(stops) - 1) * _GAP
    deepest = max(len(stop.notes) + len(stop.branches) for stop in stops)
    top = 44
    parts = []
    for place, stop in enumerate(stops):
        left = place * (_BOX + _GAP)
        if place:
            middle = top + _HIGH / 2
            parts.append(_arrow(left - _GAP, middle, left, middle, words, stop.comes[0][1] if stop.comes else None))
            for line, (word, text) in enumerate(stop.comes):
                at = middle - 14 if line == 0 else middle + 38
                parts.append(_label(left - _GAP / 2, at, "middle", word, text, words, two=True))
        parts.append(_box(left + 1, top, _BOX - 2, _HIGH, stop.name))
        below = top + _HIGH
        for line, note in enumerate(stop.notes):
            parts.append(_label(left + 2, below + 20 + line * _LINE, "start", note.word, note.text, words, note.href))
        start = below + (len(stop.notes) * _LINE + 6 if stop.notes else 0)
        for line, branch in enumerate(stop.branches):
            at = start + 22 + line * _LINE
            parts.append(_turn(left + 14, start if line == 0 else at - _LINE, at - 5, left + 34, words, branch.text))
            parts.append(_label(left + 40, at, "start", branch.word, branch.text, words, branch.href))
    height = top + _HIGH + deepest * _LINE + 24
    return _drawing("across", wide, height, parts, alternative)


def _down(stops: Sequence[Stop], words: Words, alternative: str) -> Markup:
    parts, top, wide = [], 2.0, 340
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
            if line >= len(stop.notes):
                parts.append(_arrow(139, at - 5, 172, at - 5, words, item.text))
            parts.append(
                _label(178 if line >= len(stop.notes) else 150, at, "start", item.word, item.text, words, item.href)
            )
        top += high
    return _drawing("down", wide, top + 4, parts, alternative)


def _drawing(name: str, wide: float, high: float, parts: Sequence[Markup], alternative: str) -> Markup:
    # no image: what can be followed from it is read one by one
    return (
        Markup('<svg class="way {}" role="group" aria-label="{}" viewBox="0 0 {} {}">').format(
            name, alternative, _n(wide), _n(high)
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def _box(x: float, y: float, wide: float, high: float, name: str) -> Markup:
    words = name.split(" ")
    lines = (
        [name]
        if len(name) <= 12
        else [" ".join(words[: (len(words) + 1) // 2]), " ".join(words[(len(words) + 1) // 2 :])]
    )
    middle = y + high / 2 + 5 - (len(lines) - 1) * 10
    said = Markup("").join(
        Markup('<text class="place" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            _n(x + wide / 2), _n(middle + line * 20), text
        )
        for line, text in enumerate(lines)
    )
    return (
        Markup('<rect class="place" x="{}" y="{}" width="{}" height="{}"/>').format(_n(x), _n(y), _n(wide), _n(high))
        + said
    )


def _arrow(x1: float, y1: float, x2: float, y2: float, words: Words, text: str | None) -> Markup:
    """An arrow to the right or down; dashed where nothing went that way. ``text`` None: nobody counts what does."""
    count = 1 if text is None else words.numbers.get(text, 0)
    kind, width = ("goes", 2 + 1.6 * math.log10(1 + count)) if count else ("goes none", 1.5)
    head = 5 + width
    if x1 == x2:
        shaft, tip = (
            (x1, y1, x2, y2 - head),
            f"{_n(x2)},{_n(y2)} {_n(x2 - head)},{_n(y2 - head)} {_n(x2 + head)},{_n(y2 - head)}",
        )
    else:
        shaft, tip = (
            (x1, y1, x2 - head, y2),
            f"{_n(x2)},{_n(y2)} {_n(x2 - head)},{_n(y2 - head * 0.7)} {_n(x2 - head)},{_n(y2 + head * 0.7)}",
        )
    line = Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}" stroke-width="{}"/>').format(
        kind, *(_n(one) for one in shaft), _n(width)
    )
    return line + Markup('<polygon class="head" points="{}"/>').format(tip)


def _turn(x: float, y1: float, y2: float, x2: float, words: Words, text: str) -> Markup:
    """A line down and an arrow off it."""
    return Markup('<line class="goes stem" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        _n(x), _n(y1), _n(x), _n(y2)
    ) + _arrow(x, y2, x2, y2, words, text)


def _label(
    x: float, y: float, anchor: str, word: str, text: str, words: Words, href: str | None = None, *, two: bool = False
) -> Markup:
    """A number and its word, the number above where there are ``two`` lines."""
    said = words.texts.get(text, "0")
    mark = Markup(' data-live="{}"').format(text) if words.live else Markup("")
    count = Markup('<tspan class="count"{}>{}</tspan>').format(mark, said)
    if two:
        inner = count + Markup('<tspan x="{}" dy="1.15em" class="word">{}</tspan>').format(_n(x), word)
        y -= 16
    else:
        inner = count + Markup(' <tspan class="word">{}</tspan>').format(word)
    found = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), anchor, inner)
    return found if href is None else Markup('<a href="{}">{}</a>').format(href, found)


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
    parts = []
    for value, text in axis.marks:
        at = _ABOVE + _PLOT * (1 - float(height(np.array([value]))[0]))
        kind = "base" if value == axis.marks[0][0] else "grid"
        parts.append(
            Markup('<line class="{}" x1="{}%" x2="100%" y1="{}em" y2="{}em"/>').format(kind, _n(_LEFT), _n(at), _n(at))
        )
        parts.append(
            Markup('<text class="tick" x="{}%" y="{}em" text-anchor="end">{}</text>').format(
                _n(_LEFT - 1.5), _n(at + 0.32), text
            )
        )
    for place, (share, text) in enumerate(times):
        anchor: Literal["start", "middle", "end"] = (
            "start" if place == 0 else "end" if place == len(times) - 1 else "middle"
        )
        kind = "hour" if place in (0, len(times) - 1) or place == len(times) // 2 else "wide hour"
        parts.append(
            Markup('<text class="{}" x="{}%" y="{}em" text-anchor="{}">{}</text>').format(
                kind, _n(_LEFT + (100 - _LEFT) * share), _n(_ABOVE + _PLOT + 1.3), anchor, text
            )
        )
    steps = max((len(line.values) for line in given), default=1)
    parts.append(
        Markup(
            '<svg x="{}%" y="{}em" width="{}%" height="{}em" viewBox="0 0 {} 100" preserveAspectRatio="none">'
        ).format(_n(_LEFT), _n(_ABOVE), _n(100 - _LEFT), _n(_PLOT), max(steps, 1))
    )
    parts += [_polyline(line, place, height) for place, line in enumerate(given)]
    drawn = Markup('<svg class="drawing" role="img" aria-label="{}" width="100%" height="{}em">').format(
        alternative, _n(_ABOVE + _PLOT + _BELOW)
    )
    return drawn + Markup("").join(parts) + Markup("</svg></svg>") + (_keys(given) if len(given) > 1 else Markup(""))


def _polyline(line: Line, place: int, height: Callable[[Float64], Float64]) -> Markup:
    """The line, one piece between two gaps; a value between gaps is a short level line."""
    known = np.flatnonzero(~np.isnan(line.values))
    pieces = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else []
    path = []
    for piece in pieces:
        across = piece + 0.5
        up = 100 * (1 - height(line.values[piece]))
        if len(piece) == 1:
            path.append(f"M{_n(piece[0])} {_n(up[0])}H{_n(piece[0] + 1)}")
        else:
            path.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across.tolist(), up.tolist(), strict=True)))
    return Markup('<path class="line l{}" d="{}"/>').format(place % STYLES, "".join(path))


def _keys(given: Sequence[Line]) -> Markup:
    items = [
        Markup(
            '<li><svg class="key" aria-hidden="true" focusable="false" width="2.5em" height="1em">'
            '<line class="line l{}" x1="0" x2="100%" y1=".5em" y2=".5em"/></svg>{}</li>'
        ).format(place % STYLES, line.name)
        for place, line in enumerate(given)
    ]
    return Markup('<ul class="keys">') + Markup("").join(items) + Markup("</ul>")


def _n(value: float) -> str:
    return str(escape(f"{value:.2f}".rstrip("0").rstrip(".")))
