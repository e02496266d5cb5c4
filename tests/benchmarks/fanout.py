"""Live pages: 500 clients of one process of the site. From a commit to the screens, and what a client costs."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from store.connect import connect
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.worlds.parking_live import bay, make_bays, say

BAYS, CLIENTS, COMMITS = 10_000, 500, 100
PATH = "/parking/live"


def sse_fanout(world: World, table: Table) -> None:
    """The 99th percentile of the time from a commit until one of 500 clients has the change, of 10,000 bays."""
    own = random.Random(7)
    with world.database() as database, connect(database, autocommit=True) as connection:
        make_bays(connection, BAYS)
        say(connection, range(1, BAYS + 1), 0)
        with serving(database) as port, _watching(port, CLIENTS) as watchers:
            committed = {}
            for number in range(1, COMMITS + 1):
                say(connection, [number], 1)
                committed[bay(number)] = time.monotonic()
                time.sleep(own.uniform(0.0, 0.3))
            time.sleep(1.0)
            seen = watchers.result()
    waits = sorted(at - committed[one] for one, found in seen.items() for at in found)
    if len(waits) != CLIENTS * COMMITS:
        raise RuntimeError(f"{len(waits)} changes were seen, {CLIENTS * COMMITS} expected")
    table.add("sse_fanout", waits[int(0.99 * len(waits))], "s")
    table.add("sse_fanout_median", waits[len(waits) // 2], "s")
    wait_for_rest()


def sse_memory(world: World, table: Table) -> None:
    """Bytes of a client, the kernel's buffers for it among them: of those that read, and of those that do not."""
    with world.database() as database, connect(database, autocommit=True) as connection:
        make_bays(connection, BAYS)
        say(connection, range(1, BAYS + 1), 0)
        for name, deaf in (("sse_memory", 0), ("sse_memory_deaf", CLIENTS)):
            with serving(database) as port:
                # what is made once for all clients, and again and again, is there before they come
                with _watching(port, 2):
                    for number in range(11, 31):
                        say(connection, [number], int(deaf == 0))
                        time.sleep(0.2)
                before = _resident(port) + _kernel()
                with _watching(port, CLIENTS, deaf):
                    for number in range(1, 11):
                        say(connection, [number], int(deaf == 0))
                        time.sleep(0.2)
                    after = _resident(port) + _kernel()
            table.add(name, (after - before) / CLIENTS, "bytes")
    wait_for_rest()


class _Watchers:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def result(self) -> dict[str, list[float]]:
        """When each change was seen, by bay."""
        text, _ = self._process.communicate(timeout=60)
        found: dict[str, list[float]] = json.loads(text)
        return found


@contextmanager
def _watching(port: int, clients: int, deaf: int = 0) -> Iterator[_Watchers]:
    job = {"url": f"http://{HOST}:{port}", "path": PATH, "clients": clients, "deaf": deaf}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.watchers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            if process.stdout.readline().strip() != "watching":
                raise RuntimeError("the clients could not watch")
            yield _Watchers(process)
        finally:
            process.kill()


def _resident(port: int) -> int:
    """Memory of the server [bytes]."""
    server = next(
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == "LISTEN" and one.laddr.port == port and one.pid is not None
    )
    return int(psutil.Process(server).memory_info().rss)


def _kernel() -> int:
    """What the kernel holds for all TCP sockets of this machine [bytes], the clients' own ends too."""
    line = next(one for one in Path("/proc/net/sockstat").read_text().splitlines() if one.startswith("TCP:"))
    words = line.split()
    return int(words[words.index("mem") + 1]) * 4_096
