"""Which days of which homes a run computes, from the notes of what was written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store import touched
from store.connect import Connection
from store.touched import Notes

Int64 = NDArray[np.int64]

#: Days that are computed together at most.
_WIDEST = 31


class Part(NamedTuple):
    """Days (UTC) from ``start`` to ``end`` (not included) [days since 1970-01-01] that are computed together.

    ``homes``: of these homes, rising; None: of all. ``ids``: the notes that are done with it.
    """

    start: int
    end: int
    homes: Int64 | None
    ids: Int64


def parts(connection: Connection, notes: Notes, everybody: int, cells: int) -> list[Part]:
    """What is to be computed for some notes, the earliest days first. Raises psycopg.Error.

    A part is of about ``cells`` days of homes at most, a day at least. A day of which any note means everybody is
    computed for all homes, of which there are ``everybody``; of the others, days one after another are computed for all
    homes that any of them names.
    """
    anybody = np.array([series is None for series in notes.series], np.bool_)
    whole = np.unique(notes.days[anybody])
    done = np.isin(notes.days, whole)
    found = [
        Part(start, end, None, notes.ids[done & (notes.days >= start) & (notes.days < end)])
        for start, end in _runs(whole, _width(everybody, cells))
    ]
    named = np.flatnonzero(~done)
    counts = [len(notes.series[place] or ()) for place in named.tolist()]
    series = np.array([number for place in named.tolist() for number in notes.series[place] or ()], np.int64)
    day = np.repeat(notes.days[named], counts)
    known, home = _homes(connection, series)

    def homes(start: int, end: int) -> Int64:
        return np.unique(home[np.isin(known, series[(day >= start) & (day < end)])])

    for first, last in _runs(np.unique(notes.days[named]), _WIDEST):
        width = _width(len(homes(first, last)), cells)
        for start in range(first, last, width):
            end = min(start + width, last)
            inside = named[(notes.days[named] >= start) & (notes.days[named] < end)]
            found.append(Part(start, end, homes(start, end), notes.ids[inside]))
    return sorted(found, key=lambda part: part.start)


def _width(homes: int, cells: int) -> int:
    """How many days of some homes are computed together."""
    return max(1, min(_WIDEST, cells // max(1, homes)))


def _homes(connection: Connection, series: Int64) -> tuple[Int64, Int64]:
    return touched.homes_of(connection, np.unique(series).astype(np.int32))


def _runs(days: Int64, width: int) -> Iterator[tuple[int, int]]:
    """Runs of days one after another, at most ``width`` long: first and last (not included)."""
    start = end = None
    for day in days.tolist():
        if start is not None and end is not None and (day != end or end - start >= width):
            yield start, end
            start = None
        start = day if start is None else start
        end = day + 1
    if start is not None and end is not None:
        yield start, end
