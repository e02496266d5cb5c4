"""Pages of carers and of the resident who named them, over a real database: their homes, and nothing of any other."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from borough.delivery import care as delivery
from dashboard.roles import ROLES
from store import accounts, care, care_alerts, contacts, homes
from store.connect import Connection, connect
from store.times import midnight
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds.care import (
    HOUR,
    MINUTE,
    OPTIONS,
    ZONE,
    CareHome,
    add_carer,
    heard,
    know,
    make_care_home,
    messages,
    move,
    say,
)

#: What no page and no message of care says.
NEVER = re.compile(r"\b(ok|okay|green|well|safe|ill|fall|falls|fallen|emergency|alarm)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class World:
    """A site, its database, and who is signed in by name: cookies."""

    url: str
    database: str
    cookies: dict[str, str]

    def client(self, who: str | None) -> httpx.Client:
        return site.client(self.url, self.cookies[who] if who else None, address=None)

    def get(self, who: str | None, path: str) -> httpx.Response:
        with self.client(who) as client:
            return client.get(path)

    def post(self, who: str, path: str, **fields: object) -> httpx.Response:
        with self.client(who) as client:
            return client.post(path, data={"csrf": site.csrf(self.cookies[who]), **fields})

    def connect(self) -> Connection:
        return connect(self.database, autocommit=True)


NOW = datetime.now(UTC).replace(microsecond=0)


def sign_in(connection: Connection, subject: str, roles: tuple[str, ...] = (), tenancy: int | None = None) -> str:
    """The cookie of an account of `add_carer`'s issuer."""
    now = datetime.now(UTC)
    account = accounts.sign_in(connection, "https://issuer.test", subject)
    if tenancy is not None:
        assert accounts.bind(connection, account.id, tenancy, "claim", now, now.date())
    return accounts.open_session(connection, account.id, roles, now, timedelta(hours=12))


def quiet(connection: Connection, number: int) -> CareHome:
    """A home that is quiet for five hours, three of which are usual."""
    one = make_care_home(
        connection, number, ("hall", "kitchen", "door"), heartbeat="PT1H", since=NOW - timedelta(days=20)
    )
    know(connection, one)
    say(connection, one.sensor("door"), "contact", NOW - 7 * HOUR, 1)
    move(connection, one, NOW - 5 * HOUR, "kitchen")
    heard(connection, one, NOW - MINUTE, ["hall", "kitchen"])
    say(connection, one.sensor("door"), "battery", NOW - MINUTE, 80)
    return one


@pytest.fixture
def world(timescale: Cluster) -> Iterator[World]:
    name = timescale.create()
    url = timescale.url(name)
    with connect(url, autocommit=True) as connection:
        one, other = quiet(connection, 1), quiet(connection, 2)
        add_carer(connection, one, "Ada")
        add_carer(connection, one, "Ben", kind="practitioner")
        add_carer(connection, other, "Eve")
        cookies = {who: sign_in(connection, who) for who in ("Ada", "Ben", "Eve", "nobody")}
        cookies["resident"] = sign_in(connection, "resident", tenancy=one.tenancy)
        cookies["neighbour"] = sign_in(connection, "neighbour", tenancy=other.tenancy)
        for role in set(ROLES) - {"resident"}:
            cookies[role] = sign_in(connection, role, (role,))
        delivery.look(connection, OPTIONS, NOW)
    with site.running(site.options(url)) as address:
        yield World(address, url, cookies)
    timescale.drop(name)


def link_of(world: World, who: str) -> care.Link:
    with world.connect() as connection:
        account = accounts.sign_in(connection, "https://issuer.test", who)
        (link,) = care.links_of_account(connection, account.id, NOW.astimezone(ZONE).date())
    return link


def log_of(world: World, number: int = 1) -> list[tuple[str, str, str | None]]:
    """(role, action, detail) of a home's log of access, the oldest first."""
    with world.connect() as connection:
        found = accounts.accesses(connection, 20_000_000_000_000 + number)
    return [(one.role, one.action, one.detail) for one in reversed(found)]


def clock(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%H:%M")


def test_a_carer_sees_the_home_that_named_them_and_each_look_is_logged(world: World) -> None:
    link = link_of(world, "Ada")
    page = world.get("Ada", "/care").text
    assert "Home 1" in page
    assert "Home 2" not in page
    one = world.get("Ada", f"/care/{link.id}").text
    assert re.search(rf"Last movement <strong>(yesterday )?{clock(NOW - 5 * HOUR)}, kitchen</strong>", one)
    assert re.search(rf"No movement noticed since (yesterday )?{clock(NOW - 5 * HOUR)}", one)
    assert "usually without movement for 3 hours at most" in one
    assert "Nobody has answered yet" in one
    assert "<svg" in one
    assert "80%" in one
    csv = world.get("Ada", f"/care/{link.id}/today.csv")
    assert csv.status_code == 200
    assert len(csv.text.splitlines()) == 49
    assert log_of(world)[-3:] == [
        ("carer", "looked at the list of homes", "Ada"),
        ("carer", "looked at movement", "Ada"),
        ("carer", "downloaded movement of today", "Ada"),
    ]
    assert log_of(world, 2) == []


def test_no_page_of_care_says_how_anybody_is_or_where(world: World) -> None:
    link = link_of(world, "Ada")
    for who, path in (("Ada", "/care"), ("Ada", f"/care/{link.id}"), ("resident", "/home/movement"),
                      ("resident", "/home/carers")):  # fmt: skip
        text = world.get(who, path).text
        main = re.sub(r"<[^>]+>", " ", text[text.index("<main") : text.index("</main")])
        assert NEVER.findall(main) == [], path
        for trace in ("1 Test Street", "TE5 7ST", "10000000000001", "20000000000001", "100000000001", "pir-1"):
            assert trace not in text, (path, trace)


@pytest.mark.parametrize("way", ["", "/today.csv"])
def test_every_role_and_every_link_but_ones_own(world: World, way: str) -> None:
    """Route x role: whoever has no link of their own to a home sees nothing of it, whatever they are."""
    his = link_of(world, "Eve")
    for who in world.cookies:
        answer = world.get(who, f"/care/{his.id}{way}")
        if who == "Eve":
            assert answer.status_code == 200
            continue
        wanted = 404 if who in ("Ada", "Ben", "carer") else 403
        assert answer.status_code == wanted, who
        assert "Home 2" not in answer.text
    assert world.get(None, f"/care/{his.id}{way}").status_code == 303
    assert [role for role, _, _ in log_of(world, 2)] == ["carer"], "Eve's own look alone"


@pytest.mark.parametrize("action", ["answer", "mail", "mail/code", "page", "leave"])
def test_forms_of_another_home_change_nothing(world: World, action: str) -> None:
    his = link_of(world, "Eve")
    with world.connect() as connection:
        (alert,) = connection.execute(
            "select id from personal.quiet_alert where tenancy_id = %s", (his.tenancy_id,)
        ).fetchone() or (0,)
    fields = {"notice": alert, "address": "eve2@example.org", "code": "BCDF-GHJK-LMNP"}
    for who in world.cookies:
        if who != "Eve":
            answer = world.post(who, f"/care/{his.id}/{action}", **fields)
            assert answer.status_code in (403, 404, 429), who
            own = link_of(world, "Ada") if who == "Ada" else None
            if own is not None and action == "answer":
                world.post(who, f"/care/{own.id}/{action}", **fields)
    with world.connect() as connection:
        assert care_alerts.unended(connection)[1].acknowledged_at is None
        assert len(messages(connection)) == 2
    assert link_of(world, "Eve") == his
    assert log_of(world, 2) == []


def test_two_carers_answer_at_once_and_one_is_first(world: World) -> None:
    links = {who: link_of(world, who) for who in ("Ada", "Ben")}
    with world.connect() as connection:
        alert = next(one for one in care_alerts.unended(connection) if one.tenancy_id == links["Ada"].tenancy_id)
    answers: dict[str, str] = {}
    begin = threading.Barrier(2)

    def answer(who: str) -> None:
        begin.wait()
        answers[who] = world.post(who, f"/care/{links[who].id}/answer", notice=alert.id).headers["location"]

    threads = [threading.Thread(target=answer, args=(who,)) for who in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(location.split("=")[-1] for location in answers.values()) == ["answered", "faster"]
    first = next(who for who, location in answers.items() if location.endswith("answered"))
    late = next(who for who in links if who != first)
    assert f"Answered: {first}, " in world.get(first, answers[first]).text
    shown = world.get(late, answers[late]).text
    assert f"Answered: {first}, " in shown
    assert "Somebody has answered this notice before you" in shown
    assert "I will look into it" not in shown
    assert log_of(world).count(("carer", "answered a notice", first)) == 1


def test_a_resident_names_a_carer_who_enters_the_code(world: World) -> None:
    page = world.post("resident", "/home/carers", carer="Cid <b>", home="Mum", kind="family").text
    assert "Cid &lt;b&gt;" in page
    code = re.search(r'<span class="whole">([A-Z-]{14})</span>', page)
    assert code is not None
    assert code[1] not in world.get("resident", "/home/carers").text, "shown only once"
    assert world.get("nobody", "/care").status_code == 403
    wrong = world.post("nobody", "/sign-in/code", code="BCDF-GHJK-LMNP")
    assert wrong.status_code == 400
    own = world.post("resident", "/sign-in/code", code=code[1])
    assert own.status_code == 400, "nobody is their own carer"
    entered = world.post("nobody", "/sign-in/code", code=code[1].lower().replace("-", " "))
    assert entered.status_code == 303
    cookie = entered.cookies[site.COOKIE]
    assert cookie != world.cookies["nobody"], "its rights have grown"
    world.cookies["nobody"] = cookie
    assert "Mum" in world.get("nobody", entered.headers["location"]).text
    again = world.post("Eve", "/sign-in/code", code=code[1])
    assert again.status_code == 400, "a code works once"
    fourth = world.post("resident", "/home/carers", carer="Dan", home="Mum", kind="family")
    assert fourth.status_code == 400
    assert "You have named 3 people" in fourth.text
    assert ("carer", "became your carer", "Cid <b>") in log_of(world)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"carer": "", "home": "Mum", "kind": "family"}, "Enter what you call them"),
        ({"carer": "x" * 61, "home": "Mum", "kind": "family"}, "Their name is 61 letters long"),
        ({"carer": "A\u202eb", "home": "Mum", "kind": "family"}, "turns the order of text round"),
        ({"carer": "Cid", "home": "", "kind": "family"}, "Enter what they should read"),
        ({"carer": "Cid", "home": "Mum", "kind": "spy"}, "Choose who they are"),
    ],
)
def test_a_carer_cannot_be_named_so(world: World, fields: dict[str, str], said: str) -> None:
    answer = world.post("resident", "/home/carers", **fields)
    assert answer.status_code == 400
    assert said in answer.text
    with world.connect() as connection:
        assert len(care.links_of_tenancy(connection, link_of(world, "Ada").tenancy_id)) == 2


def test_the_resident_ends_a_carer_in_one_step_and_changes_the_order(world: World) -> None:
    ada, ben = link_of(world, "Ada"), link_of(world, "Ben")
    assert world.post("resident", "/home/carers/up", link=ben.id).headers["location"] == "/home/carers?done=moved"
    assert (link_of(world, "Ben").rank, link_of(world, "Ada").rank) == (1, 2)
    assert world.post("neighbour", "/home/carers/end", link=ben.id).headers["location"] == "/home/carers"
    assert world.get("Ben", f"/care/{ben.id}").status_code == 200
    assert world.post("resident", "/home/carers/end", link=ben.id).headers["location"] == "/home/carers?done=ended"
    assert world.get("Ben", f"/care/{ben.id}").status_code == 403, "no home names Ben any more"
    assert link_of(world, "Ada") == ada
    assert ("resident", "ended a carer", "Ben") in log_of(world)


def test_the_resident_sees_the_same_and_who_looked(world: World) -> None:
    world.get("Ada", f"/care/{link_of(world, 'Ada').id}")
    page = world.get("resident", "/home/movement").text
    assert re.search(rf"Last movement <strong>(yesterday )?{clock(NOW - 5 * HOUR)}, kitchen</strong>", page)
    assert ": Ada looked at movement" in page
    assert "Ada" in world.get("resident", "/home/access").text
    assert world.get("resident", "/home/movement/today.csv").status_code == 200


def test_without_consent_nothing_is_shown_and_nobody_can_be_named(world: World) -> None:
    ada = link_of(world, "Ada")
    assert world.post("resident", "/home/consents", purpose="care", give="no").status_code == 303
    assert world.get("Ada", f"/care/{ada.id}").status_code in (403, 404)
    assert world.get("Ada", "/care").status_code == 403
    assert "You have not agreed to the use of movement sensors" in world.get("resident", "/home/movement").text
    assert "You have not agreed to this" in world.get("resident", "/home/carers").text
    assert world.post("resident", "/home/carers", carer="Cid", home="Mum", kind="family").status_code == 200
    with world.connect() as connection:
        assert care.links_of_tenancy(connection, ada.tenancy_id) == []
        assert homes.give_consent(connection, ada.tenancy_id, "care", "page", datetime.now(UTC))
        assert care.links_of_tenancy(connection, ada.tenancy_id) == [], "an end is an end"


def test_an_address_is_used_once_its_code_is_entered(world: World) -> None:
    link = link_of(world, "Ada")
    wrong = world.post("Ada", f"/care/{link.id}/mail", address="ada at home")
    assert (wrong.status_code, "Enter an e-mail address" in wrong.text) == (400, True)
    assert world.post("Ada", f"/care/{link.id}/mail", address="new@example.org").status_code == 303
    assert "Code that we sent to new@example.org" in world.get("Ada", f"/care/{link.id}").text
    with world.connect() as connection:
        text, kind, confirmed = connection.execute(
            "select m.text, m.kind, c.confirmed_at from personal.message m"
            " join personal.contact c on c.id = m.contact_id where c.address = 'new@example.org'"
        ).fetchone() or ("", "", None)
    assert (kind, confirmed) == ("code", None)
    assert "Home 1" not in text
    code = re.search(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}", text)
    assert code is not None
    assert world.post("Ada", f"/care/{link.id}/mail/code", code="BCDF-GHJK-LMNP").status_code == 400
    assert world.post("Eve", f"/care/{link_of(world, 'Eve').id}/mail/code", code=code[0]).status_code == 400
    assert world.post("Ada", f"/care/{link.id}/mail/code", code=code[0]).status_code == 303
    assert "Notices are sent to <strong>new@example.org</strong>" in world.get("Ada", f"/care/{link.id}").text
    with world.connect() as connection:
        known = connection.execute("select address from personal.contact order by id").fetchall()
    assert ("ada@example.org",) not in known, "an address that nobody needs is forgotten"
    assert world.post("Ada", f"/care/{link.id}/page").status_code == 303
    assert "Notices stand on this page alone" in world.get("Ada", f"/care/{link.id}").text


@pytest.mark.parametrize("kind", ["care-alert", "care-note"])
def test_a_stop_by_a_link_is_said_on_the_page_and_taken_back_with_a_code(world: World, kind: str) -> None:
    """Whoever had the e-mail may have stopped them: its carer reads that, and never that they are told."""
    link = link_of(world, "Ada")
    assert link.contact_id is not None
    with world.connect() as connection:
        contacts.stop(connection, link.contact_id, kind, care_alerts.thread(link.id), NOW)
    assert "Somebody stopped them" in world.get("Ada", f"/care/{link.id}").text
    assert "Somebody stopped them" not in world.get("Ben", f"/care/{link_of(world, 'Ben').id}").text
    assert world.post("Ada", f"/care/{link.id}/mail", address="ada@example.org").status_code == 303
    with world.connect() as connection:
        (text,) = connection.execute("select text from personal.message where kind = 'code'").fetchone() or ("",)
    code = re.search(r"[A-Z]{4}-[A-Z]{4}-[A-Z]{4}", text)
    assert code is not None
    assert world.post("Ada", f"/care/{link.id}/mail/code", code=code[0]).status_code == 303
    assert "Somebody stopped them" not in world.get("Ada", f"/care/{link.id}").text
    with world.connect() as connection:
        assert not contacts.stopped(connection, link.contact_id, kind, care_alerts.thread(link.id))


@pytest.mark.parametrize("path", ["/care/{}", "/home/movement"])
def test_a_gateway_that_is_away_looks_like_no_quiet_home(world: World, path: str) -> None:
    """No carer gets a notice of it: their page alone says that nothing is known."""
    with world.connect() as connection:
        connection.execute("""update personal.device set attributes = attributes || '{"gateway": "gw-1"}'""")
        connection.execute("update public.latest set time = %(at)s, arrival = %(at)s", {"at": NOW - 4 * HOUR})
        connection.execute("delete from public.reading where time > %s", (NOW - 4 * HOUR,))
        delivery.look(connection, OPTIONS, NOW)
        assert [one.homes for one in care_alerts.gateways(connection)] == [2]
    page = world.get("Ada" if "care" in path else "resident", path.format(link_of(world, "Ada").id)).text
    assert "Not heard since" in page
    assert "No movement noticed today" not in page
    assert "where no movement is shown, nobody knows" in page


def test_a_carer_stops(world: World) -> None:
    link = link_of(world, "Ada")
    assert world.post("Ada", f"/care/{link.id}/leave").headers["location"] == "/"
    assert world.get("Ada", f"/care/{link.id}").status_code == 403
    assert ("carer", "is your carer no more", "Ada") in log_of(world)
    assert link_of(world, "Ben").rank == 1


def test_pages_of_engineers_show_nothing_of_a_sensor_of_a_home(world: World) -> None:
    start, stop = midnight(NOW.date(), ZONE) - 10**12, midnight(NOW.date(), ZONE) + 10**12
    for path in (
        "/engineer/series?device=pir-1-hall&property=motion",
        f"/engineer/series/points?device=pir-1-hall&property=motion&start={start}&stop={stop}",
        f"/engineer/series/data.csv?device=pir-1-hall&property=motion&start={start}&stop={stop}",
        "/engineer/silent",
        "/engineer/rejected?device=pir-1-hall",
        "/overview",
    ):
        for role in ("engineer", "parking-ops"):
            answer = world.get(role, path)
            shown = answer.text.replace("device=pir-1-hall", "").replace('value="pir-1-hall"', "")
            assert answer.status_code in (200, 403, 404), path
            assert "Home 1" not in shown
            assert not re.search(r"motion.{0,40}\b[01]\b.{0,20}</td>", shown), path
            if answer.status_code == 200:
                assert clock(NOW - 5 * HOUR) + ":00</" not in shown
