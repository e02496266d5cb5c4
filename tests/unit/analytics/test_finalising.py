"""A period's use, and what settling may revise of it."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.neighbours.cells import Cells
from analytics.neighbours.comparison import Compared
from analytics.neighbours.finalising import finalise, held
from analytics.neighbours.joining import Joined
from analytics.neighbours.period_comparison import PeriodResult, period_use
from analytics.neighbours.quarter_cells import QuarterCells
from devices.homes import State
from store.comparisons import Figures, Rows


def test_a_period_needs_nine_tenths_of_its_days_and_misses_count_as_the_mean() -> None:
    week = np.array([[5, 5, 5, 5, 5, 5, 6], [5, 5, 5, 5, 5, 5, -1]])
    assert period_use(week, 0.9).tolist() == [36, -1]
    month = np.full((3, 30), 7)
    month[1, :3], month[2, :4] = -1, -1
    assert period_use(month, 0.9).tolist() == [210, 210, -1]
    assert period_use(np.full((1, 28), -1), 0.9).tolist() == [-1]
    assert period_use(np.array([[0, -1, -1]]), 0.1).tolist() == [0]
    assert period_use(np.empty((0, 7), np.int64), 0.9).tolist() == []


@given(st.lists(st.integers(-1, 100_000), min_size=1, max_size=31), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_a_periods_use_by_fractions(days: list[int], coverage: float) -> None:
    known = [day for day in days if day >= 0]
    enough = bool(known) and Fraction(len(known), len(days)) >= Fraction(str(coverage))
    exact = Fraction(sum(known) * len(days), len(known)) if known else Fraction(0)
    assert period_use(np.array([days]), coverage).tolist() == [int(exact + Fraction(1, 2)) if enough else -1]


def world(average: list[int], members: list[int]) -> tuple[PeriodResult, QuarterCells]:
    """Homes 1 to 4; the first two in cell 0, which cell 1 joins not, the third in cell 1, which cell 0 joins."""
    cells = Cells(
        np.array([0, 0, 1], np.int32), np.zeros(2, np.int64), np.array([2, 1]), np.zeros(2), np.zeros(2), np.ones(2)
    )
    joined = Joined(np.array([0, 0, 1]), np.array([0], np.int32), np.zeros(2, np.int64), np.zeros(2))
    quarter = QuarterCells(np.array([1, 2, 3]), np.array([11, 12, 13]), cells, joined)
    columns = {item.name: np.full(4, -1, np.int64) for item in fields(Rows) if item.name != "tariffs"}
    columns |= {"tenancy": np.array([11, 12, 13, 14]), "home": np.array([1, 2, 3, 4]), "average": np.array(average)}
    columns |= {"own": np.array([50, 70, 90, 10]), "efficient": np.array([40, 40, 40, -1])}
    columns |= {"tenths": np.array([5, 5, 5, -1]), "homes": np.array([100, 100, 100, -1])}
    columns["state"] = np.full(4, State.MORE.place)
    columns["sight"] = np.zeros(4, np.int64)
    rows = Rows(**columns, tariffs=[])  # type: ignore[arg-type]
    none = np.zeros(3, np.int64)
    compared = Compared(cells.cell, np.ones(3, bool), none, none, none, none, none, none, none)
    return PeriodResult(rows, np.ones(3, bool), np.array(members), compared, compared), quarter


def told(average: list[int], members: list[int]) -> Figures:
    count = len(average)
    return Figures(
        np.array(members), np.array([11, 12, 13, 14][:count]), np.array(average), np.full(count, 55),
        np.full(count, 90), np.full(count, 3), np.zeros(count, np.int64),
    )  # fmt: skip


def test_where_the_same_homes_count_everything_is_revised() -> None:
    worked, quarter = world([60, 60, 60, -1], [7, 8])
    assert not held(worked, quarter, np.array([7, 8])).any()
    rows = finalise(worked, quarter, told([61, 61, 61, -1], [7, 8]))
    assert rows.average.tolist() == [60, 60, 60, -1]
    assert rows.state.tolist() == [State.MORE.place] * 4, "as it was worked out"


def test_where_others_count_what_was_told_stays_and_the_state_follows_from_it() -> None:
    worked, quarter = world([60, 60, 60, -1], [7, 9])
    assert held(worked, quarter, np.array([7, 8])).tolist() == [False, False, True, False]
    rows = finalise(worked, quarter, told([61, 61, 95, -1], [7, 8]))
    assert rows.average.tolist() == [60, 60, 95, -1]
    assert rows.tenths.tolist() == [5, 5, 3, -1]
    assert rows.homes.tolist() == [100, 100, 90, -1]
    assert State.at(rows.state[2]) == "good"


def test_a_change_in_a_joined_cell_holds_those_whom_it_joins() -> None:
    worked, quarter = world([60, 60, 60, -1], [6, 8])
    assert held(worked, quarter, np.array([7, 8])).tolist() == [True, True, True, False]
    assert held(worked, quarter, np.array([], np.int64)).tolist() == [True, True, True, False], (
        "nobody knows who counted"
    )


def test_who_is_told_for_the_first_time_gets_the_average_alone() -> None:
    worked, quarter = world([60, 60, -1, -1], [6, 8])
    rows = finalise(worked, quarter, told([61, -1], [7, 8]))
    assert rows.average.tolist() == [61, 60, -1, -1]
    assert rows.efficient.tolist()[:2] == [55, -1]
    assert rows.tenths.tolist()[:2] == [3, -1]
    assert [State.at(state) for state in rows.state[:2]] == ["great", "more"]


def test_who_was_told_the_lowest_fifth_alone_keeps_it_where_others_count() -> None:
    worked, quarter = world([60, 60, 60, -1], [6, 8])
    before = told([-1, -1, -1], [7, 8])._replace(efficient=np.array([55, -1, 55]), sight=np.array([1, 1, 1]))
    rows = finalise(worked, quarter, before)
    assert rows.efficient.tolist() == [55, -1, 55, -1]
