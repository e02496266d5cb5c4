"""A year of minute data in the series explorer: how long an engineer waits, and how long rows of it take."""

from __future__ import annotations

import http.client
import re
import threading
import time

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import Connection, connect
from store.copy import copy_readings
from store.times import instant
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.tools import site

READINGS = 525_600
#: Series whose readings came between those that are looked at: a table is not sorted by series.
OTHERS = 3
CLIENTS, PAGES, WARM = 2, 200, 10
_START, _MINUTE, _HOUR = 1_735_689_600_000_000, 60_000_000, 60
_PAGE = "/engineer/series?device=year-0&property=pm2_5&from=2025-01-01T00:00&to=2026-01-01T00:00"
_SPIKE = 4321.5


def fill(connection: Connection) -> int:
    """A year of some monitors, hour by hour as it would have come, with one spike; the number of the first series."""
    names = [f"year-{number}" for number in range(1 + OTHERS)]
    interval = {"interval": "PT1M"}
    registry.upsert(connection, [Device(one, "air-monitor", "native", attributes=interval) for one in names])
    found = series.resolve(connection, [(one, "pm2_5") for one in names])
    ids = np.array([one.series for one in found], np.int32)
    values = np.round(np.random.default_rng(13).gamma(2, 5, (len(ids), READINGS)), 1)
    values[0, 234_567] = _SPIKE
    for hour in range(READINGS // _HOUR):
        minutes = np.arange(hour * _HOUR, (hour + 1) * _HOUR)
        times = np.tile(_START + minutes * _MINUTE, len(ids))
        copy_readings(connection, np.repeat(ids, _HOUR), times, values[:, minutes].ravel())
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze reading")
    return int(ids[0])


def explorer(world: World, table: Table) -> None:
    """Pages of a year: the first, which reads it whole, and the 95th percentile of the others; and how much longer
    psycopg takes for its rows, median against median.

    Both names that are asked for are figures of one run.
    """
    if "explorer_vs_rows" in table.rows:
        return
    with world.database() as url, connect(url) as connection:
        number = fill(connection)
        cookie = site.make_session(connection, None, ["engineer"])
        wait_for_rest()
        fetched = _rows(connection, number)
        with serving(url) as port:
            first = _look(port, cookie, 1, clients=1)[0]
            _look(port, cookie, WARM)
            waits = sorted(_look(port, cookie, PAGES))
        fetched = sorted(fetched + _rows(connection, number))
    table.add("explorer_first", first, "s")
    table.add("explorer_p95", waits[int(0.95 * len(waits))], "s")
    table.add("explorer_median", waits[len(waits) // 2], "s")
    table.add("explorer_rows", fetched[len(fetched) // 2], "s")
    table.ratio("explorer_vs_rows", "explorer_rows", "explorer_median")
    wait_for_rest()


def _rows(connection: Connection, number: int) -> list[float]:
    """How long psycopg takes for the year's rows [s], three times."""
    taken = []
    question = b"select time, value from reading where series_id = %s and time >= %s and time < %s order by time"
    for _ in range(3):
        begun = time.perf_counter()
        found = connection.execute(question, (number, instant(_START), instant(_START + READINGS * _MINUTE))).fetchall()
        taken.append(time.perf_counter() - begun)
        if len(found) != READINGS:
            raise RuntimeError(f"{len(found)} rows, {READINGS} expected")
    return taken


def _look(port: int, cookie: str, pages: int, clients: int = CLIENTS) -> list[float]:
    waits: list[float] = []
    faults: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        for _ in range(pages):
            begun = time.perf_counter()
            connection.request("GET", _PAGE, headers={"Cookie": f"{site.COOKIE}={cookie}"})
            answer = connection.getresponse()
            body = answer.read().decode()
            waits.append(time.perf_counter() - begun)
            if answer.status != 200 or f"{_SPIKE:,} µg/m³, 525,600 readings" not in body or not _drawn(body):
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


def _drawn(body: str) -> bool:
    """Whether the line has as many points as it should: of almost every piece four."""
    lines = re.findall(r'class="line"[^>]* d="([^"]+)"', body)
    return len(lines) == 1 and 1_500 < lines[0].count("L") < 2_000
