"""Live updates over a real database, the site in a thread of this process."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from dashboard.web import events
from store.connect import Connection, connect
from tests.tools import site
from tests.tools.listening import Event, Listener, rows
from tests.tools.servers import Cluster
from tests.worlds.parking_live import bay, long_ago, make_bays, say

#: The bay of a household.
THEIRS = 7


@pytest.fixture(scope="module")
def served(timescale: Cluster) -> Iterator[tuple[str, Connection]]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        make_bays(connection, 30, personal=(THEIRS,))
        say(connection, range(1, 21), 0)
        say(connection, [3], 1)
        say(connection, [4], 1, long_ago())
        with site.running(site.options(timescale.url(name), live_clients=5, demo=True)) as url:
            yield url, connection
    timescale.drop(name)


async def test_a_snapshot_then_changes(served: tuple[str, Connection]) -> None:
    url, connection = served
    one = await Listener(url, "/parking/live").open()
    assert one.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert one.headers["cache-control"] == "no-store"
    first = await one.any()
    found = rows(first)
    assert len(found) == 29
    assert [found[bay(number)]["state"] for number in (1, 3, 4, 30)] == [0, 1, 2, 2]
    say(connection, [5, 6], 1)
    for number in (5, 6):
        event = await one.any()
        assert (event.data["id"], event.data["state"]) == (bay(number), 1)
        assert event.size < 300
    say(connection, [5], 1)  # heard again, and as it was
    say(connection, [6], 0)
    assert (await one.any()).data["id"] == bay(6)
    connection.execute("delete from personal.bay_sensor where bay_id = %s", (bay(1),))
    gone = (await one.any()).data
    assert (gone["id"], gone["state"]) == (bay(1), 2)
    one.assert_no_gap()
    await one.close()
    # who was away gets what was missed, and no snapshot; who comes from somewhere else gets one
    say(connection, [8], 1)
    last = one.events[-1]
    again = await Listener(url, "/parking/live", last=f"{last.epoch}-{last.number}").open()
    event = await again.any()
    assert (event.number, event.data["id"]) == (last.number + 1, bay(8))
    await again.close()
    for strange in (f"{last.epoch}-{last.number + 100}", f"x{last.epoch[1:]}-1", "x", f"{last.epoch}--1"):
        other = await Listener(url, "/parking/live", last=strange).open()
        assert (await other.any()).kind == "snapshot"
        await other.close()


@pytest.mark.parametrize(
    ("path", "roles", "numbers"),
    [("/parking/board", ["parking-ops"], (11, 12)), ("/parking?place=Street+0", None, (13, 14))],
)
async def test_a_page_goes_on_from_where_it_was_made(
    served: tuple[str, Connection], path: str, roles: list[str] | None, numbers: tuple[int, int]
) -> None:
    url, connection = served
    cookie = None if roles is None else site.make_session(connection, roles=roles)
    for number in numbers:
        page = await asyncio.to_thread(_page, url, path, cookie)
        say(connection, [number], 1)
        found = re.search(r'data-events="([^"]+)"', page)
        assert found is not None
        one = await Listener(url, found[1], cookie).open()
        # the page may be of the second before, and is told of whatever has happened since
        event = await one.until(partial(_is_of, bay(number)))
        assert event.data["state"] == 1
        assert {event.kind for event in one.events} == {"change"}
        await one.close()


async def test_what_a_page_shows_its_stream_does_not_say_again(served: tuple[str, Connection]) -> None:
    url, connection = served
    cookie = site.make_session(connection, roles=["parking-ops"])
    watching = await Listener(url, "/parking/events", cookie).open()
    await watching.kind("snapshot")
    say(connection, [15], 1)
    await watching.until(partial(_is_of, bay(15)))
    await watching.close()
    page = row = ""
    async with asyncio.timeout(20):
        while "Occupied" not in row:
            page = await asyncio.to_thread(_page, url, "/parking/board", cookie)
            row = page.partition(f'<tr id="bay-{bay(15)}"')[2].partition("</tr>")[0]
    found = re.search(r'data-events="([^"]+)"', page)
    assert found is not None
    one = await Listener(url, found[1], cookie).open()
    say(connection, [16], 1)
    assert (await one.any()).data["id"] == bay(16)
    await one.close()


class _Spoken:
    """A topic that says nothing new."""

    def changes(self, connection: Connection) -> list[bytes]:
        connection.execute("select 1")
        return []

    def snapshot(self) -> bytes:
        raise AssertionError("nobody wishes one")


def test_a_page_is_not_made_of_what_was_known_before_the_look_that_it_waited_for(timescale: Cluster) -> None:
    """The look is over, and the event loop has not heard of it yet."""
    name = timescale.create()
    live = events.Events(timescale.url(name), 1)
    feed = live.add(_Spoken(), lambda: "now")
    feed.take([], None, "hours ago")
    loop = live._loop = asyncio.new_event_loop()
    try:
        feed.waiting.append(threading.Event())
        with connect(timescale.url(name), autocommit=True) as connection:
            live._watch(connection)
        found = live.stand(feed)
        assert found is None or found.shown == "now"
        loop.run_until_complete(asyncio.sleep(0))
        found = live.stand(feed)
        assert found is not None
        assert found.shown == "now"
    finally:
        loop.close()
        timescale.drop(name)


def test_pages_that_waited_in_vain_are_not_kept() -> None:
    live = events.Events("postgresql://nowhere.invalid/", 1)
    feed = live.add(_Spoken())
    assert live.stand(feed) is None
    assert feed.waiting == []


async def test_who_sees_the_bays_of_households(served: tuple[str, Connection]) -> None:
    url, connection = served
    seen = {}
    for who, roles, path in (
        ("public", None, "/parking/live"),
        ("engineer", ["engineer"], "/parking/events"),
        ("officer", ["parking-ops"], "/parking/events"),
    ):
        cookie = None if roles is None else site.make_session(connection, roles=roles)
        one = await Listener(url, path, cookie).open()
        assert one.status == 200
        first = rows(await one.any())
        say(connection, [THEIRS], int(first.get(bay(THEIRS), {}).get("state") != 1))
        say(connection, [9], int(first[bay(9)]["state"] != 1))
        await one.until(lambda event: event.data["id"] == bay(9))
        seen[who] = bay(THEIRS) in first, any(event.data.get("id") == bay(THEIRS) for event in one.events)
        await one.close()
    assert seen == {"public": (False, False), "engineer": (False, False), "officer": (True, True)}


def _is_of(one: str, event: Event) -> bool:
    return bool(event.data.get("id") == one)


def _page(url: str, path: str, cookie: str | None) -> str:
    with site.client(url, cookie) as web:
        return web.get(path).text


async def test_who_may_not_come_in(served: tuple[str, Connection]) -> None:
    url, connection = served
    for roles, status in ((None, 303), (["programme"], 403)):
        cookie = None if roles is None else site.make_session(connection, roles=roles)
        one = await Listener(url, "/parking/events", cookie).open()
        assert one.status == status
        await one.close()


async def test_a_session_that_ends_is_cut_off(served: tuple[str, Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    url, connection = served
    monkeypatch.setattr(events, "_CHECK", (0.05, 0.1))
    cookie = site.make_session(connection, roles=["parking-ops"])
    one, other = [await Listener(url, path, cookie).open() for path in ("/parking/events", "/parking/live")]
    await one.kind("snapshot")
    connection.execute("delete from personal.session")
    await one.kind("ended")
    await one.ended()
    await other.kind("snapshot")
    say(connection, [10], 1)
    await other.kind("change")
    await other.close()


async def test_too_many_are_asked_to_come_again(served: tuple[str, Connection]) -> None:
    url, connection = served
    held = [await Listener(url, "/parking/live").open() for _ in range(5)]
    for one in held:
        await one.kind("snapshot")
    more = await Listener(url, "/parking/live").open()
    assert (more.status, more.headers["retry-after"]) == (503, "30")
    await more.close()
    # the public does not fill the officers' places
    cookie = site.make_session(connection, roles=["parking-ops"])
    officer = await Listener(url, "/parking/events", cookie).open()
    await officer.kind("snapshot")
    await held.pop().close()
    async with asyncio.timeout(10):
        while (one := await Listener(url, "/parking/live").open()).status != 200:
            await one.close()
    for each in (*held, officer, one):
        await each.close()


async def test_a_sign_of_life(served: tuple[str, Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = served
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    one = await Listener(url, "/parking/live").open()
    await one.kind("snapshot")
    async with asyncio.timeout(10):
        assert await one.reader.readuntil(b"\n\n") == b":\n\n"
    await one.close()


def test_only_the_head(served: tuple[str, Connection]) -> None:
    with site.client(served[0]) as web:
        answer = web.head("/parking/live")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
