"""Where the first readings of a series are looked for: in a few weeks before in all of them.

A statement that may need every chunk locks and opens them all before it leaves any out: some 27 us each (TimescaleDB
2.29.2), which after six years of weeks is more than all else that a page costs. Bounds that stand in its text leave
chunks out while it is planned.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

import psycopg

from store.connect import Connection
from store.queries import queries
from store.tier import tier
from store.times import FIRST, LAST, instant

_SQL = queries("chunks")

_WEEK = 7 * 86_400_000_000
#: With no more chunks than these one look at all of them is the quicker way.
FEW = 24
#: Weeks that are looked through first, and at most: each span is a statement of its own whose plan is kept, and that
#: of a long one costs as much as a look at all chunks.
WEEKS, MOST_WEEKS = 2, 16
#: How long what is known of the chunks serves [s]: a new one comes once a week.
KEPT = 300.0


class Chunks(NamedTuple):
    """How many chunks the readings are in, and from when to when [us since the Unix epoch]; none on a plain server."""

    number: int = 0
    start: int = 0
    end: int = 0


class Span(NamedTuple):
    """From ``start`` (included) to ``end`` (not) [us since the Unix epoch]; None where there is no bound."""

    start: int | None
    end: int | None

    def condition(self) -> bytes:
        """For a "where" over readings ``r``; the same weeks have the same text, whose plan is then kept."""
        bounds = ((b">=", self.start), (b"<", self.end))
        parts = [b"r.time %b '%b'" % (sign, instant(at).isoformat().encode()) for sign, at in bounds if at is not None]
        return b" and ".join(parts) or b"true"


class KnownChunks:
    """The chunks, looked at anew every five minutes."""

    def __init__(self) -> None:
        self._looked = -KEPT
        self._chunks = Chunks()

    def chunks(self, connection: Connection) -> Chunks:
        """What is known of them: no more than before where the look would have to wait. Raises psycopg.Error."""
        now = time.monotonic()
        if now - self._looked >= KEPT:
            self._looked = now
            with suppress(psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
                self._chunks = chunks(connection)
        return self._chunks


def chunks(connection: Connection) -> Chunks:
    """The chunks of the readings. Raises psycopg.Error."""
    if tier(connection) == "plain":
        return Chunks()
    row = connection.execute(_SQL["chunks"]).fetchone()
    assert row is not None
    return Chunks(*row) if row[0] else Chunks()


def near(known: Chunks, first: int, last: int, weeks: int, *, falling: bool) -> Span | None:
    """The weeks in which the first rows from ``first`` to ``last`` (both included) are, or the last ones (``falling``).

    None where that would spare little: look at all of them then.
    """
    if known.number <= FEW or weeks > min(MOST_WEEKS, known.number // 2):
        return None
    begin, stop = max(first, known.start), min(last, known.end - 1)
    # what is older and newer than the chunks that are known is looked through as well: it may have come since
    if falling:
        start = (stop // _WEEK - weeks + 1) * _WEEK
        return _span(start, None if last >= known.end else (stop // _WEEK + 1) * _WEEK) if start > begin else None
    end = (begin // _WEEK + weeks) * _WEEK
    return _span(None if first <= known.start else begin // _WEEK * _WEEK, end) if end <= stop else None


def wider(weeks: int, found: int, wanted: int) -> int:
    """Weeks to look through next, where ``found`` rows were in so many and not the ``wanted``: a power of two times as
    many, so that a few kinds of statement serve all."""
    needed = 2 * weeks
    while needed * found < weeks * wanted:
        needed *= 2
    return needed


def _span(start: int | None, end: int | None) -> Span:
    return Span(start if start is None or start > FIRST else None, end if end is None or end < LAST else None)
