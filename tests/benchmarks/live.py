"""Live figures: a publisher at a fixed rate, a collector beside it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

from simulators.publisher import Message, Publisher
from store.connect import connect
from tests.benchmarks import loads
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, Worker, World, wait_for_rest

LATENCY_RATE = 20_000
SECONDS = 30
_STEP = 0.97


def latency(world: World, table: Table, url: str, devices: int) -> None:
    """Seconds from publish to commit at 20,000 messages/s: the time in the payload against the row's commit time."""
    job = {"kind": "collect", "database": url, "client_id": "bench-latency", "messages": 0}
    with Worker({"port": world.mosquitto.port, **job}) as worker:
        worker.subscribed()
        published = _publish(world.mosquitto.port, devices, LATENCY_RATE, SECONDS)
        found = _settle(worker, published["messages"])
    with connect(url) as connection:
        row = connection.execute(
            "select count(*), percentile_cont(array[0.5, 0.99]) within group "
            "(order by extract(epoch from pg_xact_commit_timestamp(xmin) - time)) from reading"
        ).fetchone()
    assert row is not None
    if row[0] != published["messages"]:
        raise RuntimeError(f"{row[0]} readings of {published['messages']} messages, received {found['messages']:.0f}")
    table.add("live_p50", row[1][0], "s")
    table.add("live_p99", row[1][1], "s")
    world.drop_session("bench-latency")
    wait_for_rest()


def rates(world: World, table: Table, devices: int) -> None:
    """The highest rates that hold for 30 s with a flat queue: a bare source, and the whole collector."""
    ceiling = _highest(world, devices, {"kind": "receive_only"}, 60_000.0)
    table.add("live_receive_only", ceiling, "messages/s")
    with world.database(loads.meters(devices)) as url:
        # the collector cannot hold more than the broker delivers to a bare source
        table.add("live_rate", _highest(world, devices, {"kind": "collect", "database": url}, ceiling), "messages/s")
    table.ratio("live_rate / live_receive_only", "live_rate", "live_receive_only")


def _highest(world: World, devices: int, job: dict[str, Any], limit: float) -> float:
    """Step down from ``limit``, or from what goes through unpaced, until a rate holds."""
    rate = min(limit, 1.02 * _try(world, devices, job, limit, 8)[1])
    for _ in range(12):
        held, _ = _try(world, devices, job, rate, SECONDS)
        if held:
            return rate
        rate *= _STEP
    raise RuntimeError("no rate holds")


def _try(world: World, devices: int, job: dict[str, Any], rate: float, seconds: float) -> tuple[bool, float]:
    """Whether a rate holds: the publisher keeps it, and half a second after its end everything is through.

    Also the messages/s that went through to the last.
    """
    session = f"bench-live-{time.monotonic_ns()}"
    with Worker({"port": world.mosquitto.port, "client_id": session, "messages": 0, **job}) as worker:
        worker.subscribed()
        begun = time.monotonic()
        published = _publish(world.mosquitto.port, devices, rate, seconds)
        time.sleep(0.5)
        found = worker.result()
        through = published["messages"] / (time.monotonic() - begun)
    world.drop_session(session)
    wait_for_rest()
    kept = published["messages"] / published["seconds"] >= 0.99 * rate
    flat = found["messages"] >= published["messages"]
    return kept and flat, min(through, found["messages"] / (published["seconds"] + 0.5))


def _settle(worker: Worker, _messages: float) -> dict[str, float]:
    time.sleep(2.0)
    return worker.result()


def _publish(port: int, devices: int, rate: float, seconds: float) -> dict[str, float]:
    """Publish from a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=_publisher, args=(port, devices, rate, seconds, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError("the publisher failed")
    found: dict[str, float] = answers.get()
    return found


def _publisher(port: int, devices: int, rate: float, seconds: float, answers: Any) -> None:
    with Publisher(HOST, port, window=20_000) as publisher:
        done = publisher.publish(_now(devices, round(rate * seconds)), rate=rate, deadline=seconds * 4 + 30)
    answers.put({"messages": float(done.messages), "seconds": done.seconds})


def _now(devices: int, messages: int) -> Iterator[Message]:
    """Readings whose time is the moment in which they are published."""
    topics = [f"borough/smart-meter/meter-{n:05d}/reading" for n in range(devices)]
    clock = time.time
    for number in range(messages):
        yield topics[number % devices], b'{"time": %.6f, "power": %d}' % (clock(), number % 3000)
