"""Live pages while the database is away: said, and then they go on without a gap."""

from __future__ import annotations

import asyncio
from pathlib import Path

from borough.postgres_server import PostgresServer
from store.connect import connect
from tests.acceptance.test_serve import serving
from tests.tools.listening import Listener
from tests.worlds.parking_live import bay, make_bays, say


async def test_the_database_is_away(server: PostgresServer, fragile: str, tmp_path: Path) -> None:
    with connect(fragile, autocommit=True) as connection:
        make_bays(connection, 10)
        say(connection, range(1, 11), 0)
    with serving(fragile, tmp_path / "log") as (_, url):
        listeners = [await Listener(url, "/parking/live").open() for _ in range(5)]
        for one in listeners:
            await one.kind("snapshot")
        for turn, stop in enumerate((server.stop, server.kill9)):
            await asyncio.to_thread(stop)
            for one in listeners:
                await one.kind("away")
            late = await Listener(url, "/parking/live").open()
            assert (await late.any()).kind == "snapshot"  # what was known last, and that nothing is learnt
            assert (await late.any()).kind == "away"
            await late.close()
            await asyncio.to_thread(server.start)
            with connect(fragile, autocommit=True) as connection:
                say(connection, [2 + turn], 1)
            for one in listeners:
                await one.until(lambda event, turn=turn: (event.data or {}).get("id") == bay(2 + turn))  # type: ignore[misc]
        for one in listeners:
            one.assert_no_gap()
            assert [event.kind for event in one.events] == ["snapshot", *["away", "back", "change"] * 2]
            await one.close()
        server.stop()
        # nobody watches, nothing is known: a page is told to come again
        late = await Listener(url, "/parking/live").open()
        assert late.status == 503
        await late.close()
    log = (tmp_path / "log").read_text()
    assert log.count("live pages stand still") >= log.count("live pages go on") == 2
    assert "Traceback" not in log
