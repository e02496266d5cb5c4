"""Hourly and 15-minute means against exact fractions: capture edges, gaps, labels; in one piece and streamed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.air.means import HOUR, MINUTE, QUARTER, advance, begun, hourly, nothing, quarters
from store.batch import Float64
from tests.examples import examples
from tests.references import air as reference
from tests.references.air import Reading
from tests.worlds.air_hours import arrays, assert_means, decimals

START = 492_000 * HOUR
HOURS = 4
#: Seconds between readings: each second is too many for a test, 7 minutes do not divide an hour, 2 hours are too long.
INTERVALS = (60, 300, 420, 900, 905, 1200, 3600, 3610, 3650, 7200)


@st.composite
def world(draw: st.DrawFn) -> list[tuple[int, list[Reading]]]:
    """Series: the interval [s], and readings as they would come, with gaps; some outside the time, some beside time."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        step = draw(st.sampled_from(INTERVALS)) * 1_000_000
        late = draw(st.sampled_from((0, 0, 1, step - 1, step // 2)))
        times = [START - HOUR + late + place * step for place in range((HOURS + 2) * HOUR // step)]
        cut = draw(st.lists(st.tuples(st.integers(0, len(times)), st.integers(0, 20)), max_size=6))
        for first, length in cut:
            times[first : first + length] = []
        values = draw(st.lists(decimals(-5, 500), min_size=len(times), max_size=len(times)))
        found.append((step // 1_000_000, list(zip(times, values, strict=True))))
    return found


def expected(made: list[tuple[int, list[Reading]]]) -> Float64:
    return np.array([3600 / step for step, _ in made])


@given(world())
@settings(max_examples=examples(40))
def test_as_exact_fractions_have_it(made: list[tuple[int, list[Reading]]]) -> None:
    time, value, offsets = arrays([readings for _, readings in made])
    hours = hourly(time, value, offsets, START, HOURS, expected(made))
    fourths = quarters(time, value, offsets, START, HOURS, expected(made))
    for place, (step, readings) in enumerate(made):
        assert_means(hours.mean[place], reference.means(readings, START, HOURS, Fraction(3600, step)))
        wanted = reference.means(readings, START, 4 * HOURS, Fraction(900, step), QUARTER)
        assert_means(fourths.mean[place], wanted)


@given(world(), st.lists(st.integers(-30 * MINUTE, (HOURS * 60 + 30) * MINUTE), max_size=5))
@settings(max_examples=examples(40))
def test_a_stream_has_the_means_of_the_whole_however_it_is_cut(
    made: list[tuple[int, list[Reading]]], cuts: list[int]
) -> None:
    time, value, offsets = arrays([readings for _, readings in made])
    begin, end = START - HOUR, START + (HOURS + 1) * HOUR
    for length, whole in ((HOUR, hourly), (QUARTER, quarters)):
        of_span = expected(made) / (HOUR // length)
        carry, pieces, captured = nothing(len(made), begin), [], []
        for until in sorted([*(START + cut for cut in cuts), end]):
            found, carry = advance(time, value, offsets, carry, until, of_span, length)
            pieces.append(found.mean)
            captured.append(found.captured)
        once = whole(time, value, offsets, begin, HOURS + 2, expected(made))
        np.testing.assert_allclose(np.concatenate(pieces, axis=1), once.mean, rtol=1e-13, atol=1e-12)
        np.testing.assert_array_equal(np.concatenate(captured, axis=1), once.captured)
        assert carry.until == end
        assert not carry.number.any()


@pytest.mark.parametrize(
    ("step", "there", "enough"),
    [(60, 45, True), (60, 44, False), (300, 9, True), (300, 8, False), (1200, 3, True), (1200, 2, False),
     (3600, 1, True), (3600, 0, False), (3636, 1, True), (3637, 1, False),
     (7200, 1, False), (900, 3, True), (900, 2, False)],
)  # fmt: skip
def test_three_quarters_of_what_is_expected_are_needed_in_an_hour(step: int, there: int, enough: bool) -> None:
    time = START + np.arange(there, dtype=np.int64) * step * 1_000_000
    found = hourly(time, np.full(there, 4.0), np.array([0, there]), START, 1, np.array([3600 / step]))
    assert np.isfinite(found.mean[0, 0]) == enough
    assert found.captured[0, 0] == (0 if step > 3636 else min(1, there / (3600 / step)))


@pytest.mark.parametrize(
    ("step", "there", "enough"),
    [(60, 12, True), (60, 11, False), (300, 3, True), (300, 2, False), (900, 1, True), (909, 1, True),
     (910, 1, False), (1200, 1, False),
     (3600, 1, False)],
)  # fmt: skip
def test_twelve_of_fifteen_minutes_are_needed_in_a_quarter_and_hourly_sources_have_none(
    step: int, there: int, enough: bool
) -> None:
    time = START + QUARTER + np.arange(there, dtype=np.int64) * step * 1_000_000
    found = quarters(time, np.full(there, 4.0), np.array([0, there]), START, 1, np.array([3600 / step]))
    assert np.isfinite(found.mean[0]).tolist() == [False, enough, False, False]


def test_more_readings_than_expected_are_all_captured_and_no_more_than_that() -> None:
    time = START + np.arange(360, dtype=np.int64) * 10_000_000
    found = hourly(time, np.arange(360.0), np.array([0, 360]), START, 1, np.array([60]))
    assert (found.mean[0, 0], found.captured[0, 0]) == (179.5, 1.0)


def test_an_hour_holds_its_beginning_and_not_its_end() -> None:
    time = np.array([START - 1, START, START + HOUR - 1, START + HOUR], np.int64)
    found = hourly(time, np.array([1.0, 2.0, 4.0, 8.0]), np.array([0, 4]), START, 2, np.array([1]))
    assert found.mean.tolist() == [[3.0, 8.0]]


def test_what_is_no_number_is_no_reading() -> None:
    time = np.full(4, START, np.int64)
    value = np.array([np.nan, np.inf, -np.inf, 7.0])
    found = hourly(time, value, np.array([0, 4]), START, 1, np.array([4]))
    assert np.isnan(found.mean[0, 0])
    assert found.captured[0, 0] == 0.25


def test_an_hour_that_is_labelled_by_its_end_begins_an_hour_before() -> None:
    time = np.array([START + HOUR, START + HOUR], np.int64)
    value = np.array([3.0, 5.0])
    offsets = np.array([0, 1, 2])
    moved = begun(time, offsets, np.array([True, False]))
    found = hourly(moved, value, offsets, START, 2, np.array([1, 1]))
    np.testing.assert_array_equal(found.mean, [[3.0, np.nan], [np.nan, 5.0]])


def test_what_is_expected_may_change_by_hour() -> None:
    time = START + np.array([0, HOUR], np.int64)
    found = hourly(time, np.ones(2), np.array([0, 2]), START, 2, np.array([[1, 2]]))
    np.testing.assert_array_equal(found.mean, [[1.0, np.nan]])
    fourths = quarters(time, np.ones(2), np.array([0, 2]), START, 2, np.array([[4, 8]]))
    assert np.isfinite(fourths.mean[0]).nonzero()[0].tolist() == [0]


def test_no_series_and_no_readings() -> None:
    nobody = hourly(np.empty(0, np.int64), np.empty(0), np.array([0]), START, 3, np.empty(0))
    assert nobody.mean.shape == nobody.captured.shape == (0, 3)
    silent = hourly(np.empty(0, np.int64), np.empty(0), np.array([0, 0]), START, 3, np.array([60]))
    assert np.isnan(silent.mean).all()
    assert not silent.captured.any()


def test_what_does_not_fit_is_refused() -> None:
    time, value = np.array([START], np.int64), np.ones(1)
    with pytest.raises(ValueError, match="not the beginning"):
        hourly(time, value, np.array([0, 1]), START + 1, 1, np.array([60]))
    with pytest.raises(ValueError, match="do not fit"):
        hourly(time, value, np.array([0, 2]), START, 1, np.array([60]))
    with pytest.raises(ValueError, match="above 0"):
        hourly(time, value, np.array([0, 1]), START, 1, np.array([0]))
    with pytest.raises(ValueError, match="does not go back"):
        advance(time, value, np.array([0, 1]), nothing(1, START), START - 1, np.array([60]))
