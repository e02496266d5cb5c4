"""Min-max decimation: every spike stands, no more points than may be, nothing is invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.pipeline.decimation import HOUR, POINTS, breaks, decimate, keep, piece_width, whole_step

_TIMES = st.lists(st.integers(-(10**15), 10**16), min_size=0, max_size=300, unique=True).map(sorted)


@st.composite
def _series(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    times = draw(_TIMES)
    values = draw(st.lists(st.integers(-3, 3) | st.floats(-1e9, 1e9), min_size=len(times), max_size=len(times)))
    return np.array(times, np.int64), np.array(values, np.float64)


@given(_series(), st.integers(1, 10**15))
def test_first_least_greatest_and_last_of_every_piece_are_kept_and_nothing_else(
    series: tuple[np.ndarray, np.ndarray], width: int
) -> None:
    times, values = series
    places = keep(times, values, width).tolist()
    wanted = set()
    for piece in {time // width for time in times.tolist()}:
        inside = [place for place, time in enumerate(times.tolist()) if time // width == piece]
        wanted |= {inside[0], inside[-1]}
        wanted |= {min(inside, key=lambda place: (values[place], place))}
        wanted |= {min(inside, key=lambda place: (-values[place], place))}
    assert places == sorted(wanted)


@given(_series(), st.integers(1, 10), st.integers(2, 40))
def test_decimating_twice_is_decimating_once(series: tuple[np.ndarray, np.ndarray], hours: int, factor: int) -> None:
    times, values = series
    once = keep(times, values, hours * HOUR)
    twice = once[keep(times[once], values[once], hours * factor * HOUR)]
    assert twice.tolist() == keep(times, values, hours * factor * HOUR).tolist()


@given(_series(), st.integers(8, 80))
def test_no_more_points_than_may_be_with_the_extremes_among_them(
    series: tuple[np.ndarray, np.ndarray], points: int
) -> None:
    times, values = series
    if not len(times):
        return
    start, end = int(times[0]), int(times[-1]) + 1
    places, width = decimate(times, values, start, end, points)
    assert len(places) <= points
    assert {0, len(times) - 1} <= set(places.tolist())
    assert values[places].min() == values.min()
    assert values[places].max() == values.max()
    assert (width == 0) == (len(times) <= points)


@given(st.integers(-(10**16), 10**16), st.integers(1, 10**16), st.integers(2, 1_000), st.sampled_from([1, HOUR]))
def test_pieces_are_whole_steps_and_no_more_than_asked_for(start: int, length: int, pieces: int, step: int) -> None:
    width = piece_width(start, start + length, pieces, step)
    assert width % step == 0
    assert (start + length - 1) // width - start // width + 1 <= pieces


@given(_series(), st.integers(0, 10**15))
def test_a_line_is_broken_where_nothing_came_for_longer(series: tuple[np.ndarray, np.ndarray], longest: int) -> None:
    times, _ = series
    wanted = [place for place in range(1, len(times)) if times[place] - times[place - 1] > longest]
    assert breaks(times, longest).tolist() == wanted


@pytest.mark.parametrize(("length", "step"), [(500, 1), (499 * 1_000_000, 1_000_000), (499 * 60_000_000, 60_000_000),
                                             (499 * HOUR - 1, 60_000_000), (499 * HOUR, HOUR)])  # fmt: skip
def test_pieces_of_whole_hours_minutes_or_seconds(length: int, step: int) -> None:
    assert whole_step(length, 500) == step
    times = np.arange(3_000) * (length // 3_000 or 1)
    _, width = decimate(times, np.zeros(3_000), 0, length)
    assert width % step == 0


def test_a_year_of_minutes_with_one_spike_each_way() -> None:
    minute = 60_000_000
    times = 1_735_689_600_000_000 + np.arange(525_600) * minute
    values = np.full(525_600, 7.0)
    values[123_456], values[400_001] = 900.0, -12.0
    places, width = decimate(times, values, int(times[0]), int(times[-1]) + minute)
    assert len(places) <= POINTS
    assert {0, 123_456, 400_001, 525_599} <= set(places.tolist())
    # of equal readings the first of a piece stands for the least and the greatest too
    assert len(places) == 2 * len(set((times // width).tolist())) + 2


def test_an_empty_span_has_no_pieces() -> None:
    with pytest.raises(ValueError, match="no span from 5 to 5 in 500 pieces"):
        piece_width(5, 5)
