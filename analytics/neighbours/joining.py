"""Which cells join to make the neighbours of a home: the nearest whole cells of its group, until there are 100 homes.

A cell joins if its median floor area is within 15 % of one's own cell's; if such cells within 2 km have fewer than 100
homes, within 30 %; if these again, any within 5 km (docs/decisions/005-homes.md). All cells are searched at once: for
those without enough neighbours yet, the candidates of a square grid as wide as the radius, a larger radius each time.
Distances are whole millimetres squared, so that ties are ties and fall to the lower number of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.neighbours.cells import Bools, Cells, Float64, Int32, Int64, millimetres

#: How narrow the choice was, the narrowest first. ``few``: under 75 neighbours; ``none``: under 20.
STEPS = ("area-15", "area-30", "any-area", "few", "none")
#: Neighbours that are wanted; with fewer than these there is no efficient figure, or nothing.
ENOUGH, EFFICIENT, FEWEST = 100, 75, 20
# how far a floor area may differ, as a fraction: whole numbers, so that 15 % of a float32 is exactly 15 %
_Part = tuple[int, int]
_NARROW: _Part = (3, 20)  # 15 % and 30 %: docs/decisions/005-homes.md
_WIDE: _Part = (3, 10)
# searched in this order: radius [mm], how far the floor area may differ
_ROUNDS: tuple[tuple[int, _Part | None], ...] = (
    *((radius, _NARROW) for radius in (125_000, 250_000, 500_000, 1_000_000, 2_000_000)),
    (2_000_000, _WIDE),
    *((radius, None) for radius in (500_000, 1_000_000, 2_000_000, 5_000_000)),
)
# so many pairs of cells are looked at together
_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True)
class Joined:
    """The cells that join each cell: ``cells[offsets[c]:offsets[c + 1]]``, nearest first, its own left out.

    ``step``: the narrowest of :data:`STEPS` that covers the floor areas of what joined ``(cells,)``. ``reach`` [m] to
    the centroid of the farthest ``(cells,)``, 0 where none joined.
    """

    offsets: Int64
    cells: Int32
    step: Int64
    reach: Float64


@dataclass(frozen=True, slots=True)
class _Found:
    """Pairs that join: of each cell together and nearest first. ``squared`` [mm2]."""

    cell: Int64
    other: Int64
    squared: Int64


def join(cells: Cells) -> Joined:
    """Which cells join which. A home's neighbours are its own cell but itself, and all homes of the joined cells."""
    count = len(cells.size)
    need = ENOUGH + 1 - cells.size
    search = _Search(cells)
    rest = np.flatnonzero(need > 0)
    none = np.empty(0, np.int64)
    found = [_Found(none, none, none)]
    for number, (radius, tolerance) in enumerate(_ROUNDS):
        if not len(rest):
            break
        rest = search.round(rest, need, radius, tolerance, last=number == len(_ROUNDS) - 1, found=found)
    cell, other, squared = (
        np.concatenate([getattr(part, name) for part in found]) for name in ("cell", "other", "squared")
    )
    order = np.argsort(cell, kind="stable")
    cell, other, squared = cell[order], other[order], squared[order]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(cell, minlength=count)))).astype(np.int64)
    reach = np.zeros(count)
    np.maximum.at(reach, cell, np.sqrt(squared.astype(np.float64)) / 1000)
    return Joined(offsets, other.astype(np.int32), _steps(cells, cell, other), reach)


def _steps(cells: Cells, cell: Int64, other: Int64) -> Int64:
    """The step that each cell's homes are told."""
    own, others = cells.area[cell], cells.area[other]
    step = np.zeros(len(cells.size), np.int64)
    np.maximum.at(step, cell, 2 - _alike(others, own, _NARROW).astype(np.int64) - _alike(others, own, _WIDE))
    neighbours = cells.size - 1
    np.add.at(neighbours, cell, cells.size[other])
    step[neighbours < EFFICIENT] = STEPS.index("few")
    step[neighbours < FEWEST] = STEPS.index("none")
    return step


def _alike(area: Float64, own: Float64, tolerance: _Part) -> Bools:
    """Whether a floor area differs from one's own by no more than a part of it."""
    part, whole = tolerance
    alike: Bools = whole * np.abs(area - own) <= part * own
    return alike


class _Search:
    """Nearest cells of the same group within a radius."""

    def __init__(self, cells: Cells) -> None:
        self.size, self.area = cells.size, cells.area
        self.x, self.y = millimetres(cells.x), millimetres(cells.y)
        self.group = np.unique(cells.group, return_inverse=True)[1].astype(np.int64)

    def round(
        self, rest: Int64, need: Int64, radius: int, tolerance: _Part | None, *, last: bool, found: list[_Found]
    ) -> Int64:
        """Search once; append what joins the cells that now have enough (``last``: of all), return the others."""
        left: list[Int64] = []
        grid, windows = self._windows(rest, radius)
        for asked, start, end in windows:
            pairs = self._pairs(asked, grid, start, end, radius, tolerance)
            size = self.size[pairs.other]
            total = np.cumsum(size)
            here = np.bincount(pairs.cell, minlength=len(asked))
            before = np.concatenate(([0], total))[np.cumsum(here) - here]
            whole = np.concatenate(([0], total))[np.cumsum(here)] - before
            done = np.ones(len(asked), bool) if last else whole >= need[asked]
            joins = done[pairs.cell] & (total - size - before[pairs.cell] < need[asked][pairs.cell])
            found.append(_Found(asked[pairs.cell[joins]], pairs.other[joins], pairs.squared[joins]))
            left.append(asked[~done])
        return np.concatenate(left)

    def _windows(self, rest: Int64, radius: int) -> tuple[Int64, list[tuple[Int64, Int64, Int64]]]:
        """All cells in the order of a grid; parts of those asked about, with the three rows around each as runs of it.

        Runs are ``(asked, 3)``, start and end. A part looks at about ``_PAIRS`` pairs or is a single cell.
        """
        column, row = (self.x - self.x.min()) // radius + 1, (self.y - self.y.min()) // radius + 1
        columns, rows = int(column.max()) + 2, int(row.max()) + 2
        square = (self.group * rows + row) * columns + column  # an empty rim keeps groups and rows apart
        grid = np.argsort(square, kind="stable")
        squares = square[grid]
        rest = rest[np.argsort(square[rest], kind="stable")]
        around = square[rest][:, None] + np.array([-columns, 0, columns])
        start, end = np.searchsorted(squares, around - 1), np.searchsorted(squares, around + 1, side="right")
        looked = np.cumsum((end - start).sum(axis=1)) // _PAIRS
        cuts = np.flatnonzero(np.diff(looked)) + 1
        return grid, list(zip(np.split(rest, cuts), np.split(start, cuts), np.split(end, cuts), strict=True))

    def _pairs(
        self, asked: Int64, grid: Int64, start: Int64, end: Int64, radius: int, tolerance: _Part | None
    ) -> _Found:
        """The cells within radius and tolerance, nearest first; ``cell`` counts through ``asked``."""
        start, counts = start.ravel(), (end - start).ravel()
        ends = np.cumsum(counts)
        place = np.arange(int(ends[-1])) + np.repeat(start - (ends - counts), counts)
        other = grid[place]
        cell = np.repeat(np.repeat(np.arange(len(asked)), 3), counts)
        own = asked[cell]
        squared = (self.x[other] - self.x[own]) ** 2 + (self.y[other] - self.y[own]) ** 2
        good = (squared <= radius * radius) & (other != own)
        if tolerance is not None:
            good &= _alike(self.area[other], self.area[own], tolerance)
        cell, other, squared = cell[good], other[good], squared[good]
        nearest = np.lexsort((other, squared, cell))
        return _Found(cell[nearest], other[nearest], squared[nearest])
