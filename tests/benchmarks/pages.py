"""How long a resident waits for the comparison: the real server, one process, two clients at once, 100,000 homes."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from borough.postgres_server import free_port
from store.connect import connect
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest
from tests.tools import site

HOMES = 100_000
CLIENTS, PAGES, WARM = 2, 1_000, 100
#: Households that look; each page is of another of them.
SIGNED_IN = 500

#: In bulk the rows' own triggers are left out: the one that keeps tenancies of a home apart takes a lock for each.
_FILL = """
set session_replication_role = replica;
insert into personal.home (id, uprn, address, lon, lat)
    select 10000000000000 + n, (100000000000 + n)::text, array[n || ' Example Street', 'TE5 7ST'],
        -0.1 + (n % 300) * 0.0003, 51.5 + (n / 300) * 0.0002
    from generate_series(1, %(homes)s) n;
insert into personal.home_details (home_id, valid_from, dwelling, heating, floor_area, bedrooms, source)
    select 10000000000000 + n, '2024-01-01', 'flat', 'gas', 40 + n % 60, 2, 'import'
    from generate_series(1, %(homes)s) n;
insert into personal.tenancy (id, home_id, from_day, name, occupants)
    select 20000000000000 + n, 10000000000000 + n, '2024-01-01', 'A', 2 from generate_series(1, %(homes)s) n;
insert into personal.cell_version (quarter, program, homes) values ('2026-01-01', 'bench', %(homes)s);
insert into personal.cell (quarter, cell, dwelling, heating, homes, floor_area, x, y, step, joined, reach)
    select '2026-01-01', c, 'flat', 'gas', 32, 63, c * 10, 0, 'area-15', array[c - 1, c + 1, c + 2], 480
    from generate_series(0, %(homes)s / 32) c;
insert into personal.cell_member (quarter, home_id, tenancy_id, cell)
    select '2026-01-01', 10000000000000 + n, 20000000000000 + n, n / 32 from generate_series(1, %(homes)s) n;
insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)
    select kind, first::date, stop::date, fuel, '2026-01-01', 'bench', now(), now()
    from (values ('week', '2026-02-09', '2026-02-16'), ('week', '2026-02-02', '2026-02-09'),
        ('month', '2026-01-01', '2026-02-01'), ('four-weeks', '2026-01-19', '2026-02-16')) p (kind, first, stop)
    cross join unnest(array['electricity', 'gas']) fuel;
insert into personal.comparison (tenancy_id, kind, from_day, fuel, home_id, own, estimated_days, missing_days, before,
    state, average, efficient, homes, tenths, carbon, cost, tariff)
    select 20000000000000 + n, r.kind, r.from_day, r.fuel, 10000000000000 + n, 40000 + n %% 30000, 0, 0, 52000,
        case when n %% 30000 < 12000 then 'good' else 'more' end, 52000, 31000, 120, 5, 9000, 1800, 'price cap'
    from personal.comparison_run r cross join generate_series(1, %(homes)s) n;
set session_replication_role = origin;
analyze personal.home; analyze personal.home_details; analyze personal.tenancy; analyze personal.comparison;
analyze personal.cell_member;
"""


def resident_page(world: World, table: Table) -> None:
    """The 95th percentile of full comparison pages, each of another household, sign-in and log of access included."""
    with world.database() as url:
        cookies = _fill(url)
        with serving(url) as port:
            _look(port, cookies, WARM)
            waits = _look(port, cookies, PAGES)
        with connect(url) as connection:
            row = connection.execute("select count(*) from personal.access").fetchone()
        if row is None or row[0] != CLIENTS * (PAGES + WARM):
            raise RuntimeError(f"{row} looks are in the log of access, {CLIENTS * (PAGES + WARM)} expected")
    waits.sort()
    table.add("resident_page_p95", waits[int(0.95 * len(waits))], "s")
    wait_for_rest()


def _fill(url: str) -> list[str]:
    with connect(url, autocommit=True) as connection:
        connection.execute((_FILL.replace("%%", "%").replace("%(homes)s", str(HOMES))).encode())
        step = HOMES // SIGNED_IN
        return [site.make_session(connection, 20_000_000_000_000 + n) for n in range(1, HOMES + 1, step)]


@contextmanager
def serving(url: str, **more: str) -> Iterator[int]:
    """``borough serve`` with its settings; its port."""
    port = free_port()
    settings = {"BOROUGH_DATABASE_URL": url, "BOROUGH_WEB_HOST": HOST, "BOROUGH_WEB_PORT": str(port), **more}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOROUGH_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "borough", "serve"], env={**kept, **settings}, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("borough serve did not start")
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _look(port: int, cookies: list[str], pages: int) -> list[float]:
    """Wait for ``pages`` pages in each of two clients at once; how long each took [s]."""
    waits: list[float] = []
    faults: list[str] = []

    def client(seed: int) -> None:
        own = random.Random(seed)
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        for _ in range(pages):
            begun = time.perf_counter()
            connection.request("GET", "/home", headers={"Cookie": f"{site.COOKIE}={own.choice(cookies)}"})
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            if answer.status != 200 or b"120 flats with gas heating" not in body or b"52 kWh" not in body:
                faults.append(f"status {answer.status}, {len(body)} bytes")
        connection.close()

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != CLIENTS * pages:
        raise RuntimeError(f"{len(faults)} pages were not right, the first: {faults[:1]}")
    return waits
