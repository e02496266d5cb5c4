"""The servers of a benchmark run, queues that are filled beforehand, and the measured process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devices.decoders import FORMATS
from devices.device import Device
from ingest.subscriptions import Subscription, native
from scripts.parts import prepare
from simulators.publisher import Message, Publisher
from store import registry
from store.connect import connect
from tests.benchmarks.memory import highest_memory
from tests.tools.servers import TIMESCALE_SETTINGS, Cluster, Mosquitto, own_cluster
from tests.tools.session import make_session

HOST = "127.0.0.1"
#: The commit time of every row is how the latency is measured: by the database and not by us.
_SETTINGS = {**TIMESCALE_SETTINGS, "track_commit_timestamp": "on", "synchronous_commit": "on"}


class World:
    """One TimescaleDB and one Mosquitto for all benchmarks; a fresh database and session for each."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="borough-bench-")
        parts = prepare()
        self.cluster: Cluster = own_cluster("apache", parts.postgres, _SETTINGS)
        self.mosquitto = Mosquitto(parts.mosquitto, Path(self._folder.name) / "mosquitto")
        self._sessions = 0

    def __enter__(self) -> Self:
        self.mosquitto.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.mosquitto.stop()
        self.cluster.close()
        self._folder.cleanup()

    @contextmanager
    def database(self, devices: Sequence[Device] = ()) -> Iterator[str]:
        """URL of a fresh database with these devices."""
        name = self.cluster.create()
        url = self.cluster.url(name)
        with connect(url, autocommit=True) as connection:
            registry.upsert(connection, devices)
        yield url
        self.cluster.drop(name)

    def queue(self, messages: Iterable[Message], *, glow: bool = False) -> str:
        """Fill the queue of a new persistent session; returns its client id."""
        self._sessions += 1
        name = f"bench-{self._sessions}"
        subscriptions = [Subscription(t, "glow") for t in FORMATS["glow"].topics] if glow else native(FORMATS)
        make_session(self.mosquitto.port, name, [(item.filter, item.qos) for item in subscriptions])
        with Publisher(HOST, self.mosquitto.port) as publisher:
            publisher.publish(messages, deadline=300)
        return name

    def drop_session(self, name: str) -> None:
        """End a session, so that it takes no part in what follows."""
        make_session(self.mosquitto.port, name, [], end=True)

    def measure(self, **job: Any) -> dict[str, float]:
        """Run one job in a process of its own to its end."""
        with Worker({"port": self.mosquitto.port, **job}) as worker:
            return worker.result()


class Worker:
    """The measured process (tests.benchmarks.worker)."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        self._live = not job["messages"]
        self.process.stdin.write(json.dumps(job) + "\n")
        if self._live:
            self.process.stdin.flush()
        else:
            self.process.stdin.close()

    def subscribed(self) -> None:
        """Wait until a live worker receives."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line.strip() != "subscribed":
            raise RuntimeError(f"the measured process said {line!r}")

    def result(self) -> dict[str, float]:
        """What it measured; a live one is told to end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self._live and not self.process.stdin.closed:
            self.process.stdin.close()
        text = self.process.stdout.read()
        if self.process.wait() or not text.strip():
            raise RuntimeError("the measured process failed")
        found: dict[str, float] = json.loads(text.strip().splitlines()[-1])
        return found

    def memory(self) -> int:
        """Its highest resident memory so far [bytes]."""
        return highest_memory(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def wait_for_rest(seconds: float = 0.5) -> None:
    """Let the servers finish what the last benchmark left them to do."""
    time.sleep(seconds)
