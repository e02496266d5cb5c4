"""Running means and the index against exact fractions, at both roundings, with gaps; bands, advice, the worst."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.index import (
    ADVICE,
    AT_RISK,
    BANDS,
    BEGINS,
    LABELS,
    WINDOWS,
    band,
    by_pollutant,
    highest_quarter,
    index,
    overall,
)
from analytics.air.running import running
from tests.examples import examples
from tests.references import air as reference
from tests.references.air import Mean
from tests.worlds.air_hours import array, assert_means, bounds, decimals, hours

SHORT = st.one_of(st.none(), decimals(-3, 300))


@given(st.lists(st.lists(SHORT, min_size=30, max_size=30), min_size=1, max_size=3), st.integers(1, 40), st.data())
def test_running_means_of_any_window(series: list[list[Mean]], window: int, data: st.DataObject) -> None:
    needed = data.draw(st.integers(1, window))
    ours = running(np.stack([array(hours) for hours in series]), window, needed)
    for place, some in enumerate(series):
        assert_means(ours[place], reference.running(some, window, needed))


@pytest.mark.parametrize("pollutant", ["o3", "pm2_5", "pm10"])
@given(data=st.data())
@settings(max_examples=examples(30))
def test_the_index_of_running_means_at_the_edges(pollutant: str, data: st.DataObject) -> None:
    window, needed = WINDOWS[pollutant]
    some = data.draw(hours(pollutant, window))
    ours = index(pollutant, running(array(some), window, needed))
    assert ours.tolist() == [reference.index(pollutant, mean) for mean in reference.running(some, window, needed)]


@pytest.mark.parametrize("pollutant", INDEXED)
@given(data=st.data())
def test_the_index_of_a_mean(pollutant: str, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.one_of(bounds(pollutant), decimals(-60, 1500, 8), st.none()), max_size=40))
    assert index(pollutant, array(some)).tolist() == [reference.index(pollutant, mean) for mean in some]


@pytest.mark.parametrize("pollutant", INDEXED)
def test_every_bound_from_both_sides(pollutant: str) -> None:
    for number, bound in enumerate(map(int, reference.TABLE[pollutant].split()), 1):
        below = [bound - 0.49, bound, bound + 0.4, bound + 0.4999994, np.nextafter(bound + 0.4999994, 0)]
        above = [bound + 0.4999995, bound + 0.49999951, bound + 0.5, np.nextafter(bound + 0.5, 0), bound + 1]
        assert index(pollutant, np.array(below)).tolist() == [number] * 5
        assert index(pollutant, np.array(above)).tolist() == [number + 1] * 5


def test_a_half_goes_up_where_a_sum_that_is_carried_along_would_miss_it() -> None:
    some = [22.0, 119.0, 59.4, 19.7, 68.8, 22.8, 22.9, 110.5, 6.8, 49.5, 30.8, 20.0, 172.0, 26.4, 86.3, 12.2]
    assert running(np.array(some), 8, 6)[-1] == 50.5
    # exactly 100.4999995, of which its sum in binary is a little short
    short = running(np.array([42.703, 2.731, 22.897, 63.626, 46.773, 33.681, 22.828, 568.760996]), 8, 6)
    assert short[-1] < 100.4999995
    assert index("o3", short)[-1] == 4
    hundred = np.array([100.1, 100.9, 100.4, 100.6, 100.5, 100.5, 100.3, 100.7])
    assert index("o3", running(hundred, 8, 6))[-1] == 4


@pytest.mark.parametrize(("window", "needed"), [(8, 6), (24, 18)])
def test_a_running_mean_needs_three_quarters_and_belongs_to_its_last_hour(window: int, needed: int) -> None:
    found = running(np.full(40, 5.0), window, needed)
    assert np.isfinite(found).tolist() == [hour >= needed - 1 for hour in range(40)]
    gap = np.full(60, 5.0)
    gap[30 : 30 + window - needed] = np.nan
    assert np.isfinite(running(gap, window, needed)[30:]).all()
    gap[30 + window - needed] = np.nan
    missing = np.flatnonzero(np.isnan(running(gap, window, needed)[30:])) + 30
    assert missing.tolist() == list(range(30 + window - needed, 30 + window))


def test_running_means_keep_their_shape_and_never_what_went_before() -> None:
    large = np.full((2, 3, 50), 1e9)
    large[..., 25:] = 0.1
    found = running(large, 24, 18)
    assert found.shape == large.shape
    assert np.all(found[..., -1] == pytest.approx(0.1, abs=1e-15))
    assert running(np.empty((0, 5)), 8, 6).shape == (0, 5)
    assert running(np.empty((3, 0)), 8, 6).shape == (3, 0)
    assert np.isnan(running(np.ones((70_000, 1)), 8, 6)).all()
    long = np.ones((1, 100_000))
    assert np.isfinite(running(long, 24, 18)).sum() == 100_000 - 17
    for needed, window in ((0, 8), (9, 8), (1, 121)):
        with pytest.raises(ValueError, match="of which 1 to all are needed"):
            running(np.ones(5), window, needed)


@given(st.lists(st.one_of(st.none(), bounds("so2"), decimals(-3, 1200)), min_size=48, max_size=48), st.data())
@settings(max_examples=examples(40))
def test_all_pollutants_of_a_monitor_and_what_the_index_rests_on(so2: list[Mean], data: st.DataObject) -> None:
    made: dict[str, list[Mean]] = {
        name: data.draw(st.lists(SHORT, min_size=12, max_size=12)) for name in INDEXED if name != "so2"
    }
    mean = np.full((len(POLLUTANTS), 12), np.nan)
    for name, some in made.items():
        mean[POLLUTANTS.index(name)] = array(some)
    mean[POLLUTANTS.index("so2")] = 5000.0  # hourly means of it have no index
    found = by_pollutant(mean, array(so2))
    highest, worst = overall(found)
    for place, hour in enumerate(reference.hourly({**made, "so2": so2})):
        assert {name: int(found[row, place]) for row, name in enumerate(INDEXED) if found[row, place]} == (
            hour.by_pollutant
        )
        assert (highest[place], INDEXED[worst[place]] if worst[place] >= 0 else "") == (hour.overall, hour.worst)
    assert not by_pollutant(mean)[INDEXED.index("so2")].any()


def test_an_hour_of_so2_is_its_highest_quarter_where_three_are_there() -> None:
    so2 = np.array([[1.0, 9.0, np.nan, 2.0, np.nan, 9.0, np.nan, 2.0, -4.0, -3.0, -5.0, -6.0]])
    np.testing.assert_array_equal(highest_quarter(so2), [[9.0, np.nan, -3.0]])


def test_no_monitors_and_no_hours() -> None:
    for shape in ((0, 7, 24), (3, 7, 0)):
        found = by_pollutant(np.ones(shape), np.ones((shape[0], 4 * shape[2])))
        assert found.shape == (shape[0], 5, shape[2])
        assert [part.shape for part in overall(found)] == [(shape[0], shape[2])] * 2


def test_the_worst_is_the_first_of_several_and_none_where_there_is_none() -> None:
    found = np.array([[0, 3, 0], [0, 3, 1], [0, 2, 4], [0, 0, 4], [0, 0, 0]], np.int8)
    highest, worst = overall(found)
    assert highest.tolist() == [0, 3, 4]
    assert worst.tolist() == [-1, 0, 2]
    assert [int(one) for one in overall(found[:, 1], axis=0)] == [3, 0]


def test_what_has_no_index_says_so() -> None:
    with pytest.raises(ValueError, match="'co' has no index; these have: pm2_5, pm10, no2, o3, so2"):
        index("co", np.ones(1))
    assert index("no2", np.array([np.nan, np.inf, -np.inf, -20.0])).tolist() == [0, 0, 0, 1]


def test_bands() -> None:
    assert [band(number) for number in range(11)] == [None, *["low"] * 3, *["moderate"] * 3, *["high"] * 3, "very-high"]
    for number in (-1, 11):
        with pytest.raises(ValueError, match="no index"):
            band(number)


def test_each_band_has_its_words_and_its_advice() -> None:
    assert set(LABELS) == set(ADVICE) == set(BEGINS) == set(BANDS)
    assert "older people" in AT_RISK
    assert ADVICE["low"].at_risk == ADVICE["low"].everybody
    assert ADVICE["moderate"].everybody == ADVICE["low"].everybody != ADVICE["moderate"].at_risk
    assert len({advice.at_risk for advice in ADVICE.values()}) == 4


def test_half_up_of_the_reference_is_that_of_the_rule() -> None:
    assert [reference.half_up(number, 10) for number in (1005, 1004, -5, -6)] == [101, 100, 0, -1]
    assert reference.index("o3", Fraction("100.4999995")) == 4
    assert reference.index("o3", Fraction("100.49999949")) == 3
