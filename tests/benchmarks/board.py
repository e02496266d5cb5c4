"""The board of 10,000 bays: how long an officer waits for its first page and the map, and what they weigh."""

from __future__ import annotations

import http.client
import re
import threading
import time
from contextlib import suppress

from dashboard.web.site import HERE
from store.connect import connect
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.tools import site

BAYS = 10_000
CLIENTS, PAGES, WARM = 2, 400, 40

#: Streets of 25 bays to and fro across the borough, 25 of them a zone; a third is free, some are over its hour.
_FILL = """
set session_replication_role = replica;
insert into personal.bay (id, street, zone, kind, spaces, off_street, lon, lat, personal, origin)
    select 'bay-' || lpad(n::text, 5, '0'), 'Street ' || n / 25, 'Zone ' || lpad((n / 625)::text, 2, '0'),
        (array['resident-permit', 'pay', 'limited-waiting', 'disabled', 'loading'])[1 + n % 5], 1, false,
        -0.12 + (n / 25 % 20) * 0.0035 + (n % 25) * 0.00009, 51.49 + (n / 500) * 0.0012 + (n / 25 % 3) * 0.0003,
        false, 'simulated'
    from generate_series(0, %(bays)s - 1) n;
insert into personal.bay_restriction (bay_id, number, days, start_minute, end_minute, maximum_stay, bank_holidays,
    event_days) select id, 1, 127, 0, 1440, 60, 'as-usual', 'any' from personal.bay where kind <> 'resident-permit';
insert into personal.device (id, family, model, origin, personal, attributes, changed)
    select 'sensor-' || n, 'parking-bay', 'native', 'simulated', false, '{"heartbeat": "PT6H"}', n
    from generate_series(0, %(bays)s - 1) n;
insert into personal.series (device_id, property, personal) select id, 'occupied', false from personal.device;
insert into personal.bay_sensor (bay_id, device_id, start)
    select 'bay-' || lpad(n::text, 5, '0'), 'sensor-' || n, now() - interval '100 days'
    from generate_series(0, %(bays)s - 1) n;
insert into public.latest (series_id, time, value, arrival)
    select id, now() - case when id % 97 = 0 then interval '2 days' when id % 31 = 1 then interval '100 minutes'
        else (id % 55) * interval '1 minute' end, (id % 3 > 0)::int, now() from personal.series;
set session_replication_role = origin;
analyze personal.bay; analyze personal.bay_sensor; analyze personal.device; analyze personal.series;
analyze public.latest; analyze personal.bay_restriction;
"""


def fill(url: str, bays: int = BAYS) -> str:
    """A borough of bays with a reading each, and a parking officer's session."""
    with connect(url, autocommit=True) as connection:
        connection.execute(_FILL.replace("%(bays)s", str(bays)).encode())
        return site.make_session(connection, None, ["parking-ops"])


def board_page(world: World, table: Table) -> None:
    """The 95th percentile of first pages with the map, sign-in included; and the bytes of a first load."""
    with world.database() as url:
        cookie = fill(url)
        with serving(url) as port:
            _look(port, cookie, WARM)
            waits, size = _look(port, cookie, PAGES)
            page = _get(port, "/parking/board", cookie)
            own = size + sum(len(_get(port, path, cookie)) for path in _files(page)) + _told(port, page, cookie)
    waits.sort()
    table.add("board_p95", waits[int(0.95 * len(waits))], "s")
    table.add("board_bytes", own, "bytes")
    wait_for_rest()


def _files(page: bytes) -> list[str]:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode())
    if {one.partition("?")[0].removeprefix("/static/") for one in found} - {
        one.name for one in (HERE / "static").iterdir()
    }:
        raise RuntimeError(f"files of the page are not there: {found}")
    return found


def _told(port: int, page: bytes, cookie: str) -> int:
    """Bytes that the page's stream of changes begins with, until it has been quiet for a second."""
    found = re.search(r'data-events="([^"]+)"', page.decode())
    if found is None:
        raise RuntimeError("the page names no stream")
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    connection.request("GET", found[1], headers={"Cookie": f"{site.COOKIE}={cookie}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{found[1]}: {answer.status}")
    size = 0
    with suppress(TimeoutError):
        while part := answer.read1():
            size += len(part)
    connection.close()
    return size


def _get(port: int, path: str, cookie: str) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    connection.request("GET", path, headers={"Cookie": f"{site.COOKIE}={cookie}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body


def _look(port: int, cookie: str, pages: int) -> tuple[list[float], int]:
    """Wait for ``pages`` pages in each of two clients at once; how long each took [s], and the largest [bytes]."""
    waits: list[float] = []
    sizes: list[int] = []
    faults: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        for _ in range(pages):
            begun = time.perf_counter()
            connection.request("GET", "/parking/board", headers={"Cookie": f"{site.COOKIE}={cookie}"})
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            sizes.append(len(body))
            if answer.status != 200 or body.count(b'<tr id="bay-') != 200 or b"Map of 10,000 bays" not in body:
                faults.append(f"status {answer.status}, {len(body)} bytes")
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != CLIENTS * pages:
        raise RuntimeError(f"{len(faults)} pages were not right, the first: {faults[:1]}")
    return waits, max(sizes)
