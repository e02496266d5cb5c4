"""The map: every bay has its mark, near ones a short way, many no more than a few bytes each."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import plan
from tests.examples import examples


def points(text: str) -> list[tuple[int, int]]:
    """The points of a path of relative steps."""
    numbers = [int(found) for found in re.findall(r"-?\d+", text)]
    found, x, y = [], 0, 0
    for across, down in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + across, y + down
        found.append((x, y))
    return found


@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1200)), min_size=1, max_size=40))
@settings(max_examples=examples(100))
def test_a_way_passes_every_point(given_points: list[tuple[int, int]]) -> None:
    x, y = (np.array(column) for column in zip(*given_points, strict=True))
    text = plan.way(x, y)
    assert text.startswith("m")
    assert set(points(text)) == set(given_points)


def test_a_bay_takes_few_bytes() -> None:
    random = np.random.default_rng(1)
    lon, lat = random.uniform(-0.2, 0, 10_000), random.uniform(51.4, 51.5, 10_000)
    state = random.integers(0, 3, 10_000)
    names = ("free", "occupied", "unknown")
    drawn = plan.draw(lon, lat, {name: state == place for place, name in enumerate(names)}, "Map")
    assert len(drawn) < 60_000
    assert drawn.count("<path id=") == 3


def test_bays_lie_in_the_frame_as_on_the_ground() -> None:
    lon, lat = np.array([-0.12, -0.1, -0.11]), np.array([51.5, 51.51, 51.505])
    frame = plan.frame(lon, lat)
    x, y = frame.place(lon, lat)
    assert (x[0] < x[2] < x[1], y[1] < y[2] < y[0]) == (True, True), "east is right, north is up"
    assert x.min() >= 0
    assert x.max() <= plan.WIDTH
    assert y.min() >= 0
    assert y.max() <= frame.height
    # 0.02 degrees of longitude are 1.39 km here, 0.01 of latitude 1.11 km
    assert (x[1] - x[0]) / (y[0] - y[1]) == pytest.approx(1.39 / 1.11, rel=0.02)


def test_one_bay_and_none() -> None:
    one = plan.draw(np.array([-0.1]), np.array([51.5]), {"free": np.array([True]), "over": np.array([False])}, "<Map>")
    assert 'aria-label="&lt;Map&gt;"' in one
    assert one.count("<path id=") == 1
    assert plan.draw(np.empty(0), np.empty(0), {}, "") == ""
