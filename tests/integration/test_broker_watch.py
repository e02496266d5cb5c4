"""What the broker says of its queues is heard by each of several collectors."""

from __future__ import annotations

import asyncio
import time

from ingest.broker_watch import watch
from ingest.metrics import Metrics
from ingest.options import BrokerOptions
from tests.tools.servers import Mosquitto


def test_collectors_of_one_group_do_not_take_the_watch_from_each_other(mosquitto: Mosquitto) -> None:
    """They have one client id in their settings, and numbered sessions below it."""
    options = BrokerOptions(host="127.0.0.1", port=mosquitto.port, shared_group="borough", backoff_maximum=0.2)
    heard = [Metrics(), Metrics()]

    async def watched() -> None:
        watching = [asyncio.create_task(watch(options, metrics)) for metrics in heard]
        until = time.monotonic() + 30.0
        while any(metrics.broker_queued is None for metrics in heard) and time.monotonic() < until:
            await asyncio.sleep(0.1)
        assert [metrics.broker_queued for metrics in heard] == [0, 0]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    asyncio.run(watched())
    assert "already connected" not in mosquitto.log.read_text()
