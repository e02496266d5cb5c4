"""A site against a test database, and sessions in it without a sign-in: what tests of pages and benchmarks start from.

``with running(options(database)) as url:`` serves in a thread of this process; ``client(url, cookie)`` is an httpx
client that is signed in where it has the cookie of `make_session`.
"""

from __future__ import annotations

import re
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from types import CodeType
from typing import Any

import httpx
import uvicorn
from fastapi.routing import APIRoute
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from borough.demo.pages import listen
from dashboard.app import API, PAGES, create_app
from dashboard.options import SiteOptions
from dashboard.web.connections import Patience, config
from dashboard.web.guard import form_token
from dashboard.web.site import Site
from store import accounts
from store.connect import Connection, connect
from store.erasures import State
from tests.tools.servers import PATIENCE, Cluster

#: The site's secret in all tests, so that `csrf` can be computed.
SECRET = "of-the-tests-" * 4
#: Name of the session's cookie of a site that is reached by http.
COOKIE = "borough"
#: The tenancies of `tenancies`: who lives in a home, who left it, who lives in another.
HERS, GONE, HIS = 20_000_000_000_001, 20_000_000_000_002, 20_000_000_000_003
#: Makes a browser, signed in where it is given a session's cookie.
Web = Callable[[str | None], httpx.Client]
_ADDRESSES = count(1)


class _Compiled(BytecodeCache):
    """What Jinja made of each template, for every site of this process: each would compile for itself what it shows."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def options(database_url: str, **changes: Any) -> SiteOptions:
    """Options of a site for tests; ``changes`` are fields of SiteOptions."""
    site = SiteOptions(database_url, secret=SECRET, council_name="Testborough Council", proxies=("127.0.0.1",))
    return replace(site, **changes)


def erased(noted: list[int] | None = None) -> Callable[[int], State]:
    """Stands in for an erasure that is done at once; ``noted``: of whom."""

    def erase(tenancy_id: int) -> State:
        if noted is not None:
            noted.append(tenancy_id)
        now = datetime.now(UTC)
        return State("0123456789abcdef", now, now, now, now, ())

    return erase


@cache
def routes() -> tuple[APIRoute, ...]:
    """The routes of the application's own routers, of a site that nobody serves; made once, for that takes long."""
    made = Site(options("postgresql:///nowhere"))
    return tuple(route for make in (*PAGES, *API) for route in make(made).routes if isinstance(route, APIRoute))


@contextmanager
def running(site: SiteOptions) -> Iterator[str]:
    """Serve a site from a thread on a free port; its URL without a slash at the end."""
    app = create_app(site)
    app.state.site.templates.env.bytecode_cache = _COMPILED
    with listen(None) as listener:
        server = uvicorn.Server(config(app, Patience(), timeout_graceful_shutdown=3))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the site did not start"
            assert time.monotonic() < until, "the site did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(60)


def make_session(connection: Connection, tenancy_id: int | None = None, roles: Sequence[str] = ()) -> str:
    """A session of a new account, bound to a tenancy where one is given: the value of the cookie ``COOKIE``."""
    now = datetime.now(UTC)
    account = accounts.sign_in(connection, "https://issuer.example", secrets.token_hex(8))
    if tenancy_id is not None:
        assert accounts.bind(connection, account.id, tenancy_id, "claim", now, now.date()), "no such tenancy"
    return accounts.open_session(connection, account.id, roles, now, timedelta(hours=12))


def csrf(cookie: str) -> str:
    """The token of the forms of a session."""
    return form_token(SECRET, cookie)


def form_token_of(page: str) -> str:
    """The token of the first form of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None, "the page has no form"
    return found[1]


#: For clients that speak plain HTTP: each would read the system's certificates for itself, a quarter of a test's time.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str, cookie: str | None = None, *, address: str | None = None) -> httpx.Client:
    """A browser without a window; it follows nothing by itself. Close it after use.

    ``address``: where the site takes it to come from, so that tests do not use up each other's tries.
    """
    return httpx.Client(
        base_url=url,
        cookies={COOKIE: cookie} if cookie else None,
        headers={"X-Forwarded-For": address} if address else None,
        timeout=PATIENCE,
        verify=NO_CERTIFICATES,
    )


def make_home(
    connection: Connection,
    *,
    home_id: int = 10_000_000_000_001,
    tenancy_id: int = 20_000_000_000_001,
    uprn: str = "100000000001",
    from_day: date = date(2020, 1, 1),
    to_day: date | None = None,
    dwelling: str = "flat",
    heating: str = "gas",
) -> int:
    """A home with its details and one tenancy; the tenancy's id. The same home again adds a tenancy to it."""
    connection.execute(
        "insert into personal.home (id, uprn, address, lon, lat) values (%s, %s, %s, -0.1, 51.5)"
        " on conflict do nothing",
        (home_id, uprn, ["1 Test Street", "TE5 7ST"]),
    )
    connection.execute(
        "insert into personal.home_details (home_id, valid_from, dwelling, heating, floor_area, bedrooms, source)"
        " values (%s, '2020-01-01', %s, %s, 60, 2, 'import') on conflict do nothing",
        (home_id, dwelling, heating),
    )
    connection.execute(
        "insert into personal.tenancy (id, home_id, from_day, to_day, name, occupants) values (%s, %s, %s, %s, 'A', 2)",
        (tenancy_id, home_id, from_day, to_day),
    )
    return tenancy_id


@contextmanager
def tenancies(timescale: Cluster) -> Iterator[str]:
    """A database with two homes and the tenancies HERS, GONE and HIS; its URL."""
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        make_home(connection, tenancy_id=GONE, to_day=date(2021, 1, 1))
        make_home(connection, tenancy_id=HERS, from_day=date(2021, 1, 1))
        make_home(connection, home_id=10_000_000_000_002, tenancy_id=HIS, uprn="2")
    yield timescale.url(name)
    timescale.drop(name)


@contextmanager
def browsers(url: str) -> Iterator[Web]:
    """Browsers, each from an address of its own."""
    made: list[httpx.Client] = []

    def make(cookie: str | None = None) -> httpx.Client:
        made.append(client(url, cookie, address=f"198.51.100.{next(_ADDRESSES) % 250}"))
        return made[-1]

    yield make
    for one in made:
        one.close()
