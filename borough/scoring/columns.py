"""What a score asks of a ledger's columns: which value counts, where a word stands, how often what occurs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.pipeline.score import Float64, Int64
from simulators.stream import EXPECTATIONS

RESTATED = EXPECTATIONS.index("restated")


def what_counts(expect: Int64, series: Int64, time: Int64, value: Float64) -> Float64:
    """The value that the table should hold of each row's key: of a key that was restated that of its last row.

    Shapes: ``(rows,)``, in the order of publication.
    """
    if not (expect == RESTATED).any():
        return value
    order = np.lexsort((time, series))
    same = (series[order][1:] == series[order][:-1]) & (time[order][1:] == time[order][:-1])
    group = np.cumsum(np.concatenate(([0], ~same)))
    restated = np.zeros(int(group[-1]) + 1, bool)
    restated[group[expect[order] == RESTATED]] = True
    last = order[np.append(group[1:] != group[:-1], True)]
    result = value.copy()
    result[order] = np.where(restated[group], value[last][group], value[order])
    return result


def place_of(words: Sequence[str], word: str) -> int:
    """Where a word stands, -1 where it does not."""
    return list(words).index(word) if word in words else -1


def groups(keys: Int64) -> tuple[list[list[int]], list[int]]:
    """Distinct columns of ``keys`` and how often each stands there."""
    if not keys.shape[1]:
        return [], []
    whole, sizes = np.zeros(keys.shape[1], np.int64), (keys.max(axis=1) + 1).tolist()
    for row, size in zip(keys, sizes, strict=True):
        whole = whole * size + row
    distinct, counts = np.unique(whole, return_counts=True)
    columns = []
    for size in reversed(sizes):
        distinct, column = np.divmod(distinct, size)
        columns.append(column)
    return np.stack(columns[::-1], axis=1).tolist(), counts.tolist()
