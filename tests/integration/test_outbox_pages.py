"""Pages of the outbox: the link that stops without a sign-in, the engineers' counts, the demo's mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest

from borough.delivery.rules import Rules
from borough.demo.mailbox import Mailbox, relay
from borough.demo.pages import demo_site
from store import contacts, outbox_work
from tests.tools.relay import Relay
from tests.tools.servers import PATIENCE, Cluster
from tests.tools.site import client, make_session, options, running
from tests.worlds import outbox as worlds
from tests.worlds.outbox import World


@pytest.fixture(scope="module")
def outbox_database(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def url(outbox_database: str) -> Iterator[str]:
    with running(options(outbox_database)) as found:
        yield found


@pytest.fixture
def world(outbox_database: str) -> Iterator[World]:
    found = World(outbox_database)
    found.empty()
    found.clock.at = datetime.now(UTC) - timedelta(minutes=1)
    yield found
    found.close()


@pytest.fixture
def anybody(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=PATIENCE) as found:
        yield found


def words(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


def link(world: World, person: int, **given: object) -> str:
    """The path of the link in a message that a person got."""
    with Relay() as taking:
        world.put(person, **given)
        world.work(worlds.options(taking.port))
        return str(taking.got[-1].mail["List-Unsubscribe"]).strip("<> ").removeprefix(worlds.SITE)


def test_a_link_stops_after_a_button_and_says_nothing_of_whom(world: World, anybody: httpx.Client) -> None:
    person = world.person("ana@home.example")
    path = link(world, person, kind="air-alert", thread="air:7")
    page = anybody.get(path)
    for _ in range(2):  # programs look at links: that stops nothing
        page = anybody.get(path)
        assert page.status_code == 200
        assert "Stop these e-mails" in page.text
        assert not contacts.stopped(world.own, person, "air-alert", "air:7")
    assert anybody.head(path).status_code == 200
    assert not contacts.stopped(world.own, person, "air-alert", "air:7")
    answer = anybody.post(path)
    assert answer.status_code == 200
    assert "You get no more e-mails that warn of air pollution" in words(answer.text)
    assert contacts.stopped(world.own, person, "air-alert", "air:7")
    assert not contacts.stopped(world.own, person, "air-alert", "air:8")
    assert "E-mails stopped" in anybody.get(path).text
    everything = page.text + answer.text + str(answer.headers)
    assert not [word for word in ("ana", "home.example", "air:7") if word in words(everything)]
    assert not answer.cookies


def test_a_mail_service_stops_by_one_click_and_a_person_takes_it_back(world: World, anybody: httpx.Client) -> None:
    person = world.person()
    path = link(world, person)
    # RFC 8058: no cookie, no token, from anywhere
    elsewhere = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
    answer = anybody.post(path, data={"List-Unsubscribe": "One-Click"}, headers=elsewhere)
    assert answer.status_code == 200
    assert contacts.stopped(world.own, person, "care-alert")
    assert anybody.post(path, files={"List-Unsubscribe": (None, "One-Click")}).status_code == 200
    again = anybody.post(path, data={"again": "yes"})
    assert "You get these e-mails again" in again.text
    assert not contacts.stopped(world.own, person, "care-alert")


@pytest.mark.parametrize("token", ["", "x", "a" * 5_000, "%00", "..%2f..%2f", "%F0%9F%98%80", "x" * 43])
def test_what_is_no_link_stops_nothing(world: World, anybody: httpx.Client, token: str) -> None:
    world.person()
    for method in ("GET", "POST"):
        assert anybody.request(method, f"/stop/{token}").status_code in (400, 404, 414)
    assert world.rows("select count(*) from personal.contact_stop") == [(0,)]


def test_a_link_is_worth_nothing_once_the_address_is_forgotten(world: World, anybody: httpx.Client) -> None:
    person = world.person()
    path = link(world, person)
    contacts.forget(world.own, person)
    answer = anybody.post(path)
    assert answer.status_code == 404
    assert "your address is not kept any more" in words(answer.text)
    assert world.rows("select count(*) from personal.stop_token") == [(0,)]


def test_no_token_stands_in_the_database(world: World) -> None:
    path = link(world, world.person())
    token = path.rpartition("/")[2]
    assert len(token) >= 43
    (row,) = world.rows("select count(*), bool_or(strpos(t::text, %s) > 0) from personal.stop_token t", token)
    assert row == (1, False)


def test_engineers_see_counts_ages_and_the_relay_and_nobody(world: World, url: str) -> None:
    with client(url, make_session(world.own, None, ["engineer"])) as engineer:
        assert "No message in seven days" in engineer.get("/engineer/outbox").text
        with Relay() as taking:
            world.put(world.person("ana@home.example"), subject="Secret", text="Secret")
            world.work(worlds.options(taking.port))
            assert "Nothing is late, and nothing failed in seven days" in engineer.get("/engineer/outbox").text
            taking.answers["RCPT"] = ["550 5.1.1 no"]
            world.put(world.person())
            world.work(worlds.options(taking.port))
        page = engineer.get("/engineer/outbox")
        assert "Nothing is late; in seven days 1 failed" in page.text
        assert not [word for word in ("ana@", "Secret", "home.example") if word in page.text]
        world.clock.at -= timedelta(minutes=30)
        world.put(world.person(), kind="care-note")
        page = engineer.get("/engineer/outbox")
        assert "Messages are late: the oldest has been due for 3" in page.text
        assert "Care: notes 1" in words(page.text)
        outbox_work.relay_ill(world.own, "the relay is on fire", datetime.now(UTC))
        assert "The relay takes no e-mails: 1 message waits" in words(engineer.get("/engineer/outbox").text)
        table = engineer.get("/engineer/outbox.csv").text.splitlines()
        assert table[0].lstrip("\ufeff") == "kind,state,messages,oldest"
        assert [line.split(",")[:3] for line in table[1:]] == [
            ["care-alert", "failed", "1"], ["care-alert", "sent", "1"], ["care-note", "waiting", "1"],
        ]  # fmt: skip


@pytest.mark.parametrize("role", [None, "resident", "carer", "parking-ops", "programme", "data-protection", "assist"])
def test_nobody_else_sees_them(world: World, url: str, role: str | None) -> None:
    with client(url, None if role is None else make_session(world.own, None, [role])) as web:
        for path in ("/engineer/outbox", "/engineer/outbox.csv"):
            answer = web.get(path)
            assert answer.status_code in (303, 403)
            assert "Messages to people" not in answer.text


def test_a_demo_shows_what_its_relay_took_as_text(world: World, tmp_path: Path) -> None:
    box = Mailbox(tmp_path / "mailbox")
    with (
        relay(box) as port,
        running(demo_site(world.url, mailbox=box)) as site,
        httpx.Client(base_url=site, timeout=PATIENCE) as web,
    ):
        assert "Nothing has been sent yet" in web.get("/demo/mailbox").text
        person = world.person("ana@home.example")
        box.keep("Subject: turned \u202e\r\n\r\nx\r\n".encode())
        world.put(
            person, subject="<b>bold</b>", text=f"Look: {site}/parking. Or https://elsewhere.example/x <script>",
            html="<p>Look</p>",
        )  # fmt: skip
        world.work(worlds.options(port))
        listed = web.get("/demo/mailbox")
        assert "&lt;b&gt;bold&lt;/b&gt;" in listed.text
        assert "\u202e" not in listed.text
        assert "turned" in listed.text
        path = re.findall(r'href="(/demo/mailbox/[^"]+)"', listed.text)[0]
        page = web.get(path)
        assert f'<a href="/parking">{site}/parking</a>' in page.text
        assert "&lt;script&gt;" in page.text
        assert 'href="https://elsewhere' not in page.text
        assert "&lt;p&gt;Look&lt;/p&gt;" in page.text
        assert "List-Unsubscribe-Post" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert web.get("/demo/mailbox/..%2f..%2fpasswd").status_code == 404
        assert web.get("/demo/mailbox/none").status_code == 404


def test_the_mailbox_of_a_demo_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("borough.demo.mailbox._KEPT", 3)
    box = Mailbox(tmp_path / "mailbox")
    for number in range(5):
        box.keep(f"Subject: {number}\r\n\r\nx\r\n".encode())
    assert [mail.subject for mail in box.mails()] == ["4", "3", "2"]
    assert box.mails()[0].text == "x\n"


def test_what_is_no_demo_has_no_mailbox(anybody: httpx.Client) -> None:
    assert anybody.get("/demo/mailbox").status_code == 404
    assert anybody.get("/demo/mailbox/x").status_code == 404


def test_what_waits_for_the_morning_is_not_late(world: World, url: str) -> None:
    now = datetime.now(UTC)
    world.clock.at = now - timedelta(hours=1)
    local = now.astimezone(worlds.LONDON)
    quiet = Rules(worlds.LONDON, ((local - timedelta(hours=2)).time(), (local + timedelta(hours=2)).time()))
    with Relay() as taking, client(url, make_session(world.own, None, ["engineer"])) as engineer:
        world.put(world.person(), kind="air-alert")
        world.work(worlds.options(taking.port, rules=quiet))
        page = words(engineer.get("/engineer/outbox").text)
        assert "Messages are late" not in page
        assert "Nothing is late" in page
        # nor is it due for as long as it waits
        assert "Air: alerts 1 \N{EN DASH} " in page
        assert page.count("due for") == 1, "the heading alone"
        # what the relay would not take is late, whenever it is tried again
        taking.answers["RCPT"] = ["451 4.7.1 later"]
        world.put(world.person(), kind="care-alert")
        world.work(worlds.options(taking.port, rules=quiet))
        assert "Messages are late: the oldest has been due for" in words(engineer.get("/engineer/outbox").text)
