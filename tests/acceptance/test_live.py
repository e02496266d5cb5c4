"""Live updates of the whole program: from a published message to the screens, with clients that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psutil
import pytest

from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.tools.collector import Collector
from tests.tools.listening import Listener
from tests.tools.publisher import publish
from tests.tools.servers import Cluster, Mosquitto, wait_for
from tests.worlds.parking_live import bay, make_bays, say

#: More bays than fit into what the kernel keeps for a reader.
BAYS = 5_000
PATH = "/parking/live"


@pytest.fixture(scope="module")
def bays(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    with connect(timescale.url(name), autocommit=True) as connection:
        make_bays(connection, BAYS)
        say(connection, range(1, BAYS + 1), 0)
    yield timescale.url(name)
    timescale.drop(name)


async def test_a_published_message_is_seen_by_all(bays: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        Collector(tmp_path, bays, mosquitto.url).start(),
        serving(bays, tmp_path / "log") as (_, url),
    ):
        listeners = [await Listener(url, PATH).open() for _ in range(20)]
        for one in listeners:
            await one.kind("snapshot")
        for number in range(1, 6):
            payload = orjson.dumps({"time": datetime.now(UTC).isoformat(), "occupied": 1})
            await asyncio.to_thread(
                publish, mosquitto.port, [(f"borough/parking-bay/sensor-{number}/reading", payload)]
            )
        for one in listeners:
            await one.until(lambda event: event.data["id"] == bay(5))
            one.assert_no_gap()
            assert [event.data["id"] for event in one.events[1:]] == [bay(number) for number in range(1, 6)]
            await one.close()


async def test_clients_that_do_not_read_and_500_that_come_and_go(bays: str, tmp_path: Path) -> None:
    """The others see no gap; memory stays bounded; nothing is left of those who went."""
    with (
        serving(bays, tmp_path / "log", BOROUGH_WEB_STALL="1") as (process, url),
        connect(bays, autocommit=True) as connection,
    ):
        server = psutil.Process(process.pid)
        watchers = [await Listener(url, PATH).open() for _ in range(5)]
        for one in watchers:
            await one.kind("snapshot")
        deaf = [await Listener(url, PATH).open(receive=4_096) for _ in range(20)]
        before = server.memory_info().rss
        last = 0
        for turn in range(10):
            some = await asyncio.gather(*(Listener(url, PATH).open() for _ in range(50)))
            last = 1 - last
            say(connection, range(101, 300), last)
            for place, one in enumerate(some):
                if place % 3:
                    await one.any()
                await one.close(abruptly=place % 2 == 0)
            say(connection, [300 + turn], 1)
            for one in watchers:
                await one.until(lambda event, turn=turn: event.data["id"] == bay(300 + turn))  # type: ignore[misc]
        # who takes nothing was cut, and sees it
        for one in deaf:
            with suppress(ConnectionError):
                async with asyncio.timeout(20):
                    while await one.reader.read(65_536):
                        pass
            await one.close()
        for one in watchers:
            one.assert_no_gap()
            assert len(one.events) == 1 + 10 * 199 + 10
        port = int(url.rpartition(":")[2])
        assert wait_for(
            lambda: (
                sum(line.laddr.port == port and line.status != "LISTEN" for line in server.net_connections("tcp"))
                == len(watchers)
            ),
            20,
        )
        assert server.memory_info().rss - before < 30e6
        for one in watchers:
            await one.close()
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_it_ends_with_clients(bays: str, tmp_path: Path) -> None:
    """Though some of them do not read; the others see an end and no break."""
    with serving(bays, tmp_path / "log", BOROUGH_WEB_WORKERS="2") as (process, url):
        watchers = [await Listener(url, PATH).open() for _ in range(20)]
        deaf = [await Listener(url, PATH).open(receive=4_096) for _ in range(20)]
        for one in watchers:
            await one.kind("snapshot")
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
        for one in watchers:
            await one.ended()
        for one in deaf:
            await one.close()
    assert "Traceback" not in (tmp_path / "log").read_text()
