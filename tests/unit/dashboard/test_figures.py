"""Figures: drawn to scale, readable as text, safe, the same numbers in drawing and table."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import figures
from dashboard.figures import Bar, Column


def widths(markup: str) -> list[float]:
    return [float(found) for found in re.findall(r'<rect class="fill [a-z]+" width="([0-9.]+)%"', markup)]


def parsed(markup: str) -> ET.Element:
    """Well-formed or an error: a stray < in a label would break it."""
    return ET.fromstring(f"<div>{markup}</div>")


def test_bars_are_to_scale_from_zero_and_say_their_words() -> None:
    drawn = figures.bars(
        [
            Bar("you", "You", 150.0, "150 kWh"),
            Bar("efficient", "Efficient homes", 100.0, "100 kWh"),
            Bar("similar", "Similar homes", 200.0, "200 kWh"),
        ]
    )
    assert widths(drawn) == [75.0, 50.0, 100.0]
    text = "".join(parsed(drawn).itertext())
    assert text == "You 150 kWhEfficient homes 100 kWhSimilar homes 200 kWh"


def test_bars_of_nothing_and_of_zero() -> None:
    assert figures.bars([]) == '<ul class="bars"></ul>'
    assert widths(figures.bars([Bar("you", "You", 0.0, "0 kWh")])) == [0.0]


def test_each_bar_but_your_own_has_a_pattern() -> None:
    drawn = figures.bars([Bar("you", "You", 1, "1"), Bar("efficient", "E", 1, "1"), Bar("similar", "S", 1, "1")])
    assert set(re.findall(r'pattern id="([a-z-]+)"', drawn)) == {"bars-efficient", "bars-similar"}
    assert re.findall(r"url\(#([a-z-]+)\)", drawn) == ["bars-efficient", "bars-similar"]


def test_what_a_label_says_is_text() -> None:
    drawn = figures.bars([Bar("you", "<script>alert(1)</script>", 1, '"&"')])
    assert "<script" not in drawn
    parsed(drawn)
    drawn = figures.year([Column("<b>", "<b>", 1.0)], '"><script>')
    assert "<script" not in drawn
    parsed(drawn)


def test_a_year_has_a_column_a_month_and_a_mark_at_each_average() -> None:
    months = [Column(f"month {n}", "Jan", float(n), 10.0 if n > 6 else None, part=n == 3) for n in range(12)]
    months.append(Column("now", "Feb", None))
    root = parsed(figures.year(months, "Twelve months"))
    drawing = root.find("svg")
    assert drawing is not None
    assert drawing.get("role") == "img"
    assert drawing.get("aria-label") == "Twelve months"
    kinds = [element.get("class") for element in drawing]
    assert kinds.count("column") == 11
    assert kinds.count("part") == 1
    assert kinds.count("average") == 5
    # 11 is drawn to the scale 0 to 12: 13 em of plot below 1.5 em
    columns = [element for element in drawing if element.get("class") == "column"]
    assert float((columns[-1].get("height") or "").removesuffix("em")) == pytest.approx(13 * 11 / 12, abs=0.01)
    average = next(element for element in drawing if element.get("class") == "average")
    assert float((average.get("y1") or "").removesuffix("em")) == pytest.approx(1.5 + 13 * 2 / 12, abs=0.01)


def test_months_below_zero_hang_from_the_zero_line() -> None:
    root = parsed(figures.year([Column("a", "Jan", 30.0), Column("b", "Jul", -20.0), Column("c", "Aug", 0.0)], "net"))
    drawing = root.find("svg")
    assert drawing is not None

    def em(element: ET.Element, name: str) -> float:
        return float((element.get(name) or "").removesuffix("em"))

    # the axis goes from -20 to 40 on 13 em that begin at 1.5 em
    unit = 13 / 60
    zero = 1.5 + 40 * unit
    base = next(element for element in drawing if element.get("class") == "base")
    assert em(base, "y1") == pytest.approx(zero, abs=0.01)
    above, below, nothing = (element for element in drawing if element.get("class") == "column")
    assert (em(above, "y"), em(above, "height")) == pytest.approx((zero - 30 * unit, 30 * unit), abs=0.01)
    assert (em(below, "y"), em(below, "height")) == pytest.approx((zero, 20 * unit), abs=0.01)
    assert em(nothing, "height") == 0
    assert "\N{MINUS SIGN}20" in [element.text for element in root.iter("text")]


@given(st.integers(0, 10**8), st.integers(-(10**8), 0))
def test_an_axis_with_values_below_zero(most_wh: int, least_wh: int) -> None:
    most, least = most_wh / 1000, least_wh / 1000
    ticks = figures.scale(most, least)
    assert 0 in ticks
    assert ticks[0] <= least * (1 - 1e-6)
    assert ticks[-1] >= most * (1 - 1e-6)
    assert len(ticks) in range(2, 8)
    assert {round((b - a) / (ticks[1] - ticks[0]), 6) for a, b in pairwise(ticks)} == {1.0}


@pytest.mark.parametrize("slots", [46, 48, 50])
def test_a_day_has_as_many_columns_as_half_hours(slots: int) -> None:
    starts = [f"{n // 2:02d}:{n % 2 * 30:02d}" for n in range(slots)]
    watts = [None if n == 5 else 100.0 for n in range(slots)]
    root = parsed(figures.day(starts, watts, 60.0, "A day", kilo=False))
    kinds = [element.get("class") for element in root.findall("svg/*")]
    assert kinds.count("column") == slots - 1
    assert kinds.count("gap") == 1
    assert kinds.count("background") == 1
    hours = [element.text for element in root.iter("text") if "hour" in (element.get("class") or "")]
    assert hours == ["00:00", "06:00", "12:00", "18:00", "24:00"]


def test_the_hours_stand_where_they_are_on_a_long_day() -> None:
    starts = ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30"]
    starts += [f"{n // 2:02d}:{n % 2 * 30:02d}" for n in range(4, 48)]
    assert len(starts) == 50
    root = parsed(figures.day(starts, [1.0] * 50, None, "long", kilo=True))
    noon = next(element for element in root.iter("text") if element.text == "12:00")
    assert float((noon.get("x") or "").removesuffix("%")) == pytest.approx(14 + 86 * 26 / 50, abs=0.01)


def test_an_axis_of_nothing() -> None:
    assert figures.scale(0.0) == [0.0, 1.0]
    assert figures.scale(-1.0) == [0.0, 1.0]
    assert figures.scale(float("nan")) == [0.0, 1.0]


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_an_axis_holds_the_most_and_little_more(most: float) -> None:
    ticks = figures.scale(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most * (1 - 1e-6)
    assert len(ticks) in range(3, 7)
    assert ticks[-1] <= most * 1.7
    steps = {round((b - a) / ticks[1], 6) for a, b in pairwise(ticks)}
    assert steps == {1.0}
