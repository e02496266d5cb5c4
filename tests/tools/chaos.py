"""What can befall a running collector, its broker and its database, as functions that do it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from borough.postgres_server import PostgresServer
from tests.tools.collector import Collector
from tests.tools.proxy import Proxy
from tests.tools.servers import Mosquitto, wait_for


def faults(
    server: PostgresServer,
    mosquitto: Mosquitto,
    broker: Proxy,
    line: Proxy,
    collector: Collector,
    chance: random.Random,
    silence: AbstractContextManager[object] | None = None,
) -> dict[str, Callable[[], object]]:
    """Every fault by its name. ``broker`` and ``line`` are what the collector reaches broker and database through.

    The broker is restarted within ``silence``, in which nobody publishes: what it had not acknowledged when it went
    could not be told from what it has.
    """

    def kill_collector() -> None:
        collector.kill9()
        collector.launch()

    def stop_collector() -> None:
        assert wait_for(collector.hears, 10)
        assert collector.stop(40) == 0
        collector.launch()

    def deaf() -> None:
        broker.deaf = True
        time.sleep(chance.uniform(0.05, 1.0))
        broker.deaf = False
        broker.reset()

    def deaf_and_kill() -> None:
        broker.deaf = True
        time.sleep(chance.uniform(0.05, 1.0))
        collector.kill9()
        broker.deaf = False
        collector.launch()

    def lose_commit() -> None:
        line.lose_answer_to = b"COMMIT"

    def stop_database() -> None:
        server.stop()
        time.sleep(chance.uniform(0, 2))
        server.start()

    def kill_database() -> None:
        server.kill9()
        time.sleep(chance.uniform(0, 1))
        server.start()

    def freeze_database() -> None:
        server.freeze()
        time.sleep(chance.uniform(0.5, 3.5))
        server.thaw()

    def restart_broker() -> None:
        with silence or nullcontext():
            mosquitto.restart()

    return {
        "nothing": lambda: None,
        "collector killed": kill_collector,
        "collector stopped": stop_collector,
        "connection to the broker reset": broker.reset,
        "acknowledgements lost": deaf,
        "acknowledgements lost, collector killed": deaf_and_kill,
        "link to the broker silent": broker.stall,
        "connections to the database reset": line.reset,
        "answer to COMMIT lost": lose_commit,
        "database stopped": stop_database,
        "database killed": kill_database,
        "database frozen": freeze_database,
        "broker restarted": restart_broker,
    }
