"""Which of the three kinds of server holds the readings."""

from __future__ import annotations

from typing import Literal

from store.connect import Connection
from store.queries import queries

_SQL = queries("tier")

Tier = Literal["community", "apache", "plain"]


def tier(connection: Connection) -> Tier:
    """What ``reading`` is: ``community`` (hypertable with columnstore), ``apache`` (hypertable) or ``plain`` (table).

    The migration chose; a server that gets TimescaleDB later stays ``plain``. Raises psycopg.Error.
    """
    row = connection.execute(_SQL["server"]).fetchone()
    assert row is not None
    if not row[0]:
        return "plain"
    if connection.execute(_SQL["hypertable"]).fetchone() is None:
        return "plain"
    return "community" if row[1] == "timescale" else "apache"
