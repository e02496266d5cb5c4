"""A page of one Datastream reads the chunks that it needs, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from devices.device import Device
from store import registry, series
from store.connect import Connection, connect
from store.copy import copy_readings
from store.sta_entities import narrowed
from store.sta_query import Order, Path, Query
from store.sta_scope import Everything
from store.sta_sql import statement
from store.times import instant
from tests.tools.servers import Cluster

HOUR = 3_600_000_000
START = 1_772_323_200_000_000
#: Ten weeks of hours: as many chunks, and some.
HOURS = 10 * 7 * 24


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[tuple[Connection, int]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        registry.upsert(connection, [Device("air-1", "air-monitor", "native", -0.1, 51.5)])
        (found,) = series.resolve(connection, [("air-1", "no2")])
        hours = np.arange(HOURS)
        copy_readings(connection, np.full(HOURS, found.series, np.int32), START + hours * HOUR, hours.astype(float))
        yield connection, found.series
    timescale.drop(name)


@pytest.mark.parametrize("after", [None, 3, HOURS - 20])
@pytest.mark.parametrize("descending", [None, False, True])
def test_a_page_of_a_datastream_reads_few_chunks(
    filled: tuple[Connection, int], after: int | None, descending: bool | None
) -> None:
    connection, number = filled
    orderby = () if descending is None else (Order(Path(0, ("phenomenonTime",)), descending),)
    behind: list[object] | None = None
    if after is not None:
        time = instant(START + after * HOUR)
        behind = [number, time] if descending is None else [time, None, number]
    made = statement(
        narrowed("1.1", "one"),
        "Observation",
        Query(orderby=orderby),
        scope=Everything(),
        wanted=["result"],
        limit=10,
        after=behind,
    )
    given = {**made.parameters, "only": number, "only_device": "air-1", "only_length": None}
    rows = connection.execute(made.sql, given).fetchall()
    plan = [row[0] for row in connection.execute(b"explain (analyze) " + made.sql, given).fetchall()]
    results = range(HOURS)[:: -1 if descending else 1]
    if after is not None:
        results = results[results.index(after) + 1 :]
    assert [row[made.columns.index("result:0")] for row in rows] == list(results[:10])
    read = [line for line in plan if "_chunk" in line and "never executed" not in line]
    assert 1 <= len(read) <= 2, "\n".join(plan)
