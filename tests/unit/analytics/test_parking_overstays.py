"""Time beyond what is permitted: clocks, stretches, what is cut out, and the grace."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.parking import overstays
from analytics.parking.arrays import MINUTE, NONE, BayTable, Closed, Hours, Stays, closed

NOTHING = closed(*np.zeros((3, 0), np.int64))


def minutes(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64) * MINUTE


def hours(*intervals: tuple[int, int, int]) -> Hours:
    """One regime: from minute, to minute, minutes of a maximum stay (-1: none)."""
    start, end, maximum = np.array(intervals, np.int64).reshape(-1, 3).T
    return Hours(np.array([0, len(start)]), start * MINUTE, end * MINUTE, np.where(maximum < 0, NONE, maximum * MINUTE))


def shut(*intervals: tuple[int, int]) -> Closed:
    return closed(np.zeros(len(intervals), np.int64), *np.array(intervals, np.int64).reshape(-1, 2).T * MINUTE)


def over(
    stay: tuple[int, int], held: Hours, suspended: Closed = NOTHING, permits: Closed = NOTHING, grace: int = 0
) -> tuple[int, int, int]:
    """Of one stay, all in minutes: where its time over begins, how long it is, how long it stood in suspended time."""
    code = np.zeros(1, np.int8)
    stays = Stays(np.zeros(1, np.int64), minutes(stay[0]), minutes(stay[1]), code, code)
    zero = np.zeros(1, np.int64)
    found = overstays.over(stays, held, BayTable(zero, zero, zero, zero), suspended, permits, grace * MINUTE)
    begin, length, shut_time = (int(column[0]) for column in found)
    return begin // MINUTE, length // MINUTE, shut_time // MINUTE


@pytest.mark.parametrize(
    ("stay", "expected"),
    [
        ((100, 160), (-1, 0)),  # just the maximum
        ((100, 161), (160, 1)),
        ((0, 161), (160, 1)),  # came before the hours: the clock begins with them
        ((100, 500), (160, 140)),  # until the hours end
        ((310, 500), (-1, 0)),
        ((0, 90), (-1, 0)),
    ],
)
def test_one_restriction(stay: tuple[int, int], expected: tuple[int, int]) -> None:
    assert over(stay, hours((100, 300, 60)))[:2] == expected


def test_restrictions_that_touch_have_one_clock() -> None:
    touching = hours((100, 200, 30), (200, 300, -1), (300, 400, 120))
    assert over((150, 400), touching)[:2] == (180, 20 + 100)
    apart = hours((100, 200, 30), (201, 300, -1), (300, 400, 120))
    assert over((150, 400), apart)[:2] == (180, 20 + 79)


def test_while_suspended_or_with_a_permit_nothing_holds_and_a_new_clock_begins_after_it() -> None:
    held = hours((0, 1000, 60))
    assert over((0, 200), held, suspended=shut((100, 110))) == (60, 40 + 30, 10)
    assert over((0, 200), held, permits=shut((100, 110))) == (60, 40 + 30, 0)
    assert over((0, 200), held, shut((50, 90)), shut((80, 100))) == (160, 40, 40)
    assert over((0, 200), held, shut((0, 200))) == (-1, 0, 200)
    assert over((10, 200), held, permits=shut((0, 5), (200, 300))) == (70, 130, 0)


def test_the_grace_is_a_threshold_and_nothing_is_taken_off() -> None:
    held = hours((0, 1000, 60))
    assert over((0, 65), held, grace=5)[:2] == (-1, 0)
    assert over((0, 66), held, grace=5)[:2] == (60, 6)
    assert over((0, 65), held)[:2] == (60, 5)


def test_grace_is_for_all_stretches_together() -> None:
    held = hours((0, 63, 60), (100, 163, 60))
    assert over((0, 200), held, grace=5)[:2] == (60, 6)


def test_no_stays() -> None:
    none = np.zeros(0, np.int64)
    code = np.zeros(0, np.int8)
    zero = np.zeros(1, np.int64)
    found = overstays.over(
        Stays(none, none, none, code, code), hours((0, 9, 1)), BayTable(zero, zero, zero, zero), shut((1, 2)), NOTHING
    )
    assert [len(column) for column in found] == [0, 0, 0]
