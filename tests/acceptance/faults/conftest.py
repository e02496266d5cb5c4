"""What the fault tests share: a seed that is printed, collectors that end with their test, a database to break."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from borough.postgres_server import PostgresServer
from scripts.parts import Parts
from tests.tools.collector import Collector
from tests.tools.servers import TIMESCALE_SETTINGS, Cluster, own_cluster


class Collect(Protocol):
    """Makes a collector that does not run yet, ``alone`` and ``around`` as Collector says."""

    def __call__(
        self,
        database: str,
        broker: str,
        *,
        alone: bool = False,
        around: Mapping[str, str] | None = None,
        **settings: object,
    ) -> Collector: ...


@pytest.fixture
def seed() -> int:
    """The seed of all chance in a test. ``BOROUGH_TEST_SEED`` repeats a run."""
    number = int(os.environ.get("BOROUGH_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"BOROUGH_TEST_SEED={number} repeats this run")
    return number


@pytest.fixture
def chance(seed: int) -> random.Random:
    """Chance with the printed seed."""
    return random.Random(seed)


@pytest.fixture
def collect(tmp_path: Path) -> Iterator[Collect]:
    """Makes collectors; what still runs at the end of the test is killed, and every log is printed."""
    made: list[Collector] = []

    def make(
        database: str,
        broker: str,
        *,
        alone: bool = False,
        around: Mapping[str, str] | None = None,
        **settings: object,
    ) -> Collector:
        made.append(Collector(tmp_path, database, broker, alone=alone, around=around, **settings))
        return made[-1]

    with ExitStack() as stack:
        yield make
        for collector in made:
            stack.enter_context(collector)
            if collector.log.exists():
                print(f"--- log of {collector.log.stem}\n{collector.said()[-5000:]}")


@pytest.fixture(scope="session")
def breakable(parts: Parts) -> Iterator[Cluster]:
    """A TimescaleDB server that tests may stop, freeze and kill: never the one that other tests use."""
    cluster = own_cluster("apache", parts.postgres, {**TIMESCALE_SETTINGS, "shared_buffers": "128MB"})
    yield cluster
    cluster.close()


@pytest.fixture
def server(breakable: Cluster) -> Iterator[PostgresServer]:
    """The breakable server itself, running and unharmed at the end."""
    assert breakable.server is not None
    if breakable.server.pid is None:
        breakable.server.start()
    yield breakable.server
    if breakable.server.pid is None:
        breakable.server.start()
    breakable.server.thaw()


@pytest.fixture
def fragile(breakable: Cluster, server: PostgresServer) -> Iterator[str]:
    """URL of a fresh, migrated database on the breakable server."""
    name = breakable.create()
    yield breakable.url(name)
    if server.pid is None:
        server.start()
    server.thaw()
    breakable.drop(name)
