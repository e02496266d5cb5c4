"""How often a monitor sends, told from its readings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.air.days import _medians
from analytics.air.runner import _runs


@given(st.lists(st.lists(st.integers(0, 50), max_size=9), max_size=6))
def test_the_lower_median_of_each_group(groups: list[list[int]]) -> None:
    times = [sorted(group) for group in groups]
    group = np.array([at for at, part in enumerate(times) for _ in part], np.int64)
    median, number = _medians(group, np.array([time for part in times for time in part], np.int64), len(times))
    for at, part in enumerate(times):
        steps = sorted(later - earlier for earlier, later in pairwise(part))
        assert number[at] == len(steps)
        assert median[at] == (steps[(len(steps) - 1) // 2] if steps else 0)


@given(st.sets(st.integers(0, 40)), st.integers(1, 7))
def test_runs_are_all_days_in_order_and_no_longer_than_their_width(days: set[int], width: int) -> None:
    runs = list(_runs(np.array(sorted(days), np.int64), width))
    assert [day for first, end in runs for day in range(first, end)] == sorted(days)
    assert all(end - first <= width for first, end in runs)
    # no two that could be one
    assert all(one[1] < two[0] or one[1] - one[0] == width for one, two in pairwise(runs))
