"""The pages of air in a borough of 500 monitors with a year behind them: how long anybody waits for them."""

from __future__ import annotations

import http.client
import random
import threading
import time

from store.connect import connect
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import HOST, World, wait_for_rest

MONITORS, DAYS = 500, 366
CLIENTS, PAGES, WARM = 2, 400, 40
#: How many bytes a page may have without its style and scripts.
MOST = 80_000

#: Written straight into the tables: each monitor's hours have one value, which differs by monitor. A year of all hours
#: is 900,000 rows of five pollutants and the humidity.
_FILL = """
set session_replication_role = replica;
insert into personal.device (id, family, model, lon, lat, origin, personal, attributes, changed)
    select 'air-' || lpad(n::text, 3, '0'), 'air-monitor', 'native', -0.2 + (n % 25) * 0.01, 51.45 + (n / 25) * 0.005,
        'real', false, jsonb_build_object('street', 'Street ' || n, 'interval', 'PT10M'), n
    from generate_series(0, %(monitors)s - 1) n;
insert into personal.series (device_id, property, personal)
    select id, p, false from personal.device cross join unnest(array['pm2_5', 'pm10', 'no2', 'o3', 'co', 'humidity']) p;
insert into public.latest (series_id, time, value, arrival) select id, now(), 1, now() from personal.series;
insert into public.air_day (series_id, day, means, captured, indices)
    select s.id, d::date,
        (select string_agg(float8send(5 + s.id % 40 + h / 4.0), ''::bytea order by h) from generate_series(0, 23) h),
        decode(repeat('0006', 24), 'hex'),
        case when s.property in ('co', 'humidity') then null
            else decode(repeat('0' || 1 + s.id % 9, 24), 'hex') end
    from personal.series s
    cross join generate_series((now() at time zone 'UTC')::date - %(days)s, (now() at time zone 'UTC')::date,
        interval '1 day') d;
insert into public.air_index_day (device_id, day, index, worst, indices)
    select v.id, d::date, 3, 'o3', array[1, 2, 1, 3, 0]
    from personal.device v
    cross join generate_series((now() at time zone 'UTC')::date - %(days)s, (now() at time zone 'UTC')::date - 1,
        interval '1 day') d;
set session_replication_role = origin;
analyze personal.device; analyze personal.series; analyze public.latest; analyze public.air_day;
analyze public.air_index_day;
"""


def air_pages(world: World, table: Table) -> None:
    """The 95th percentile of the page of all monitors, and of single monitors' pages of each span, each another's."""
    with world.database() as url:
        with connect(url, autocommit=True) as connection:
            connection.execute(_FILL.replace("%(monitors)s", str(MONITORS)).replace("%(days)s", str(DAYS)).encode())
        with serving(url) as port:
            for name, path, words in (
                ("air_p95", "/air", b"Map of 500 monitors"),
                ("air_day_p95", "/air/monitor/{}", b"Mean of the last 24 hours"),
                ("air_month_p95", "/air/monitor/{}?span=month", b"30 of 30 days known"),
                ("air_year_p95", "/air/monitor/{}?span=year", b"mean of the year"),
            ):
                _look(port, path, words, WARM)
                waits = sorted(_look(port, path, words, PAGES))
                table.add(name, waits[int(0.95 * len(waits))], "s")
    wait_for_rest()


def _look(port: int, path: str, words: bytes, pages: int) -> list[float]:
    """Wait for ``pages`` pages in each of two clients at once; how long each took [s]."""
    waits: list[float] = []
    faults: list[str] = []

    def client(seed: int) -> None:
        own = random.Random(seed)
        connection = http.client.HTTPConnection(HOST, port, timeout=20)
        for _ in range(pages):
            asked = path.format(f"air-{own.randrange(MONITORS):03d}")
            begun = time.perf_counter()
            connection.request("GET", asked)
            answer = connection.getresponse()
            body = answer.read()
            waits.append(time.perf_counter() - begun)
            if answer.status != 200 or words not in body or len(body) > MOST:
                faults.append(f"{asked}: status {answer.status}, {len(body)} bytes")
        connection.close()

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults or len(waits) != CLIENTS * pages:
        raise RuntimeError(f"{len(faults)} pages were not right, the first: {faults[:1]}")
    return waits
