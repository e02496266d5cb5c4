"""Pages of SensorThings: whole, each entity once, however long they take and whatever happens to the data meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from store.connect import Connection, connect
from store.times import instant
from tests.tools import site
from tests.tools.servers import Cluster, wait_for
from tests.worlds import sensorthings_open as sensorthings
from tests.worlds.sensorthings_open import DAY, HOUR, READINGS, START

V1, V2 = "/sta/v1.1", "/sta/v2.0"
OPEN = 11  # series: three of each monitor, one of each sensor


@pytest.fixture(scope="module")
def filled(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        sensorthings.fill(connection)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(filled: str) -> Iterator[httpx.Client]:
    with site.running(site.options(filled)) as url, site.client(url) as client:
        yield client


@pytest.fixture
def connection(filled: str) -> Iterator[Connection]:
    with connect(filled, autocommit=True) as found:
        yield found


def get(web: httpx.Client, path: str) -> Any:
    answer = web.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


def pages(web: httpx.Client, path: str, mark: str = "@iot.nextLink") -> Iterator[list[Any]]:
    """Each page, following the links as they are."""
    following: str | None = path
    while following is not None:
        page = get(web, following)
        following = page.get(mark)
        assert following is None or following.startswith("http://")
        yield page["value"]


def series_of(connection: Connection, device: str) -> int:
    """The number of a monitor's series of nitrogen dioxide."""
    row = connection.execute("select id from series where (device_id, property) = (%s, 'no2')", (device,)).fetchone()
    assert row is not None
    return int(row[0])


def ids(found: Iterator[list[Any]], name: str = "@iot.id") -> list[Any]:
    return [one[name] for page in found for one in page]


def by_database(connection: Connection, order: str, where: str = "true") -> list[str]:
    """Ids of all open Observations as the tables say it."""
    rows = connection.execute(
        f"select r.series_id || '-' || (extract(epoch from r.time) * 1000000)::int8 from reading r"
        f" join series s on s.id = r.series_id join device d on d.id = s.device_id"
        f" where d.origin = 'real' and {where} order by {order}".encode()
    ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("query", "order", "where"),
    [
        ("", "r.series_id, r.time", "true"),
        ("&$orderby=id desc", "r.series_id desc, r.time desc", "true"),
        ("&$orderby=phenomenonTime", "r.time, r.series_id", "true"),
        ("&$orderby=phenomenonTime desc", "r.time desc, r.series_id desc", "true"),
        ("&$orderby=resultTime", "r.time, r.series_id", "true"),
        ("&$orderby=resultTime desc", "r.time desc, r.series_id desc", "true"),
        ("&$orderby=result,phenomenonTime desc", "r.value, r.time desc, r.series_id desc", "true"),
        ("&$filter=result gt 30", "r.series_id, r.time", "r.value > 30"),
        ("&$filter=result gt 30&$orderby=phenomenonTime desc", "r.time desc, r.series_id desc", "r.value > 30"),
        ("&$filter=Datastream/Thing/id eq 'air-2'", "r.series_id, r.time", "s.device_id = 'air-2'"),
    ],
)
def test_all_observations_in_order_and_each_once(
    web: httpx.Client, connection: Connection, query: str, order: str, where: str
) -> None:
    wanted = by_database(connection, order, where)
    assert ids(pages(web, f"{V1}/Observations?$top=1000000{query}")) == wanted
    for skip in (0, 5, 245, 250, 251, READINGS * 5 + 3, len(wanted) - 3, len(wanted), len(wanted) + 9, 1_000_000):
        first = get(web, f"{V1}/Observations?$top=7&$skip={skip}{query}")
        assert [one["@iot.id"] for one in first["value"]] == wanted[skip : skip + 7], skip
        assert ("@iot.nextLink" in first) == (skip + 7 < len(wanted)), skip
    assert get(web, f"{V1}/Observations?$top=7&$count=true{query}")["@iot.count"] == len(wanted)


@pytest.mark.parametrize("path", ["FeaturesOfInterest('air-1')/Observations", "Datastreams({})/Observations"])
def test_observations_of_a_device_and_of_a_series(web: httpx.Client, connection: Connection, path: str) -> None:
    number = series_of(connection, "air-1")
    where = f"s.id = {number}" if "{}" in path else "s.device_id = 'air-1'"
    for query, order in (
        ("", "r.series_id, r.time"),
        ("&$orderby=phenomenonTime desc", "r.time desc, r.series_id desc"),
        ("&$orderby=result desc", "r.value desc, r.series_id desc, r.time desc"),
    ):
        wanted = by_database(connection, order, where)
        assert ids(pages(web, f"{V1}/{path.format(number)}?$top=240{query}")) == wanted[:240]
        assert ids(pages(web, f"{V1}/{path.format(number)}?$skip=3{query}")) == wanted[3:]


@pytest.mark.parametrize("order", ["", "$orderby=phenomenonTime desc;", "$orderby=resultTime;", "$orderby=result;"])
@pytest.mark.parametrize("of", ["FeaturesOfInterest", "Datastreams"])
def test_what_is_expanded_is_what_its_own_address_has(web: httpx.Client, of: str, order: str) -> None:
    """Of many at once too: the first of each, how many there are, and the pages after."""
    found = get(web, f"{V1}/{of}?$expand=Observations({order}$top=400;$count=true)")["value"]
    assert len(found) == (OPEN if of == "Datastreams" else len(sensorthings.MONITORS + sensorthings.SENSORS))
    for one in found:
        own = get(web, f"{one['@iot.selfLink']}/Observations?$count=true&$top=400&{order.strip(';')}")
        assert one["Observations@iot.count"] == own["@iot.count"]
        assert one["Observations"] == own["value"]
        left = one.get("Observations@iot.nextLink")
        assert left == own.get("@iot.nextLink") or ids(pages(web, left)) == ids(pages(web, own["@iot.nextLink"]))


def test_top_is_counted_down_and_ends(web: httpx.Client) -> None:
    """Clients follow nextLink to its end and never count."""
    for top in (0, 1, 99, 100, 101, 250, 999, 1_001, OPEN * READINGS, OPEN * READINGS + 1):
        found = list(pages(web, f"{V1}/Observations?$top={top}"))
        assert sum(map(len, found)) == min(top, OPEN * READINGS)
    # more than the largest page is asked for: the server's own pages
    assert [len(page) for page in pages(web, f"{V1}/Observations?$top=2000")] == [1_000, 1_000, 0]
    assert [len(page) for page in pages(web, f"{V1}/Things?$top=3")] == [3, 0]
    assert [len(page) for page in pages(web, f"{V1}/Things?$top=5")] == [5]
    assert [len(page) for page in pages(web, f"{V1}/Things")] == [5]
    assert [len(page) for page in pages(web, f"{V2}/Things?$top=3&$skip=1", "@nextLink")] == [3, 0]
    first = get(web, f"{V1}/Observations?$top=1500&$skip=5&$filter=result ge 0")
    assert "$top=500&" in first["@iot.nextLink"]
    assert "$skip=" not in first["@iot.nextLink"]


def test_every_set_is_whole_by_pages_of_one(web: httpx.Client) -> None:
    for version, mark, name in ((V1, "@iot.nextLink", "@iot.id"), (V2, "@nextLink", "id")):
        for of_set in [one["name"] for one in get(web, version)["value"] if one["name"] != "Observations"]:
            at_once = ids(pages(web, f"{version}/{of_set}", mark), name)
            assert len(set(at_once)) == len(at_once) > 0
            one_by_one: list[Any] = []
            following = f"{version}/{of_set}?$top=1"
            while len(one_by_one) < len(at_once):
                page = get(web, following)
                one_by_one += [one[name] for one in page["value"]]
                following = page.get(mark, "").replace("$top=0", "$top=1")
            assert one_by_one == at_once
            assert following == ""


def test_pages_stay_right_while_data_come_and_go(web: httpx.Client, connection: Connection) -> None:
    """What was there all the time comes once; what came or went meanwhile at most once."""
    number = series_of(connection, "air-2")
    own = random.Random(16)
    for order in ("", "&$orderby=phenomenonTime desc", "&$orderby=result"):
        before = set(by_database(connection, "r.time", f"s.id = {number}"))
        seen: list[str] = []
        for page in pages(web, f"{V1}/Datastreams({number})/Observations?$filter=result ge 0{order}"):
            seen += [one["@iot.id"] for one in page]
            for _ in range(20):
                time = START + own.randrange(12 * DAY)
                connection.execute(
                    "insert into reading values (%s, %s, %s) on conflict do nothing", (number, instant(time), 1)
                )
            gone = START + own.randrange(READINGS) * HOUR
            connection.execute(
                "delete from reading where series_id = %s and time between %s and %s",
                (number, instant(gone), instant(gone + 10)),
            )
        after = set(by_database(connection, "r.time", f"s.id = {number}"))
        assert len(seen) == len(set(seen))
        assert before & after <= set(seen)
        assert set(seen) <= before | after
    # nobody noted the days that were written to here, as writers do: what was counted of them meanwhile is not true
    connection.execute("delete from counted_span")


def test_a_corrected_value_does_not_shift_a_page(web: httpx.Client, connection: Connection) -> None:
    number = series_of(connection, "air-3")
    found = pages(web, f"{V1}/Datastreams({number})/Observations?$orderby=result desc&$top=100000")
    seen = [one["@iot.id"] for one in next(found)]
    connection.execute("update reading set value = value + 0.001 where series_id = %s", (number,))
    seen += [one["@iot.id"] for page in found for one in page]
    # each was corrected by less than lies between two values: none is left out; of those at the edge one may come twice
    assert set(seen) == set(by_database(connection, "r.time", f"s.id = {number}"))


def test_a_token_of_another_query_is_refused(web: httpx.Client) -> None:
    link = get(web, f"{V1}/Observations?$orderby=result")["@iot.nextLink"]
    token = link.split("$skiptoken=")[1]
    for wrong in (
        f"Things?$skiptoken={token}",
        f"Observations?$skiptoken={token}",
        "Things?$skiptoken=%00",
        "Things?$skiptoken=e30",
        "Observations?$skiptoken=W251bGwsbnVsbF0",  # [null,null]
        "Observations?$skiptoken=WzEsbnVsbF0&$orderby=id desc",
    ):
        answer = web.get(f"{V1}/{wrong}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), wrong
        assert "nextLink" in answer.json()["detail"]


def test_counts_are_kept_and_exact(web: httpx.Client, connection: Connection) -> None:
    """The first count has the days counted in the background; late readings are counted at once."""
    connection.execute("delete from counted_span")
    wanted = len(by_database(connection, "r.time"))
    bound = "$filter=phenomenonTime ge 2026-03-02T00:00:00Z and phenomenonTime lt 2026-03-08T12:00:00Z"
    within = len(by_database(connection, "r.time", "r.time >= '2026-03-02' and r.time < '2026-03-08 12:00'"))
    assert get(web, f"{V1}/Observations?$count=true&$top=0")["@iot.count"] == wanted
    assert wait_for(lambda: connection.execute("select from counted_span limit 1").fetchone() is not None, 60)
    assert get(web, f"{V1}/Observations?$count=true&$top=0")["@iot.count"] == wanted
    assert get(web, f"{V1}/Observations?$count=true&$top=0&{bound}")["@iot.count"] == within
    number = series_of(connection, "air-1")
    with connection.transaction():
        connection.execute("insert into reading values (%s, '2026-03-03T00:30:00Z', 1)", (number,))
        connection.execute("insert into touched_day (family, day) values ('air-monitor', '2026-03-03')")
    assert get(web, f"{V1}/Observations?$count=true&$top=0&{bound}")["@iot.count"] == within + 1
    expanded = get(web, f"{V1}/Datastreams({number})?$expand=Observations($count=true;$top=1)")
    assert (
        expanded["Observations@iot.count"]
        == get(web, f"{V1}/Datastreams({number})/Observations?$count=true")["@iot.count"]
    )
    assert "@iot.count" not in get(web, f"{V1}/Things?$count=false")
