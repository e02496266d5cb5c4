"""A household's own page of messages: what the outbox puts there, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from store import contacts
from store.connect import connect
from tests.tools.servers import Cluster
from tests.worlds.outbox import Clock, options
from tests.worlds.outbox import World as Outbox
from tests.worlds.resident_world import World, living


@pytest.fixture(scope="module")
def world(timescale: Cluster) -> Iterator[World]:
    with living(timescale) as found:
        yield found


@pytest.fixture
def outbox(world: World) -> Iterator[Outbox]:
    found = Outbox(world.database, Clock(datetime.now(UTC)))
    found.empty()
    yield found
    found.close()


def page_of(outbox: Outbox, world: World, who: str) -> int:
    found = contacts.page(outbox.own, origin="real", tenancy=world.people[who].tenancy_id)
    assert found is not None
    return found


def test_it_shows_what_was_told_there_and_nothing_else(world: World, outbox: Outbox) -> None:
    assert "We have told you nothing on this page yet" in world.get("ann", "/home/messages").text
    ann = page_of(outbox, world, "ann")
    outbox.put(ann, kind="care-note", subject="Sensors <b>again</b>", text="First & line.\nSecond.\n\nNext <script>.")
    outbox.put(page_of(outbox, world, "bob"), kind="care-note", subject="Of Bob", text="Not for Ann.")
    outbox.put(outbox.person(tenancy=world.people["ann"].tenancy_id), kind="care-alert", subject="By e-mail")
    early = outbox.put(ann, kind="care-note", subject="Not due", due_at=datetime(2100, 1, 1, tzinfo=UTC))
    code = outbox.put(ann, kind="code", subject="A code")
    outbox.work(options(None))
    assert (outbox.state(early), outbox.state(code)) == ("waiting", "withheld")
    page = world.get("ann", "/home/messages").text
    assert "Sensors &lt;b&gt;again&lt;/b&gt;" in page
    assert "First &amp; line.<br>Second." in page
    assert "<p>Next &lt;script&gt;.</p>" in page
    for other in ("Of Bob", "Not for Ann", "By e-mail", "Not due", "A code"):
        assert other not in page
    assert "Of Bob" in world.get("bob", "/home/messages").text
    assert ("You", "read messages") in [
        (look["who"], look["action"]) for look in world.get("ann", "/api/v1/home/access").json()["items"]
    ]


def test_many_come_in_pages(world: World, outbox: Outbox) -> None:
    ann = page_of(outbox, world, "ann")
    with connect(world.database, autocommit=True) as connection:
        connection.execute(
            "insert into personal.message (key, contact_id, kind, origin, subject, text, due_at, expires_at, next_at,"
            " state, settled_at) select 'n' || n, %s, 'care-note', 'real', 'Number ' || n || '.', 'x', now(),"
            " now() + interval '1 day', now(), 'sent', now() from generate_series(1, 45) n",
            (ann,),
        )
    seen: list[str] = []
    path, page = "/home/messages", ""
    for _ in range(3):
        page = world.get("ann", path).text
        seen += [part.split("</h2>")[0] for part in page.split("<h2>Number ")[1:]]
        path = page.partition('<a href="/home/messages?before=')[2].partition('"')[0]
        path = f"/home/messages?before={path}"
    assert seen == [f"{number}." for number in range(45, 0, -1)]
    assert "Back to the newest" in page
    assert "Earlier messages" not in page


def test_nobody_else_comes_in(world: World) -> None:
    assert world.get(None, "/home/messages").status_code in (302, 303, 401)
