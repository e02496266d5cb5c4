"""The page of alarms: what is open, what was, who was told, in pages and as a file; nobody watches; roles."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from analytics.alarms.rules import RULES
from store import alarms
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.tools.site import client, make_session, options, running

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(database: str) -> Iterator[str]:
    with running(options(database)) as found:
        yield found


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, autocommit=True) as found:
        found.execute("truncate public.alarm, public.alarm_notice, public.watch restart identity")
        yield found


@pytest.fixture
def engineer(url: str, connection: Connection) -> Iterator[httpx.Client]:
    with client(url, make_session(connection, None, ["engineer"])) as found:
        yield found


def raised(connection: Connection, subject: str, at: datetime, ended: datetime | None = None) -> int:
    one = alarms.Alarm(None, "silent", subject, "urgent", "quiet <b>for</b> \u202eonce", "", at, at)
    number = alarms.add(connection, one)
    alarms.note(connection, number, "begun", ("log", "webhook"), at)
    if ended is not None:
        alarms.change(connection, one._replace(id=number, ended_at=ended))
        alarms.note(connection, number, "ended", ("log", "webhook"), ended)
    return number


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_where_nobody_watches_the_page_says_so_and_not_that_nothing_is_wrong(
    engineer: httpx.Client, connection: Connection
) -> None:
    now = datetime.now(UTC)
    page = words(engineer.get("/engineer/alarms").text)
    assert "Nobody watches The rules have never been looked at: what went wrong since" in page
    assert "Nothing is wrong" not in page
    alarms.looked(connection, now - 4 * MINUTE)
    page = words(engineer.get("/engineer/alarms").text)
    assert re.search(r"Nobody watches The rules were looked at last [0-9]+ min ago, on ", page)
    assert "Nothing is wrong" not in page
    alarms.looked(connection, datetime.now(UTC))
    page = words(engineer.get("/engineer/alarms").text)
    assert "Nobody watches" not in page
    ago = "(under a minute|[0-9]+ min)"
    assert re.search(rf"Nothing is wrong No alarm is open\. The rules were looked at {ago} ago\.", page)
    assert "There has been none." in page


def test_an_open_alarm_and_who_was_told(engineer: httpx.Client, connection: Connection) -> None:
    now = datetime.now(UTC)
    alarms.looked(connection, now)
    raised(connection, "air-monitor", now - 2 * HOUR - 10 * MINUTE)
    (log,) = alarms.due(connection, "log", now, 10)
    alarms.told(connection, log, "log", now)
    (hook,) = alarms.due(connection, "webhook", now, 10)
    alarms.failed(connection, hook, "webhook", "answered 500", now, last=None)
    answer = engineer.get("/engineer/alarms").text
    page = words(answer)
    assert "Open now: 1 alarm A family has fallen silent: air-monitor Urgent. Quiet &lt;b&gt;for&lt;/b&gt;" in page
    assert "\u202e" not in answer
    # the texts of alarms have times in UTC: these say that they are others
    assert re.search(r"Since \d+ \w+ \d{4} \d\d:\d\d (GMT|BST), for 2 h", page)
    told = r"Told by log\. Beginning: webhook not yet told \(answered 500\)\."
    assert re.search(rf", for 2 h [0-9]+ min\. {told}", page)
    alarms.failed(connection, hook, "webhook", "answered 500", now, last=now)
    assert "Beginning: webhook given up after 2 tries (answered 500)." in words(engineer.get("/engineer/alarms").text)
    alarms.told(connection, hook, "webhook", now)
    assert "Told by log and webhook." in words(engineer.get("/engineer/alarms").text)


def test_alarms_that_have_ended_in_pages_and_all_in_the_file(engineer: httpx.Client, connection: Connection) -> None:
    for number in range(45):
        at = NOW - timedelta(days=45 - number)
        raised(connection, f"family-{number}", at, at + 90 * MINUTE)
    raised(connection, "open", NOW - MINUTE)
    path, page, seen = "/engineer/alarms", "", []
    for _ in range(3):
        page = engineer.get(path).text
        assert page.count('<section class="result urgent"') == 1
        found = [int(number) for number in re.findall(r"family-(\d+)", page)]
        seen += found
        link = re.search(r'href="(/engineer/alarms\?before=\d+)', page)
        path = link[1] if link else ""
    assert seen == list(range(44, -1, -1))
    assert path == ""
    assert "1 h 30 min" in page
    assert "There are none older." in engineer.get("/engineer/alarms?before=1").text
    answer = engineer.get("/engineer/alarms.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 46
    assert rows[0]["subject"] == "open"
    assert (rows[0]["ended_at"], rows[0]["log"]) == ("", "Beginning: log not yet told")
    assert rows[1]["ended_at"] == (NOW - timedelta(days=1) + 90 * MINUTE).isoformat()


@pytest.mark.parametrize("query", ["before=-1", "before=x", "before=99999999999999999999", "before=1%00"])
def test_a_number_that_is_none_is_refused(engineer: httpx.Client, query: str) -> None:
    assert engineer.get(f"/engineer/alarms?{query}").status_code == 400


def test_each_rule_stands_there_with_what_to_do(engineer: httpx.Client) -> None:
    page = engineer.get("/engineer/alarms").text
    for rule in RULES:
        assert f'<dt id="rule-{rule.key}">{rule.title}</dt>' in page
    assert "<code>borough rejected list</code>" in page
    assert "`" not in page


def test_engineers_alone(url: str, connection: Connection) -> None:
    for roles in ([], ["parking-ops"], ["data-protection"], ["programme"]):
        with client(url, make_session(connection, None, roles)) as other:
            for path in ("/engineer/alarms", "/engineer/alarms.csv"):
                assert other.get(path).status_code == 403
    with client(url) as nobody:
        assert nobody.get("/engineer/alarms").status_code in (303, 401)
