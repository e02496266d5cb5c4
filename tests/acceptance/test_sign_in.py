"""Signing in at a real issuer: what goes over the wire, who one is afterwards, and everything that can go wrong."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from borough.postgres_server import free_port
from dashboard.options import SignIn
from tests.harness.issuer import Seen, Wire, authorize, issuer, wired
from tests.harness.site import COOKIE, client, form_token_of, make_home, make_session, options, running
from tests.servers import Cluster

HERS, GONE = 20_000_000_000_001, 20_000_000_000_002
PEOPLE: list[dict[str, Any]] = [
    {"sub": "alice", "borough_tenancy": str(HERS)},
    {"sub": "bob"},
    {"sub": "gone", "borough_tenancy": GONE},
    {"sub": "staff", "borough_roles": ["engineer", "king", "resident", 7]},
    {"sub": "spaced", "borough_roles": "programme data-protection"},
    {"sub": "mad", "borough_tenancy": {"a": 1}, "borough_roles": {"engineer": True}},
]
CLIENT = "borough-site"


@pytest.fixture(scope="module")
def issuer_port() -> Iterator[int]:
    with issuer(PEOPLE) as port:
        yield port


@pytest.fixture(scope="module")
def the_homes(timescale: Cluster) -> Iterator[str]:
    """A database for all tests here."""
    name = timescale.create()
    with psycopg.connect(timescale.url(name), autocommit=True) as connection:
        make_home(connection, tenancy_id=GONE, to_day=date(2021, 1, 1))
        make_home(connection, tenancy_id=HERS, from_day=date(2021, 1, 1))
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture(scope="module")
def the_wire(issuer_port: int) -> Iterator[Wire]:
    with wired(issuer_port) as found:
        yield found


@pytest.fixture(scope="module")
def url(the_homes: str, the_wire: Wire) -> Iterator[str]:
    with running(options(the_homes, sign_in=SignIn(the_wire.url, CLIENT, "a secret & more"))) as found:
        yield found


@pytest.fixture
def homes(the_homes: str) -> str:
    """The database, without accounts."""
    with psycopg.connect(the_homes, autocommit=True) as connection:
        connection.execute("delete from personal.account")
    return the_homes


@pytest.fixture
def wire(the_wire: Wire) -> Iterator[Wire]:
    the_wire.seen.clear()
    yield the_wire
    the_wire.ask = the_wire.answer = None


_ADDRESSES = count(1)


@pytest.fixture
def web(url: str, homes: str, wire: Wire) -> Iterator[httpx.Client]:
    with client(url, address=f"192.0.2.{next(_ADDRESSES)}") as found:
        yield found


@pytest.fixture
def fresh(homes: str, wire: Wire) -> Iterator[httpx.Client]:
    """A browser at a site that has not read the discovery document yet."""
    with running(options(homes, sign_in=SignIn(wire.url, CLIENT, "x"))) as found, client(found) as web:
        yield web


def changed(url: str, **values: str) -> str:
    """An address with other parameters."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})))


def begin(web: httpx.Client, path: str = "/sign-in/start") -> str:
    """Where the site sends a browser that wants to sign in."""
    answer = web.get(path)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def come_back(web: httpx.Client, location: str) -> httpx.Response:
    return web.get(location.removeprefix(str(web.base_url).rstrip("/")))


def sign_in(web: httpx.Client, subject: str, path: str = "/sign-in/start") -> httpx.Response:
    return come_back(web, authorize(begin(web, path), subject))


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query.encode()).fetchall()


def refused(answer: httpx.Response, status: int, words: str, database: str) -> None:
    """A page in plain words that leads on by a link, no session and no loop."""
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "Traceback" not in answer.text
    assert "location" not in answer.headers
    assert 'href="/sign-in"' in answer.text
    assert COOKIE not in answer.cookies
    assert rows(database, "select from personal.session") == []


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


def test_a_wrong_or_missing_state(web: httpx.Client, homes: str) -> None:
    back = authorize(begin(web), "alice")
    refused(come_back(web, changed(back, state="another")), 400, "This sign-in cannot be finished", homes)
    refused(web.get("/sign-in/callback"), 400, "This sign-in cannot be finished", homes)
    refused(web.get("/sign-in/callback?code=x&state=y"), 400, "This sign-in cannot be finished", homes)


def test_another_browser_cannot_finish_it(web: httpx.Client, homes: str, url: str) -> None:
    back = authorize(begin(web), "alice")
    with client(url) as other:
        refused(come_back(other, back), 400, "was begun in another window or browser", homes)


def test_it_can_be_finished_once(web: httpx.Client, homes: str, wire: Wire) -> None:
    back = authorize(begin(web), "alice")
    assert come_back(web, back).status_code == 303
    web.cookies.delete(COOKIE)
    again = come_back(web, back)
    assert again.status_code == 400
    assert "was finished already" in again.text
    assert len(wire.token_requests()) == 1
    # the issuer's code with a new state: the issuer knows that it was used
    fresh = dict(parse_qsl(urlsplit(begin(web)).query))["state"]
    answer = come_back(web, changed(back, state=fresh))
    assert answer.status_code == 400
    assert "This sign-in cannot be trusted" in answer.text
    assert COOKIE not in web.cookies


def test_a_person_who_refuses(web: httpx.Client, homes: str) -> None:
    refused(come_back(web, authorize(begin(web), None)), 403, "You did not sign in", homes)


def test_a_token_for_another_nonce(web: httpx.Client, homes: str) -> None:
    back = authorize(changed(begin(web), nonce="another-nonce"), "alice")
    refused(come_back(web, back), 400, "This sign-in cannot be trusted", homes)


def _other_host(seen: Seen) -> None:
    if seen.path.endswith("/token"):
        seen.headers["host"] = "localhost:1"


def test_a_token_of_another_issuer(web: httpx.Client, homes: str, wire: Wire) -> None:
    back = authorize(begin(web), "alice")
    wire.ask = _other_host
    refused(come_back(web, back), 400, "This sign-in cannot be trusted", homes)


def test_a_token_for_another_client(web: httpx.Client, homes: str, wire: Wire) -> None:
    back = authorize(changed(begin(web), client_id="somebody-else"), "alice")

    def as_somebody_else(seen: Seen) -> None:
        if seen.path.endswith("/token"):
            seen.headers["authorization"] = "Basic " + base64.b64encode(b"somebody-else:x").decode()

    wire.ask = as_somebody_else
    refused(come_back(web, back), 400, "This sign-in cannot be trusted", homes)


def _part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _unsigned(token: str) -> str:
    return f"{_part({'alg': 'none'})}.{token.split('.')[1]}."


def _forged(token: str) -> str:
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return f"{head}.{_part({**claims, 'borough_roles': ['engineer']})}.{signature}"


def _missing(_: str) -> None:
    return None


@pytest.mark.parametrize("lie", [_unsigned, _forged, _missing], ids=["unsigned", "forged", "missing"])
def test_a_token_that_the_issuer_did_not_sign(fresh: httpx.Client, homes: str, wire: Wire, lie: Any) -> None:
    def answer(path: str, body: bytes) -> bytes:
        if path.endswith("openid-configuration"):
            # even where the discovery document itself offers none
            found = json.loads(body)
            return json.dumps({**found, "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}).encode()
        if path.endswith("/token"):
            found = json.loads(body)
            token = lie(found.pop("id_token"))
            return json.dumps({**found, **({"id_token": token} if token else {})}).encode()
        return body

    wire.answer = answer
    refused(sign_in(fresh, "alice"), 400, "This sign-in cannot be trusted", homes)


def test_a_token_that_is_over(homes: str, web: httpx.Client) -> None:
    with (
        issuer(PEOPLE, token_seconds=-600) as port,
        wired(port) as wire,
        running(options(homes, sign_in=SignIn(wire.url, CLIENT))) as url,
        client(url) as other,
    ):
        refused(sign_in(other, "alice"), 400, "This sign-in cannot be trusted", homes)


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


def test_an_issuer_that_is_away_and_comes_back(homes: str, issuer_port: int) -> None:
    with (
        running(options(homes, sign_in=SignIn(f"http://127.0.0.1:{free_port()}", CLIENT, "x"))) as url,
        client(url) as web,
    ):
        refused(web.get("/sign-in/start"), 503, "The sign-in service does not answer", homes)
        assert web.get("/sign-in").status_code == 200
    with wired(issuer_port) as wire:
        wire.answer = lambda _, __: b"<html>down for maintenance"
        with running(options(homes, sign_in=SignIn(wire.url, CLIENT, "x"))) as url, client(url) as web:
            refused(web.get("/sign-in/start"), 503, "The sign-in service does not answer", homes)
            wire.answer = None
            back = authorize(begin(web), "alice")
            wire.answer = lambda path, body: b"" if path.endswith("/token") else body
            refused(come_back(web, back), 400, "This sign-in cannot be trusted", homes)
            wire.answer = None
            assert sign_in(web, "alice").status_code == 303


def test_a_discovery_document_of_another_issuer(fresh: httpx.Client, homes: str, wire: Wire) -> None:
    wire.answer = lambda path, body: (
        body.replace(wire.url.encode(), b"https://evil.example") if path.endswith("openid-configuration") else body
    )
    refused(fresh.get("/sign-in/start"), 400, "This sign-in cannot be trusted", homes)
    wire.answer = None
    assert sign_in(fresh, "alice").status_code == 303


def test_tries_are_limited_by_address(web: httpx.Client) -> None:
    # one more a second while we try
    answers = (web.get("/sign-in/callback") for _ in range(300))
    tries, answer = next((number, found) for number, found in enumerate(answers, 1) if found.status_code == 429)
    assert 61 <= tries < 250
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "Too many tries" in answer.text


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
