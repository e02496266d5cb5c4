"""Which of the three kinds of server holds the readings."""

from __future__ import annotations

from typing import Literal

from store.connect import Connection

Tier = Literal["community", "apache", "plain"]


def tier(connection: Connection) -> Tier:
    """What ``reading`` is: ``community`` (hypertable with columnstore), ``apache`` (hypertable) or ``plain`` (table).

    The migration chose; a server that gets TimescaleDB later stays ``plain``. Raises psycopg.Error.
    """
    row = connection.execute(
        "select to_regclass('_timescaledb_catalog.hypertable') is not null,"
        " coalesce(current_setting('timescaledb.license', true), '')"
    ).fetchone()
    assert row is not None
    if not row[0]:
        return "plain"
    hypertable = connection.execute(
        "select 1 from timescaledb_information.hypertables"
        " where hypertable_schema = 'public' and hypertable_name = 'reading'"
    ).fetchone()
    if hypertable is None:
        return "plain"
    return "community" if row[1] == "timescale" else "apache"
