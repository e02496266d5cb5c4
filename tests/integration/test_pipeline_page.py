"""The pipeline page over a real database: what it says, in which files, to whom, and what it tells of itself live."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from dashboard.web.values import MOST
from store.connect import Connection, connect
from store.flow import HOUR, MINUTE
from tests.tools import site
from tests.tools.listening import Listener
from tests.tools.servers import Cluster, wait_for
from tests.worlds import pipeline

PATHS = (
    "/engineer", "/engineer/silent", "/engineer/silent.csv", "/engineer/pipeline/account.csv",
    "/engineer/pipeline/figures.csv", "/engineer/pipeline/rejections.csv", "/engineer/pipeline/events",
)  # fmt: skip
ACCOUNT = (
    "insert into public.accounting (minute, collector, family, messages_received, messages_decoded, messages_rejected)"
    " values (date_trunc('minute', now()), 'c', %(family)s, %(received)s, %(decoded)s, %(received)s - %(decoded)s)"
    " on conflict (minute, collector, family) do update set messages_received = excluded.messages_received,"
    " messages_decoded = excluded.messages_decoded, messages_rejected = excluded.messages_rejected"
)


@pytest.fixture(scope="module")
def served(timescale: Cluster) -> Iterator[tuple[str, Connection]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        pipeline.fill(connection, datetime.now(UTC), timedelta(hours=26), collectors=2)
        with site.running(site.options(timescale.url(name))) as url:
            yield url, connection
    timescale.drop(name)


@pytest.fixture(scope="module")
def web(served: tuple[str, Connection]) -> Iterator[httpx.Client]:
    url, connection = served
    with site.client(url, site.make_session(connection, None, ["engineer"])) as found:
        yield found


def table(web: httpx.Client, path: str) -> list[dict[str, str]]:
    answer = web.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


# -- to whom ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_only_engineers_come_in(served: tuple[str, Connection], path: str) -> None:
    url, connection = served
    with site.client(url) as nobody:
        assert nobody.get(path).status_code == 303
    for role in ("parking-ops", "data-protection", "programme", "assist", "carer"):
        with site.client(url, site.make_session(connection, None, [role])) as other:
            assert other.get(path).status_code == 403, role


def test_a_demo_opens_it_to_engineers_alone(served: tuple[str, Connection]) -> None:
    _, connection = served
    with (
        site.running(
            site.options(str(connection.info.dsn) + f" password={connection.info.password}", demo=True)
        ) as url,
        site.client(url) as nobody,
    ):
        assert nobody.get("/engineer").status_code == 303


# -- what it says ----------------------------------------------------------------------------------------------------


def test_a_page_is_not_older_than_a_second(web: httpx.Client) -> None:
    def made() -> list[str]:
        return re.findall(r'As of <time datetime="([^"]+)"', web.get("/engineer").text)

    first = made()
    assert len(first) == 1
    assert wait_for(lambda: made() != first, 10, 0.2)


def test_the_tabs_lead_to_all_pages_of_engineers(web: httpx.Client) -> None:
    for page in ("", "/rejected", "/jobs", "/completeness", "/series", "/alarms", "/outbox"):
        tabs = web.get(f"/engineer{page}").text.partition('aria-label="Engineers"')[2].partition("</nav>")[0]
        assert len(re.findall("<li>", tabs)) == 7
        assert re.findall(r'href="/engineer([/\w]*)" aria-current="page"', tabs) == [page]


@pytest.mark.parametrize("span", ["1h", "6h", "24h", "7d", "30d"])
def test_every_span_says_the_sums_of_its_files(web: httpx.Client, span: str) -> None:
    page = web.get(f"/engineer?span={span}").text
    rows = table(web, f"/engineer/pipeline/account.csv?span={span}")
    received = sum(int(row["messages_received"]) for row in rows)
    stored = sum(int(row["readings_stored"]) for row in rows)
    words = re.search(r"([\d,]+) messages in [^:]*: ([\d,]+) readings stored, ([\d,]+) rejected", page)
    assert words is not None
    said = [int(word.replace(",", "")) for word in words.groups()]
    assert said[:2] == pytest.approx([received, stored], abs=1000)  # a minute may have begun between the two
    assert {row["adds_up"] for row in rows} == {"yes"}
    assert "It adds up in every" in page
    assert page.count("<h1>") == 1
    begins = sorted({row["from"] for row in rows})
    step = HOUR if span in ("7d", "30d") else MINUTE
    assert all(datetime.fromisoformat(one).timestamp() % step.total_seconds() == 0 for one in begins)
    reasons = table(web, f"/engineer/pipeline/rejections.csv?span={span}")
    assert {row["reason"] for row in reasons} == {"unreadable", "unknown_device", "out_of_range"}
    figures = table(web, f"/engineer/pipeline/figures.csv?span={span}")
    # of a week the running hour may be the only one without a lag yet
    assert sum(bool(row["lag_p50"]) for row in figures) >= len(figures) - 2 > 0
    assert all(float(row["database_seconds"]) < float(row["write_seconds"]) for row in figures if row["batches"])


def test_an_old_hour_by_minute(web: httpx.Client) -> None:
    to = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 20 * HOUR
    page = web.get(f"/engineer?span=1h&to={to:%Y-%m-%dT%H:%M}&family=car-park").text
    rows = table(web, f"/engineer/pipeline/account.csv?span=1h&to={to:%Y-%m-%dT%H:%M}&family=car-park")
    assert {row["family"] for row in rows} == {"car-park"}
    assert min(row["from"] for row in rows) >= (to - HOUR).isoformat(timespec="minutes")
    assert max(row["from"] for row in rows) < to.isoformat(timespec="minutes")
    assert f"{sum(int(row['messages_received']) for row in rows):,} messages of car parks in 1 hour" in page
    # what is not of now does not change by itself; how it stands now does
    shown = page[page.index('id="time"') :]
    assert "data-live" not in shown
    assert page.count('data-live="now.') > 10
    assert ">Later<" in shown
    assert ">Earlier<" in shown


def test_from_an_hour_to_its_minutes(web: httpx.Client) -> None:
    page = web.get("/engineer?span=7d").text
    link = re.search(r'href="(/engineer\?span=1h&amp;to=[^"#]+)', page)
    assert link is not None
    assert "by minute" in web.get(link[1].replace("&amp;", "&")).text


def test_a_minute_that_does_not_add_up_is_said(web: httpx.Client, served: tuple[str, Connection]) -> None:
    _, connection = served
    connection.execute(
        "update public.accounting set messages_decoded = messages_decoded + 1 where (minute, collector, family) in"
        " (select minute, collector, family from public.accounting where minute < now() - interval '3 minutes'"
        " order by minute desc limit 1)"
    )
    assert "In 1 minute it does not add up." in web.get("/engineer").text
    assert [row["adds_up"] for row in table(web, "/engineer/pipeline/account.csv")].count("no") == 1
    connection.execute(
        "update public.accounting set messages_decoded = messages_received - messages_ignored - messages_rejected"
    )


def test_silent_devices_of_households_are_counted_and_never_named(web: httpx.Client) -> None:
    page = web.get("/engineer/silent").text
    assert "air-monitor-3" in page
    assert "air-monitor-10" in page
    assert "air-monitor-11<" not in page
    assert not re.search(r"(smart-meter|movement-sensor)-\d", page)
    assert "6 silent devices of households" in page
    rows = table(web, "/engineer/silent.csv")
    assert [row["device"] for row in rows if not row["heard"]] == ["air-monitor-3", "car-park-3", "parking-bay-3"]
    assert len(rows) == 9
    one = web.get("/engineer/silent?family=smart-meter").text
    assert "3 silent devices of households" in one
    assert "smart-meter-" not in one
    assert table(web, "/engineer/silent.csv?family=car-park")[0]["family"] == "car-park"


def test_a_silent_device_that_was_in_a_home_is_counted_with_those_of_households(
    web: httpx.Client, served: tuple[str, Connection]
) -> None:
    mark = "update personal.series set personal = %s where device_id = 'air-monitor-10' and property = 'battery'"
    served[1].execute(mark, (True,))
    try:
        page, file = web.get("/engineer/silent").text, web.get("/engineer/silent.csv").text
    finally:
        served[1].execute(mark, (False,))
    assert "air-monitor-10" not in page
    assert "7 silent devices of households" in page
    assert "air-monitor-10" not in file
    assert "air-monitor-20" in file


@pytest.mark.parametrize(
    "query", ["span=2h", "to=yesterday", "to=2026-02-30T10:00", f"to={MOST}", "family=%00", "family=<b>", "span="]
)
def test_what_is_no_time_or_family_is_refused_in_words(web: httpx.Client, query: str) -> None:
    for path in PATHS[:1] + PATHS[3:6]:
        answer = web.get(f"{path}?{query}")
        assert answer.status_code == 400, path
        assert "<b>" not in answer.text


def test_a_family_that_is_none_and_times_without_anything(web: httpx.Client) -> None:
    for query in ("family=nonsense", "to=1901-01-01T00:00", "span=30d&to=2100-01-01T00:00"):
        assert web.get(f"/engineer?{query}").status_code == 200
    assert "No message came in this time" in web.get("/engineer?to=2001-01-01T00:00").text
    assert table(web, "/engineer/pipeline/account.csv?to=2001-01-01T00:00") == []


def test_what_an_older_version_left_is_shown(timescale: Cluster) -> None:
    """The account alone, as a database has it whose collectors noted nothing else."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        connection.execute(ACCOUNT, {"family": "car-park", "received": 12, "decoded": 10})
        cookie = site.make_session(connection, None, ["engineer"])
        with site.running(site.options(timescale.url(name))) as url, site.client(url, cookie) as web:
            page = web.get("/engineer").text
    assert "12 messages in 1 hour: 0 readings stored, 2 rejected" in page
    assert "It adds up in every minute" in page
    assert "was counted before reasons were" in page
    assert "noted by the collectors since this version" in page
    timescale.drop(name)


# -- live ------------------------------------------------------------------------------------------------------------


async def test_the_stream_tells_what_changes(served: tuple[str, Connection]) -> None:
    url, connection = served
    cookie = site.make_session(connection, None, ["engineer"])
    one = await Listener(url, "/engineer/pipeline/events", cookie).open()
    first = await one.kind("snapshot")
    assert first.data["columns"] == ["id", "text"]
    texts = dict(first.data["rows"])
    assert texts["all.adds"] == "yes"
    assert "unknown.messages_received" not in texts
    connection.execute(ACCOUNT, {"family": "unknown", "received": 7, "decoded": 5})
    connection.execute(
        "insert into public.collector as c (name, batch) values ('c', 1)"
        " on conflict (name) do update set batch = c.batch + 1"
    )
    event = await one.until(lambda event: event.data["id"] == "unknown.messages_received")
    assert event.data["text"] == "7"
    connection.execute("delete from public.accounting where family = 'unknown'")
    gone = await one.until(lambda event: event.data["id"] == "unknown.messages_received")
    assert gone.data == {"id": "unknown.messages_received", "gone": 1}
    one.assert_no_gap()
    connection.execute("delete from personal.session where true")
    await one.close()
