"""One way to open a pool of connections for pages: each statement commits, times are UTC, broken ones are replaced."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

from psycopg_pool import ConnectionPool

from store.connect import Connection, patience
from store.copy import register

#: How long whoever needs a connection waits for one [s].
_WAIT = 5
#: A connection that was given out so lately is looked at and not asked [s]: a journey before each answer would cost as
#: much as many answers do.
_LATELY = 5.0


def make_pool(
    database_url: str, name: str, least: int, most: int, settings: Mapping[str, str] | None = None
) -> ConnectionPool[Connection]:
    """A pool of ``least`` to ``most`` connections, not open yet; ``name`` is shown in ``pg_stat_activity``.

    ``settings``: further ones of each connection, names and values of PostgreSQL without spaces.
    """
    # jit: compiling a query costs more than ours take
    used: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def check(connection: Connection) -> None:
        """Raises psycopg.OperationalError where a connection has ended while nobody used it."""
        now = time.monotonic()
        before, used[connection] = used.get(connection, -math.inf), now
        if now - before >= _LATELY or _says_something(connection):
            ConnectionPool.check_connection(connection)

    given = {"TimeZone": "UTC", "jit": "off", **(settings or {})}
    return ConnectionPool(
        database_url,
        min_size=least,
        max_size=most,
        open=False,
        timeout=_WAIT,
        configure=register,
        check=check,
        kwargs={
            **patience(database_url),
            "autocommit": True,
            "options": " ".join(f"-c {key}={value}" for key, value in given.items()),
            "application_name": name,
        },
    )


def _says_something(connection: Connection) -> bool:
    """Whether there is something to read where nothing was asked: the server says that it ends, or its kernel does.

    Of a machine that lost its power nobody says anything: the first that is sent to it finds that out.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    return bool(line.poll(0))
