"""The engineers' pages of rejected messages: what they say, to whom, what is noted, what is tried and what is taken."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import psycopg
import pytest

from borough.settings.collector import collector_options
from borough.trials import Trials
from tests.tools.servers import Cluster
from tests.tools.site import COOKIE, GONE, HERS, client, csrf, make_session, options, running
from tests.worlds import rejections as worlds
from tests.worlds.rejections import METER, RIGHT, SECRETS, World, number, text_of

ROOT = "/engineer/rejected"
BOTH = ["engineer", "data-protection"]


@pytest.fixture(scope="module")
def world(timescale: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with worlds.rejections(timescale, tmp_path_factory.mktemp("rejected")) as found:
        yield found


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    with running(options(world.url, trials=Trials(world.settings))) as found:
        yield found


@pytest.fixture
def connection(world: World) -> Iterator[psycopg.Connection]:
    with psycopg.connect(world.url, autocommit=True) as found:
        yield found


@pytest.fixture
def cookie(connection: psycopg.Connection) -> str:
    return make_session(connection, None, ["engineer"])


@pytest.fixture
def engineer(url: str, cookie: str) -> Iterator[httpx.Client]:
    with client(url, cookie) as found:
        found.headers["X-CSRF-Token"] = csrf(cookie)
        yield found


@pytest.fixture
def officer(url: str, connection: psycopg.Connection) -> Iterator[httpx.Client]:
    """Who is an engineer and a data protection officer."""
    own = make_session(connection, None, BOTH)
    with client(url, own) as found:
        found.headers["X-CSRF-Token"] = csrf(own)
        yield found


@pytest.fixture
def fresh(timescale: Cluster, tmp_path: Path) -> Iterator[tuple[World, httpx.Client]]:
    with worlds.engineering(timescale, tmp_path) as found:
        yield found


def meter_s(connection: psycopg.Connection) -> int:
    return number(connection, "smart-meter", "unknown_property")


def accesses(connection: psycopg.Connection) -> list[tuple[int, str, str, str | None]]:
    return connection.execute("select tenancy_id, role, action, detail from personal.access order by id").fetchall()


def test_the_list_says_what_and_how_many(engineer: httpx.Client) -> None:
    said = text_of(engineer.get(ROOT).text)
    assert "13 rejections are kept." in said
    assert "bad_value parking-bay 6 0 The value is no finite number." in said
    assert re.search(r"out_of_range parking-bay bay-1 battery: outside 0 to 100 no", said)
    assert "parking-bay 10 10 0 0 0" in said
    assert "smart-meter 2 2 0 0 0" in said


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("reason=bad_value", 6),
        ("reason=bad_value&device=v-1", 3),
        ("family=parking-bay&reason=unreadable", 3),
        ("family=unknown", 1),
        ("device=nobody-s", None),
        ("waiting=true", 13),
        ("reason=conflict", 0),
        ("reason=&family=&device=&from=&to=", 13),
    ],
)
def test_a_choice(engineer: httpx.Client, query: str, count: int | None) -> None:
    page = engineer.get(f"{ROOT}?{query}").text
    assert len(re.findall(r'href="/engineer/rejected/\d+"', page)) == (count or 0)
    answer = engineer.get(f"{ROOT}/rejections.csv?{query}")
    assert answer.status_code == (403 if count is None else 200)
    if count is not None:
        assert len(list(csv.DictReader(io.StringIO(answer.text)))) == count


def test_a_choice_by_time_is_local_and_half_open(engineer: httpx.Client, world: World) -> None:
    zone = options("").zone
    first = (world.now - (world.now - worlds.messages(world.now)[0][2])).astimezone(zone).replace(tzinfo=None)
    exact = first.isoformat(timespec="seconds")
    rows = csv.DictReader(io.StringIO(engineer.get(f"{ROOT}/rejections.csv?to={exact}").text))
    assert list(rows) == []
    later = worlds.messages(world.now)[2][2].astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")
    rows = csv.DictReader(io.StringIO(engineer.get(f"{ROOT}/rejections.csv?from={exact}&to={later}").text))
    assert sorted(row["device"] for row in rows) == ["v-1", "v-2"]


@pytest.mark.parametrize(
    "query", ["family=zork", "reason=zork", "from=yesterday", "cursor=%21", "cursor=eA", "device=%00"]
)
def test_what_is_no_choice_is_refused(engineer: httpx.Client, query: str) -> None:
    assert engineer.get(f"{ROOT}?{query}").status_code == 400


def test_pages_go_on_where_the_last_ended(engineer: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.engineer.rejected.PAGE", 5)
    address, seen = ROOT, list[int]()
    while address:
        page = engineer.get(address).text
        rows = [int(one) for one in re.findall(r'href="/engineer/rejected/(\d+)"', page)]
        assert 0 < len(rows) <= 5
        seen += rows
        found = re.search(r'href="([^"]+)">Earlier rejections', page)
        address = unescape(found[1]) if found else ""
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 13


def test_a_household_s_identifiers_never_reach_an_engineer_alone(
    engineer: httpx.Client, connection: psycopg.Connection
) -> None:
    """No page, file or answer to a form has them, whatever is asked for."""
    ids = [row[0] for row in connection.execute("select id from rejected").fetchall()]
    pages = [ROOT, f"{ROOT}/rejections.csv", f"{ROOT}?family=smart-meter", f"{ROOT}?family=unknown", f"{ROOT}/try"]
    answers = [engineer.get(page) for page in [*pages, *(f"{ROOT}/{one}" for one in ids)]]
    answers += [engineer.get(f"{ROOT}/try?id={one}") for one in ids]
    for how in ({"how": "now"}, {"how": "mapping", "mapping": RIGHT}):
        answers += [engineer.post(f"{ROOT}/try{query}", data=how) for query in ("", *(f"?id={one}" for one in ids))]
    looks = [engineer.post(f"{ROOT}/{one}") for one in ids]
    assert {answer.status_code for answer in looks} == {200, 403}
    for answer in [*answers, *looks]:
        assert answer.status_code in (200, 403)
        for secret in (*SECRETS, "stranger-9"):
            assert secret not in answer.text, answer.request.url
    assert accesses(connection) == []


GUESS = """name = "native"
topics = ["borough/smart-meter/{{device}}/reading"]
family = "smart-meter"
[[reading]]
property = "import_register"
path = "zork"
unit = "kW.h"
values = {{ {value} = 1 }}
"""


def test_no_mapping_asks_what_stands_in_a_household_s_message(
    engineer: httpx.Client, officer: httpx.Client, connection: psycopg.Connection
) -> None:
    """A guess and another are answered alike, but to who may see the message."""
    one = meter_s(connection)
    for query in (f"?id={one}", "?family=smart-meter", ""):
        alone, with_role = (
            [
                text_of(
                    who.post(f"{ROOT}/try{query}", data={"how": "mapping", "mapping": GUESS.format(value=value)}).text
                )
                for value in (987654321, 5)
            ]
            for who in (engineer, officer)
        )
        assert alone[0].replace("987654321 =", "5 =") == alone[1], query
        assert "not tried: what a mapping takes" in alone[0]
        assert with_role[0].replace("987654321 =", "5 =") != with_role[1], query
    assert "would be rejected again" in engineer.post(f"{ROOT}/try?id={one}", data={"how": "now"}).text


def test_nobody_chooses_by_a_household_s_device_unseen(
    engineer: httpx.Client, officer: httpx.Client, connection: psycopg.Connection
) -> None:
    """For an engineer alone a meter's answer is that of a device which there is not."""
    asked = {
        device: engineer.get(f"{ROOT}?device={device}").text.replace(device, "") for device in (METER, "1200000000003")
    }
    assert len(set(asked.values())) == 1
    assert "13" not in text_of(next(iter(asked.values()))).split("The account")[0]
    for device in (METER, "1200000000003", "stranger-9"):
        for path in ("rejections.csv", "try"):
            assert engineer.get(f"{ROOT}/{path}?device={device}").status_code == 403
        for path in ("try", "take"):
            assert engineer.post(f"{ROOT}/{path}?device={device}").status_code == 403
    before = accesses(connection)
    assert "2 rejections are kept" in text_of(officer.get(f"{ROOT}?device={METER}").text)
    words = ("engineer", "searched rejected messages of a meter", None)
    assert sorted(accesses(connection)[len(before) :]) == [(HERS, *words), (GONE, *words)], "whoever lived there"
    officer.get(f"{ROOT}?device={METER}&from=2021-01-01T00:00")
    assert accesses(connection)[len(before) + 2 :] == [(HERS, *words)]


def test_who_may_look_is_noted_where_the_household_reads_it(
    officer: httpx.Client, connection: psycopg.Connection, world: World
) -> None:
    one = meter_s(connection)
    before = accesses(connection)
    page = officer.get(f"{ROOT}/{one}").text
    assert not any(secret in page for secret in SECRETS)
    assert accesses(connection) == before, "a page without the message is no look"
    page = officer.post(f"{ROOT}/{one}").text
    assert METER in page
    assert "987654321" in page
    day = connection.execute("select (arrival at time zone 'Europe/London')::date from rejected where id = %s", (one,))
    row = day.fetchone()
    assert row is not None
    assert accesses(connection)[len(before) :] == [
        (HERS, "engineer", "looked at a rejected message", row[0].isoformat())
    ]
    tried = officer.post(f"{ROOT}/try?id={one}", data={"how": "now"}).text
    assert "zork" in tried
    assert accesses(connection)[-1][2] == "tried a rejected message"
    # of many nothing is shown to anybody
    assert not any(secret in officer.post(f"{ROOT}/try", data={"how": "now"}).text for secret in SECRETS)
    assert accesses(connection)[-1][2] == "tried a rejected message"


def test_a_look_at_nobody_s_message_stands_in_the_site_s_log(
    officer: httpx.Client, connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    one = number(connection, "unknown", "unknown_device")
    before = accesses(connection)
    with caplog.at_level(logging.INFO, "dashboard.engineer.rejected_looks"):
        page = officer.post(f"{ROOT}/{one}").text
    assert "stranger-9" in page
    assert accesses(connection) == before
    [record] = [record.getMessage() for record in caplog.records if "rejection" in record.getMessage()]
    assert re.fullmatch(
        rf"account \d+ looked at a rejected message: rejection {one}, of no household that is known", record
    )


def test_an_unknown_device_is_open_once_it_is_registered_as_no_household_s(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    naming = ("borough/parking-bay/stranger-9/reading", b'{"occupied": 1, "of": "%s"}' % METER.encode(), world.now)
    worlds.collect(collector_options(world.settings), [naming])
    with psycopg.connect(world.url, autocommit=True) as connection:
        one = number(connection, "unknown", "unknown_device")
        row = connection.execute("select max(id) from rejected where family = 'unknown'").fetchone()
        assert row is not None
        assert "stranger-9" not in engineer.get(f"{ROOT}/{one}").text
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, changed)"
            " values ('stranger-9', 'parking-bay', 'native', 'real', false, 99)"
        )
        assert "stranger-9" in engineer.get(f"{ROOT}/{one}").text
        # not so what names a household's device
        for secret in ("stranger-9", METER):
            assert secret not in engineer.get(f"{ROOT}/{row[0]}").text
        connection.execute("update personal.device set personal = true where id = 'stranger-9'")
        assert "stranger-9" not in engineer.get(f"{ROOT}/{one}").text


def test_bytes_with_the_place_where_the_decoder_stopped(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    one = number(connection, "parking-bay", "unreadable", "v-1")
    page = engineer.get(f"{ROOT}/{one}").text
    assert "The decoder stopped at byte 18 (hex 12), marked below." in page
    assert "22 20 <mark>6f</mark> 6f 70 73 7d" in page
    assert "<mark>o</mark>ops}" in page
    assert "bad_value" not in page


def test_what_a_flood_left_out_is_counted(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    flood = [("borough/parking-bay/bay-1/reading", b"{%d" % one, world.now - timedelta(hours=5)) for one in range(9)]
    worlds.collect(collector_options(world.settings), flood, limit=2)
    said = text_of(engineer.get(ROOT).text)
    assert "15 rejections are kept, and 7 more were only counted in a flood." in said
    assert "unreadable parking-bay 5 7 The bytes are not what the format says." in said
    assert "parking-bay 19 12 7 0 0" in said


def test_an_account_of_before_retries_were_counted(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    words = "Below 0: such a retry rejected single readings anew."
    assert words not in text_of(engineer.get(ROOT).text)
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute(
            "insert into rejected (arrival, topic, family, device, property, reason, detail)"
            " values (now(), 't', 'parking-bay', 'bay-1', 'x', 'bad_value', '')"
        )
    page = text_of(engineer.get(ROOT).text)
    assert "-1" in page.split("The account")[1]
    assert words in page


def test_a_household_s_bytes_were_written_anew_so_that_no_place_is_marked(fresh: tuple[World, httpx.Client]) -> None:
    world, engineer = fresh
    with psycopg.connect(world.url, autocommit=True) as connection:
        one = meter_s(connection)
        connection.execute("update rejected set detail = 'not so (char 5)' where id = %s", (one,))
        own = make_session(connection, None, BOTH)
    engineer.cookies.set(COOKIE, own)
    page = engineer.post(f"{ROOT}/{one}", headers={"X-CSRF-Token": csrf(own)}).text
    assert "987654321" in page
    assert "<mark>" not in page


def test_what_would_do_harm_is_shown(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    one = number(connection, "parking-bay", "unreadable", "bay-1")
    page = engineer.get(f"{ROOT}/{one}").text
    assert "\\x1b[2J\\u202e&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for harm in ("<script>alert", "\x1b", "\u202e", "\x00"):
        assert harm not in page


def test_what_is_not_kept_is_said(engineer: httpx.Client, connection: psycopg.Connection) -> None:
    answer = engineer.get(f"{ROOT}/999999")
    assert answer.status_code == 404
    assert "Rejection 999999 is not kept" in answer.text
    assert engineer.get(f"{ROOT}/try?id=999999").status_code == 404
    one = number(connection, "smart-meter", "unreadable")
    assert "Try it again" not in engineer.get(f"{ROOT}/{one}").text


def test_a_site_that_only_looks_tries_nothing(world: World, connection: psycopg.Connection, cookie: str) -> None:
    with running(options(world.url)) as url, client(url, cookie) as browser:
        assert "again</a>" not in browser.get(ROOT).text
        assert browser.get(f"{ROOT}/try").status_code == 404
        assert browser.post(f"{ROOT}/take", headers={"X-CSRF-Token": csrf(cookie)}).status_code == 404
