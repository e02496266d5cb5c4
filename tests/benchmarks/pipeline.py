"""The pipeline page over 30 days of minutes: how long an engineer waits for it."""

from __future__ import annotations

import http.client
import threading
import time
from datetime import UTC, datetime

from store.connect import connect
from store.flow import KEPT
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.tools import site
from tests.worlds import pipeline

#: Devices of each of five families.
DEVICES = 20
CLIENTS, PAGES, WARM = 2, 300, 40
#: Pages that one asks for more than a second apart: each is made anew.
FRESH = 20


def pipeline_page(world: World, table: Table) -> None:
    """The 95th percentile of the page as it opens, sign-in included, with 30 days of 100 devices' minutes behind it."""
    with world.database() as url:
        with connect(url, autocommit=True) as connection:
            pipeline.fill(connection, datetime.now(UTC), KEPT, devices=DEVICES)
            cookie = site.make_session(connection, None, ["engineer"])
        with serving(url) as port:
            _look(port, cookie, WARM)
            waits = _look(port, cookie, PAGES)
            fresh = _look(port, cookie, FRESH, clients=1, pause=1.05)
    for name, found in (("pipeline_p95", waits), ("pipeline_fresh_p95", fresh)):
        table.add(name, sorted(found)[int(0.95 * len(found))], "s")
    wait_for_rest()


def _look(port: int, cookie: str, pages: int, *, clients: int = CLIENTS, pause: float = 0.0) -> list[float]:
    """Wait for ``pages`` pages in each of some clients at once, a ``pause`` [s] before each; how long each took [s]."""
    waits: list[float] = []
    faults: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        for _ in range(pages):
            time.sleep(pause)
            begun = time.perf_counter()
            connection.request("GET", "/engineer", headers={"Cookie": f"{site.COOKIE}={cookie}"})
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            if answer.status != 200 or b"It adds up in every minute" not in body or body.count(b'class="line l') < 10:
                faults.append(f"status {answer.status}, {len(body)} bytes")
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != clients * pages:
        raise RuntimeError(f"{len(faults)} pages were not right, the first: {faults[:1]}")
    return waits
