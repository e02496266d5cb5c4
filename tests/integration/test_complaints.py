"""Complaints: taken from anybody, acknowledged in time, answered once, seen by who may, and forgotten."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from store import accounts, complaints
from store.complaints import Given
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.tools.site import HERS, Web, browsers, csrf, make_session, options, running, tenancies
from tests.worlds.complaints import take

LONDON = ZoneInfo("Europe/London")
NOW = datetime.now(UTC)
WORDS = "My meter's figures were shown to my landlord.\nI want to know <b>why</b>."


@pytest.fixture(scope="module")
def database_url(timescale: Cluster) -> Iterator[str]:
    with tenancies(timescale) as url:
        yield url


@pytest.fixture(scope="module")
def web(database_url: str) -> Iterator[Web]:
    site = options(database_url, help_line="020 7946 0000", council_address=("Town Hall", "TE5 7ST"))
    with running(site) as url, browsers(url) as make:
        yield make


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url, autocommit=True) as found:
        yield found


def number_of(page: httpx.Response) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def form(page: httpx.Response, **values: str) -> dict[str, str]:
    given = {"form": number_of(page), "about": "energy", "text": WORDS, "answer_by": "none"}
    return given | values


def shown(page: httpx.Response) -> tuple[str, str]:
    """The reference and the key of the page that says that a complaint was taken."""
    assert page.status_code == 201, page.text
    reference, key = re.findall(r'<strong class="whole">([^<]+)</strong>', page.text)
    return reference, key


def complain(web: Web, cookie: str | None = None, **values: str) -> tuple[str, str]:
    browser = web(cookie)
    if cookie is not None:
        values = {"csrf": csrf(cookie), **values}
    return shown(browser.post("/complaints", data=form(browser.get("/complaints"), **values)))


@pytest.fixture
def officer(web: Web, connection: Connection) -> Officer:
    return Officer(web, connection)


class Officer:
    """The data protection officer."""

    def __init__(self, web: Web, connection: Connection, role: str = "data-protection") -> None:
        self.cookie = make_session(connection, None, [role])
        self.web = web(self.cookie)

    def post(self, path: str, **values: str) -> httpx.Response:
        return self.web.post(f"/data-protection/complaints/{path}", data={"csrf": csrf(self.cookie), **values})

    def get(self, path: str = "") -> httpx.Response:
        return self.web.get(f"/data-protection/complaints{path}")


def test_anybody_complains_without_a_sign_in_and_sees_what_became_of_it(web: Web) -> None:
    page = web(None).get("/complaints")
    assert re.search(r"<option[^>]*>\s*</option>", page.text) is None, "a choice without words"
    assert "020 7946 0000" in page.text
    assert "Town Hall, TE5 7ST" in page.text
    reference, key = complain(web)
    assert re.fullmatch(r"DP-[A-Z]{4}-[A-Z]{4}", reference)
    browser = web(None)
    opened = browser.post(f"/complaints/{reference}", data={"key": key.lower().replace("-", " ")})
    assert opened.status_code == 200
    assert "I want to know &lt;b&gt;why&lt;/b&gt;." in opened.text
    assert "will acknowledge it by" in opened.text
    assert browser.get("/complaints", params={"reference": reference.lower()}).headers["location"] == (
        f"/complaints/{reference}"
    )
    assert WORDS.splitlines()[0] not in browser.get(f"/complaints/{reference}").text


@pytest.mark.parametrize("key", ["", "BCDF-BCDF-BCDF-BCDF", "\x01", "x" * 5_000, "' or true --"])
def test_the_reference_alone_opens_nothing(web: Web, key: str) -> None:
    reference, _ = complain(web)
    wrong = web(None).post(f"/complaints/{reference}", data={"key": key})
    assert wrong.status_code in (400, 404)
    assert "landlord" not in wrong.text


def test_one_key_does_not_open_another_complaint(web: Web) -> None:
    (first, _), (_, second) = complain(web), complain(web)
    assert web(None).post(f"/complaints/{first}", data={"key": second}).status_code == 404


def test_a_form_that_is_sent_twice_is_one_complaint_and_changed_words_are_another(web: Web) -> None:
    browser = web(None)
    given = form(browser.get("/complaints"))
    first = shown(browser.post("/complaints", data=given))
    assert shown(browser.post("/complaints", data=given)) == first
    other = shown(browser.post("/complaints", data=given | {"text": "Something else too"}))
    assert other[0] != first[0]


def test_what_is_missing_is_said_beside_it_and_nothing_typed_is_lost(web: Web) -> None:
    browser = web(None)
    page = browser.get("/complaints")
    wrong = browser.post("/complaints", data=form(page, about="", answer_by="email", email="no address"))
    assert wrong.status_code == 400
    assert "Choose what your complaint is about" in wrong.text
    assert "This is no e-mail address" in wrong.text
    assert "my landlord" in wrong.text
    assert number_of(wrong) == number_of(page)
    post = browser.post("/complaints", data=form(page, answer_by="post", name="A", address="1 Street"))
    assert "Enter the address with its postcode" in post.text
    for text in ("", "   ", "a" * 5_001, "turned \u202e round"):
        assert browser.post("/complaints", data=form(page, text=text)).status_code == 400


def test_the_longest_text_of_the_largest_letters_is_taken(web: Web, connection: Connection) -> None:
    reference, _ = complain(web, text="\U00020000" * complaints.LONGEST)
    found = complaints.one(connection, reference)
    assert found is not None
    assert len(found.text) == complaints.LONGEST


def test_a_form_of_another_site_is_refused(web: Web) -> None:
    browser = web(None)
    given = form(browser.get("/complaints"))
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/complaints", data=given, headers=headers).status_code == 403


def test_who_has_a_session_needs_its_token(web: Web, connection: Connection) -> None:
    cookie = make_session(connection, HERS)
    browser = web(cookie)
    assert browser.post("/complaints", data=form(browser.get("/complaints"))).status_code == 403


def test_a_flood_of_one_address_is_stopped_and_one_of_many_is_told_other_ways(
    web: Web, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = web(None)
    page = browser.get("/complaints")
    answers = [browser.post("/complaints", data=form(page, text=f"{n}")).status_code for n in range(21)]
    assert answers == [201] * 20 + [429]
    monkeypatch.setattr(complaints, "MOST_A_DAY", 1)
    other = web(None)
    full = other.post("/complaints", data=form(other.get("/complaints")))
    assert full.status_code == 503
    assert "was not sent" in full.text
    assert "020 7946 0000" in full.text


def test_an_email_names_the_reference_and_neither_the_words_nor_the_key(web: Web, connection: Connection) -> None:
    reference, key = complain(web, answer_by="email", email="Jo@Example.org")
    found = connection.execute(
        "select m.subject, m.text, m.kind, m.state, c.address, c.tenancy_id from personal.message m"
        " join personal.contact c on c.id = m.contact_id where m.key = %s",
        (f"complaint:{reference}:receipt",),
    ).fetchall()
    ((subject, text, kind, state, address, tenancy),) = found
    assert (kind, state, address, tenancy) == ("complaint", "waiting", "Jo@example.org", None)
    assert reference in subject
    assert f"/complaints/{reference}" in text
    for word in (key, "landlord", "Jo@"):
        assert word not in text


def test_a_resident_joins_it_to_their_home_or_not(web: Web, connection: Connection) -> None:
    cookie = make_session(connection, HERS)
    joined, _ = complain(web, cookie, home="yes")
    apart, _ = complain(web, cookie)
    of = {one: complaints.one(connection, one) for one in (joined, apart)}
    assert [None if found is None else found.tenancy_id for found in of.values()] == [HERS, None]


def test_the_queue_shows_what_is_late_first(officer: Officer, connection: Connection) -> None:
    today = NOW.astimezone(LONDON).date()
    ages = {"late": 30, "last": 29, "soon": 23, "calm": 22}
    references = {
        name: take(connection, Given(name, "air", "none"), NOW - timedelta(days=days)).reference
        for name, days in ages.items()
    }
    page = officer.get().text
    places = {name: page.index(reference) for name, reference in references.items()}
    assert sorted(places, key=places.__getitem__) == ["late", "last", "soon", "calm"]
    rows = {name: page[place : page.index("</tr>", place)] for name, place in places.items()}
    assert "overdue" in rows["late"]
    for name in ("last", "soon"):
        assert "due soon" in rows[name]
        assert "overdue" not in rows[name]
    assert "due" not in rows["calm"].replace("due_", "")
    assert f'datetime="{(today - timedelta(days=1)).isoformat()}"' in rows["late"]
    number, oldest = complaints.overdue(connection, complaints.overdue_before(NOW, LONDON))
    assert number >= 1
    assert oldest is not None
    assert oldest <= NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-06-19T00:00:00+01:00", "2026-07-18"),
        ("2026-06-18T23:59:59+01:00", "2026-07-17"),
        ("2026-10-01T23:30:00+01:00", "2026-10-30"),  # the clocks go back in between
        ("2026-03-10T00:30:00+00:00", "2026-04-08"),  # and forward
        ("2026-06-30T23:30:00+00:00", "2026-07-30"),  # in London it was July already
    ],
)
def test_the_last_day_is_the_thirtieth_of_which_the_first_is_when_it_came(received: str, last: str) -> None:
    came, day = datetime.fromisoformat(received), date.fromisoformat(last)
    assert complaints.last_day(came, LONDON) == day
    in_time = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=LONDON)
    assert not came < complaints.overdue_before(in_time, LONDON)
    assert came < complaints.overdue_before(in_time + timedelta(seconds=1), LONDON)


def test_it_is_acknowledged_and_answered_once_as_it_was_written(
    web: Web, officer: Officer, connection: Connection
) -> None:
    reference, key = complain(
        web, make_session(connection, HERS), home="yes", answer_by="email", email="jo@example.org"
    )
    before = len(accounts.accesses(connection, HERS, limit=1_000))
    page = officer.get(f"/{reference}")
    assert f"Tenancy {HERS}" in page.text
    assert "landlord" in page.text
    assert officer.post(f"{reference}/acknowledgement", acknowledgement=" ").status_code == 400
    done = officer.post(f"{reference}/acknowledgement", acknowledgement="We have it.\r\nThe officer")
    assert done.headers["location"].endswith("?done=acknowledgement")
    again = officer.post(f"{reference}/acknowledgement", acknowledgement="Twice")
    assert again.headers["location"].endswith("?done=already")
    assert officer.post(f"{reference}/answer", answer="It was an error.").status_code == 303
    found = complaints.one(connection, reference)
    assert found is not None
    assert found.state == "answered"
    assert [(one.kind, one.way, one.text) for one in complaints.letters(connection, found.id)][2:] == [
        ("acknowledgement", "email", "We have it.\nThe officer"),
        ("answer", "email", "It was an error."),
    ]
    sent = connection.execute(
        "select text from personal.message where thread = %s order by id", (f"complaint:{reference}",)
    ).fetchall()
    assert [text for (text,) in sent[1:]] == ["We have it.\nThe officer", "It was an error."]
    log = [one.action for one in accounts.accesses(connection, HERS, limit=1_000)]
    assert log[: len(log) - before] == [
        "answered the complaint", "acknowledged the complaint", "looked at the complaint", "looked at the complaint",
    ]  # fmt: skip
    looks = [(one.role, one.action) for one in complaints.accesses(connection, found.id)]
    assert ("data-protection", "answered the complaint") in looks
    opened = web(None).post(f"/complaints/{reference}", data={"key": key}).text
    assert "It was an error." in opened
    assert "It was answered" in opened


def test_what_did_not_arrive_is_shown_and_posted(officer: Officer, web: Web, connection: Connection) -> None:
    reference, _ = complain(web, answer_by="email", email="gone@example.org")
    officer.post(f"{reference}/answer", answer="The answer.")
    connection.execute(
        "update personal.message set state = 'failed', reason = 'no such mailbox', settled_at = now() where key = %s",
        (f"complaint:{reference}:answer",),
    )
    assert "An e-mail did not arrive" in officer.get().text
    page = officer.get(f"/{reference}").text
    assert "failed: no such mailbox" in page
    assert officer.post(f"{reference}/posted", letter="answer").status_code == 303
    found = complaints.one(connection, reference)
    assert found is not None
    last = complaints.letters(connection, found.id)[-1]
    assert (last.kind, last.way, last.text) == ("answer", "post", "The answer.")
    row = officer.get().text
    place = row.index(reference)
    assert "did not arrive" not in row[place : row.index("</tr>", place)]


def test_one_by_telephone_has_its_thirty_days_from_the_day_it_came(officer: Officer, connection: Connection) -> None:
    day = NOW.astimezone(LONDON).date() - timedelta(days=10)
    given = {
        "channel": "telephone", "received-day": str(day.day), "received-month": str(day.month),
        "received-year": str(day.year), "about": "movement", "text": "A carer saw too much.", "answer_by": "post",
        "name": "Jo Example", "address": "1 Test Street\nTE5 7ST",
    }  # fmt: skip
    entered = officer.post("new", **given)
    assert entered.status_code == 303, entered.text
    assert officer.post("new", **given).headers["location"] == entered.headers["location"], "pressed twice"
    found = complaints.one(connection, entered.headers["location"].rpartition("/")[2])
    assert found is not None
    assert found.due(LONDON) == day + timedelta(days=29)
    assert (found.channel, found.answer_by, found.address) == ("telephone", "post", "1 Test Street\nTE5 7ST")
    tomorrow = NOW.astimezone(LONDON).date() + timedelta(days=1)
    given |= {"received-day": str(tomorrow.day), "received-month": str(tomorrow.month)}
    assert officer.post("new", **given | {"received-year": str(tomorrow.year)}).status_code == 400


@pytest.mark.parametrize("role", ["engineer", "programme", "assist", "parking-ops", "carer", "resident"])
def test_nobody_else_sees_the_queue(web: Web, connection: Connection, role: str) -> None:
    taken = take(connection, Given("Secret words", "other", "none"))
    other = Officer(web, connection, role)
    for answer in (
        other.get(), other.get(f"/{taken.reference}"), other.get("/new"),
        other.post(f"{taken.reference}/answer", answer="no"),
    ):  # fmt: skip
        assert answer.status_code in (303, 403)
        assert "Secret words" not in answer.text
    found = complaints.one(connection, taken.reference)
    assert found is not None
    assert found.state == "received"


def test_a_draft_that_nobody_filled_in_is_no_answer(officer: Officer, web: Web, connection: Connection) -> None:
    reference, _ = complain(web)
    page = officer.get(f"/{reference}").text
    draft = re.search(r'<textarea id="answer"[^>]*>([^<]*)</textarea>', page)
    assert draft is not None
    wrong = officer.post(f"{reference}/answer", answer=html.unescape(draft[1]))
    assert wrong.status_code == 400
    assert "this is only what stands around it" in wrong.text
    found = complaints.one(connection, reference)
    assert found is not None
    assert found.answered_at is None


def test_what_nobody_knows_is_not_there(officer: Officer) -> None:
    assert officer.get("/DP-BBBB-BBBB").status_code == 404
    assert officer.post("DP-BBBB-BBBB/answer", answer="x").status_code == 404
    assert officer.post("DP-BBBB-BBBB/other", answer="x").status_code == 404


def test_a_form_that_is_sent_twice_at_once_waits(database_url: str) -> None:
    """Two forms at once make one complaint."""
    with connect(database_url) as first, psycopg.connect(database_url) as second:
        given = Given("At once", "other", "none")
        taken = complaints.take(first, given, secret="A", form="the same form twice", received_at=NOW, now=NOW)
        assert taken is not None
        locked = second.execute("select pg_try_advisory_xact_lock(-6104427718830254)").fetchone()
        assert locked == (False,)
        first.commit()
    with connect(database_url) as third:
        again = complaints.take(third, given, secret="A", form="the same form twice", received_at=NOW, now=NOW)
        assert again == taken._replace(new=False)
