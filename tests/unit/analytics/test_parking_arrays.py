"""Small tools of the arrays: searches, blocks, intervals made one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.parking.arrays import begins, blocks, closed, last_begun, pairs

INTERVALS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 8)), max_size=12)
#: Far apart, so that bays and times do not go in one number.
FAR = 1 << 61


@given(INTERVALS)
def test_closed_times_are_those_of_any_of_the_intervals(rows: list[tuple[int, int, int]]) -> None:
    bay, start, length = np.array(rows, np.int64).reshape(-1, 3).T
    made = closed(bay, start, start + length)
    covered = {(row[0], at) for row in rows for at in range(row[1], row[1] + row[2])}
    assert {(b, at) for b, s, e in zip(*map(np.ndarray.tolist, made), strict=True) for at in range(s, e)} == covered
    for (one, _, end), (other, start_, _) in pairwise(zip(*map(np.ndarray.tolist, made), strict=True)):
        assert (one, end) < (other, start_), "sorted, apart"


@given(INTERVALS, st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 40)), max_size=8), st.booleans())
def test_the_last_one_begun(rows: list[tuple[int, int, int]], asked: list[tuple[int, int]], far: bool) -> None:
    scale = FAR // 40 if far else 1
    rows = sorted(rows)
    row, start = np.array([(a, b * scale) for a, b, _ in rows], np.int64).reshape(-1, 2).T
    of, at = np.array([(a, b * scale) for a, b in asked], np.int64).reshape(-1, 2).T
    expected = [
        max((place for place, (r, s, _) in enumerate(rows) if (r, s) <= (a, b) and r == a), default=-1)
        for a, b in asked
    ]
    assert last_begun(row, start, of, at).tolist() == expected


@given(st.lists(st.integers(0, 5)), st.integers(1, 9))
def test_blocks_have_each_bay_once_and_begins_says_where(rows: list[int], size: int) -> None:
    column = np.array(sorted(rows), np.int64)
    offsets = begins(column, 6)
    assert offsets.tolist() == np.searchsorted(column, np.arange(7)).tolist()
    found = list(blocks(offsets, size))
    assert [bay for first, last in found for bay in range(first, last)] == list(range(6))
    assert all(last - first == 1 or offsets[last - 1] - offsets[first] < size for first, last in found)


def test_pairs_of_ranges() -> None:
    of, place = pairs(np.array([3, 0, 5]), np.array([5, 0, 4]))
    assert (of.tolist(), place.tolist()) == ([0, 0], [3, 4])
