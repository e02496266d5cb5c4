"""Signing in at a real issuer: everything that can go wrong, each with a page in plain words and no session."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from borough.postgres_server import free_port
from dashboard.options import SignIn
from tests.tools.issuer import Seen, Wire, authorize, issuer, wired
from tests.tools.servers import Cluster
from tests.tools.signing_in import CLIENT, PEOPLE, Place, begin, browser, come_back, rows, sign_in, signing_in
from tests.tools.site import COOKIE, client, options, running


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


@pytest.fixture
def issuer_port(place: Place) -> int:
    return place.wire.issuer_port


@pytest.fixture
def fresh(homes: str, wire: Wire) -> Iterator[httpx.Client]:
    """A browser at a site that has not read the discovery document yet."""
    with running(options(homes, sign_in=SignIn(wire.url, CLIENT, "x"))) as found, client(found) as web:
        yield web


def changed(url: str, **values: str) -> str:
    """An address with other parameters."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})))


def refused(answer: httpx.Response, status: int, words: str, database: str) -> None:
    """A page in plain words that leads on by a link, no session and no loop."""
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "Traceback" not in answer.text
    assert "location" not in answer.headers
    assert 'href="/sign-in"' in answer.text
    assert COOKIE not in answer.cookies
    assert rows(database, "select from personal.session") == []


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
