"""Pictures of air: a gap is a gap, a reference value is where it belongs, and a day without an index is no good day."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.public import air_pictures as pictures
from dashboard.public.air_pictures import Line, Reference, Tick
from tests.examples import examples

NAN = float("nan")


def points(text: str) -> list[list[tuple[int, int]]]:
    """A path's stretches as points, by reading its commands again."""
    found: list[list[tuple[int, int]]] = []
    x = y = 0
    for command, numbers in re.findall(r"([Mhl])([-\d ]+)", text):
        values = [int(one) for one in re.findall(r"-?\d+", numbers)]
        if command == "M":
            x, y = values
            found.append([])
        elif command == "h":
            x += values[0]
        else:
            x, y = x + values[0], y + values[1]
        if not found[-1] or found[-1][-1] != (x, y):
            found[-1].append((x, y))
    return found


@given(st.lists(st.one_of(st.integers(0, 1000), st.just(None)), max_size=40))
@settings(max_examples=examples(200))
def test_a_line_passes_every_value_and_no_gap(given_values: list[int | None]) -> None:
    values = np.array([NAN if one is None else float(one) for one in given_values], np.float64)
    stretches = points(pictures.path(values, [0.0, 1000.0]))
    expected: list[list[tuple[int, int]]] = []
    before = False
    for place, value in enumerate(given_values):
        if value is not None:
            if not before:
                expected.append([])
            expected[-1].append((round((place + 0.5) * 10_000 / len(values)), 1000 - value))
        before = value is not None
    assert len(stretches) == len(expected)
    for drawn, wanted in zip(stretches, expected, strict=True):
        # a level stretch has its two ends alone
        assert drawn[0] == wanted[0]
        assert drawn[-1] == wanted[-1]
        assert set(drawn) <= set(wanted)
        level = {
            wanted[at] for at in range(1, len(wanted) - 1) if wanted[at - 1][1] == wanted[at][1] == wanted[at + 1][1]
        }
        assert set(wanted) - set(drawn) == level - set(drawn)


def test_a_year_is_light() -> None:
    values = np.random.default_rng(1).uniform(5, 30, 365)
    assert len(pictures.path(values, [0.0, 40.0])) < 3_200
    assert len(pictures.path(np.full(365, 9.0), [0.0, 40.0])) < 30


def test_reference_values_that_are_near_stand_on_the_chart() -> None:
    line = Line("first", np.array([1.0, NAN, 12.0]))
    low, near, far = Reference(15.0, "WHO"), Reference(18.0, "EU"), Reference(200.0, "UK")
    assert pictures.drawn([line], [far, near, low]) == [near, low]
    assert pictures.drawn([line], [far]) == [far], "the lowest always"
    assert pictures.drawn([Line("first", np.array([NAN]))], [low, far]) == [low]
    drawing = pictures.draw([line], [far, near, low], [Tick(0.5, "12:00", narrow=True)], "What <it> shows")
    assert drawing.count('class="reference"') == 2
    assert ">WHO<" in drawing
    assert "UK" not in drawing
    assert 'aria-label="What &lt;it&gt; shows"' in drawing


def test_names_of_reference_values_do_not_lie_on_each_other() -> None:
    line = Line("first", np.array([20.0]))
    drawing = pictures.draw([line], [Reference(20.0, "a"), Reference(20.2, "b"), Reference(20.4, "c")], [], "x")
    heights = [float(one) for one in re.findall(r'class="of" x="[\d.]+%" y="([\d.]+)em"', drawing)]
    assert len(heights) == 3
    assert min(abs(one - other) for at, one in enumerate(heights) for other in heights[:at]) >= 1.1


def test_negative_means_are_below_the_base_line() -> None:
    drawing = pictures.draw([Line("first", np.array([-3.0, 5.0]))], [], [], "x")
    assert "\N{MINUS SIGN}" in drawing


@pytest.mark.parametrize(
    ("index", "mark"),
    [(0, "no-index"), (1, "low"), (3, "low"), (4, "moderate"), (6, "moderate"), (7, "high"), (9, "high"),
     (10, "very-high")],
)  # fmt: skip
def test_marks_of_bands(index: int, mark: str) -> None:
    assert pictures.band_mark(index) == mark


def test_a_calendar_shows_a_missing_day_by_a_dash_of_its_own() -> None:
    days = np.array([-1, 0, 2, 10, *[-1] * 27], np.int8)
    drawing = pictures.calendar(["Feb"], [days], "x")
    assert drawing.count('class="day ') == 3
    (missing,) = re.findall(r'class="day no-index" d="([^"]+)"', drawing)
    (low,) = re.findall(r'class="day low" d="([^"]+)"', drawing)
    (high,) = re.findall(r'class="day very-high" d="([^"]+)"', drawing)
    assert [one.count("M") for one in (missing, low, high)] == [1, 1, 1]
    tall = [int(re.findall(r"v-(\d+)", one)[0]) for one in (low, high)]
    assert tall[1] == 5 * tall[0], "as high as the index"
    assert "v-" not in missing
