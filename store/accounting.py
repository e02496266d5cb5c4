"""What the collectors counted."""

from __future__ import annotations

from datetime import datetime

from store.batch import COUNT_NAMES, Counts
from store.connect import Connection
from store.queries import queries
from store.times import aware

_SQL = queries("accounting")
_TOTALS = _SQL["totals"].replace(b"{sums}", ", ".join(f"sum({name})::int8" for name in COUNT_NAMES).encode())


def totals(connection: Connection, since: datetime | None = None) -> dict[str, Counts]:
    """Counts by family, over all collectors, from the minute ``since`` on. Raises psycopg.Error, ValueError (naive)."""
    moment = None if since is None else aware(since)
    rows = connection.execute(_TOTALS, (moment, moment)).fetchall()
    return {row[0]: Counts(*row[1:]) for row in rows}


def committed(connection: Connection) -> tuple[int, int]:
    """Two numbers that differ from the last ones after a batch was committed. Raises psycopg.Error."""
    row = connection.execute(_SQL["committed"]).fetchone()
    assert row is not None
    return row[0], row[1]
