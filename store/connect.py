"""One way to open a connection: UTC, keepalives, time limits."""

from __future__ import annotations

import os
import socket
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from store.copy import register
from store.queries import queries

Connection = psycopg.Connection[tuple[Any, ...]]

_SQL = queries("connect")

#: What a URL that says nothing else gets: a dead peer is noticed in half a minute instead of hours.
_DEFAULTS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}


def connect(
    url: str,
    name: str = "borough",
    *,
    autocommit: bool = False,
    statement_timeout: float = 0,
    lock_timeout: float = 0,
) -> Connection:
    """Open a connection that speaks UTC.

    ``url`` is a libpq URL or connection string; what it says wins over the defaults here. ``name`` is shown in
    ``pg_stat_activity``. ``statement_timeout`` and ``lock_timeout`` [s], 0 is none. Raises psycopg.Error.
    """
    defaults: dict[str, Any] = patience(url)
    defaults.setdefault("application_name", conninfo_to_dict(url).get("application_name", name))
    connection = psycopg.connect(url, autocommit=True, **defaults)
    try:
        register(connection)
        connection.execute(_SQL["session"], (f"{round(statement_timeout * 1000)}ms", f"{round(lock_timeout * 1000)}ms"))
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


def patience(url: str) -> dict[str, Any]:
    """How long a connection waits for a peer that says nothing: libpq's words, those that ``url`` says left out."""
    given = conninfo_to_dict(url)
    return {key: value for key, value in _DEFAULTS.items() if key not in given}


def see_one_moment(connection: psycopg.Connection[Any]) -> None:
    """All that the transaction which begins now reads is of one moment. Its first statement; raises psycopg.Error."""
    connection.execute("set transaction isolation level repeatable read")


def abort(connection: Connection) -> None:
    """Shut a connection's socket down, from any thread: what waits for its answer gets psycopg.OperationalError."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.OperationalError):  # it was closed meanwhile, which is what we want
        return
