"""A site with households over HTTP: two that live apart, two of one home one after the other, and an engineer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import httpx
import pytest

from dashboard.web import limits
from store.connect import Connection, connect
from store.subject import Open
from tests.tools import site
from tests.tools.servers import Cluster
from tests.worlds import residents
from tests.worlds.residents import Resident

TODAY = datetime.now(residents.ZONE).date()
#: The day on which one tenant of a home left and the next came.
MOVED = TODAY - timedelta(days=10)


@dataclass
class World:
    """A site with households; ``erased`` notes whose erasure was asked for."""

    url: str
    database: str
    cookies: dict[str, str]
    people: dict[str, Resident]
    erased: list[int] = field(default_factory=list)

    def client(self, who: str | None) -> httpx.Client:
        """Signed in as one of the people, or as nobody."""
        return site.client(self.url, None if who is None else self.cookies[who])

    def get(self, who: str | None, path: str, **headers: str) -> httpx.Response:
        with self.client(who) as client:
            return client.get(path, headers=headers)

    def post(self, who: str, path: str, **fields: str) -> httpx.Response:
        with self.client(who) as client:
            return client.post(path, data={"csrf": site.csrf(self.cookies[who]), **fields})


def told(tenancy: int, _: Open) -> Iterator[bytes]:
    """All that is held about a tenancy, for tests that look who asked."""
    yield b'{"tenancy": %d}' % tenancy


@contextmanager
def living(timescale: Cluster) -> Iterator[World]:
    """The site with its people; how often files are asked for is not limited."""
    name = timescale.create()
    database = timescale.url(name)
    people: dict[str, Resident] = {}
    with connect(database, autocommit=True) as connection:
        people["ann"] = residents.make_resident(connection, 1)
        people["bob"] = residents.make_resident(connection, 777)
        people["former"] = residents.make_resident(connection, 3, from_day=date(2021, 5, 1))
        people["new"] = residents.make_resident(connection, 4)
        for who, state in (("ann", "good"), ("bob", "more")):
            residents.furnish(connection, people[who], state)
        residents.furnish(connection, people["former"], "good")
        # the next tenant heats with gas, and the month in which they moved is one row of both
        residents.use_days(connection, people["former"], MOVED, TODAY, "gas")
        people["empty"] = residents.make_resident(connection, 5)
        cookies = {who: site.make_session(connection, one.tenancy_id) for who, one in people.items()}
        cookies["engineer"] = site.make_session(connection, None, ["engineer"])
        _move(connection, people)
        cookies["new"] = site.make_session(connection, people["new"].tenancy_id)
    world = World("", database, cookies, people)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setitem(limits.RATES, "export", (limits.Rate(1_000, 1), limits.Rate(1_000, 1)))
    options = site.options(database, help_line="020 7946 0123", erase=site.erased(world.erased), subject=told)
    with site.running(options) as url:
        world.url = url
        yield world
    monkeypatch.undo()
    timescale.drop(name)


def _move(connection: Connection, people: dict[str, Resident]) -> None:
    """Let the former tenant's home pass to the new one."""
    connection.execute("update personal.tenancy set to_day = %s where id = %s", (MOVED, people["former"].tenancy_id))
    connection.execute(
        "update personal.tenancy set home_id = %s, from_day = %s where id = %s",
        (people["former"].home_id, MOVED, people["new"].tenancy_id),
    )
