"""How long another resident waits for a page while files are downloaded: the real server, with one and two workers.

Three households have half-hours of seven years. Each load is begun at once by a process of its own and runs to its end;
meanwhile a fourth household looks at its comparison again and again.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from store.connect import connect
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.tools import site
from tests.worlds import residents
from tests.worlds.resident_world import TODAY

DAYS = 7 * 365
#: Pages without a load, and the pause after each: somebody reads them.
PAGES, PAUSE = 200, 0.02
#: Seconds after which a load is ended.
MOST = 120.0


def page_under_exports(world: World, table: Table) -> None:
    """The 95th percentile of a comparison's page alone and under each load, and how many pages failed."""
    with world.database() as url:
        people = _people(url)
        for workers in (1, 2):
            with serving(url, BOROUGH_WEB_WORKERS=str(workers)) as port:
                _measure(table, f"page_{workers}_workers", port, people)
            wait_for_rest()


def _people(url: str) -> list[str]:
    """Cookies: of three with much data, and of the one who looks at a page."""
    with connect(url, autocommit=True) as connection:
        found = [residents.make_resident(connection, number) for number in range(1, 5)]
        for one in found:
            residents.furnish(connection, one)
        for one in found[:3]:
            residents.use_days(connection, one, TODAY - timedelta(days=DAYS), TODAY)
            residents.add_meter(connection, one, TODAY - timedelta(days=DAYS), DAYS - 21)
        connection.execute("analyze")
        return [site.make_session(connection, one.tenancy_id) for one in found]


def _measure(table: Table, name: str, port: int, people: list[str]) -> None:
    month = f"/home/data/half-hours.csv?from={TODAY - timedelta(days=31)}"
    whole = "/home/data/half-hours.csv"
    pages = _pages(port, people[3], lambda count: count < PAGES)
    alone = _told(table, name, pages)
    for load, jobs in (
        ("50_months", [[people[0], month]] * 50),
        ("200_months", [[people[0], month]] * 200),
        ("30_exports", [[people[number % 3], whole] for number in range(30)]),
    ):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.downloads"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps({"host": HOST, "port": port, "jobs": jobs, "seconds": MOST}))
            process.stdin.close()
            process.stdout.readline()  # all have asked
            pages = _pages(port, people[3], lambda _: process.poll() is None)  # used in this turn only
            done = json.loads(process.stdout.readline())
        under = _told(table, f"{name}_under_{load}", pages)
        table.add(f"{name}_under_{load}_by_alone", under / alone, "x")
        table.add(f"{name}_under_{load}_load", done["seconds"], "s")
        for status, number in sorted(done["statuses"].items()):
            table.add(f"{name}_under_{load}_downloads_{status}", number, "downloads")
        wait_for_rest()


def _told(table: Table, name: str, pages: list[tuple[float, int]]) -> float:
    waits = sorted(wait for wait, _ in pages)
    p95 = waits[int(0.95 * len(waits))]
    table.add(f"{name}_p95", p95, "s")
    table.add(f"{name}_max", waits[-1], "s")
    for status, number in Counter(status for _, status in pages).items():
        table.add(f"{name}_{status}", number, "pages")
    return p95


def _pages(port: int, cookie: str, more: Callable[[int], bool]) -> list[tuple[float, int]]:
    """Seconds and status of pages, one after the other."""
    found: list[tuple[float, int]] = []
    while not found or more(len(found)):
        begun = time.perf_counter()
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        connection.request("GET", "/home", headers={"Cookie": f"{site.COOKIE}={cookie}"})
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - begun, answer.status))
        connection.close()
        time.sleep(PAUSE)
    return found
