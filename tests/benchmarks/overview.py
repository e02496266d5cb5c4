"""How long anybody waits for the start page: 10,000 bays, 500 monitors, 40 areas, two clients at once, one process."""

from __future__ import annotations

import http.client
import threading
import time

import numpy as np

from store.connect import connect
from tests.benchmarks import board
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.worlds import air_town

MONITORS, AREAS = 500, 40
CLIENTS, PAGES, NEAR, WARM = 2, 1_000, 200, 50
#: What both pages must say to be counted.
_SAID = (b"Air now", b"bays are free", b"Highest index by area")


def fill(url: str) -> None:
    """Bays, monitors with an index, areas and a postcode, all of a real site."""
    board.fill(url)
    end = air_town.full_hour()
    with connect(url, autocommit=True) as connection:
        connection.execute("update personal.bay set origin = 'real'")
        connection.execute("update personal.device set origin = 'real' where family = 'parking-bay'")
        for number in range(MONITORS):
            lon, lat = -0.12 + number % 25 * 0.0035, 51.49 + number // 25 * 0.0012
            air_town.make_monitor(connection, f"monitor-{number}", lon=lon, lat=lat, origin="real")
            level = np.full(30, 5.0 + number % 40)
            air_town.say(connection, f"monitor-{number}", end, {"pm2_5": level, "no2": level})
        connection.execute(
            "insert into public.place (kind, name, lon, lat) select 'area', 'Area ' || n, -0.12 + n * 0.002, 51.5"
            f" from generate_series(1, {AREAS}) n"
        )
        connection.execute("insert into public.place (kind, name, lon, lat) values ('postcode', 'TE57ST', -0.1, 51.5)")


def overview_page(world: World, table: Table) -> None:
    """The 95th percentile of start pages, as they are and with a place; and the bytes of the page."""
    with world.database() as url:
        fill(url)
        with serving(url) as port:
            _look(port, "/", WARM)
            waits, size = _look(port, "/", PAGES)
            _look(port, "/?place=TE5+7ST", WARM)
            near, _ = _look(port, "/?place=TE5+7ST", NEAR)
    table.add("overview_p95", waits[int(0.95 * len(waits))], "s")
    table.add("overview_place_p95", near[int(0.95 * len(near))], "s")
    table.add("overview_bytes", size, "bytes")
    wait_for_rest()


def _look(port: int, path: str, pages: int) -> tuple[list[float], int]:
    """Wait for ``pages`` pages in each of two clients at once; how long each took [s], rising, and the largest."""
    waits: list[float] = []
    sizes: list[int] = []
    faults: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        for _ in range(pages):
            begun = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            sizes.append(len(body))
            if answer.status != 200 or not all(said in body for said in _SAID):
                faults.append(f"status {answer.status}, {len(body)} bytes")
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != CLIENTS * pages:
        raise RuntimeError(f"{len(faults)} pages were not right, the first: {faults[:1]}")
    return sorted(waits), max(sizes)
