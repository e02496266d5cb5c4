"""What is called broken, at its limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from analytics.parking import health
from analytics.parking.arrays import DAY, HOUR, NONE, Int64, Spans

NOW = 100 * DAY
LIMIT = 25 * HOUR


def hours(*values: float) -> Int64:
    return np.array([NONE if value < 0 else NOW - round(value * HOUR) for value in values], np.int64)


def test_a_bay_is_silent_once_its_limit_has_passed_and_never_where_it_said_nothing() -> None:
    found = health.silences(hours(25, 24.99, -1, 100), np.array([LIMIT, LIMIT, LIMIT, 200 * HOUR]), NOW)
    assert found.silent.tolist() == [True, False, False, False]
    assert found.never.tolist() == [False, False, True, False]
    assert found.since.tolist() == [NOW, NONE, NONE, NONE]


def outage(
    heard: Sequence[float], gateway: list[int] | None = None, limit: int = LIMIT
) -> tuple[list[tuple[int, int, int, float]], list[bool]]:
    """Alarms (gateway, silent, bays, hours ago) and what they cover."""
    limits = np.full(len(heard), limit, np.int64)
    found = health.silences(hours(*heard), limits, NOW)
    of = np.array(gateway or [7] * len(heard), np.int64)
    alarms = health.alarms(of, found, limits)
    rows = zip(
        alarms.gateway.tolist(), alarms.silent.tolist(), alarms.bays.tolist(), alarms.since.tolist(), strict=True
    )
    return [(*row[:3], (NOW - row[3]) / HOUR) for row in rows], alarms.covered.tolist()


def test_a_gateway_that_takes_its_bays_with_it_is_one_alarm() -> None:
    assert outage([60, 55, 52, 50, 48, 1]) == ([(7, 5, 6, 35)], [True] * 5 + [False])
    assert outage([60, 55, 52, 50, 48, 1, 1]) == ([], [False] * 7), "five of seven are less than four fifths"
    assert outage([60, 55, 52, 50]) == ([], [False] * 4), "four are no gateway"
    assert outage([60, 55, 52, 50, -1]) == ([], [False] * 5), "what never spoke did not fall silent"


def test_bays_that_went_silent_at_other_times_stand_for_themselves() -> None:
    # the first one long before, the others within the limit of each other
    assert outage([400, 60, 55, 52, 50, 48]) == ([(7, 5, 6, 35)], [False] + [True] * 5)
    assert outage([60 + 30 * number for number in range(6)]) == ([], [False] * 6), "one after the other is no outage"
    assert outage([75, 50, 50, 50, 50], limit=25 * HOUR)[0] == [(7, 5, 5, 50)], "exactly a limit apart"
    assert outage([75.01, 50, 50, 50, 50], limit=25 * HOUR)[0] == []


def test_gateways_are_told_apart_and_bays_without_one_are_none() -> None:
    rows, covered = outage([50] * 5 + [49] * 5 + [51] * 5, gateway=[3] * 5 + [-1] * 5 + [9] * 5)
    assert rows == [(3, 5, 5, 25), (9, 5, 5, 26)]
    assert covered == [True] * 5 + [False] * 5 + [True] * 5
    assert outage([], gateway=[]) == ([], [])


def stretches(*bays: list[tuple[float, int]]) -> Spans:
    """Spans of each bay from lengths [h] and states, that end now."""
    rows = []
    for bay, given in enumerate(bays):
        at = NOW - sum(round(length * HOUR) for length, _ in given)
        for length, state in given:
            rows.append((bay, at, at := at + round(length * HOUR), state))
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Spans(columns[0], columns[1], columns[2], columns[3].astype(np.int8))


def suspected(spans: Spans, zone: list[int]) -> list[tuple[int, float, float, float]]:
    """(bay, hours lasted, its own longest, the zone's)."""
    last = np.flatnonzero(np.append(spans.bay[1:] != spans.bay[:-1], True))
    found = health.suspects(spans, spans.state[last], spans.start[last], np.array(zone, np.int64), NOW)
    return [
        (bay, *(part / HOUR for part in rest)) for bay, *rest in zip(*(part.tolist() for part in found), strict=True)
    ]


def test_a_state_is_suspect_against_the_bays_own_history_and_its_zones() -> None:
    usual = [(5.0, 0), (10.0, 1), (5.0, 0), (3.0, 1), (5.0, 0)]
    assert suspected(stretches([*usual, (31.0, 1)]), [0]) == [(0, 31, 10, 10)]
    assert suspected(stretches([*usual, (30.0, 1)]), [0]) == [], "three times is not more than that"
    assert suspected(stretches([*usual[:-2], (3.0, 0), (24.0, 1)]), [0]) == [], "a day is not more than a day"
    slow = [(5.0, 0), (40.0, 1), (5.0, 0)]
    assert suspected(stretches([*usual, (31.0, 1)], slow), [0, 0]) == [], "others of the zone stand as long"
    assert suspected(stretches([*usual, (31.0, 1)], slow), [0, 1]) == [(0, 31, 10, 10)]
    assert suspected(stretches([*usual, (41.0, 1)], slow), [0, 0]) == [(0, 41, 10, 40)]


def test_what_is_cut_off_or_of_another_state_is_no_history() -> None:
    # the first stretch began before, the third is beside unknown time, and free time says nothing of occupied time
    cut = [(90.0, 1), (80.0, 0), (70.0, 1), (9.0, 2), (1.0, 0), (30.0, 1)]
    assert suspected(stretches(cut), [0]) == [(0, 30, 0, 0)]
    assert suspected(stretches([(1.0, 0), (400.0, 2)]), [0]) == [], "unknown is no state"


def test_one_stretch_of_a_thousand_does_not_hide_a_stuck_one() -> None:
    many = [(1.0, 0), *[(float(1 + number % 2), number % 2) for number in range(2_000)], (1.0, 1), (1.0, 0)]
    long = [(1.0, 0), (60.0, 1), (1.0, 0)]
    rows = suspected(stretches([(1.0, 0), (2.0, 1), (1.0, 0), (26.0, 1)], many, long), [0, 0, 0])
    assert rows == [(0, 26, 2, 2)]


def test_batteries_and_repeats() -> None:
    assert health.low_batteries(np.array([19.9, 20.0, np.nan, 0.0])).tolist() == [True, False, False, True]
    repeated, arrivals = np.array([9, 10, 10, 50]), np.array([0, 9, 10, 49])
    assert health.repeating(repeated, arrivals).tolist() == [False, True, False, True]


@pytest.mark.parametrize("number", [1, 2, 999, 1000, 1001])
def test_the_zones_length_is_the_least_that_999_of_1000_do_not_exceed(number: int) -> None:
    given = np.arange(1, number + 1, dtype=np.int64)
    zero = np.zeros(number, np.int64)
    found = health._usual(zero, zero, np.random.default_rng(1).permutation(given))[0, 0]
    assert np.mean(given <= found) >= 0.999
    assert found == 1 or np.mean(given <= found - 1) < 0.999
