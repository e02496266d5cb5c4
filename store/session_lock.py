"""One collector a session: a PostgreSQL advisory lock on the session's name, held by a connection.

Two collectors with the same client id would take the session from each other for ever; the one without the lock stands
by instead. With a shared subscription the replicas take numbered slots the same way, and each analysis has a name too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from store.queries import queries

_SQL = queries("session_lock")
#: First key of the two-key advisory locks, so that they meet no one else's.
SPACE = 0x424F524F & 0x7FFFFFFF


class Busy(Exception):
    """Another analysis is at work on this database."""


def take(connection: psycopg.Connection[Any], names: Iterable[str]) -> str | None:
    """Take the first session name that nobody holds; None where all are held. Held until the connection ends."""
    for name in names:
        row = connection.execute(_SQL["take"], (SPACE, name)).fetchone()
        if row is not None and row[0]:
            return name
    return None


def give_back(connection: psycopg.Connection[Any], name: str) -> None:
    """Let go of a session name."""
    connection.execute(_SQL["give_back"], (SPACE, name))


@contextmanager
def alone(connection: psycopg.Connection[Any], name: str) -> Iterator[None]:
    """Hold a name over several transactions, which the caller commits; what is not committed at the end is taken back.

    Raises Busy where another holds it.
    """
    if take(connection, [name]) is None:
        connection.rollback()
        raise Busy("another analysis is running on this database")
    connection.commit()
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()
            give_back(connection, name)
            connection.commit()


@contextmanager
def given_back(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Give all locks of this session back at the end, for the server lets go of them some time after the connection
    was closed, and refuses until then who comes next. What is not committed then is, unless there is an error."""
    done = False
    try:
        yield
        done = True
    finally:
        if not connection.closed:
            (connection.commit if done else connection.rollback)()
            connection.execute(_SQL["give_all_back"])
            connection.commit()


def note(connection: psycopg.Connection[Any], name: str, formats: Mapping[str, str]) -> None:
    """Remember that this session exists at the broker, also before its first batch, and what its formats are read with.

    ``formats``: a fingerprint by the name of each format (`ingest.decoder_version.format_marks`).
    """
    connection.execute(_SQL["note"], (name, Jsonb(dict(formats))))


def serving(connection: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """Sessions that are served at this moment, and what their formats are read with, as noted. Raises psycopg.Error."""
    return dict(connection.execute(_SQL["serving"], (SPACE,)).fetchall())


def known(connection: psycopg.Connection[Any], prefix: str) -> list[str]:
    """Session names with this prefix that were ever served."""
    rows = connection.execute(_SQL["known"], (prefix,))
    return [row[0] for row in rows]


def retire(connection: psycopg.Connection[Any], name: str) -> None:
    """Forget a session that was drained and ended."""
    connection.execute(_SQL["retire_messages"], (name,))
    connection.execute(_SQL["retire"], (name,))
