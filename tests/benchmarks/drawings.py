"""Drawings for the documents of what long runs found, as plain SVG.

``python -m tests.benchmarks.drawings growth.json docs/explanation/growth.svg``, or with the figures of a soak.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 760, 60, 150
#: Colours that are told apart in grey and by those who do not see red and green alike.
COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#7f6000", "#134f5c", "#990000", "#351c75", "#3d3d3d", "#0b8043")


class Canvas:
    """Lines and texts of one drawing; ``description`` is what is read to somebody who does not see it."""

    def __init__(self, height: int, title: str, description: str) -> None:
        self._height = height
        self._parts = [f"<title>{escape(title)}</title>", f"<desc>{escape(description)}</desc>"]

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1.5, dash: str = "") -> None:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def text(self, x: float, y: float, text: str, colour: str = "#222", anchor: str = "start") -> None:
        """A text that begins, ends or is centred at a point."""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def svg(self) -> str:
        """The whole file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self._height}" role="img"'
            ' font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        )
        return head + "\n".join(self._parts) + "\n</svg>\n"


def growth(figures: Mapping[str, Any]) -> str:
    """Each price as a multiple of the smallest town's, over the number of readings (logarithmic)."""
    sizes = sorted(map(int, figures["sizes"]))
    prices = {
        name: [min(of[str(size)]) / min(of[str(sizes[0])]) for size in sizes] for name, of in figures["cpu"].items()
    }
    top = max(1.5, 0.1 + max(map(max, prices.values())))
    words = "; ".join(f"{name}: {', '.join(f'{one:.2f}' for one in of)}" for name, of in prices.items())
    canvas = Canvas(400, "Price of everyday work over the readings that a borough has", words)
    across, down = _log(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT), _linear(0, top, 360, 20)
    for size in sizes:
        canvas.line([(across(size), 360), (across(size), 20)], "#ddd", 1)
        canvas.text(across(size), 380, f"{size} M", anchor="middle")
    canvas.text((LEFT + WIDTH - RIGHT) / 2, 397, "readings", anchor="middle")
    for step in range(int(top / 0.5) + 1):
        canvas.line([(LEFT, down(step / 2)), (WIDTH - RIGHT, down(step / 2))], "#ddd", 1)
        canvas.text(LEFT - 8, down(step / 2) + 4, f"{step / 2:.1f} x", anchor="end")
    canvas.line([(LEFT, down(1.3)), (WIDTH - RIGHT, down(1.3))], "#990000", 1, "5 4")
    canvas.text(LEFT + 4, down(1.3) - 4, "1.3 x", "#990000")
    last = -math.inf
    for place, (name, of) in enumerate(sorted(prices.items(), key=lambda item: -item[1][-1])):
        colour = COLOURS[place % len(COLOURS)]
        canvas.line([(across(size), down(one)) for size, one in zip(sizes, of, strict=True)], colour, 2)
        last = max(last + 14, down(of[-1]) + 4)
        canvas.text(WIDTH - RIGHT + 6, last, f"{name} {of[-1]:.2f}", colour)
    return canvas.svg()


def city(figures: Mapping[str, Any]) -> str:
    """Memory and lag over the time of a soak, with a mark for each fault."""
    samples = figures["samples"]
    minutes = [one[0] / 60 for one in samples]
    memory, lag = [one[1] / 1e6 for one in samples], [one[2] for one in samples]
    words = (
        f"{figures['seconds']} s at {figures['rate']} messages a second with {len(figures['faults'])} faults:"
        f" memory {min(memory):.0f} to {max(memory):.0f} MB, lag at most {max(lag):.0f} s"
    )
    canvas = Canvas(420, "Memory and lag of a collector at a city's rate under faults", words)
    across = _linear(0, max(minutes), LEFT, WIDTH - RIGHT)
    for bottom, values, unit, colour in ((190, memory, "MB", COLOURS[0]), (380, lag, "s", COLOURS[1])):
        top = _round_up(max(values))
        down = _linear(0, top, bottom, bottom - 160)
        for step in range(5):
            canvas.line([(LEFT, down(top * step / 4)), (WIDTH - RIGHT, down(top * step / 4))], "#ddd", 1)
            canvas.text(LEFT - 8, down(top * step / 4) + 4, f"{top * step / 4:g} {unit}", anchor="end")
        canvas.line([(across(x), down(y)) for x, y in zip(minutes, values, strict=True)], colour)
        canvas.text(WIDTH - RIGHT + 6, bottom - 80, "memory" if unit == "MB" else "lag", colour)
    for at, _ in figures["faults"]:
        canvas.line([(across(at / 60), 384), (across(at / 60), 390)], "#990000", 1)
    canvas.text(WIDTH - RIGHT + 6, 391, "faults", "#990000")
    for step in range(5):
        canvas.text(across(max(minutes) * step / 4), 406, f"{max(minutes) * step / 4:.0f} min", anchor="middle")
    return canvas.svg()


def _linear(low: float, high: float, start: float, end: float) -> Any:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _log(low: float, high: float, start: float, end: float) -> Any:
    return lambda value: start + math.log(value / low) / math.log(high / low) * (end - start)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8, 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(value, 0.01)))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def main(source: str, target: str) -> int:
    """Draw what a file of figures holds."""
    figures = json.loads(Path(source).read_text(encoding="utf-8"))
    Path(target).write_text(growth(figures) if "cpu" in figures else city(figures), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
