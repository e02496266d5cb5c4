"""The score's arrays against plain dictionaries, and rejections against what was wanted."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.pipeline.score import MATCHED, MISSING, WRONG_TIME, WRONG_VALUE, Stored, Wanted, allot, match

Row = tuple[int, int, float]
Counted = dict[tuple[str, str | None, str], int]
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.sampled_from([0.0, 1.0, 2.5])), max_size=30)


def wanted_of(found: list[Row], tolerance: int = 0) -> Wanted:
    count = len(found)
    return Wanted(
        np.array([row[0] for row in found], np.int64),
        np.array([row[1] for row in found], np.int64),
        np.array([row[2] for row in found], np.float64),
        np.full(count, tolerance, np.int64),
    )


def stored_of(found: list[Row]) -> Stored:
    keys = sorted({row[:2]: row for row in found}.values())
    return Stored(*wanted_of(keys)[:3])


@given(rows, rows)
def test_found_by_key_as_a_dictionary_would(wanted: list[Row], stored: list[Row]) -> None:
    table = {row[:2]: row[2] for row in stored}
    result = match(wanted_of(wanted), stored_of([(*key, value) for key, value in table.items()]))
    for row, fate in zip(wanted, result.fate.tolist(), strict=True):
        if row[:2] in table:
            assert fate == (MATCHED if table[row[:2]] == row[2] else WRONG_VALUE)
        else:
            assert fate in (MISSING, WRONG_TIME)
    moved = int((result.fate == WRONG_TIME).sum())
    free = [(key[0], value) for key, value in table.items() if key not in {row[:2] for row in wanted}]
    lacking = [(row[0], row[2]) for row in wanted if row[:2] not in table]
    assert moved == sum(min(free.count(pair), lacking.count(pair)) for pair in set(free))


@given(st.lists(st.sampled_from([0.0, 1.0]), max_size=12), st.sets(st.integers(0, 11)))
def test_without_times_of_their_own_in_order(values: list[float], lost: set[int]) -> None:
    wanted = [(0, 10 * at, value) for at, value in enumerate(values)]
    kept = [(0, 10 * at + 3, value) for at, value in enumerate(values) if at not in lost]
    result = match(wanted_of(wanted, 5), stored_of(kept))
    assert int((result.fate == MISSING).sum()) == len(values) - len(kept)
    assert int((result.fate == MATCHED).sum()) == len(kept)
    assert result.claimed.all()


def test_late_and_spoilt_without_times() -> None:
    result = match(wanted_of([(0, 0, 1.0), (0, 100, 2.0)], 5), stored_of([(0, 3, 1.0), (0, 104, 9.0)]))
    assert result.fate.tolist() == [MATCHED, WRONG_VALUE]


def test_nothing_at_all() -> None:
    assert match(wanted_of([]), stored_of([])).fate.tolist() == []
    assert match(wanted_of([(0, 1, 1.0)]), stored_of([])).fate.tolist() == [MISSING]


def test_rejections_by_reading_and_by_message() -> None:
    readings: Counted = {
        ("d1", "power", "out_of_range"): 3,
        ("d1", "power", "unreadable"): 2,
        ("d1", "co2", "unreadable"): 2,
    }
    messages = {("d1", "out_of_range"): [1, 1, 1], ("d1", "unreadable"): [2, 2]}
    table: Counted = {("d1", "power", "out_of_range"): 2, ("d1", None, "unreadable"): 2, ("d1", "co2", "conflict"): 4}
    result = allot(readings, messages, table, {})
    assert result.found == {"d1": 6}
    assert result.absent == {"d1": 1}
    assert result.more == {("d1", "co2"): 4}


def test_what_went_out_twice_may_be_rejected_twice() -> None:
    readings: Counted = {("d1", "power", "out_of_range"): 2, ("d1", "power", "unreadable"): 1}
    messages = {("d1", "out_of_range"): [1, 1], ("d1", "unreadable"): [1]}
    table: Counted = {
        ("d1", "power", "out_of_range"): 5,
        ("d1", None, "unreadable"): 2,
        ("d1", "power", "conflict"): 1,
        ("d2", None, "unreadable"): 1,
    }
    assert allot(readings, messages, table, {}).more == {("d1", "power"): 4, ("d1", None): 1, ("d2", None): 1}
    found = allot(readings, messages, table, {}, resent=True)
    assert found.more == {("d1", "power"): 2, ("d2", None): 1}, "no more again than were wanted, and of nothing else"
    assert found.found == {"d1": 3}


def test_a_flood_that_was_only_counted_is_rejected_all_the_same() -> None:
    readings: Counted = {("d1", "power", "out_of_range"): 5}
    table: Counted = {("d1", "power", "out_of_range"): 2}
    result = allot(readings, {("d1", "out_of_range"): [1] * 5}, table, {"d1": 3})
    assert (result.found, result.absent, result.more) == ({"d1": 5}, {}, {})
