"""One way to open a pool of connections for pages: each statement commits, times are UTC, broken ones are replaced."""

from __future__ import annotations

import select
from collections.abc import Mapping

from psycopg_pool import ConnectionPool

from store.connect import Connection
from store.copy import register

#: How long whoever needs a connection waits for one [s].
_WAIT = 5


def make_pool(
    database_url: str, name: str, least: int, most: int, settings: Mapping[str, str] | None = None
) -> ConnectionPool[Connection]:
    """A pool of ``least`` to ``most`` connections, not open yet; ``name`` is shown in ``pg_stat_activity``.

    ``settings``: further ones of each connection, names and values of PostgreSQL without spaces.
    """
    # jit: compiling a query costs more than ours take
    given = {"TimeZone": "UTC", "jit": "off", **(settings or {})}
    return ConnectionPool(
        database_url,
        min_size=least,
        max_size=most,
        open=False,
        timeout=_WAIT,
        configure=register,
        check=_check,
        kwargs={
            "autocommit": True,
            "options": " ".join(f"-c {key}={value}" for key, value in given.items()),
            "application_name": name,
        },
    )


def _check(connection: Connection) -> None:
    """Raises psycopg.OperationalError where a connection has ended while nobody used it.

    The server says so, or its kernel does: there is something to read where nothing was asked. Only then is it asked,
    for a journey before each answer would cost as much as many answers do.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        ConnectionPool.check_connection(connection)
