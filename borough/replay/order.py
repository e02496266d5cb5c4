"""Observations of several files in one order of time, whatever their size: sorted runs on disk, merged."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import IO, Any, TypeVar

T = TypeVar("T", bound=tuple[Any, ...])

#: Observations that are sorted in memory at once; more go to a temporary file.
_RUN = 100_000
#: Observations that are written and read back together.
_PIECE = 1_000
#: Runs that wait side by side, each with a file and a piece in memory; more are merged into one.
_RUNS = 64

_BY_TIME = itemgetter(0)


def in_time_order(parts: Sequence[Iterable[T]], *, is_sorted: bool, run: int = _RUN) -> Iterator[T]:
    """Merge parts by their tuples' first item; of equal ones the earlier part and row goes first.

    ``is_sorted``: every part is in order already. Otherwise each ``run`` tuples are sorted and, if there are more, wait
    in temporary files.
    """
    if is_sorted:
        yield from parts[0] if len(parts) == 1 else heapq.merge(*parts, key=_BY_TIME)
        return
    yield from merged_runs(_sorted_runs(iter(_chained(parts)), run))


def merged_runs(runs: Iterable[tuple[Iterable[T], bool]]) -> Iterator[T]:
    """Merge runs that are each in order; of equal items the earlier run's goes first.

    Each comes with whether it is full: full ones wait in temporary files, and the last one must not be. One is taken
    when the one before it is done with.
    """
    waiting: list[Iterator[T]] = []
    for items, is_full in runs:
        if not is_full:
            yield from heapq.merge(*waiting, items, key=_BY_TIME) if waiting else items
            return
        waiting.append(_spilled(items))
        if len(waiting) == _RUNS:
            waiting = [_spilled(heapq.merge(*waiting, key=_BY_TIME))]


def _sorted_runs(source: Iterator[T], run: int) -> Iterator[tuple[list[T], bool]]:
    while True:
        block = sorted(islice(source, run), key=_BY_TIME)
        yield block, len(block) == run


def _chained(parts: Sequence[Iterable[T]]) -> Iterator[T]:
    for part in parts:
        yield from part


def _spilled(block: Iterable[T]) -> Iterator[T]:
    """Write a sorted run to a file without a name now, and give it back piece by piece."""
    file = tempfile.TemporaryFile(prefix="borough-replay-")  # noqa: SIM115 closed when the run is read, or forgotten
    rows = iter(block)
    while piece := list(islice(rows, _PIECE)):
        pickle.dump(piece, file, protocol=pickle.HIGHEST_PROTOCOL)
    file.seek(0)
    return _pieces(file)


def _pieces(file: IO[bytes]) -> Iterator[T]:
    with file:
        while True:
            try:
                piece: list[T] = pickle.load(file)  # noqa: S301 our own file, which has no name
            except EOFError:
                return
            yield from piece
