"""Few readings that look like many: of each piece of a span the first, the least, the greatest and the last.

Arrays in, arrays out. Instants are int64 microseconds since the Unix epoch. What is kept are readings as they are: no
mean, no made-up time. A picture that is no wider than its pieces are many looks the same from what is kept as from all
(Jugel et al., M4: A Visualization-Oriented Time Series Data Aggregation, PVLDB 7(10), 2014).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

#: Pieces of a span at most, and so points: four a piece.
PIECES = 500
POINTS = 4 * PIECES
HOUR = 3_600_000_000


def piece_width(start: int, end: int, pieces: int = PIECES, step: int = 1) -> int:
    """Width [us] of the pieces into which a span is cut: the least multiple of ``step`` with which no span of this
    length reaches into more than ``pieces``, wherever it begins. The edges are multiples of the width.

    Raises ValueError for an empty span, and for fewer than two pieces: one edge may lie in any span.
    """
    if end <= start or pieces < 2:
        raise ValueError(f"no span from {start} to {end} in {pieces} pieces")
    return step * math.ceil((end - start) / ((pieces - 1) * step))


def whole_step(length: int, pieces: int) -> int:
    """The largest of an hour, a minute, a second and a microsecond [us] of which there are as many as ``pieces`` in a
    ``length`` [us]: pieces of so many of them can be said in words."""
    return next(step for step in (HOUR, 60_000_000, 1_000_000, 1) if step == 1 or (pieces - 1) * step <= length)


def keep(times: Int64, values: Float64, width: int) -> Int64:
    """Places of the readings that are kept, rising: of each piece ``[k width, (k + 1) width)`` the first, the least,
    the greatest and the last; of several equal ones the earliest.

    ``times``: sorted; ``values``: ``(readings,)``. The same of what is kept of pieces that ``width`` is a multiple of:
    nothing is lost by decimating twice.
    """
    if not len(times):
        return np.empty(0, np.int64)
    piece = times // width
    first = np.flatnonzero(np.concatenate(([True], piece[1:] != piece[:-1])))
    last = np.append(first[1:], len(times)) - 1
    counts = last - first + 1
    kept = [first, last]
    for extreme in (np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)):
        hits = np.flatnonzero(values == np.repeat(extreme, counts))
        # the earliest hit of each piece
        _, earliest = np.unique(piece[hits], return_index=True)
        kept.append(hits[earliest])
    return np.unique(np.concatenate(kept))


def decimate(times: Int64, values: Float64, start: int, end: int, points: int = POINTS) -> tuple[Int64, int]:
    """Places of the readings between ``start`` and ``end`` that are drawn, and the width [us] of the pieces.

    No more than ``points`` (8 at least). Where there are no more readings than that all are drawn, and the width is 0.
    """
    if len(times) <= points:
        return np.arange(len(times)), 0
    width = piece_width(start, end, points // 4, whole_step(end - start, points // 4))
    return keep(times, values, width), width


def breaks(times: Int64, longest: int) -> Int64:
    """Places of the readings before which a line is broken: nothing came for more than ``longest`` [us]."""
    return np.flatnonzero(np.diff(times) > longest) + 1
