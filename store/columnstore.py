"""Old chunks into the columnstore (TimescaleDB Community), and what came late into them as well.

A chunk that is converted stays so for its own rows alone: what comes late, and what a correction changes, lies beside
it as ordinary rows, ten times as large, until the chunk is converted again. Then the batches that such rows belong to
are written anew, and no others. Where the old ones have come to take too much room, the whole chunk is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import errors, sql

from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("columnstore")
#: A conversion that meets somebody else's lock gives way: behind it writers of the chunk would wait, and for its last
#: step its readers too. Less than a collector's own patience [ms].
_PATIENCE = 2_000
#: After so long no other chunk is begun; those that are left are the next run's [s].
_TIME = 1_800.0
#: Chunks that somebody held are tried again so long after the others were done [s].
_PAUSE = 5.0
#: How much more than its readings need a chunk that was converted again may take, before it is written as a whole.
_LOOSE = 1.2
#: What a reading takes as a row: 157 on a page of 8 KB [bytes].
_ROW = 8_192 / 157
#: Somebody works on the chunk: nothing of it was converted, and nothing was lost.
_HELD = (errors.LockNotAvailable, errors.SerializationFailure, errors.DeadlockDetected)

Chunk = tuple[str, str]


class Converted(NamedTuple):
    """Chunks that were converted, that were converted again, and that were left for the next run."""

    first: int
    again: int
    left: int


def convert(connection: Connection, before: datetime, seconds: float = _TIME) -> Converted:
    """Convert chunks of readings that end before an instant, one after the other, each in a transaction of its own.

    First those that are rows altogether, then those with rows of their own. A chunk that somebody else writes to, or
    reads where it is rows altogether, is tried again when all others are done, until ``seconds`` are over. Then it is
    left for the next run, and so is what was not begun by then. ``connection`` is in autocommit.
    Raises psycopg.Error; ValueError for a naive instant.
    """
    until = time.monotonic() + seconds
    first: set[Chunk] = set()
    again: set[Chunk] = set()
    left = _round(connection, before, until, first, again, begun=False)
    _tidy(connection, before, until)
    if left:
        while left and (pause := min(_PAUSE, until - time.monotonic())) > 0:
            time.sleep(pause)
            left = _round(connection, before, until, first, again, begun=True)
        _tidy(connection, before, until)
    return Converted(len(first), len(again), left)


def _round(
    connection: Connection, before: datetime, until: float, first: set[Chunk], again: set[Chunk], *, begun: bool
) -> int:
    """Convert what is not among those that were done, and add it to them; how many chunks are left.

    ``begun``: writers were made to wait for it before, and not once more: a chunk must be free at sight.
    """
    known = first | again

    def some(query: bytes, *, readers: bool) -> tuple[set[Chunk], int]:
        """The chunks that were converted, and how many are left."""
        chunks = [chunk for chunk in connection.execute(query, (aware(before),)).fetchall() if chunk not in known]
        done = {
            chunk
            for chunk in chunks
            if time.monotonic() < until
            and not (begun and _held(connection, chunk, readers=readers))
            and _call(connection, _SQL["convert"], chunk, readers=readers)
        }
        return done, len(chunks) - len(done)

    converted, left = some(_SQL["rows"], readers=True)
    first |= converted
    converted, others = some(_SQL["partial"], readers=False)
    again |= converted
    for chunk in sorted(converted):
        if time.monotonic() < until and _loose(connection, chunk):
            _call(connection, _SQL["rewrite"], chunk, readers=True)
    return left + others


def _tidy(connection: Connection, before: datetime, until: float) -> None:
    for chunk in connection.execute(_SQL["emptied"], (aware(before),)).fetchall():
        if time.monotonic() < until:
            _empty(connection, chunk)


def _call(connection: Connection, query: bytes, chunk: Chunk, *, readers: bool) -> bool:
    return _alone(connection, chunk, lambda: connection.execute(query, chunk), readers=readers)


def _alone(connection: Connection, chunk: Chunk, work: Callable[[], Any], *, readers: bool) -> bool:
    """Do something to a chunk to which nobody else writes meanwhile; whether nobody held it.

    Without the lock TimescaleDB moves rows beside writers, and gives up where it meets one in the end: who tells a
    moved row again waits for longer then, and a chunk that is written to all the time is never converted.

    ``readers``: the last step of the work waits for who reads the chunk. Beside a transaction that stays open after it
    read (a dump, an export) all would be done in vain, so it is not begun.
    """
    try:
        with connection.transaction():
            connection.execute(_SQL["patience"], (_PATIENCE,))
            connection.execute(_of(connection, _SQL["hold"], chunk))
            if readers and _held(connection, chunk, readers=True):
                return False
            work()
    except _HELD:
        return False
    return True


def _held(connection: Connection, chunk: Chunk, *, readers: bool) -> bool:
    return connection.execute(_SQL["held"], (*chunk, readers)).fetchone() == (True,)


def _empty(connection: Connection, chunk: Chunk) -> bool:
    """Give back the pages of rows that were moved away; VACUUM alone would keep those of their index."""
    connection.execute(_of(connection, _SQL["vacuum"], chunk))
    return _alone(connection, chunk, lambda: connection.execute(_of(connection, _SQL["reindex"], chunk)), readers=True)


def _loose(connection: Connection, chunk: Chunk) -> bool:
    """Whether a chunk takes more than its readings should, by how small they were made when it was converted first."""
    row = connection.execute(_SQL["size"], chunk).fetchone()
    if row is None or row[1] is None:
        return False
    rows = connection.execute(_of(connection, _SQL["count"], chunk)).fetchone()
    assert rows is not None
    return bool(row[0] > _LOOSE * row[1] * rows[0] * _ROW)


def _of(connection: Connection, statement: bytes, chunk: Chunk) -> bytes:
    """A statement about a chunk, which takes no parameter for a table's name."""
    return statement.replace(b"{chunk}", sql.Identifier(*chunk).as_bytes(connection))
