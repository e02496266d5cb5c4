"""A day's movement as SVG that the server draws: when there was any today, above on how many such days there is.

Two strips of 48 half-hours of the wall clock. What is told by colour is told by place too; numbers stand in the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

#: Heights [em]: of a strip, and of the words above it; of the hours below.
_STRIP, _WORDS, _HOURS = 4.0, 1.8, 2.0
_BINS = 48
_SLOT = 100 / _BINS


def strips(today: Sequence[int], usual: Sequence[int] | None, now: int, alternative: str) -> Markup:
    """``today`` (48,): movements that began in each half-hour; ``usual`` (48,): of a hundred such days, on how many
    there was one, None where too little is known; ``now``: the half-hour that runs. ``alternative`` is read in its
    place."""
    most = max(*today, 1)
    parts = _strip("Today", 0, "column", [100 * count / most for count in today])
    parts.append(
        Markup('<line class="now" x1="{x}%" x2="{x}%" y1="{top}em" y2="{foot}em"/>').format(
            x=_number((now + 1) * _SLOT), top=_number(_WORDS), foot=_number(_WORDS + _STRIP)
        )
    )
    height = _WORDS + _STRIP
    if usual is not None:
        parts += _strip("Usual on such a day", height, "usual", usual)
        height += _WORDS + _STRIP
    for place, hour in ((0, "00:00"), (12, "06:00"), (24, "12:00"), (36, "18:00"), (48, "24:00")):
        anchor = "start" if place == 0 else "end" if place == _BINS else "middle"
        parts.append(
            Markup('<text class="hour" x="{}%" y="{}em" text-anchor="{}">{}</text>').format(
                _number(place * _SLOT), _number(height + 1.3), anchor, hour
            )
        )
    return (
        Markup('<svg class="drawing strips{}" role="img" aria-label="{}" width="100%" height="{}em">').format(
            " one" if usual is None else "", alternative, _number(height + _HOURS)
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def _strip(words: str, top: float, kind: str, shares: Sequence[float]) -> list[Markup]:
    """A strip with its words; ``shares`` (48,) of a hundred."""
    foot = top + _WORDS + _STRIP
    parts = [
        Markup('<text class="strip" x="0%" y="{}em" text-anchor="start">{}</text>').format(_number(top + 1.2), words),
        Markup('<line class="base" x1="0%" x2="100%" y1="{y}em" y2="{y}em"/>').format(y=_number(foot)),
    ]
    for place, share in enumerate(shares):
        if share > 0:
            height = _STRIP * max(share, 5) / 100
            parts.append(
                Markup('<rect class="{}" x="{}%" y="{}em" width="{}%" height="{}em"/>').format(
                    kind, _number(place * _SLOT + _SLOT * 0.08), _number(foot - height), _number(_SLOT * 0.84),
                    _number(height),
                )
            )  # fmt: skip
    return parts


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
