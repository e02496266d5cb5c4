"""Time by quarter hour, sums of zones, arrivals, turnover and dwell."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analytics.parking import occupancy
from analytics.parking.arrays import HOUR, MINUTE, BayTable, Closed, Int64, Spans, Stays, closed
from tests.worlds.parking_numbers import midnight, whole

QUARTER = 15 * MINUTE
NOTHING = closed(*np.zeros((3, 0), np.int64))


def table(*zones: int) -> BayTable:
    none = np.zeros(len(zones), np.int64)
    return BayTable(none, np.array(zones, np.int64), none, none)


def spans(*rows: tuple[int, int, int, int]) -> Spans:
    """Bay, from, to [min], state."""
    bay, start, end, state = whole(rows, 4)
    return Spans(bay, start * MINUTE, end * MINUTE, state.astype(np.int8))


def edges(first: int, last: int) -> Int64:
    return np.arange(first, last + 1, 15) * MINUTE


def minutes(times: Int64) -> list[list[list[int]]]:
    assert not np.any(times % MINUTE)
    found: list[list[list[int]]] = (times // MINUTE).tolist()
    return found


def test_spans_beyond_the_edges_and_spans_that_do_not_reach_them() -> None:
    held = spans((0, -60, 20, 1), (0, 20, 90, 0), (2, 10, 35, 1))
    found = occupancy.quarters(held, NOTHING, table(0, 0, 0), edges(0, 45))
    assert minutes(found) == [
        [[15, 0, 0], [5, 10, 0], [0, 15, 0]], [[0, 0, 0]] * 3, [[5, 0, 0], [15, 0, 0], [5, 0, 0]],
    ]  # fmt: skip
    assert not occupancy.quarters(held, NOTHING, table(0, 0, 0), edges(90, 120)).any()


def test_suspended_time_is_neither_and_counts_where_nothing_is_heard() -> None:
    held = spans((0, 0, 20, 1), (0, 20, 30, 2), (1, 0, 30, 0))
    shut = closed(np.array([0, 1, 1]), np.array([10, -5, 29]) * MINUTE, np.array([25, 5, 99]) * MINUTE)
    found = occupancy.quarters(held, shut, table(0, 0), edges(0, 30))
    assert minutes(found) == [[[10, 0, 5], [0, 0, 10]], [[0, 10, 5], [0, 14, 1]]]


@pytest.mark.parametrize(
    ("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 3, 30), 96), (date(2026, 10, 25), 100)]
)
def test_quarter_hours_of_a_local_day(day: date, quarters: int) -> None:
    start, end = midnight(day), midnight(day + timedelta(days=1))
    held = Spans(np.array([0]), np.array([start]), np.array([end]), np.array([1], np.int8))
    found = occupancy.quarters(held, NOTHING, table(0), np.arange(start, end + 1, QUARTER))
    assert found.shape == (1, quarters, 3)
    assert found[0, :, 0].tolist() == [QUARTER] * quarters


def test_blocks_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(20_261_129)
    bays = 30
    bounds = np.sort(random.choice(600, (bays, 9)), axis=1)
    bounds[:, 0], bounds[:, -1] = 0, 600
    held = Spans(
        np.repeat(np.arange(bays), 8), bounds[:, :-1].ravel() * MINUTE, bounds[:, 1:].ravel() * MINUTE,
        random.integers(0, 3, 8 * bays).astype(np.int8),
    )  # fmt: skip
    start = random.integers(0, 500, 20) * MINUTE
    shut: Closed = closed(random.integers(0, bays, 20), start, start + HOUR)
    at_once = occupancy.quarters(held, shut, table(*[0] * bays), edges(0, 600))
    assert at_once.sum() <= bays * 600 * MINUTE
    monkeypatch.setattr(occupancy, "_SIZE", 11)
    assert np.array_equal(occupancy.quarters(held, shut, table(*[0] * bays), edges(0, 600)), at_once)


def test_edges_that_are_no_quarter_hours_are_refused() -> None:
    for wrong in (edges(0, 0), np.array([0, 15, 40]) * MINUTE):
        with pytest.raises(ValueError, match="all of one length"):
            occupancy.quarters(spans(), NOTHING, table(0), wrong)
    with pytest.raises(ValueError, match="further apart than half an hour"):
        occupancy.quarters(spans(), NOTHING, table(0), np.array([0, HOUR]))


def test_sums_of_zones_leave_out_bays_that_are_not_shown() -> None:
    held = spans((0, 0, 10, 1), (0, 10, 30, 0), (1, 0, 30, 1), (2, 0, 30, 1), (3, 0, 20, 0), (3, 20, 30, 2))
    bays = table(1, 0, 1, 1)
    shut = closed(np.array([3]), np.array([0]), np.array([5 * MINUTE]))
    times = occupancy.quarters(held, shut, bays, edges(0, 30))
    found = occupancy.by_zone(times, bays, 3, edges(0, 30), np.array([True, False, True, True]))
    assert minutes(found) == [[[0] * 4] * 2, [[10 + 15, 5 + 10, 5, 0], [15, 15 + 5, 0, 10]], [[0] * 4] * 2]
    share = occupancy.occupancy(found)
    assert share[1].tolist() == [25 / 40, 15 / 35]
    assert np.isnan(share[0]).all()


def test_arrivals_turnover_and_dwell() -> None:
    bays = table(0, 0, 1)
    stays = Stays(
        np.array([0, 0, 0, 1]), np.array([-5, 5, 20, 16]) * MINUTE, np.array([4, 19, 99, 30]) * MINUTE,
        np.array([0, 0, 0, 1], np.int8), np.array([0, 0, 1, 0], np.int8),
    )  # fmt: skip
    came = occupancy.arrivals(stays, bays, edges(0, 30))
    assert came.tolist() == [[1, 1], [0, 0], [0, 0]], "one came earlier, of one nobody knows when"
    times = occupancy.quarters(spans((0, 0, 30, 1), (1, 16, 30, 1), (2, 0, 30, 2)), NOTHING, bays, edges(0, 30))
    found = occupancy.turnover(times, came, bays, 2, np.ones(3, np.bool_))
    assert found[0] == 2 / 2
    assert np.isnan(found[1])
    bay, length = occupancy.dwell(stays)
    assert (bay.tolist(), (length // MINUTE).tolist()) == ([0, 0], [9, 14])
