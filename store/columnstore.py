"""Old chunks into the columnstore (TimescaleDB Community), and what came late into them as well.

A chunk that is converted stays so for its own rows alone: what comes late, and what a correction changes, lies beside
it as ordinary rows, ten times as large, until the chunk is converted again. Then the batches that such rows belong to
are written anew, and no others.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

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
#: Somebody wrote to the chunk meanwhile: nothing of it was converted, and nothing was lost.
_MEANWHILE = (errors.LockNotAvailable, errors.SerializationFailure, errors.DeadlockDetected)


class Converted(NamedTuple):
    """Chunks that were converted, that were converted again, and that were left for the next run."""

    first: int
    again: int
    left: int


def convert(connection: Connection, before: datetime, seconds: float = _TIME) -> Converted:
    """Convert chunks of readings that end before an instant, chunk by chunk, each in a transaction of its own.

    First those that are rows altogether, then those with rows of their own, of which VACUUM gives the space back. A
    chunk that somebody else holds is left for the next run, and so is what is not begun after ``seconds``.
    ``connection`` is in autocommit.
    Raises psycopg.Error; ValueError for a naive instant.
    """
    until = time.monotonic() + seconds
    first = again = left = 0
    for (chunk,) in connection.execute(_SQL["rows"], (aware(before),)).fetchall():
        if time.monotonic() < until and _one(connection, chunk):
            first += 1
        else:
            left += 1
    for (chunk,) in connection.execute(_SQL["partial"], (before,)).fetchall():
        if time.monotonic() < until and _one(connection, chunk) and not _partial(connection, chunk):
            again += 1
        else:
            left += 1
    for name in connection.execute(_SQL["emptied"], (before,)).fetchall():
        if time.monotonic() < until:
            connection.execute(sql.SQL("vacuum (skip_locked) {}").format(sql.Identifier(*name)))
    return Converted(first, again, left)


def _one(connection: Connection, chunk: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(_SQL["patience"], (_PATIENCE,))
            connection.execute(_SQL["convert"], (chunk,))
    except _MEANWHILE:
        return False
    return True


def _partial(connection: Connection, chunk: str) -> bool:
    """Whether it has rows of its own: left by a conversion that met writers, or come since."""
    row = connection.execute(_SQL["is_partial"], (chunk,)).fetchone()
    assert row is not None
    return bool(row[0])
