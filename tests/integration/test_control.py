"""Which session a collector serves."""

from __future__ import annotations

import asyncio

from ingest.control import Control


def test_a_replica_that_connects_anew_goes_on_with_its_session(database: str) -> None:
    async def serve() -> list[str | None]:
        first, second, third = (Control(database, "borough", shared=True) for _ in range(3))
        found = [await first.take_session(), await second.take_session()]
        await first.give_back()
        found += [await second.take_session(), await third.take_session()]
        await second.close()
        await third.close()
        return found

    assert asyncio.run(serve()) == ["borough-0", "borough-1", "borough-1", "borough-0"]
