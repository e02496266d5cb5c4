"""Several collectors at one broker: one, two and three that share a queue."""

from __future__ import annotations

import time
from contextlib import ExitStack

from devices.decoders import FORMATS
from ingest.subscriptions import native
from simulators.publisher import Publisher
from store.connect import connect
from tests.benchmarks import loads
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, Worker, World, wait_for_rest
from tests.tools.session import make_session

MESSAGES = 300_000
DEVICES = 1_000
_GROUP = "bench"


def collectors(world: World, table: Table) -> None:
    """Rates of one, two and three collectors that share a full queue, and the processor time of a message.

    The broker, the database and all collectors are on this machine: on two cores a second collector has no core to
    itself, and what the figures show is what sharing costs, not what a second machine brings.
    """
    for number in (1, 2, 3):
        rate, cpu = _shared(world, number)
        table.add(f"collectors_{number}", rate, "messages/s")
        table.add(f"collectors_{number}_cpu", cpu * 1e6, "us/message")
    for number in (2, 3):
        table.ratio(f"collectors_{number} / collectors_1", f"collectors_{number}", "collectors_1")


def _shared(world: World, number: int) -> tuple[float, float]:
    """Messages/s from the first connection to the last commit, and the collectors' processor time a message [s]."""
    name = f"bench-shared-{number}-{time.monotonic_ns()}"
    port = world.mosquitto.port
    filters = [(f"$share/{_GROUP}/{item.filter}", item.qos) for item in native(FORMATS)]
    for slot in range(number):
        make_session(port, f"{name}-{slot}", filters)
    with Publisher(HOST, port) as publisher:
        publisher.publish(loads.native(MESSAGES, DEVICES), deadline=300)
    with world.database(loads.meters(DEVICES)) as url, ExitStack() as stack:
        job = {"kind": "collect", "port": port, "database": url, "client_id": name, "shared_group": _GROUP}
        workers = [stack.enter_context(Worker({**job, "messages": 0})) for _ in range(number)]
        for worker in workers:
            worker.subscribed()
        while _taken(url) < MESSAGES:
            time.sleep(0.05)
        end = _last_commit(url)
        found = [worker.result() for worker in workers]
    for slot in range(number):
        make_session(port, f"{name}-{slot}", [], end=True)
    received = sum(one["messages"] for one in found)
    if received != MESSAGES:
        raise RuntimeError(f"{received:.0f} messages received, {MESSAGES} sent")
    wait_for_rest()
    return MESSAGES / (end - min(one["began"] for one in found)), sum(one["cpu"] for one in found) / MESSAGES


def _taken(url: str) -> int:
    """Messages in the accounts of all collectors: they are written with the readings."""
    with connect(url) as connection:
        row = connection.execute("select coalesce(sum(messages_received), 0) from accounting").fetchone()
    assert row is not None
    return int(row[0])


def _last_commit(url: str) -> float:
    """When the last reading was committed, by the server's clock [s since 1970]; every message must be one."""
    with connect(url) as connection:
        row = connection.execute(
            "select count(*), extract(epoch from max(pg_xact_commit_timestamp(xmin))) from reading"
        ).fetchone()
    assert row is not None
    if row[0] != MESSAGES:
        raise RuntimeError(f"{row[0]} readings in the table, {MESSAGES} expected")
    return float(row[1])
