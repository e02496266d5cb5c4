"""What keeps one home from being found by subtracting one figure from another.

As long as the same homes count, nothing can be subtracted: whatever residents pool, whole cells enter every figure
alike. But homes come and go: one withdraws, one lacks readings in a week and not in the month. Then a sum with it less
a sum without it is its use, and rounding an average of few homes to two figures does not hide that
(docs/explanation/privacy.md has the measurements). Two rules do:

1. **Every cell's total is rounded before it enters any sum** (`round_cell_totals`), to a multiple of
   the first of 1, 2, 5, 10, 20, … Wh that is at least twice the mean use of its homes. All residents see the same
   rounded total, whatever their own meter says, so neither many pages nor falsified meters undo it: what a cell's total
   tells about one home is a step at least two homes wide. An average of 100 homes moves by about one percent.
2. **A published figure is revised only where the same homes count** (`members`, `unchanged`). The lowest fifth and the
   tenths are no sums of cells, and the second version less the first would tell who came or went.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analytics.neighbours.cells import Cells
from analytics.neighbours.comparison import Compared, usable
from analytics.neighbours.joining import Joined

Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: The step that hides a home is so many times the mean use of a cell.
_HOMES = 2
_STEPS = np.sort(np.concatenate([digit * 10 ** np.arange(18, dtype=np.int64) for digit in (1, 2, 5)]))


def round_cell_totals(cells: Cells, joined: Joined, use: Int64, counts: Bools, compared: Compared) -> Compared:
    """The comparison with totals [Wh] made of rounded totals of cells; everything else as it is.

    ``use`` [Wh], ``counts``, ``(homes,)``: what ``compared`` was made of. The lowest fifth is held at or below the
    average, as it would be without rounding.
    """
    count = len(cells.size)
    home = np.flatnonzero(counts & (cells.cell >= 0))
    cell = cells.cell[home]
    number, total = np.bincount(cell, minlength=count), np.zeros(count, np.int64)
    np.add.at(total, cell, use[home])
    enters = usable(cells, counts)
    rounded = np.where(enters, rounded_total(total, number), 0)
    running = np.concatenate(([0], np.cumsum(rounded[joined.cells])))
    of_set = rounded + running[joined.offsets[1:]] - running[joined.offsets[:-1]]
    rounded = np.zeros_like(compared.total)
    rounded[home] = of_set[cell] - np.where(enters[cell], use[home], 0)
    rounded[compared.n == 0] = 0
    most = rounded * compared.lowest_n // np.maximum(compared.n, 1)
    return replace(compared, total=rounded, lowest_total=np.minimum(compared.lowest_total, most))


def step(total: Int64, number: Int64) -> Int64:
    """What totals of cells [Wh] of ``number`` homes are rounded to [Wh]: at least two homes' mean use."""
    return np.asarray(_STEPS[np.searchsorted(_STEPS, -(-_HOMES * total // np.maximum(number, 1)))])


def rounded_total(total: Int64, number: Int64) -> Int64:
    """Totals of cells [Wh] rounded half up to their `step`, shape of ``total``."""
    by = step(total, number)
    return np.asarray((2 * total + by) // (2 * by) * by)


def members(cells: Cells, counts: Bools, home: Int64) -> Int64:
    """A number for each cell that tells whether the same homes count in it, ``(cells,)``; it tells nothing else.

    ``home``: pseudonyms, ``(homes,)``. The sum, modulo 2**64, of the numbers that count, each stirred by SplitMix64
    (Steele, Lea and Flood 2014), so that order is nothing and one home more or less is another number.
    """
    mixed = home.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    found = np.zeros(len(cells.size), np.uint64)
    counting = counts & (cells.cell >= 0)
    np.add.at(found, cells.cell[counting], mixed[counting])
    return found.view(np.int64)


def unchanged(joined: Joined, before: Int64, now: Int64) -> Bools:
    """Whether the same homes count in all cells of a cell's set, ``(cells,)``: only there figures may be revised.

    ``before``, ``now``: `members` when the period was published and now.
    """
    changed = (before != now).astype(np.int64)
    running = np.concatenate(([0], np.cumsum(changed[joined.cells])))
    of_set = changed + running[joined.offsets[1:]] - running[joined.offsets[:-1]]
    return np.asarray(of_set == 0)
