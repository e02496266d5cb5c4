"""How often files may be asked for, as docs/reference/api.md says, and that nobody is kept from leaving by it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from store.connect import connect
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.resident_world import TODAY, told

MONTH = f"half-hours.csv?from={TODAY - timedelta(days=20)}"
WEEK = "comparisons.csv?period=2026-W07"


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(database: str) -> Iterator[str]:
    with site.running(site.options(database, erase=site.erased(), subject=told)) as found:
        yield found


@pytest.mark.parametrize(
    "file", ["days.csv", "days.csv?net=true", "months.csv", "half-hours.csv", "comparisons.csv", "all.json"]
)
def test_files_of_all_days(database: str, url: str, file: str, request: pytest.FixtureRequest) -> None:
    number = 1 + zlib.crc32(request.node.name.encode()) % 1_000_000
    with connect(database, autocommit=True) as connection:
        one = residents.make_resident(connection, number)
        cookie = site.make_session(connection, one.tenancy_id)
    with site.client(url, cookie, address=f"198.51.100.{number % 250}") as web:
        statuses = [web.get(f"/home/data/{file}").status_code for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        # small files go on, and so do withdrawing and leaving
        assert {web.get(f"/home/data/{small}").status_code for small in (MONTH, WEEK)} == {200}
        withdrawing = {"csrf": site.csrf(cookie), "purpose": "comparison", "give": "no"}
        assert web.post("/home/consents", data=withdrawing).status_code == 303
        leaving = web.post("/home/leave", data={"csrf": site.csrf(cookie), "understood": "yes"})
        assert (leaving.status_code, leaving.headers["location"].partition("?")[0]) == (303, "/left")
    with connect(database) as connection:
        looks = connection.execute(
            "select count(*) from personal.access where tenancy_id = %s and action like 'downloaded%%'",
            (one.tenancy_id,),
        ).fetchone()
    assert looks == (12,), "a file that was refused was not downloaded"
