"""What every page keeps to: who may open it, headers, cookies, errors in words, a log that names no one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from dashboard import app as application
from dashboard import roles
from dashboard.web.exceptions import ErasedMeanwhile
from dashboard.web.site import Site
from dashboard.web.visitor import Visitor
from store import accounts
from store.connect import connect
from tests.tools.servers import Cluster
from tests.tools.site import (
    COOKIE,
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
#: In place of what stands in braces in a route.
_PARAMETERS = {"code": "BCDF-GHJK-LMNP"}


def _boom(_: Site) -> APIRouter:
    """A page that fails as no page should."""
    routes = APIRouter()

    @routes.get("/health/boom")
    def boom() -> None:
        number = 12_000 + 345
        raise RuntimeError(f"the number {number} of a home")

    return routes


@pytest.fixture(scope="module")
def homes(timescale: Cluster) -> Iterator[str]:
    with tenancies(timescale) as found:
        yield found


@pytest.fixture(scope="module")
def url(homes: str) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "PAGES", (*application.PAGES, _boom))
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


def all_routes(database: str) -> list[tuple[str, str]]:
    """Every method and path of the routers themselves: what FastAPI makes of them is no list of routes."""
    site = Site(options(database))
    found = sorted(
        (method, route.path)
        for make in (*application.PAGES, *application.API)
        for route in make(site).routes
        if isinstance(route, APIRoute) and route.endpoint.__name__ != "boom"
        for method in route.methods or ()
    )
    assert len(found) > 100, found
    return found


def _ask(browser: httpx.Client, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
    """An answer; of a stream of events, which has no end, the head."""
    with browser.stream(method, path, headers=headers) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
        return answer


def path_of(template: str) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: _PARAMETERS.get(found[1], "2026-10-01"), template)


@pytest.mark.parametrize("role", [None, "nobody", "tenant", *(role for role in roles.ROLES if role != "resident")])
def test_every_route_with_every_role_and_none(homes: str, web: Web, role: str | None) -> None:
    """``nobody`` has an account and no role, ``tenant`` a home."""
    browser = web(None)
    cookie = None
    for method, template in all_routes(homes):
        if role is not None:  # signing out is one of the routes
            with psycopg.connect(homes, autocommit=True) as connection:
                cookie = make_session(
                    connection, HERS if role == "tenant" else None, [role] if role in roles.ROLES else []
                )
        browser.cookies.clear()
        headers = {}
        if cookie is not None:
            browser.cookies.set(COOKIE, cookie)
            headers["X-CSRF-Token"] = csrf(cookie)
        answer = _ask(browser, method, path_of(template), headers)
        wanted = roles.need(template)
        said = f"{method} {template} as {role}: {answer.status_code}"
        may = not wanted.account or (
            role is not None
            and (not wanted.roles or role in wanted.roles or (role == "tenant" and "resident" in wanted.roles))
        )
        if may and method == "GET":
            # which page is a matter of its own test; here nobody is refused who may come in
            assert answer.status_code not in (401, 403), said
            assert not answer.headers.get("location", "").startswith("/sign-in?"), said
        elif may:
            assert "You cannot open this page" not in answer.text, said
            assert not answer.headers.get("location", "").startswith("/sign-in?"), said
        elif template.startswith("/api/"):
            assert answer.status_code == (401 if role is None else 403), said
            assert answer.headers["content-type"] == "application/problem+json", said
            assert answer.json()["status"] == answer.status_code
        elif role is None:
            assert answer.status_code == 303, said
            assert answer.headers["location"].startswith("/sign-in?next=%2F"), said
        elif role == "nobody" and wanted.roles == {"resident"}:
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/code"), said
        else:
            assert answer.status_code == 403, said
            assert "You cannot open this page" in answer.text, said


def test_a_route_without_a_row_stops_the_start(homes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(_: Site) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/forgotten", lambda: None)
        return routes

    monkeypatch.setattr(application, "PAGES", (*application.PAGES, forgotten))
    with pytest.raises(LookupError, match="who may open /forgotten"):
        application.create_app(options(homes))


def test_what_is_not_there_is_the_same_for_everybody(connection: psycopg.Connection, web: Web) -> None:
    for path in ("/nowhere", "/home/20000000000001", "/sign-in/demo/BCDF-GHJK-LMNP"):
        assert web(None).get(path).status_code == 404
    assert web(None).get("/api/v1/nowhere").json() == {
        "type": "about:blank",
        "title": "Page not found",
        "status": 404,
        "detail": "If you typed the address, check that it is right."
        " If you followed a link, the page may have moved.",
    }  # fmt: skip
    officer = make_session(connection, None, ["data-protection"])
    browser = web(officer)
    texts = set()
    for number in ("", "x", "99999999999999", "1" * 39, "10000000000001"):
        answer = browser.post("/data-protection/tenancy", data={"csrf": csrf(officer), "number": number})
        assert answer.status_code == 404
        texts.add(re.sub(r'value="[^"]*"', "", answer.text))
    assert len(texts) == 1
    demo = accounts.make_code(connection, "demo", HERS, NOW, timedelta(days=1))
    # a demo's link outside a demo is one that never was
    one, other = web(None).get(f"/sign-in/demo/{demo}"), web(None).get("/sign-in/demo/BCDF-GHJK-LMNP")
    assert (one.status_code, one.text) == (other.status_code, other.text)


# ------------------------------------------------------------------------------------------- headers, cookies, errors


def test_headers_of_every_answer(connection: psycopg.Connection, web: Web) -> None:
    browser = web(make_session(connection, HERS))
    for path in ("/", "/privacy", "/nowhere", "/health/live", "/api/v1/nowhere", "/overview", "/health/boom"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "unsafe-eval" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers
    assert browser.get("/static/style.css").headers["cache-control"] == "max-age=86400"


def test_over_https(homes: str, connection: psycopg.Connection) -> None:
    public = "https://energy.example.gov.uk"
    name = {"Host": "energy.example.gov.uk"}
    code = accounts.make_code(connection, "demo", HERS, NOW, timedelta(days=1))
    site = options(homes, public_url=public, hosts=("energy.example.gov.uk",), demo=True)
    with running(site) as url, client(url) as browser:
        assert browser.get("/").status_code == 400, "another name"
        page = browser.get(f"/sign-in/demo/{code}", headers=name)
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        before = page.headers["set-cookie"]
        assert before.startswith("__Host-borough-sign-in=")
        carried = {**name, "Cookie": before.split(";")[0], "Origin": public}
        answer = browser.post(f"/sign-in/demo/{code}", data={"csrf": form_token_of(page.text)}, headers=carried)
        (cookie,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith("__Host-borough=")]
        for set_cookie in (before, cookie):
            flags = {part.strip().lower() for part in set_cookie.split(";")[1:]}
            assert {"httponly", "secure", "samesite=lax", "path=/"} <= flags, set_cookie
            assert not any(flag.startswith("domain") for flag in flags)
        assert "max-age" not in cookie.lower()
        assert "expires" not in cookie.lower()


def test_errors_are_pages_in_words(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    browser = web(None)
    for answer, status, words in (
        (browser.get("/nowhere"), 404, "Page not found"),
        (browser.post("/privacy"), 405, "This cannot be done here"),
        (browser.get("/health/boom"), 500, "Sorry, something went wrong"),
        (browser.get("/overview?refresh=maybe"), 303, ""),
    ):
        assert answer.status_code == status
        assert words in answer.text
        assert "Traceback" not in answer.text
        assert "12345" not in answer.text
    assert 'href="/accessibility"' in browser.get("/nowhere").text
    # where it failed is logged, and not what it failed with: a database's error names rows
    assert "a page failed: RuntimeError" in caplog.text
    assert "in boom" in caplog.text
    assert "12345" not in caplog.text


def test_a_household_that_was_erased_meanwhile_is_not_there(homes: str, connection: psycopg.Connection) -> None:
    """A page that was under way when a household left notes nothing about it, and says what it says of anybody."""
    with connect(homes) as found, pytest.raises(ErasedMeanwhile) as refused:
        Site(options(homes)).log_access(found, Visitor(1, HERS, frozenset({"resident"})), 99999999999999, "looked")
    assert refused.value.status_code == 404
    held = connection.execute("select count(*) from personal.access where tenancy_id = 99999999999999").fetchone()
    assert held == (0,)


@pytest.mark.parametrize("path", ["/", "/privacy", "/health/ready", "/nowhere", "/home"])
def test_head_says_what_get_would_without_the_body(web: Web, path: str) -> None:
    browser = web(None)
    head, get = browser.head(path), browser.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "content-length", "content-security-policy", "location"):
        assert head.headers.get(name) == get.headers.get(name)


def test_a_value_that_is_none_is_said_without_repeating_it(connection: psycopg.Connection, web: Web) -> None:
    answer = web(make_session(connection, None, ["engineer"])).get("/overview?refresh=<b>maybe</b>")
    assert answer.status_code == 400
    assert "Not right: refresh." in answer.text
    assert "maybe" not in answer.text


def test_a_database_that_is_away(timescale: Cluster) -> None:
    name = timescale.create()
    with psycopg.connect(timescale.url(name), autocommit=True) as connection:
        cookie = make_session(connection, None, ["engineer"])
    with running(options(timescale.url(name))) as url, client(url, cookie) as browser:
        assert browser.get("/overview").status_code == 200
        timescale.drop(name)
        answer = browser.get("/overview")
        assert answer.status_code == 503
        assert "not available just now" in answer.text
        assert answer.headers["retry-after"] == "60"
        assert browser.get("/health/ready").status_code == 503
        # what needs nothing from it is still there
        assert browser.get("/accessibility").status_code == 200
        assert browser.get("/health/live").status_code == 200


def test_the_log_of_requests_names_no_one(
    connection: psycopg.Connection, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="dashboard")
    cookie = make_session(connection, HERS)
    browser = web(cookie)
    browser.get("/privacy?name=Alice")
    browser.get("/sign-in/demo/BCDF-GHJK-LMNP")
    browser.post("/sign-in/code", data={"csrf": csrf(cookie), "code": "BCDF-GHJK-LMNQ"})
    lines = [record.getMessage() for record in caplog.records if record.name == "dashboard.web.request_log"]
    assert any(re.fullmatch(r"GET /privacy 200 \d+ ms", line) for line in lines), lines
    assert any(line.startswith("GET /sign-in/demo/{code} 404") for line in lines), lines
    text = " ".join(record.getMessage() for record in caplog.records)
    for secret in ("Alice", "BCDF", str(HERS), cookie, csrf(cookie), "198.51"):
        assert secret not in text
