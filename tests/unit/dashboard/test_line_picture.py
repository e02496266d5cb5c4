"""The line: every point in its place, gaps left open, an axis even where all values are equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engineer.line_picture import CHANGED, axis, draw, path


def test_a_line_a_gap_and_a_dot() -> None:
    x, y = np.array([0, 5, 9, 20]), np.array([1, 2, 3, 4])
    assert path(x, y, np.array([3]), steps=False) == "M0 1h0L5 2L9 3M20 4h0"
    assert path(x, y, np.array([], np.int64), steps=True) == "M0 1h0H5V2H9V3H20V4"
    assert path(x[:0], y[:0], np.array([], np.int64), steps=False) == ""


@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=20))
def test_all_values_stand_inside_the_axis(values: list[float]) -> None:
    low, high = axis(np.array(values))
    room = (high - low) * 1e-6
    assert low < high
    assert low - room <= min(values)
    assert max(values) <= high + room


@pytest.mark.parametrize(
    "values",
    [[0.0, 5e-324], [1e-320, 3e-320], [1e15, 1e15 + 0.125], [1.0, np.nextafter(1.0, 2)], [-2e-308, 2e-308]],
)
def test_values_that_are_next_to_each_other_are_drawn(values: list[float]) -> None:
    """A device may send 5e-324: it is finite and plausible."""
    low, high = axis(np.array(values))
    assert low < high
    none = np.array([], np.int64)
    drawing = draw(
        np.array([0, 500]), np.array(values), none, (0, 1_000), [], (none, np.array([])), "close", steps=False
    )
    assert 2 <= drawing.count('class="tick"') <= 8


@pytest.mark.parametrize(
    ("values", "edges"),
    [([], (0, 1)), ([0], (-1, 1)), ([480.5], (440, 520)), ([1013, 1021.5], (1012.5, 1022.5)), ([-3, 97], (-25, 100))],
)
def test_an_axis_has_round_edges(values: list[float], edges: tuple[float, float]) -> None:
    assert axis(np.array(values, np.float64)) == pytest.approx(edges)


def test_a_picture_says_what_it_shows_and_escapes_it() -> None:
    drawing = draw(
        np.array([0, 500, 1_000]), np.array([1.0, 3.0, 2.0]), np.array([2]), (0, 1_000), [(500, "<noon>")],
        (np.array([500]), np.array([3.0])), 'a "line"', steps=False,
    )  # fmt: skip
    assert 'aria-label="a &#34;line&#34;"' in drawing
    assert "&lt;noon&gt;" in drawing
    assert 'd="M0 1000h0L5000 0M10000 500h0"' in drawing
    # the sign stands below its reading, half a way across the plot
    assert f'<text class="changed" x="57%" y="2.4em" text-anchor="middle">{CHANGED}</text>' in drawing
