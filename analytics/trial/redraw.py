"""Two arms drawn again and again: of each block as many homes as it has, every choice of them as likely.

A block's homes can change places only within it, so that each draw is one that the trial could have had. Where few
choices exist they stand in a table and a random number picks one; otherwise homes are taken one by one with the chance
that is left (selection sampling; Fan, Muller and Rezucha, JASA 57, 1962).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.trial.panel import Bools, Float64, Int64

#: Choices of a block that a table may have.
_TABLE: Final = 1_000
#: Values of a chunk: 64 MB, whatever the number of draws.
_CHUNK: Final = 8_000_000


class Redraw:
    """``treated`` (homes,): as drawn. ``block`` (homes,): numbers, equal for homes of one block."""

    def __init__(self, treated: Bools, block: Int64) -> None:
        _, place, size = np.unique(block, return_inverse=True, return_counts=True)
        taken = np.bincount(place, weights=treated, minlength=len(size)).astype(np.int64)
        by_block = np.argsort(place, kind="stable")
        first = np.cumsum(size) - size
        self._groups: list[tuple[int, int, int]] = []
        order: list[Int64] = []
        for homes, some in sorted(set(zip(size.tolist(), taken.tolist(), strict=True))):
            chosen = np.flatnonzero((size == homes) & (taken == some))
            order.append(by_block[first[chosen][:, None] + np.arange(homes)].reshape(-1))
            self._groups.append((homes, some, len(chosen)))
        #: Places (homes,) in the order in which `draws` has them.
        self.order: Int64 = np.concatenate(order) if order else np.zeros(0, np.int64)

    @property
    def varies(self) -> bool:
        """Whether any home could have been in the other arm."""
        return any(0 < some < homes for homes, some, _ in self._groups)

    def draws(self, number: int, chance: np.random.Generator) -> Iterator[Float64]:
        """Chunks (draws, homes) of ``number`` draws, 1.0 where treated, homes in `order`.

        A chunk is valid until the next is asked for.
        """
        homes = len(self.order)
        rows = max(1, min(number, _CHUNK // max(homes, 1)))
        chunk = np.empty((rows, homes))
        for start in range(0, number, rows):
            part = chunk[: min(rows, number - start)]
            end = 0
            for size, some, blocks in self._groups:
                begin, end = end, end + size * blocks
                _fill(part[:, begin:end].reshape(len(part), blocks, size), some, chance)
            yield part


def _fill(into: NDArray[np.float64], some: int, chance: np.random.Generator) -> None:
    """``into`` (draws, blocks, size): ``some`` ones in each block, the rest zeros."""
    draws, blocks, size = into.shape
    if some in {0, size}:
        into[:] = 1.0 if some else 0.0
    elif comb(size, some) <= _TABLE:
        table = np.zeros((comb(size, some), size))
        for row, chosen in enumerate(combinations(range(size), some)):
            table[row, list(chosen)] = 1.0
        narrow = np.uint8 if len(table) <= 256 else np.uint16
        choice = chance.integers(0, len(table), (draws, blocks), narrow).astype(np.intp)
        # no choice is outside the table; "clip" writes straight into place, which "raise" would not
        np.take(table, choice, axis=0, out=into, mode="clip")
    else:
        left = np.full((draws, blocks), float(some))
        for place in range(size):
            took = chance.random((draws, blocks)) * (size - place) < left
            into[:, :, place] = took
            left -= took
