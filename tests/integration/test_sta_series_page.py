"""Pages of one Datastream's Observations by the short way: byte for byte what the long way says, whatever is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import numpy as np
import orjson
import pytest

from dashboard.sensorthings import addresses, series_page
from dashboard.sensorthings.answers import Answer, Asked, answer
from dashboard.sensorthings.collections import Collections
from dashboard.sensorthings.options import parse
from devices.device import Device
from store import chunks, registry, series, sta_series
from store.chunks import Chunks, KnownChunks
from store.connect import Connection, connect
from store.copy import copy_readings
from store.sta_entities import VERSIONS, Version, model, parameters
from store.sta_query import QueryRefused
from store.sta_read import TooCostly, one_state
from store.tier import tier
from store.times import instant
from tests.tools import site
from tests.tools.held import held_chunk
from tests.tools.servers import Cluster

ROOT = "https://council.example/sta/v"
START, MINUTE = 1_772_323_200_000_000, 60_000_000
DAY = 1_440 * MINUTE
#: Instants and values as odd as the tables can hold them; between them those of ten weeks.
TIMES = [
    -62_135_596_800_000_000, -62_135_596_799_999_999, -1, 0, 1,
    *(START + n * 53 * MINUTE + n % 7 for n in range(1_900)),
    253_402_300_799_000_000, 253_402_300_799_999_999,
]  # fmt: skip
ODD = [0.0, -0.0, 1.0, 0.1, -17.25, 1e300, 5e-324, 2.0**53, 2.0**53 - 1, 1e16, math.nan, math.inf, -math.inf, 1 / 3]
VALUES = [ODD[n % len(ODD)] for n in range(len(TIMES))]

QUERIES = [
    "",
    "$top=7",
    "$top=100&$skip=1895",
    "$skip=5000",
    "$top=1200",
    "$top=250&$count=false",
    "$orderby=phenomenonTime",
    "$orderby=phenomenonTime%20desc&$top=333",
    "$orderby=phenomenonTime%20asc&$top=333&$skip=2",
    "$orderby=%40iot.id%20desc",
    "$orderby=id&$top=90",
    "$select=result",
    "$select=id,phenomenonTime&$orderby=phenomenonTime%20desc",
    "$select=Datastream&$top=3",
    "$filter=phenomenonTime%20ge%202026-03-02T00:00:00Z",
    "$filter=phenomenonTime%20gt%202026-03-02T00:00:00Z%20and%20resultTime%20lt%202026-03-09T00:00:00.000001Z",
    "$filter=phenomenonTime%20le%202026-03-02T00:00:00Z&$orderby=phenomenonTime%20desc&$skip=1",
    "$filter=phenomenonTime%20eq%201970-01-01T00:00:00Z",
    "$filter=2026-03-02T00:00:00Z%20gt%20phenomenonTime&$orderby=id%20desc",
    "$filter=phenomenonTime%20gt%209999-12-31T23:59:59.999999Z",
    "$filter=phenomenonTime%20lt%200001-01-01T00:00:00Z",
    "$filter=phenomenonTime%20gt%202027-01-01T00:00:00Z%20and%20phenomenonTime%20lt%202026-01-01T00:00:00Z",
    "plain=1&$top=2",
]
#: What the long way is for.
LONG = [
    "$count=true",
    "$top=0",
    "$filter=result%20gt%205",
    "$filter=phenomenonTime%20ge%202026-03-02T00:00:00Z%20or%20result%20gt%205",
    "$orderby=result",
    "$orderby=phenomenonTime,id",
    "$orderby=resultTime",
    "$expand=Datastream",
    "$resultFormat=dataArray",
    "$skiptoken=WzEsbnVsbF0",
]


class World:
    """A database with an odd series; a connection for each of both ways."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.long = connect(url, autocommit=True)
        self.short = connect(f"{url}?options=-c%20plan_cache_mode%3Dforce_generic_plan", autocommit=True)
        devices = [
            Device("air-1", "air-monitor", "native", -0.1, 51.5),
            Device("meter-1", "smart-meter", "native"),
            Device("made-1", "air-monitor", "native", origin="simulated"),
        ]
        registry.upsert(self.long, [*devices, Device("home-1", "air-monitor", "native", personal=True)])
        names = [("air-1", "no2"), ("meter-1", "import_interval"), ("made-1", "no2"), ("home-1", "no2")]
        found = [one.series for one in series.resolve(self.long, names)]
        self.odd, self.interval, self.simulated, self.personal = found
        # no family has an open property of the kind interval yet
        self.long.execute("update personal.series set personal = false where id = %s", [self.interval])
        times, values = np.array(TIMES), np.array(VALUES)
        for number in sorted(found):
            copy_readings(self.long, np.full(len(times), number, np.int32), times, values)

    def close(self) -> None:
        self.long.close()
        self.short.close()


@pytest.fixture(scope="module", params=["timescale", "plain_postgres"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    cluster: Cluster = request.getfixturevalue(request.param)
    name = cluster.create()
    found = World(cluster.url(name))
    yield found
    found.close()
    cluster.drop(name)


def asked(version: Version, number: int, text: str, metadata: str = "full") -> Asked:
    path = f"Datastreams({number})/Observations"
    items = parse_qsl(text, keep_blank_values=True)
    query = parse(model(version), "Observation", items)
    resource = addresses.read(model(version), path)
    return Asked(resource, query, f"{ROOT}{version}/{path}", items, metadata)


def by_short(world: World, version: Version, question: Asked, known: Chunks = sta_series.NO_CHUNKS) -> Answer:
    page = series_page.page(question)
    assert page is not None, question.items
    found = sta_series.read(world.short, "real", page.read, known)
    assert found is not None
    assert not found.interval
    return series_page.written(question, page, f"{ROOT}{version}", version, found)


def by_long(world: World, version: Version, question: Asked) -> Answer:
    root = f"{ROOT}{version}"
    with one_state(world.long, parameters("real", root), 60.0) as reader:
        annotations = question.metadata == "full"
        made = Collections(model(version), root, reader, "real", 0, lambda: None, annotations=annotations)
        return answer(question, made)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("version", VERSIONS)
def test_both_ways_say_the_same_on_all_pages(
    world: World, version: Version, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "FEW", 1)
    known = chunks.chunks(world.short)
    assert (known.number > 12) == (tier(world.long) != "plain")
    following: str | None = query
    rows = 0
    while following is not None:
        if version == "2.0":
            for metadata in ("minimal", "none"):
                question = asked(version, world.odd, following, metadata)
                assert by_short(world, version, question) == by_long(world, version, question)
        question = asked(version, world.odd, following)
        short = by_short(world, version, question)
        assert short == by_long(world, version, question)
        assert short == by_short(world, version, question, known)
        page = orjson.loads(short.body)
        rows += len(page["value"])
        link = page.get("@iot.nextLink", page.get("@nextLink"))
        following = None if link is None else urlsplit(link).query
        if following is not None and ("$top", "0") in parse_qsl(following):
            assert series_page.page(asked(version, world.odd, following)) is None
            break
    plain = not any(word in query for word in ("$top", "$skip", "$filter"))
    assert rows == len(TIMES) or not plain


@pytest.mark.parametrize("query", LONG)
def test_what_it_is_not_for_goes_the_long_way(world: World, query: str) -> None:
    assert series_page.page(asked("1.1", world.odd, query)) is None


@pytest.mark.parametrize("path", ["Datastreams(1)", "Observations", "Datastreams(1)/Observations('1-0')",
                                  "Datastreams(1)/Observations/$ref", "Datastreams('1')/Observations",
                                  "Datastreams(0)/Observations", "Datastreams(2147483648)/Observations",
                                  "Things('1')/Datastreams(1)/Observations", "Datastreams(1)/Thing"])  # fmt: skip
def test_other_addresses_go_the_long_way(path: str) -> None:
    made = model("1.1")
    resource = addresses.read(made, path)
    question = Asked(resource, parse(made, "Observation", []), "", [])
    assert series_page.page(question) is None


@pytest.mark.parametrize("token", ["e30", "!", "WzEsMl0", "WzEsMTAwMDAwMDAwMDAwMDAwMDAwMDBd"])
def test_a_token_of_another_order_is_refused(world: World, token: str) -> None:
    with pytest.raises(QueryRefused, match="take nextLink as it came"):
        series_page.page(asked("1.1", world.odd, f"$orderby=phenomenonTime&$skiptoken={token}"))


def test_only_what_is_open_and_of_the_origin_is_read(world: World) -> None:
    for number in (world.personal, world.simulated, 2_000_000_000):
        page = series_page.page(asked("1.1", number, ""))
        assert page is not None
        assert sta_series.read(world.short, "real", page.read) is None
    page = series_page.page(asked("1.1", world.interval, ""))
    assert page is not None
    found = sta_series.read(world.short, "real", page.read)
    assert found is not None
    assert found.interval, "it stands for half an hour, which the short way does not say"


def test_what_takes_too_long_is_given_up(world: World) -> None:
    world.short.execute("set statement_timeout = '300ms'")
    page = series_page.page(asked("1.1", world.odd, ""))
    assert page is not None
    with world.long.transaction():
        world.long.execute("lock table reading in access exclusive mode")
        with pytest.raises(TooCostly):
            sta_series.read(world.short, "real", page.read)
    world.short.execute("reset statement_timeout")
    assert sta_series.read(world.short, "real", page.read) is not None


def test_a_plan_that_was_made_sees_chunks_that_came_and_went_since(world: World) -> None:
    """A plan is made once a connection; the chunk of a week comes with its first reading, and is dropped in the end."""
    (number,) = [one.series for one in series.resolve(world.long, [("air-1", "pm10")])]
    page = series_page.page(asked("1.1", number, "$orderby=phenomenonTime%20desc&$top=3"))
    assert page is not None
    for week in range(12):
        # later than all that is there but the last instants of all
        time = START + (500 + week) * 7 * DAY
        copy_readings(world.long, np.array([number], np.int32), np.array([time]), np.array([float(week)]))
        found = sta_series.read(world.short, "real", page.read)
        assert found is not None
        assert found.values.tolist() == [float(one) for one in range(week, max(-1, week - 4), -1)]
    world.long.execute("delete from reading where series_id = %s", [number])
    if tier(world.long) != "plain":
        world.long.execute(
            "select drop_chunks('public.reading', older_than => %s::timestamptz, newer_than => %s::timestamptz)",
            [instant(START + 520 * 7 * DAY), instant(START + 490 * 7 * DAY)],
        )
    found = sta_series.read(world.short, "real", page.read)
    assert found is not None
    assert len(found.times) == 0


def test_where_chunks_are_many_those_of_the_page_are_asked_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a chunk that somebody holds, of another time, does not matter."""
    if tier(world.long) == "plain":
        pytest.skip("without TimescaleDB there are no chunks")
    monkeypatch.setattr(chunks, "FEW", 1)
    known = chunks.chunks(world.short)
    page = series_page.page(asked("1.1", world.odd, "$filter=phenomenonTime%20ge%202026-04-01T00:00:00Z&$top=9"))
    assert page is not None
    with held_chunk(world.url, since="2026-03-01"):
        world.short.execute("set lock_timeout = '200ms'")
        with pytest.raises(sta_series.Held):
            sta_series.read(world.short, "real", page.read)
        found = sta_series.read(world.short, "real", page.read, known)
        world.short.execute("reset lock_timeout")
        assert found is not None
        assert len(found.times) == 10


def test_what_is_known_of_chunks_stays_where_a_look_would_have_to_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownChunks()
    before = known.chunks(world.short)
    if tier(world.long) == "plain":
        assert before == Chunks()
        return
    assert before.number > 12
    assert KnownChunks().chunks(world.short) == before
    monkeypatch.setattr(chunks, "KEPT", 0.0)
    with connect(world.url, autocommit=True) as other, other.transaction():
        other.execute("lock table _timescaledb_catalog.chunk in access exclusive mode")
        world.short.execute("set lock_timeout = '200ms'")
        assert known.chunks(world.short) == before
        assert KnownChunks().chunks(world.short) == Chunks()
    world.short.execute("reset lock_timeout")
    assert known.chunks(world.short) == before


def test_the_site_answers_both_ways_alike(world: World) -> None:
    """Over HTTP: intervals, bounds on them and counts go the long way; what is not there is 404 either way."""
    with site.running(site.options(world.url)) as url, site.client(url) as web:
        _look(web, world)


def _look(web: httpx.Client, world: World) -> None:
    def get(path: str, status: int = 200) -> Any:
        answered = web.get(f"/sta/v1.1/{path}")
        assert answered.status_code == status, answered.text
        return answered

    odd = f"Datastreams({world.odd})/Observations"
    short, long = get(f"{odd}?$top=2"), get(f"{odd}?$top=2&$count=true").json()
    assert short.json()["value"] == long["value"]
    again = web.get(f"/sta/v1.1/{odd}?$top=2", headers={"If-None-Match": short.headers["ETag"]})
    assert again.status_code == 304
    interval = get(f"Datastreams({world.interval})/Observations?$top=1").json()["value"][0]
    assert interval["phenomenonTime"] == "0001-01-01T00:00:00Z/0001-01-01T00:30:00Z"
    for number in (world.personal, world.simulated, 2_000_000_000, 99_999_999_999):
        assert "There is no" in get(f"Datastreams({number})/Observations", 404).json()["detail"]
    detail = get(f"{odd}?$skiptoken=e30", 400).json()["detail"]
    assert "take nextLink as it came" in detail


def test_a_site_knows_the_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Chunks] = []
    read = sta_series.read

    def looked(
        connection: Connection, origin: str, question: sta_series.Asked, known: Chunks
    ) -> sta_series.Found | None:
        asked.append(known)
        return read(connection, origin, question, known)

    monkeypatch.setattr(sta_series, "read", looked)
    with site.running(site.options(world.url)) as url, site.client(url) as web:
        assert web.get(f"/sta/v1.1/Datastreams({world.odd})/Observations").status_code == 200
    assert asked == [chunks.chunks(world.short)]


def test_a_connection_that_has_ended_is_replaced(world: World) -> None:
    """The next answer after the database was restarted is an answer, though no connection is asked before it."""
    with site.running(site.options(world.url)) as url, site.client(url) as web:
        path = f"/sta/v1.1/Datastreams({world.odd})/Observations"
        for _ in range(3):
            assert web.get(path).status_code == 200
            ended = _end(world.long)
            assert ended >= 1
            while _end(world.long):
                pass
        assert web.get(path).status_code == 200


def test_a_chunk_that_somebody_holds_does_not_hold_up_others(world: World) -> None:
    """A plan that is made once locks all chunks before it leaves any out: it gives way, and the long way is taken."""
    if tier(world.long) == "plain":
        pytest.skip("without TimescaleDB there are no chunks")
    query = "$filter=phenomenonTime%20ge%202026-05-01T00:00:00Z"
    with site.running(site.options(world.url)) as url, site.client(url) as web:
        path = f"/sta/v1.1/Datastreams({world.odd})/Observations?{query}"
        before = web.get(path)
        assert before.status_code == 200
        with held_chunk(world.url, 2):
            assert web.get(path).content == before.content


def _end(connection: Connection) -> int:
    rows = connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'borough dashboard observations' and datname = current_database()"
    ).fetchall()
    return len(rows)


def test_one_reader_has_one_connection_of_the_short_way(world: World) -> None:
    with site.running(site.options(world.url)) as url, site.client(url) as web:
        web.get(f"/sta/v1.1/Datastreams({world.odd})/Observations")
        row = world.long.execute(
            "select count(*) from pg_stat_activity where application_name = 'borough dashboard observations'"
            " and datname = current_database()"
        ).fetchone()
    assert row == (1,)
