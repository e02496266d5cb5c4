"""What a reading takes on disk: as a row with its index, and in the columnstore where a Community server is given."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import numpy as np

from store import maintain, registry, series
from store.connect import Connection, connect
from store.copy import copy_readings
from tests.benchmarks import loads
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools.servers import Cluster

SERIES, DAYS = 2_000, 28
_HALF_HOUR = 1_800_000_000


def reading_bytes(world: World, table: Table) -> None:
    """Four weeks of half-hours of 2,000 meters, three decimals each; `borough maintain` makes columns of them."""
    with world.database(loads.meters(SERIES)) as url, connect(url) as connection:
        _fill(connection)
        table.add("reading_row", _size(connection), "bytes/reading")
    given = os.environ.get("BOROUGH_TEST_DATABASE_URL")
    if given is None:
        return
    cluster = Cluster("community", given)
    name = cluster.create()
    try:
        with connect(cluster.url(name), autocommit=True) as connection:
            registry.upsert(connection, loads.meters(SERIES))
            _fill(connection)
            maintain.maintain(connection, {}, datetime.now(UTC), 7, 1, 366, 366, 366, 366)
            table.add("reading_column", _size(connection), "bytes/reading")
    finally:
        cluster.drop(name)
        cluster.close()


def _fill(connection: Connection) -> None:
    names = [(device.id, "import_interval") for device in loads.meters(SERIES)]
    ids = np.array([state.series for state in series.resolve(connection, names)], np.int32)
    count = DAYS * 48
    start = int((datetime.now(UTC) - timedelta(days=DAYS + 60)).timestamp()) * 1_000_000
    times = start - start % _HALF_HOUR + np.arange(count, dtype=np.int64) * _HALF_HOUR
    values = np.random.default_rng(1).gamma(1.5, 0.15, count * SERIES).round(3)
    # as they arrive: all meters of a half-hour together
    for part in np.array_split(np.arange(count), DAYS):
        block = values[part[0] * SERIES : (part[-1] + 1) * SERIES]
        copy_readings(connection, np.tile(ids, len(part)), np.repeat(times[part], SERIES), block)
    connection.commit()


def _size(connection: Connection) -> float:
    row = connection.execute(
        "select hypertable_size('public.reading')::float8 / count(*) from public.reading"
    ).fetchone()
    assert row is not None
    return float(row[0])
