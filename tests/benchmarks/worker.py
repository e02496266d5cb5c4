"""The measured side, in a process of its own: a collector or a bare source, from its connection to its last commit.

Reads a JSON job from standard input, prints a JSON result: ``{"seconds", "cpu", "messages", "readings", "peak",
"began"}``, ``cpu`` [s] of this process in that time, ``peak`` [bytes] its highest resident memory so far, ``began``
when it connected [s since 1970]; ``cpu_with_start`` [s] from its start, ``ended`` the instant [s since 1970].
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import replace
from typing import Any

from devices.decoders import FORMATS
from ingest import collector
from ingest.metrics import Metrics
from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions, CollectorOptions
from ingest.source import Chunk
from ingest.subscriptions import Subscription, native
from tests.benchmarks.memory import highest_memory


def main() -> None:
    """Run one job."""
    job = json.loads(sys.stdin.readline())  # a line: a live job's input stays open until it shall end
    work = _receive_only if job["kind"] == "receive_only" else _collect
    print(json.dumps(asyncio.run(work(job))), flush=True)


def _broker(job: dict[str, Any]) -> BrokerOptions:
    return BrokerOptions(
        port=job["port"],
        client_id=job["client_id"],
        source=job.get("source", "mqtt5"),
        shared_group=job.get("shared_group"),
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak() -> int:
    return highest_memory()


class Clock:
    """Starts at the connection, stops at the last message (or, without a number of messages, when told)."""

    def __init__(self) -> None:
        self.start = self.end = 0.0
        self.cpu = 0.0

    def begin(self) -> None:
        self.start, self.cpu = time.monotonic(), _cpu()

    def result(self, messages: int, readings: int) -> dict[str, float]:
        return {
            "seconds": time.monotonic() - self.start,
            "cpu": _cpu() - self.cpu,
            "cpu_with_start": _cpu(),
            "ended": time.time(),
            "messages": messages,
            "readings": readings,
            "peak": _peak(),
            "began": time.time() - (time.monotonic() - self.start),
        }


async def _receive_only(job: dict[str, Any]) -> dict[str, float]:
    """The ceiling: the source with nothing behind it but the acknowledgement."""
    clock = Clock()
    received = 0
    done = asyncio.Event()

    def receive(chunk: Chunk) -> None:
        nonlocal received
        received += len(chunk.topics)
        source.acknowledge(chunk.generation, chunk.packet_ids, [])
        if received >= job["messages"] > 0:
            done.set()

    filters = [(item.filter, item.qos) for item in native(FORMATS)]
    source = Mqtt5Source(_broker(job), filters, receive, lambda _present: clock.begin())
    running = asyncio.create_task(source.run())
    if not job["messages"]:
        await _announce(lambda: source.status.subscribed)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # a live run ends when told
    else:
        await done.wait()
    result = clock.result(received, 0)
    await source.stop()
    await running
    return result


async def _announce(subscribed: Any) -> None:
    while not subscribed():
        await asyncio.sleep(0.01)
    print("subscribed", flush=True)


async def _collect(job: dict[str, Any]) -> dict[str, float]:
    """The whole way, the collector as it runs in production, watched from beside."""
    clock = Clock()
    metrics = Metrics()
    subscriptions = native(FORMATS)
    if job.get("glow"):
        subscriptions = [Subscription(topic, "glow") for topic in FORMATS["glow"].topics]
    options = CollectorOptions(job["database"], _broker(job), subscriptions, metrics_port=0)
    stop = asyncio.Event()
    running = asyncio.create_task(collector.run(replace(options, **job.get("options", {})), stop, metrics))

    def totals() -> tuple[int, int]:
        counts = list(metrics.committed.values())
        return sum(c.messages_received for c in counts), sum(c.readings_decoded for c in counts)

    # from CONNACK on: what was queued comes before SUBACK
    while not (metrics.sources and metrics.sources[0].connects):
        await asyncio.sleep(0.001)
    clock.begin()
    clock.start = metrics.sources[0].connected_at
    if job["messages"]:
        while totals()[0] < job["messages"] and not running.done():
            await asyncio.sleep(0.01)
    else:
        while not metrics.broker_connected():
            await asyncio.sleep(0.01)
        print("subscribed", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    result = clock.result(*totals())
    stop.set()
    await running
    return result


if __name__ == "__main__":
    main()
