"""How fast one worker hands messages to a relay on this machine: each taken, sent, and noted in three commits."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from store.connect import connect
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools.relay import RelayProcess
from tests.worlds.outbox import World as Outbox
from tests.worlds.outbox import options

MESSAGES = 1_000


def outbox(world: World, table: Table) -> None:
    """1,000 messages to as many people, each with its link, text and HTML; the relay is a process of its own."""
    with world.database() as url, RelayProcess() as relay:
        given = Outbox(url)
        given.clock.at = datetime.now(UTC)
        people = [given.person() for _ in range(MESSAGES)]
        for person in people:
            given.put(person, text="The air of your area is High.\n\n" + "It is about ozone. " * 40)
        worker = given.worker(options(relay.port))
        with connect(url, autocommit=True) as connection:
            begun, cpu = time.monotonic(), time.process_time()
            while worker.turn(connection, lambda: False):
                pass
            seconds, used = time.monotonic() - begun, time.process_time() - cpu
        worker.close()
        given.close()
        taken = relay.count()
    if (taken, worker.done["sent"]) != (MESSAGES, MESSAGES):
        raise RuntimeError(f"{taken} messages came and {worker.done['sent']} are noted, {MESSAGES} expected of each")
    table.add("outbox", MESSAGES / seconds, "messages/s")
    table.add("outbox_cpu", used / MESSAGES * 1e3, "ms/message")
