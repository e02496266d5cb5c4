"""Asking for air alerts, confirming, changing and ending them, over a real database and a real outbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from itertools import count
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from borough.delivery.air_alerts import look
from borough.delivery.triggers import TriggerOptions
from store import air_alerts, contacts
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.servers import Cluster, wait_for
from tests.worlds import air_town
from tests.worlds.air_alerts import ZONE, Sent, sent

FORM = {"place": air_town.HERE, "band": "moderate", "tell_end": "yes"}
_CLIENTS = count(1)


@pytest.fixture(scope="module")
def url(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        air_town.town(connection)
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with connect(url, autocommit=True) as opened:
        opened.execute("truncate personal.contact cascade")
        yield opened


@pytest.fixture(scope="module")
def served(url: str) -> Iterator[str]:
    with site.running(site.options(url, demo=True)) as address:
        yield address


@pytest.fixture
def web(url: str, connection: Connection) -> Iterator[httpx.Client]:
    """A site of its own, whose limits nobody has used."""
    with site.running(site.options(url, demo=True)) as address, site.client(address) as client:
        yield client


@pytest.fixture
def somebody(served: str, connection: Connection) -> Iterator[httpx.Client]:
    """A browser from an address of its own at the site that most tests share."""
    with site.client(served, address=f"198.51.100.{next(_CLIENTS)}") as client:
        yield client


def words(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def mine(client: httpx.Client) -> str:
    """The address of whoever uses a browser: a site writes to each a few times a day alone."""
    return f"ada{client.headers.get('X-Forwarded-For', '').rpartition('.')[2]}@example.com"


def ask(client: httpx.Client, **changes: str) -> httpx.Response:
    return client.post("/air/alerts", data={**FORM, "email": mine(client), **changes})


def link(message: Sent) -> str:
    found = re.search(r"https?://\S+/air/alerts/(confirm|manage)/\S+", message.text)
    assert found is not None
    assert f'href="{found[0]}"' in message.html
    return urlsplit(found[0]).path


def confirmed(client: httpx.Client, connection: Connection, **changes: str) -> str:
    """Ask and confirm; where the alerts are managed."""
    assert ask(client, **changes).status_code == 303
    answer = client.post(link(sent(connection)[-1]))
    assert answer.status_code == 303
    return urlsplit(answer.headers["location"]).path


def test_from_the_form_to_the_alert_and_to_nothing(somebody: httpx.Client, connection: Connection) -> None:
    page = somebody.get("/air/alerts")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    answer = ask(somebody, place="testbury", band="high")
    assert (answer.status_code, answer.headers["location"]) == (303, "/air/alerts/sent")
    assert "Look into your mailbox" in words(somebody.get("/air/alerts/sent"))
    (mail,) = sent(connection)
    assert (mail.kind, mail.origin) == ("air-confirm", "simulated")
    assert mail.subject == "Simulated: Confirm your air alerts for Testbury"
    # whatever opens links by itself confirms nothing
    path = link(mail)
    for _ in range(2):
        assert "Yes, write to me" in words(somebody.get(path))
        assert somebody.head(path).status_code == 200
    assert connection.execute("select confirmed_at from personal.air_subscription").fetchone() == (None,)
    manage = somebody.post(path).headers["location"]
    page = somebody.get(manage)
    assert "Your air alerts are confirmed." in words(page)
    assert f"They go to {mine(somebody)}." in words(page)
    assert "Testbury: High or above" in words(page)
    # an area: the monitor with the highest index within 2 km of its middle
    options = TriggerOptions(ZONE, "http://air.example", "Testborough", None, "simulated")
    for _ in range(2):
        look(connection, options, datetime.now(UTC))
    assert [one.subject for one in sent(connection)][1:] == ["Simulated: Air pollution is High: Testbury"]
    assert "Monitor: High Street" in sent(connection)[1].text
    assert somebody.get(path).headers["location"].startswith("/air/alerts/manage/")
    manage = urlsplit(manage).path
    assert somebody.post(manage, data={"action": "erase"}).headers["location"] == "/air/alerts/erased"
    assert "We hold nothing of your air alerts any more" in words(somebody.get("/air/alerts/erased"))
    for table in ("contact", "air_subscription", "air_episode", "message", "stop_token"):
        assert connection.execute(f"select count(*) from personal.{table}").fetchone() == (0,), table
    for gone in (manage, path, f"{manage}/data.json"):
        assert somebody.get(gone).status_code == 404


def test_an_alert_of_a_page_and_its_episode(somebody: httpx.Client, connection: Connection) -> None:
    manage = confirmed(somebody, connection, place="High Street")
    options = TriggerOptions(ZONE, "http://air.example", "Testborough", None, "simulated")
    look(connection, options, datetime.now(UTC))
    alert = sent(connection)[-1]
    assert alert.subject == "Simulated: Air pollution is High: High Street"
    page = words(somebody.get(manage))
    assert "You were told" in page
    assert "Simulated: Air pollution is High: High Street (waits to be sent)" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"place": ""}, "Enter a postcode, an area, a street or the name of a monitor"),
        ({"place": "ZZ1 1ZZ"}, "We do not know this place"),
        ({"place": "<b>x</b>"}, "We do not know this place"),
        ({"place": "TE9 9AA"}, "No monitor within 2 km of TE9 9AA measures the air"),
        ({"place": "testb"}, "Choose which of these places you mean"),
        ({"band": "low"}, "Choose from which index on you want to be told"),
        ({"band": ""}, "Choose from which index on you want to be told"),
        ({"email": ""}, "Enter your e-mail address"),
        ({"email": "ada"}, "Enter an e-mail address such as name@example.com"),
        ({"email": "ada@example.com, bob@example.com"}, "Enter an e-mail address such as name@example.com"),
        ({"email": "ada@example.com\r\nBcc: bob@example.com"}, "Enter an e-mail address such as name@example.com"),
    ],
)
def test_what_is_wrong_is_said_beside_it(
    somebody: httpx.Client, connection: Connection, changes: dict[str, str], said: str
) -> None:
    answer = ask(somebody, **changes)
    assert answer.status_code == 400
    assert words(answer).count(said) == 2, "in the summary and at the field"
    assert "<b>x" not in answer.text
    assert sent(connection) == []
    assert connection.execute("select count(*) from personal.contact").fetchone() == (0,)


def test_one_of_several_places_is_chosen(somebody: httpx.Client, connection: Connection) -> None:
    answer = ask(somebody, place="testb")
    assert re.findall(r'name="place" value="([^"]+)"', answer.text) == ["Testbury", "Testbury Park"]
    assert f'value="{mine(somebody)}"' in answer.text
    assert ask(somebody, place="Testbury Park").status_code == 303
    assert connection.execute("select place, whole from personal.air_subscription").fetchall() == [
        ("Testbury Park", True)
    ]


def test_a_point_and_an_area(somebody: httpx.Client, connection: Connection) -> None:
    for place in ("te5 7st", "TE5", "mill lane", "Testbury"):
        ask(somebody, place=place, email=f"{place.replace(' ', '')}@example.com")
    rows = connection.execute("select place, whole from personal.air_subscription order by id").fetchall()
    assert rows == [("TE5 7ST", False), ("TE5", True), ("Mill Lane", False), ("Testbury", True)]


def test_a_known_address_is_answered_as_an_unknown_one_is(somebody: httpx.Client, connection: Connection) -> None:
    manage = confirmed(somebody, connection)
    unknown, known = ask(somebody, email="bob@example.com"), ask(somebody)
    assert (unknown.status_code, unknown.headers["location"]) == (known.status_code, known.headers["location"])
    assert unknown.text == known.text
    mail = sent(connection)[-1]
    assert mail.subject == "Simulated: You get air alerts for TE5 7ST already"
    assert "confirm" not in mail.text.lower()
    page = somebody.get(link(mail))
    assert f"They go to {mine(somebody)}." in words(page)
    assert somebody.get(manage).status_code == 404, "a newer link takes the older one's place"
    assert connection.execute("select count(*) from personal.air_subscription").fetchone() == (2,)


def test_asking_again_gives_another_link(somebody: httpx.Client, connection: Connection) -> None:
    ask(somebody)
    ask(somebody)
    first, second = (link(one) for one in sent(connection))
    assert somebody.get(first).status_code == somebody.post(first).status_code == 404
    assert somebody.post(second).status_code == 303
    assert connection.execute("select count(*) from personal.air_subscription").fetchone() == (1,)


def test_an_old_link_confirms_nothing(somebody: httpx.Client, connection: Connection) -> None:
    ask(somebody)
    path = link(sent(connection)[0])
    connection.execute("update personal.air_subscription set asked_at = now() - interval '49 hours'")
    assert somebody.get(path).status_code == somebody.post(path).status_code == 404


@pytest.mark.parametrize("token", ["x", "%00", "a" * 600, "..%2f..", "%F0%9F%98%80"])
def test_a_link_that_is_none(somebody: httpx.Client, token: str) -> None:
    for path in ("confirm", "manage"):
        assert somebody.get(f"/air/alerts/{path}/{token}").status_code in {400, 404}
        assert somebody.post(f"/air/alerts/{path}/{token}", data={"action": "erase"}).status_code in {400, 404}


def test_an_unconfirmed_request_manages_nothing(somebody: httpx.Client, connection: Connection) -> None:
    """Its link is known to whoever has the mailbox; but only the button says that they do."""
    ask(somebody)
    token = link(sent(connection)[0]).rpartition("/")[2]
    assert somebody.get(f"/air/alerts/manage/{token}").status_code == 404


def test_forms_of_other_sites_are_refused(somebody: httpx.Client, connection: Connection) -> None:
    foreign = {"Origin": "https://evil.example"}
    assert somebody.post("/air/alerts", data={**FORM, "email": mine(somebody)}, headers=foreign).status_code == 403
    manage = confirmed(somebody, connection)
    assert somebody.post(manage, data={"action": "erase"}, headers=foreign).status_code == 403
    assert somebody.get(manage).status_code == 200


def test_who_is_signed_in_needs_the_forms_token(served: str, connection: Connection) -> None:
    cookie = site.make_session(connection, roles=["engineer"])
    with site.client(served, cookie, address="198.51.101.1") as client:
        assert ask(client).status_code == 403
        assert ask(client, csrf=site.csrf(cookie)).status_code == 303
        assert site.form_token_of(client.get("/air/alerts").text) == site.csrf(cookie)


def test_a_stop_of_the_outbox_and_back(somebody: httpx.Client, connection: Connection) -> None:
    """The link at the end of every alert: it stops all, and it manages them."""
    confirmed(somebody, connection)
    contact = connection.execute("select id from personal.contact").fetchone()
    assert contact is not None
    token = air_alerts.new_link(connection, contact[0], datetime.now(UTC))
    assert token is not None
    contacts.stop(connection, contact[0], "air-alert", "", datetime.now(UTC))
    manage = f"/air/alerts/manage/{token}"
    assert "Nothing is sent, and 30 days after that all of this is deleted" in words(somebody.get(manage))
    assert air_alerts.watched(connection, "simulated") == []
    done = somebody.post(manage, data={"action": "start"}).headers["location"]
    assert "You get your air alerts again." in words(somebody.get(done))
    assert len(air_alerts.watched(connection, "simulated")) == 1
    # who asks anew and confirms wants it too
    contacts.stop(connection, contact[0], "air-alert", "", datetime.now(UTC))
    confirmed(somebody, connection, place="Testbury")
    assert len(air_alerts.watched(connection, "simulated")) == 2


def test_changes_one_by_one(somebody: httpx.Client, connection: Connection) -> None:
    manage = confirmed(somebody, connection)
    confirmed(somebody, connection, place="Testbury", tell_end="")
    first, second = (row[0] for row in connection.execute("select id from personal.air_subscription order by id"))

    def post(action: str, number: int) -> str:
        return somebody.post(manage, data={"action": action, "subscription": str(number)}).headers["location"]

    post("no-ends", first)
    post("ends", second)
    assert connection.execute("select tell_end from personal.air_subscription order by id").fetchall() == [
        (False,),
        (True,),
    ]
    # the link that came with the first goes with it; what is left has another
    left = post("stop", first)
    page = words(somebody.get(left))
    assert "It is deleted." in page
    assert "Testbury: Moderate" in page
    assert "TE5 7ST: Moderate" not in page
    assert somebody.get(manage).status_code == 404
    # nothing of somebody else, and nothing for a button that is none
    other = confirmed(somebody, connection, email="bob@example.com")
    for action in ("stop", "ends", "no-ends"):
        somebody.post(other, data={"action": action, "subscription": str(second)})
    assert somebody.post(other, data={"action": "nonsense"}).status_code == 303
    assert somebody.post(other, data={"action": "stop", "subscription": "-1"}).status_code == 400
    assert connection.execute("select tell_end from personal.air_subscription where id = %s", (second,)).fetchone() == (
        True,
    )
    path = urlsplit(left).path
    assert somebody.post(path, data={"action": "stop", "subscription": str(second)}).headers["location"] == (
        "/air/alerts/erased"
    )
    assert connection.execute("select address from personal.contact").fetchall() == [("bob@example.com",)]


def test_all_that_is_held_is_given(somebody: httpx.Client, connection: Connection) -> None:
    manage = confirmed(somebody, connection, place="High Street")
    look(connection, TriggerOptions(ZONE, "http://air.example", "T", None, "simulated"), datetime.now(UTC))
    answer = somebody.get(f"{manage}/data.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="air-alerts.json"'
    held = orjson.loads(answer.content)
    assert held["address"] == mine(somebody)
    (alert,) = held["alerts"]
    assert (alert["place"], alert["band"], alert["told_of_ends"]) == ("High Street", "moderate", True)
    assert len(alert["episodes"]) == 1
    assert [one["subject"] for one in held["messages"]] == [one.subject for one in reversed(sent(connection))]


def test_no_mailbox_is_filled(web: httpx.Client, connection: Connection) -> None:
    """Three a day to one address, whoever asks and however it is spelt; and the same answer to whoever does it."""
    answers = []
    for number in range(6):
        web.headers["X-Forwarded-For"] = f"203.0.113.{number}"
        answers.append(ask(web, place=air_town.HERE, email=("Ada@Example.com", "ada@example.com")[number % 2]))
    assert {(one.status_code, one.headers["location"]) for one in answers} == {(303, "/air/alerts/sent")}
    assert len(sent(connection)) == 3


def test_one_client_does_not_write_to_everybody(web: httpx.Client, connection: Connection) -> None:
    web.headers["X-Forwarded-For"] = "203.0.113.77"
    statuses = [ask(web, email=f"p{number}@example.com").status_code for number in range(22)]
    assert statuses == [303] * 20 + [429] * 2
    assert len(sent(connection)) == 20


def test_an_address_has_so_many_at_most(url: str, connection: Connection) -> None:
    with connection.transaction():
        contact = contacts.email(connection, "ada@example.com", origin="simulated")
        assert contact is not None
        now = datetime.now(UTC)
        for number in range(air_alerts.MOST + 1):
            asked = air_alerts.ask(
                connection, contact, f"Place {number}", -0.1, 51.5, "high", now, whole=False, tell_end=False
            )
            assert (asked is None) == (number == air_alerts.MOST)
        # one of those that it has is asked for again all the same
        again = air_alerts.ask(connection, contact, "Place 0", -0.1, 51.5, "high", now, whole=False, tell_end=False)
        assert again is not None


def test_no_log_has_a_link_or_an_address(
    somebody: httpx.Client, connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    manage = confirmed(somebody, connection)
    somebody.get(manage)
    token = manage.rpartition("/")[2]

    def own() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.name.startswith(("dashboard", "borough", "store"))]

    # a request is logged once its answer is out
    assert wait_for(lambda: any("/air/alerts/manage/{token}" in one for one in own()), timeout=10)
    assert not any(token in one or "@" in one for one in own())
    row = connection.execute("select token from personal.air_subscription").fetchone()
    assert row is not None
    assert row[0] == contacts.hashed(token)


def test_real_sites_know_real_people_alone(url: str, connection: Connection) -> None:
    with site.running(site.options(url)) as address, site.client(address) as client:
        # the town's one real monitor stands here
        assert ask(client, place="Abroad").status_code == 303
        assert ask(client, place="Mill Lane").status_code == 400
    assert connection.execute("select origin from personal.contact").fetchall() == [("real",)]
    assert sent(connection)[0].subject == "Confirm your air alerts for Abroad"
    assert connection.execute(
        "select count(*) from personal.air_subscription where asked_at > %s",
        (datetime.now(UTC) - timedelta(minutes=5),),
    ).fetchone() == (1,)


def test_who_stopped_their_alerts_and_asks_again_is_not_told_that_they_get_them(
    somebody: httpx.Client, connection: Connection
) -> None:
    confirmed(somebody, connection)
    (contact,) = connection.execute("select id from personal.contact").fetchone() or (0,)
    contacts.stop(connection, contact, "air-alert", "", datetime.now(UTC))
    assert ask(somebody).status_code == 303
    mail = sent(connection)[-1]
    assert mail.subject == "Simulated: You stopped air alerts for TE5 7ST"
    assert "already" not in mail.text
    page = somebody.get(link(mail))
    assert "You stopped them" in words(page)
    assert somebody.post(link(mail), data={"action": "start"}).status_code == 303
    assert not contacts.stopped(connection, contact, "air-alert")
