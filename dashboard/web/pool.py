"""One way to open a pool of connections for pages: each statement commits, times are UTC, broken ones are replaced."""

from __future__ import annotations

from psycopg_pool import ConnectionPool

from store.connect import Connection
from store.copy import register

#: How long whoever needs a connection waits for one [s].
_WAIT = 5


def make_pool(database_url: str, name: str, least: int, most: int) -> ConnectionPool[Connection]:
    """A pool of ``least`` to ``most`` connections, not open yet; ``name`` is shown in ``pg_stat_activity``."""
    return ConnectionPool(
        database_url,
        min_size=least,
        max_size=most,
        open=False,
        timeout=_WAIT,
        configure=register,
        check=ConnectionPool.check_connection,
        # jit: compiling a query costs more than ours take
        kwargs={"autocommit": True, "options": "-c TimeZone=UTC -c jit=off", "application_name": name},
    )
