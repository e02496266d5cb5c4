"""What settling may revise of a period that was published: never figures of others where other homes count than then.

The second version less the first would tell who came or went (`analytics.neighbours.differencing`). There a home keeps
the figures that it was told; its own use is revised all the same, and its state follows from both. A home that
has figures for the first time gets the average alone, which is made of rounded totals of cells; not the lowest fifth,
nor its tenths. One that was told the lowest fifth alone, for a trial (`analytics.neighbours.sight`), keeps that.
"""

from __future__ import annotations

import numpy as np

from analytics.neighbours.cells import Bools, Int64
from analytics.neighbours.differencing import unchanged
from analytics.neighbours.period_comparison import PeriodResult
from analytics.neighbours.quarter_cells import QuarterCells
from devices.homes import State
from store.cells import find_rows
from store.comparisons import Figures, Rows

_GREAT, _GOOD, _MORE = State.GREAT.place, State.GOOD.place, State.MORE.place


def held(result: PeriodResult, quarter: QuarterCells, members: Int64) -> Bools:
    """Which rows have other neighbours who count than when their period was published, ``(rows,)``.

    ``members`` ``(cells,)``: of then.
    """
    cell = _cell_of(result.rows.home, quarter)
    if len(members) != len(quarter.cells.size):
        return cell >= 0  # who counted then is not known: nothing of others is revised
    same = unchanged(quarter.joined, members, result.members)
    others: Bools = (cell >= 0) & ~np.append(same, True)[cell]
    return others


def finalise(result: PeriodResult, quarter: QuarterCells, published: Figures) -> Rows:
    """The rows as they may replace what was told, once `analytics.neighbours.sight` has taken out what is hidden."""
    rows = result.rows
    keeps = held(result, quarter, published.members) & (rows.average >= 0)
    place, known = find_rows(published.tenancy, rows.tenancy)
    had = keeps & known
    had[had] = published.average[place[had]] >= 0
    for name in ("average", "efficient", "homes", "tenths"):
        column = getattr(rows, name)
        column[had] = getattr(published, name)[place[had]]
        if name in ("efficient", "tenths"):
            column[keeps & ~had] = -1
    zone = keeps & ~had & known
    zone[zone] = (published.sight[place[zone]] > 0) & (published.efficient[place[zone]] >= 0)
    rows.efficient[zone] = published.efficient[place[zone]]
    state = np.select(
        [(rows.efficient >= 0) & (rows.own <= rows.efficient), rows.own <= rows.average], [_GREAT, _GOOD], _MORE
    )
    rows.state[keeps] = state[keeps]
    return rows


def _cell_of(home: Int64, quarter: QuarterCells) -> Int64:
    """The cell of each home, -1: none."""
    place, known = find_rows(quarter.home, home)
    cell = np.full(len(home), -1, np.int64)
    cell[known] = quarter.cells.cell[place[known]]
    return cell
