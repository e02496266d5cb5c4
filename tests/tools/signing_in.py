"""A site whose people sign in at a real issuer, and the steps of a browser on that way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from dashboard.options import SignIn
from store.connect import connect
from tests.tools.issuer import Wire, authorize, issuer, wired
from tests.tools.servers import Cluster
from tests.tools.site import GONE, HERS, client, options, running, tenancies

PEOPLE: list[dict[str, Any]] = [
    {"sub": "alice", "borough_tenancy": str(HERS)},
    {"sub": "bob"},
    {"sub": "gone", "borough_tenancy": GONE},
    {"sub": "staff", "borough_roles": ["engineer", "king", "resident", 7]},
    {"sub": "spaced", "borough_roles": "programme data-protection"},
    {"sub": "mad", "borough_tenancy": {"a": 1}, "borough_roles": {"engineer": True}},
]
CLIENT = "borough-site"
_ADDRESSES = count(1)


@dataclass
class Place:
    """A site, its database, and the wire to its issuer."""

    url: str
    database: str
    wire: Wire

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """For one test: no accounts, nothing seen on the wire, and after it no more lies."""
        with connect(self.database, autocommit=True) as connection:
            connection.execute("delete from personal.account")
        self.wire.seen.clear()
        yield
        self.wire.ask = self.wire.answer = None


@contextmanager
def signing_in(timescale: Cluster) -> Iterator[Place]:
    """A site and an issuer that knows PEOPLE."""
    with (
        tenancies(timescale) as database,
        issuer(PEOPLE) as port,
        wired(port) as wire,
        running(options(database, sign_in=SignIn(wire.url, CLIENT, "a secret & more"))) as url,
    ):
        yield Place(url, database, wire)


def browser(url: str) -> httpx.Client:
    """A browser with an address of its own."""
    return client(url, address=f"192.0.2.{next(_ADDRESSES)}")


def begin(web: httpx.Client, path: str = "/sign-in/start") -> str:
    """Where the site sends a browser that wants to sign in."""
    answer = web.get(path)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])


def come_back(web: httpx.Client, location: str) -> httpx.Response:
    """A browser follows the issuer's answer to the site."""
    return web.get(location.removeprefix(str(web.base_url).rstrip("/")))


def sign_in(web: httpx.Client, subject: str, path: str = "/sign-in/start") -> httpx.Response:
    """From the site to the issuer and back."""
    return come_back(web, authorize(begin(web, path), subject))


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    with connect(database) as connection:
        return connection.execute(query.encode()).fetchall()
