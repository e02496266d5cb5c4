"""Forms of our own only, what they send, and what they open: the codes of letters and demos, and sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from dashboard import roles
from store import accounts
from tests.tools.servers import Cluster
from tests.tools.site import (
    COOKIE,
    GONE,
    HERS,
    Web,
    browsers,
    client,
    csrf,
    form_token_of,
    make_session,
    options,
    running,
    tenancies,
)

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def homes(timescale: Cluster) -> Iterator[str]:
    with tenancies(timescale) as found:
        yield found


@pytest.fixture(scope="module")
def url(homes: str) -> Iterator[str]:
    with running(options(homes)) as found:
        yield found


@pytest.fixture
def connection(homes: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(homes, autocommit=True) as found:
        yield found


@pytest.fixture
def web(url: str) -> Iterator[Web]:
    with browsers(url) as found:
        yield found


# ---------------------------------------------------------------------------------------------------------- forms


@pytest.mark.parametrize(
    "sent",
    [{}, {"csrf": ""}, {"csrf": "wrong"}, {"csrf": csrf("of-another-session")}, {"csrf": "ü" * 64}],
    ids=["none", "empty", "wrong", "another session's", "not ASCII"],
)
def test_a_form_without_its_token_does_nothing(connection: psycopg.Connection, web: Web, sent: dict[str, str]) -> None:
    cookie = make_session(connection, HERS)
    answer = web(cookie).post("/sign-out", data=sent)
    assert answer.status_code == 403
    assert "This form is too old" in answer.text
    assert web(cookie).get("/sign-in/code").status_code == 200, "still signed in"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_form_of_another_site_does_nothing(connection: psycopg.Connection, web: Web, headers: dict[str, str]) -> None:
    cookie = make_session(connection, HERS)
    answer = web(cookie).post("/sign-out", data={"csrf": csrf(cookie)}, headers=headers)
    assert answer.status_code == 403
    assert "did not come from our page" in answer.text
    assert web(cookie).get("/sign-in/code").status_code == 200


def test_our_own_forms_work(connection: psycopg.Connection, url: str, web: Web) -> None:
    for headers in ({}, {"Origin": url}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": url, "Sec-Fetch-Site": "none"}):
        cookie = make_session(connection, HERS)
        answer = web(cookie).post("/sign-out", data={"csrf": csrf(cookie)}, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-out/done")
        assert web(cookie).get("/sign-in/code").status_code == 303


def test_the_token_is_the_session_s_and_changes_with_it(connection: psycopg.Connection, web: Web) -> None:
    cookie, other = make_session(connection, HERS), make_session(connection, HERS)
    token = form_token_of(web(cookie).get("/").text)
    assert token == csrf(cookie)
    assert token != csrf(other)
    assert cookie not in web(cookie).get("/").text


def test_nobody_s_forms_have_a_token_too(url: str, homes: str, connection: psycopg.Connection) -> None:
    """Else another site could sign people in here as somebody whose data it would like them to enter theirs to."""
    code = accounts.make_code(connection, "demo", HERS, NOW, timedelta(days=1))
    with running(options(homes, demo=True)) as demo, client(demo) as browser, client(demo) as victim:
        page = browser.get(f"/sign-in/demo/{code}")
        token = form_token_of(page.text)
        assert victim.post(f"/sign-in/demo/{code}", data={"csrf": token}).status_code == 403
        for _ in range(2):  # a demo's link works again after a reload
            token = form_token_of(browser.get(f"/sign-in/demo/{code}").text)
            answer = browser.post(f"/sign-in/demo/{code}", data={"csrf": token})
            assert (answer.status_code, answer.headers["location"]) == (303, "/home")
            browser.cookies.delete(COOKIE)


@pytest.mark.parametrize("role", ["parking-ops", "programme", "data-protection", "assist"])
def test_a_demo_s_links_for_roles(homes: str, connection: psycopg.Connection, role: str) -> None:
    code = accounts.make_code(connection, "demo", None, NOW, timedelta(days=1), [role])
    with running(options(homes, demo=True)) as demo, client(demo) as browser:
        page = browser.get(f"/sign-in/demo/{code}").text
        assert roles.ROLE_WORDS[role].lower() in page
        path = next(path for path, _ in roles.NAVIGATION if role in roles.need(path).roles)
        answer = browser.post(f"/sign-in/demo/{code}", data={"csrf": form_token_of(page)})
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        assert browser.get(path).status_code == 200


def test_a_large_body_is_refused(connection: psycopg.Connection, web: Web) -> None:
    cookie = make_session(connection, HERS)
    answer = web(cookie).post("/sign-in/code", data={"csrf": csrf(cookie), "code": "x" * 100_000})
    assert answer.status_code == 413
    assert "too much to send" in answer.text

    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"code=" + b"x" * 1000 + b"&"

    answer = web(cookie).post(
        "/sign-in/code", content=pieces(), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413


# ------------------------------------------------------------------------------------------------- codes, sessions


def test_a_letter_s_code_binds_and_the_token_changes(connection: psycopg.Connection, web: Web) -> None:
    code = accounts.make_code(connection, "bind", HERS, NOW, timedelta(days=1))
    cookie = make_session(connection)
    browser = web(cookie)
    assert browser.get("/home").headers["location"] == "/sign-in/code"
    answer = browser.post("/sign-in/code", data={"csrf": csrf(cookie), "code": code.lower().replace("-", " ")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    new = answer.cookies[COOKIE]
    assert new != cookie
    assert web(cookie).get("/sign-in/code").status_code == 303, "the old token is worth nothing"
    assert "/home" in browser.get("/").text
    (row,) = [row for row in accounts.accesses(connection, HERS) if "letter's code" in row.action]
    assert row.account_id is not None
    # used: for anybody else it is one code more that does not work
    other = make_session(connection)
    again = web(other).post("/sign-in/code", data={"csrf": csrf(other), "code": code})
    assert again.status_code == 400
    assert "wrong, has been used, or is too old" in again.text


def test_codes_that_do_not_work_look_alike(connection: psycopg.Connection, web: Web) -> None:
    old = accounts.make_code(connection, "bind", HERS, NOW - timedelta(days=2), timedelta(days=1))
    moved_out = accounts.make_code(connection, "bind", GONE, NOW, timedelta(days=1))
    slip = accounts.make_code(connection, "slip", HERS, NOW, timedelta(days=1))
    seen = set()
    for code in ("", "nonsense", old, moved_out, slip):
        cookie = make_session(connection)
        answer = web(cookie).post("/sign-in/code", data={"csrf": csrf(cookie), "code": code})
        assert answer.status_code == 400
        assert COOKIE not in answer.cookies
        seen.add(answer.text.replace(csrf(cookie), ""))
    assert len(seen) == 1
    assert connection.execute("select from personal.account where tenancy_id = %s", (GONE,)).fetchall() == []


def test_guessing_codes_is_slow(connection: psycopg.Connection, web: Web) -> None:
    cookie = make_session(connection)
    good = accounts.make_code(connection, "bind", HERS, NOW, timedelta(days=1))
    statuses = [
        web(cookie).post("/sign-in/code", data={"csrf": csrf(cookie), "code": "BCDFGHJKLMNP"}).status_code
        for _ in range(6)
    ]
    assert statuses == [400] * 5 + [429]
    answer = web(cookie).post("/sign-in/code", data={"csrf": csrf(cookie), "code": good})
    assert answer.status_code == 429, "the right code too"
    assert 100 <= int(answer.headers["retry-after"]) <= 180


def test_a_session_that_is_over(connection: psycopg.Connection, web: Web) -> None:
    for change in ("seen_at = now() - interval '31 minutes'", "expires_at = now() - interval '1 second'"):
        cookie = make_session(connection, HERS)
        assert web(cookie).get("/sign-in/code").status_code == 200
        connection.execute(f"update personal.session set {change} where token = %s", (accounts.hashed(cookie),))
        answer = web(cookie).get("/sign-in/code")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fsign-in%2Fcode")
        # a form that was open meanwhile says where to go on and changes nothing
        assert web(cookie).post("/sign-out", data={"csrf": csrf(cookie)}).headers["location"] == "/sign-in?next=%2F"


def test_signing_out_everywhere(connection: psycopg.Connection, web: Web) -> None:
    cookie = make_session(connection, HERS)
    account = accounts.session(connection, cookie, datetime.now(UTC), timedelta(hours=1))
    assert account is not None
    other = accounts.open_session(connection, account.account_id, [], datetime.now(UTC), timedelta(hours=1))
    web(cookie).post("/sign-out", data={"csrf": csrf(cookie), "everywhere": "yes"})
    assert web(other).get("/sign-in/code").status_code == 303
