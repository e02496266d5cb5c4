"""Live pages for as long as one likes: hundreds who come and go, some who never read, the database away for 20 s.

``BOROUGH_SOAK_SECONDS`` says for how long before and after the database is away (60 by default, for both together),
``BOROUGH_TEST_SEED`` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from borough.postgres_server import PostgresServer
from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.tools.listening import Event, Listener, rows
from tests.tools.load import ask
from tests.tools.servers import wait_for
from tests.worlds.parking_live import bay, make_bays, say

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SECONDS = float(os.environ.get("BOROUGH_SOAK_SECONDS") or 60)
AWAY = 20.0
BAYS, CLIENTS, DEAF, WATCHERS = 500, 500, 20, 10
PATH = "/parking/live"


class _Guest:
    """One of those who come, read for a while or not at all, and go in one of several ways, again and again."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self._url, self._chance = url, chance
        self.visits = self.refused = self.checked = 0

    async def run(self, until: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, 5))
        while time.monotonic() < until:
            one = await Listener(self._url, PATH).open()
            self.visits += 1
            if one.status != 200:
                self.refused += 1
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._chance.uniform(0.1, 8)):
                        while await one.next() is not None:
                            pass
                if any(event.number >= 0 for event in one.events):
                    one.assert_no_gap()
                    self.checked += 1
            await one.close(abruptly=self._chance.random() < 0.5)
            await asyncio.sleep(self._chance.uniform(0, 2))


async def _deaf(url: str, until: float) -> int:
    """One who asks and never reads; comes back when it was cut. How often it came."""
    came = 0
    while time.monotonic() < until:
        came += 1
        try:
            one = await Listener(url, PATH).open(receive=4_096)
        except ConnectionError:
            continue  # cut before this busy process had looked, as is right
        await asyncio.sleep(6)
        await one.close(abruptly=True)
    return came


async def _watch(one: Listener, last: asyncio.Event) -> None:
    """Read all, until the last change of the run was seen."""

    def seen(event: Event) -> bool:
        return last.is_set() and event.kind == "change" and event.data["id"] == bay(BAYS)

    await one.until(seen, 3 * (SECONDS + AWAY) + 60)


async def test_those_who_stay_see_all(
    server: PostgresServer, fragile: str, tmp_path: Path, chance: random.Random
) -> None:
    with connect(fragile, autocommit=True) as connection:
        make_bays(connection, BAYS)
        say(connection, range(1, BAYS + 1), 0)
    with serving(fragile, tmp_path / "log", BOROUGH_WEB_STALL="3") as (process, url):
        memory = psutil.Process(process.pid)
        watchers = [await Listener(url, PATH).open() for _ in range(WATCHERS)]
        for one in watchers:
            await one.kind("snapshot")
        before = memory.memory_info().rss
        last = asyncio.Event()
        until = time.monotonic() + SECONDS + AWAY
        guests = [_Guest(url, random.Random(chance.random())) for _ in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            staying = [group.create_task(_watch(one, last)) for one in watchers]
            coming = [group.create_task(guest.run(until)) for guest in guests]
            deaf = [group.create_task(_deaf(url, until)) for _ in range(DEAF)]
            told, peak = await _change(fragile, server, memory, chance, until)
            await asyncio.gather(*coming, *deaf)
            last.set()
            with connect(fragile, autocommit=True) as connection:
                await asyncio.to_thread(say, connection, [BAYS], 1)
            await asyncio.gather(*staying)
        asked = "select s.device_id, l.value from public.latest l join personal.series s on s.id = l.series_id"
        truth = {bay(int(str(name).partition("-")[2])): value for name, value in ask(fragile, asked)}
        for one in watchers:
            one.assert_no_gap()
            kinds = [event.kind for event in one.events]
            assert kinds.count("away") == kinds.count("back") == 1
            # what changed and changed back between two looks of the site is no change; what stands in the end is told
            assert _state(one) == truth
            assert [event.number for event in one.events] == [event.number for event in watchers[0].events]
        heard = sum(event.kind == "change" for event in watchers[0].events)
        assert told / 2 < heard <= told + 1
        port = int(url.rpartition(":")[2])

        def connections() -> int:
            return sum(line.laddr.port == port and line.status != "LISTEN" for line in memory.net_connections("tcp"))

        assert await asyncio.to_thread(wait_for, lambda: connections() == WATCHERS, 30)
        visits, checked = sum(guest.visits for guest in guests), sum(guest.checked for guest in guests)
        refused, unread = sum(guest.refused for guest in guests), sum(task.result() for task in deaf)
        print(
            f"{heard:,} changes of {told:,} committed told to {WATCHERS} who stayed; {visits:,} visits of {CLIENTS},"
            f" {checked:,} without gap, {refused} refused; {unread} visits of those who never read;"
            f" memory {before / 1e6:.0f} MB before, {peak / 1e6:.0f} MB at most"
        )
        assert checked > CLIENTS
        assert peak - before < 100e6
        for one in watchers:
            await one.close()
    assert "Traceback" not in (tmp_path / "log").read_text()


def _state(one: Listener) -> dict[str, int]:
    """The state of each bay by what a listener heard."""
    state = {name: row["state"] for name, row in rows(one.events[0]).items()}
    for event in one.events[1:]:
        if event.kind == "change":
            state[event.data["id"]] = event.data["state"]
    return state


async def _change(
    database: str, server: PostgresServer, memory: psutil.Process, chance: random.Random, until: float
) -> tuple[int, int]:
    """Change bays to the end, the database away in the middle. How many changes were committed, the memory at most."""
    told, peak, gone = 0, 0, False
    value = [0] * (BAYS + 1)
    connection = connect(database, autocommit=True)
    try:
        while (now := time.monotonic()) < until:
            if not gone and now > until - SECONDS / 2 - AWAY:
                gone = True
                connection.close()
                await asyncio.to_thread(chance.choice((server.stop, server.kill9)))
                await asyncio.sleep(AWAY)
                server.start()  # by this thread: the server ends with the thread that started it
                connection = connect(database, autocommit=True)
            some = chance.sample(range(1, BAYS), chance.randrange(1, 20))
            for which in (0, 1):
                of = [number for number in some if value[number] == which]
                if of:
                    await asyncio.to_thread(say, connection, of, 1 - which)
                    told += len(of)
            for number in some:
                value[number] = 1 - value[number]
            peak = max(peak, memory.memory_info().rss)
            await asyncio.sleep(chance.uniform(0, 0.2))
    finally:
        connection.close()
    return told, peak
