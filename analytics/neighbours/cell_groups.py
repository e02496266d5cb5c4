"""The comparison of a period in parts: groups of cells that can be compared apart, anywhere, and put together again.

A group holds the homes of its own cells and those of the cells that join them, and nothing else: uses and who counts,
by place, without a pseudonym. Everything is whole numbers, so that parts put together are what
`analytics.neighbours.comparison.compare` says of all at once, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.neighbours import comparison
from analytics.neighbours.cells import Bools, Cells, Int64
from analytics.neighbours.comparison import Compared
from analytics.neighbours.joining import Joined

#: What `Compared` says in figures, by home.
_FIGURES = ("n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less")


@dataclass(frozen=True, slots=True)
class CellGroup:
    """What a group of cells is compared of; own cells are numbered from 0, those that only join them behind."""

    cells: Cells
    joined: Joined
    #: [Wh] ``(homes of the group,)``.
    use: Int64
    counts: Bools
    #: Places of the own homes, those that are compared, among the group's.
    own: Int64


def groups_of(
    cells: Cells, joined: Joined, use: Int64, counts: Bools, number: int
) -> Iterator[tuple[Int64, CellGroup]]:
    """Divide cells into about ``number`` runs of equally many; of each the places of its homes, and the group.

    ``use`` [Wh] and ``counts``, ``(homes,)``, as for `comparison.compare`. Cells stand by kind of home, then from west
    and south, so that what joins a run's cells stands mostly in it.
    """
    count = len(cells.size)
    order = np.argsort(cells.cell, kind="stable")
    starts = np.searchsorted(cells.cell[order], np.arange(count + 1))
    edges = np.unique(np.linspace(0, count, max(min(number, count), 1) + 1).astype(np.int64))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        near = joined.cells[joined.offsets[first] : joined.offsets[end]].astype(np.int64)
        beside = np.unique(near[(near < first) | (near >= end)])
        mine = np.concatenate((np.arange(first, end), beside))
        renumbered = np.full(count, -1, np.int64)
        renumbered[mine] = np.arange(len(mine))
        lengths = starts[mine + 1] - starts[mine]
        home = np.concatenate([order[starts[cell] : starts[cell + 1]] for cell in mine.tolist()])
        own = np.arange(starts[end] - starts[first])
        offsets = joined.offsets[first : end + 1] - joined.offsets[first]
        group = CellGroup(
            Cells(
                np.repeat(np.arange(len(mine), dtype=np.int32), lengths),
                cells.group[mine], cells.size[mine], cells.x[mine], cells.y[mine], cells.area[mine],
            ),
            # of cells that only join nothing is told: nothing joins them
            Joined(
                np.concatenate((offsets, np.full(len(beside), offsets[-1]))), renumbered[near].astype(np.int32),
                joined.step[mine], joined.reach[mine],
            ),
            use[home], counts[home], own,
        )  # fmt: skip
        yield home[: len(own)], group


def compare_group(group: CellGroup) -> tuple[Int64, ...]:
    """Figures of a group's own homes, in the order of `Compared`. Raises ValueError on a negative use that counts."""
    found = comparison.compare(group.cells, group.joined, group.use, group.counts)
    return tuple(getattr(found, name)[group.own] for name in _FIGURES)


def put_together(cells: Cells, counts: Bools, parts: Sequence[tuple[Int64, tuple[Int64, ...]]]) -> Compared:
    """All homes' figures of those of groups: for each the places of its homes, and what `compare_group` says."""
    out = Compared(cells.cell, counts, *(np.zeros(len(counts), np.int64) for _ in _FIGURES))
    for place, figures in parts:
        for name, figure in zip(_FIGURES, figures, strict=True):
            getattr(out, name)[place] = figure
    return out
