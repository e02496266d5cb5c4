"""Observations by resultTime: the index of readings serves it, whatever lengths of time the readings stand for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dashboard.sensorthings.options import parse
from devices.device import Device
from store import registry, series, sta_observations
from store.connect import Connection, connect, see_one_moment
from store.copy import copy_readings
from store.sta_entities import model, narrowed, parameters
from store.sta_read import Reader
from store.sta_scope import Along, Everything, Related, Scope
from store.sta_sql import statement
from store.sta_token import encode
from tests.tools.servers import Cluster
from tests.worlds.sensorthings_open import HOUR, START

#: A meter's reading stands for its own interval; of months several end at once.
LENGTHS = {"air-0": None, "meter-1": "PT1H", "meter-2": "P1D", "meter-3": "P1M"}
READINGS = 3_000


@pytest.fixture(scope="module")
def connection(timescale: Cluster) -> Iterator[Connection]:
    name = timescale.create()
    with connect(timescale.url(name)) as found:
        devices = [
            Device(
                one,
                "air-monitor" if length is None else "smart-meter",
                "native",
                attributes={} if length is None else {"interval": length},
            )
            for one, length in LENGTHS.items()
        ]
        registry.upsert(found, devices)
        known = series.resolve(
            found, [(one, "no2" if length is None else "import_interval") for one, length in LENGTHS.items()]
        )
        ids = np.array([one.series for one in known], np.int32)
        times = START + np.arange(READINGS, dtype=np.int64) * HOUR
        copy_readings(found, np.repeat(ids, READINGS), np.tile(times, len(ids)), np.zeros(len(ids) * READINGS))
        found.commit()
        found.autocommit = True
        found.execute("analyze reading")
        yield found
    timescale.drop(name)


def pages(connection: Connection, order: str, scope: Scope, size: int = 701) -> list[tuple[int, int]]:
    """Series and hour of all rows, page after page, each from where the one before ended."""
    found: list[tuple[int, int]] = []
    items = [("$orderby", order)]
    while True:
        with connection.transaction():
            see_one_moment(connection)
            reader = Reader(connection, parameters("real", ""), 60)
            query = parse(model("1.1"), "Observation", items)
            made = sta_observations.rows(reader, "1.1", query, scope, (), size)
        assert made is not None
        rows, orders = made
        found += [(row[0], (round(row[1].timestamp() * 1e6) - START) // HOUR) for row in rows]
        if len(rows) < size:
            return found
        items = [("$orderby", order), ("$skiptoken", encode(rows[-1][-orders:]))]


def numbers(connection: Connection) -> list[int]:
    return [row[0] for row in connection.execute("select id from series order by id").fetchall()]


@pytest.mark.parametrize("way", ["asc", "desc"])
def test_all_pages_are_in_order_and_each_reading_comes_once(connection: Connection, way: str) -> None:
    known = numbers(connection)
    scopes: list[tuple[Scope, list[int]]] = [(Everything(), known)]
    scopes += [(Along("Datastream", (one,), ("Observations",)), [one]) for one in known]
    for scope, of in scopes:
        wanted = connection.execute(
            f"select r.series_id, (extract(epoch from r.time) * 1000000)::int8 from reading r"
            f" join series s on s.id = r.series_id join device d on d.id = s.device_id where s.id = any(%s)"
            f" order by r.time + coalesce((d.attributes ->> 'interval')::interval, '0') {way}, s.id {way},"
            f" r.time {way}".encode(),
            (of,),
        ).fetchall()
        found = pages(connection, f"resultTime {way}", scope)
        assert found == [(series_, (time - START) // HOUR) for series_, time in wanted]


@pytest.mark.parametrize("order", ["resultTime", "resultTime desc", "resultTime desc,phenomenonTime desc"])
def test_the_index_gives_the_order(connection: Connection, order: str) -> None:
    """Of each series no more is read than a page: nothing is sorted but what begins at the same time."""
    query = parse(model("1.1"), "Observation", [("$orderby", order)])
    scope = Related("Datastream", "Observations", [(one,) for one in numbers(connection)])
    made = statement(
        narrowed("1.1", "each"),
        "Observation",
        query,
        scope=scope,
        wanted=(),
        limit=10,
        lead=sta_observations.lead(query),
    )
    plan = connection.execute(b"explain " + made.sql, {**parameters("real", ""), **made.parameters}).fetchall()
    assert any("Presorted Key: r" in row[0] for row in plan), plan


def test_the_order_is_left_alone_where_the_time_says_another() -> None:
    for order in ("resultTime,phenomenonTime desc", "resultTime,result", "result,resultTime", "id"):
        assert sta_observations.lead(parse(model("1.1"), "Observation", [("$orderby", order)])) is None
