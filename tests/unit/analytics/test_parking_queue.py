"""What a visit is worth, and the way: at its known limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.parking import queue
from analytics.parking.queue import Tally
from tests.examples import examples

NONE = Tally(0, 0, 0)


def test_a_tally_leaves_out_who_was_gone() -> None:
    found = queue.tally({"confirmed": 3, "permit-seen": 1, "blue-badge": 1, "sensor-wrong": 1, "gone": 7})
    assert found == Tally(3, 6, 7)
    assert found.precision == 0.5
    assert queue.tally({"gone": 2}).precision is None


def test_without_outcomes_the_prior_holds() -> None:
    assert queue.expected(NONE, NONE, NONE, NONE) == queue.PRIOR


def test_the_bay_s_own_outcomes_count_most_in_the_end() -> None:
    bad = Tally(0, 100, 0)
    assert queue.expected(bad, NONE, NONE, bad) < 0.01
    one = Tally(0, 1, 0)
    assert (
        queue.expected(one, one, one, one) < queue.expected(NONE, one, one, one) < queue.expected(NONE, NONE, NONE, one)
    )
    assert queue.expected(Tally(400, 400, 0), bad, bad, bad) > 0.95


def test_worth_rises_with_minutes_and_weight() -> None:
    half = np.full(4, 0.5)
    worth = queue.worth(np.array([10.0, 60.0, 600.0, 60.0]), ["pay", "pay", "pay", "disabled"], half)
    assert worth.tolist() == pytest.approx([0.125, 1 / 3, 0.47619, 1.0], rel=1e-4)


def test_the_way_begins_where_one_stands_and_goes_to_what_is_near() -> None:
    lon, lat = np.array([-0.1, -0.101, -0.12, -0.1205]), np.full(4, 51.5)
    equal = np.ones(4)
    assert queue.sweep(equal, lon, lat, (-0.1206, 51.5)).tolist() == [3, 2, 1, 0]
    assert queue.sweep(equal, lon, lat).tolist() == [0, 1, 2, 3]
    # what is worth much is gone to first, from wherever
    assert queue.sweep(np.array([1.0, 1.0, 50.0, 1.0]), lon, lat, (-0.1, 51.5)).tolist() == [2, 3, 1, 0]
    assert queue.sweep(np.empty(0), np.empty(0), np.empty(0)).tolist() == []


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(-0.2, 0.1), st.floats(51.4, 51.6)), max_size=20))
@settings(max_examples=examples(50))
def test_every_visit_is_in_the_way_once(rows: list[tuple[float, float, float]]) -> None:
    worth, lon, lat = (np.array([row[place] for row in rows], np.float64) for place in range(3))
    assert sorted(queue.sweep(worth, lon, lat, (0.0, 51.5)).tolist()) == list(range(len(rows)))
