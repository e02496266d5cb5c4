"""What the neighbours of every home used in a period, exactly: whole watt-hours, all homes at once.

The neighbours of a home are the others of its own cell and all of the joined cells, as far as they count in the period
(docs/decisions/005-homes.md). A cell with fewer than 20 that count is in no set, not even its own homes'. Every cell's
set is sorted once and summed once; each of its homes is then taken out of it. Nothing here may be shown: that is for
:mod:`analytics.neighbours.disclosure`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.neighbours.cells import FEWEST, Bools, Cells, Int32, Int64
from analytics.neighbours.joining import Joined

#: No home; sorts behind every value.
_NOBODY = np.iinfo(np.int64).max
# so many cells are compared together: their sets stay in the processor's cache
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Compared:
    """Exact figures of each home's neighbours, arrays ``(homes,)``; all 0 where ``counts`` is False."""

    #: As in Cells, -1 none.
    cell: Int32
    #: The home counts and so receives.
    counts: Bools
    #: Neighbours that count.
    n: Int64
    #: Use of them [Wh].
    total: Int64
    #: Use of one of them [Wh].
    largest: Int64
    #: floor(0.2 n).
    lowest_n: Int64
    #: Use of so many that use least [Wh].
    lowest_total: Int64
    #: Use of one of these [Wh].
    lowest_largest: Int64
    #: How many use strictly less than the home.
    less: Int64


def usable(cells: Cells, counts: Bools) -> Bools:
    """Which cells have 20 homes that count, ``(cells,)``; the others are in no set."""
    counting = np.bincount(cells.cell[counts & (cells.cell >= 0)], minlength=len(cells.size))
    enough: Bools = counting >= FEWEST
    return enough


def neighbours_of(cells: Cells, joined: Joined, counts: Bools, home: int) -> Int64:
    """Who is in the set of one home, as places in the arrays, in order: for explanations. Nobody without a cell."""
    cell = int(cells.cell[home])
    if cell < 0:
        return np.empty(0, np.int64)
    set_of = np.append(joined.cells[joined.offsets[cell] : joined.offsets[cell + 1]], cell)
    inside = np.isin(cells.cell, set_of[usable(cells, counts)[set_of]]) & counts
    inside[home] = False
    return np.flatnonzero(inside)


def compare(cells: Cells, joined: Joined, use: Int64, counts: Bools) -> Compared:
    """Compare all homes: ``use`` [Wh] of the period and whether each home ``counts``, both ``(homes,)``.

    A home in no cell has no figures and is in nobody's. Raises ValueError on a negative use that counts.
    """
    homes, count = len(use), len(cells.size)
    if (use[counts] < 0).any():
        raise ValueError("a home that counts has no use or a negative one")
    out = Compared(cells.cell, counts, *(np.zeros(homes, np.int64) for _ in range(7)))
    home = np.flatnonzero(counts & (cells.cell >= 0))
    if not len(home):
        return out
    home = home[np.argsort(cells.cell[home], kind="stable")]
    cell, own = cells.cell[home].astype(np.int64), use[home]
    counting = np.bincount(cell, minlength=count)
    starts = np.concatenate(([0], np.cumsum(counting)))
    enters = counting >= FEWEST
    values = np.full((count + 1, max(int(counting.max()), 1)), _NOBODY)  # the last row: a cell without anybody
    inside = enters[cell]
    values[cell[inside], (np.arange(len(home)) - starts[cell])[inside]] = own[inside]
    sets = _sets(joined, count)
    in_set = np.append(np.where(enters, counting, 0), 0)[sets].sum(axis=1)
    for first in range(0, count, _CHUNK):
        end = min(first + _CHUNK, count)
        part = slice(starts[first], starts[end])
        if part.start < part.stop:
            pool = values[sets[first:end]].reshape(end - first, -1)
            _part(out, pool, in_set[first:end], home[part], cell[part] - first, own[part], inside[part])
    return out


def _sets(joined: Joined, count: int) -> Int64:
    """Each cell's own number, then those of its joined cells, filled up with ``count``: nobody."""
    lengths = np.diff(joined.offsets)
    sets = np.full((count, 1 + int(lengths.max(initial=0))), count)
    sets[:, 0] = np.arange(count)
    row = np.repeat(np.arange(count), lengths)
    sets[row, 1 + np.arange(len(row)) - joined.offsets[row]] = joined.cells
    return sets


def _part(out: Compared, pool: Int64, in_set: Int64, home: Int64, row: Int64, own: Int64, inside: Bools) -> None:
    """Figures of the homes of some cells. ``pool (cells, width)``: values of each set; ``inside``: own is one of them.

    With the set sorted as v and own use u in it, the k lowest of the others are the k + 1 lowest less u where
    u < v[k], else the k lowest.
    """
    width = max(int(in_set.max()), 1)
    pool.sort(axis=1)
    pool = np.ascontiguousarray(pool[:, :width])
    sums = np.zeros((len(pool), width + 1), np.int64)
    np.cumsum(pool, axis=1, out=sums[:, 1:])
    size = in_set[row]
    n = size - inside
    some = n > 0
    home, row, own, inside, size, n = home[some], row[some], own[some], inside[some], size[some], n[some]
    value, total = pool.ravel(), sums.ravel()
    at, at_sum = row * width, row * (width + 1)
    last = value[at + size - 1]
    k = n // 5
    edge = value[at + k]
    among = inside & (own < edge)
    out.n[home], out.lowest_n[home] = n, k
    out.total[home] = total[at_sum + size] - np.where(inside, own, 0)
    out.largest[home] = np.where(inside & (own == last), value[at + size - 2], last)
    out.lowest_total[home] = total[at_sum + k + among] - np.where(among, own, 0)
    out.lowest_largest[home] = np.where(k == 0, 0, np.where(among, edge, value[at + k - 1]))
    out.less[home] = _less(value, at, size, own)


def _less(value: Int64, at: Int64, size: Int64, own: Int64) -> Int64:
    """How many of the sorted ``value[at:at + size]`` are less than ``own``, for all homes at once."""
    less = np.zeros(len(own), np.int64)
    step = 1 << int(size.max(initial=1)).bit_length() - 1
    while step:
        ahead = less + step
        inside = ahead <= size
        goes = inside & (value[at + np.where(inside, ahead, 1) - 1] < own)
        less[goes] = ahead[goes]
        step >>= 1
    return less
