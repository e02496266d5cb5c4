"""What the collectors counted."""

from __future__ import annotations

from datetime import datetime

from store.batch import COUNT_NAMES, Counts
from store.connect import Connection
from store.times import aware

_TOTALS = (
    "select family, {} from public.accounting"
    " where %s::timestamptz is null or minute >= %s group by family order by family"
).format(", ".join(f"sum({name})::int8" for name in COUNT_NAMES))


def totals(connection: Connection, since: datetime | None = None) -> dict[str, Counts]:
    """Counts by family, over all collectors, from the minute ``since`` on. Raises psycopg.Error, ValueError (naive)."""
    moment = None if since is None else aware(since)
    rows = connection.execute(_TOTALS.encode(), (moment, moment)).fetchall()
    return {row[0]: Counts(*row[1:]) for row in rows}
