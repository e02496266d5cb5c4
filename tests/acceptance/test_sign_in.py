"""Signing in at a real issuer: what goes over the wire, and who one is and where afterwards."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import psycopg
import pytest

from dashboard.options import SignIn
from store import care
from store.connect import connect
from store.homes import give_consent
from tests.tools.issuer import Seen, Wire, authorize
from tests.tools.servers import Cluster
from tests.tools.signing_in import CLIENT, Place, begin, browser, come_back, rows, sign_in, signing_in
from tests.tools.site import COOKIE, GONE, HERS, client, form_token_of, make_session, options, running


@pytest.fixture(scope="module")
def place(timescale: Cluster) -> Iterator[Place]:
    with signing_in(timescale) as found:
        yield found


@pytest.fixture(autouse=True)
def afresh(place: Place) -> Iterator[None]:
    with place.afresh():
        yield


@pytest.fixture
def homes(place: Place) -> str:
    return place.database


@pytest.fixture
def wire(place: Place) -> Wire:
    return place.wire


@pytest.fixture
def url(place: Place) -> str:
    return place.url


@pytest.fixture
def web(place: Place) -> Iterator[httpx.Client]:
    with browser(place.url) as found:
        yield found


def test_without_a_public_address_the_port_that_a_request_names_is_not_repeated(web: httpx.Client) -> None:
    """The issuer sends people back to where we listen, whatever a Host header says."""
    answer = web.get("/sign-in/start", headers={"Host": f"{web.base_url.host}:9"})
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{str(web.base_url).rstrip('/')}/sign-in/callback"]


def test_the_whole_way(web: httpx.Client, homes: str, wire: Wire) -> None:
    page = web.get("/sign-in?next=/privacy")
    assert 'href="/sign-in/start?next=%2Fprivacy"' in page.text or 'href="/sign-in/start?next=/privacy"' in page.text
    location = begin(web, "/sign-in/start?next=/privacy")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert location.startswith(wire.url)
    assert asked["response_type"] == "code"
    assert asked["client_id"] == CLIENT
    assert asked["scope"] == "openid"
    assert asked["redirect_uri"] == f"{str(web.base_url).rstrip('/')}/sign-in/callback"
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20
    assert asked["code_challenge_method"] == "S256"
    answer = come_back(web, authorize(location, "alice"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/privacy")
    (exchange,) = wire.token_requests()
    sent = dict(parse_qsl(exchange.body.decode()))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).decode().rstrip("=")
    assert challenge == asked["code_challenge"]
    assert len(sent["code_verifier"]) >= 43
    assert base64.b64decode(exchange.headers["authorization"].removeprefix("Basic ")).startswith(CLIENT.encode())
    # a session of ours: the table has the hash, the cookie the token, and the cookie of the way is gone
    token = web.cookies[COOKIE]
    ((stored, tenancy, by, issuer_name, subject),) = rows(
        homes,
        "select s.token, a.tenancy_id, a.bound_by, a.issuer, a.subject from personal.session s"
        " join personal.account a on a.id = s.account_id",
    )
    assert stored == hashlib.sha256(token.encode()).digest()
    assert (tenancy, by, issuer_name, subject) == (HERS, "claim", wire.url, "alice")
    assert "borough-sign-in" not in web.cookies
    assert "Sign out" in web.get("/").text


@pytest.mark.parametrize(
    ("subject", "path", "roles"),
    [
        ("alice", "/home", set()),
        ("bob", "/sign-in/code", set()),
        ("gone", "/sign-in/code", set()),
        ("staff", "/", {"engineer", "resident"}),
        ("spaced", "/", {"programme", "data-protection"}),
        ("mad", "/sign-in/code", set()),
    ],
)
def test_who_one_is_afterwards(web: httpx.Client, homes: str, subject: str, path: str, roles: set[str]) -> None:
    answer = sign_in(web, subject)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    ((held, tenancy),) = rows(
        homes, "select s.roles, a.tenancy_id from personal.session s join personal.account a on a.id = s.account_id"
    )
    assert set(held) == roles
    assert tenancy == (HERS if subject == "alice" else None)
    # being called a resident by an issuer opens no home
    assert web.get("/overview").status_code == (200 if subject == "staff" else 403)
    if subject in ("staff", "spaced"):
        assert web.get("/home").status_code in (403, 404)


@pytest.mark.parametrize(
    "wish",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "/%09/evil.example", "\\\\evil.example", "x",
     "/a\nb", "javascript:alert(1)", "/" + "a" * 600],
)  # fmt: skip
def test_after_it_one_stays_here(web: httpx.Client, wish: str) -> None:
    answer = sign_in(web, "alice", f"/sign-in/start?{urlencode({'next': wish})}")
    location = answer.headers["location"]
    assert location == "/home" or (wish.startswith("/%09") and location == wish), location
    assert urlsplit(location).netloc == ""


def test_signing_in_again_is_the_same_account_and_another_session(web: httpx.Client, homes: str) -> None:
    sign_in(web, "bob")
    first = web.cookies[COOKIE]
    assert sign_in(web, "bob").status_code == 303
    assert web.cookies[COOKIE] != first
    assert len(rows(homes, "select from personal.account")) == 1
    # the one before is over: a token that somebody knew from earlier opens nothing
    assert len(rows(homes, "select from personal.session")) == 1


def test_a_token_that_was_planted_is_not_signed_in(web: httpx.Client, homes: str, url: str) -> None:
    with psycopg.connect(homes, autocommit=True) as connection:
        planted = make_session(connection)
    web.cookies.set(COOKIE, planted)
    assert sign_in(web, "alice").headers["location"] == "/home"
    with client(url, planted) as thief:
        assert thief.get("/sign-in/code").status_code == 303
        assert "Sign out" not in thief.get("/").text


def _with_a_secret(seen: Seen) -> None:
    seen.headers["authorization"] = "Basic " + base64.b64encode(f"{CLIENT}:x".encode()).decode()


def test_a_public_client_sends_no_secret(homes: str, wire: Wire, web: httpx.Client) -> None:
    # this issuer knows no public clients: the wire adds what it wants, after noting what we sent
    wire.ask = _with_a_secret
    with running(options(homes, sign_in=SignIn(wire.url, CLIENT))) as url, client(url) as other:
        assert sign_in(other, "alice").status_code == 303
    (exchange,) = wire.token_requests()
    assert "authorization" not in exchange.headers
    assert b"client_secret" not in exchange.body
    assert b"client_id=borough-site" in exchange.body


def test_an_issuer_s_word_moves_an_account_to_the_next_home(web: httpx.Client, homes: str, wire: Wire) -> None:
    with psycopg.connect(homes, autocommit=True) as connection:
        connection.execute(
            "insert into personal.account (issuer, subject, tenancy_id, bound_by) values (%s, 'alice', %s, 'code')",
            (wire.url, GONE),
        )
    assert sign_in(web, "alice").headers["location"] == "/home"
    assert rows(homes, "select tenancy_id from personal.account") == [(HERS,)]


def test_without_an_issuer_there_is_no_way_and_the_page_says_so(homes: str) -> None:
    with running(options(homes)) as url, client(url) as web:
        assert "no sign-in service has been set up" in web.get("/sign-in").text
        assert web.get("/sign-in/start").status_code == 404


def test_signed_in_already(web: httpx.Client) -> None:
    sign_in(web, "alice")
    assert web.get("/sign-in?next=/privacy").headers["location"] == "/privacy"
    token = form_token_of(web.get("/").text)
    assert web.post("/sign-out", data={"csrf": token}).headers["location"] == "/sign-out/done"
    assert COOKIE not in web.cookies
    assert web.get("/home").headers["location"] == "/sign-in?next=%2Fhome"


def test_who_was_named_as_a_carer_lands_at_the_homes(web: httpx.Client, homes: str) -> None:
    """The issuer says nothing of it: a resident did."""
    assert sign_in(web, "bob").headers["location"] == "/sign-in/code"
    now = datetime.now(UTC)
    with connect(homes) as connection:
        assert give_consent(connection, HERS, "care", "page", now)
        named = care.name_carer(connection, HERS, "family", "Bob", "Mum", now, now.date())
        assert named is not None
    page = web.get("/sign-in/code").text
    answer = web.post("/sign-in/code", data={"csrf": form_token_of(page), "code": named[1]})
    assert answer.headers["location"].startswith("/care/")
    assert "Mum" in web.get("/care").text
    assert sign_in(web, "bob").headers["location"] == "/care"
    with connect(homes) as connection:
        connection.execute("delete from personal.care_link")
        connection.execute("delete from personal.consent where purpose = 'care'")
