"""A borough that only grows older: the same meters and monitors, and more and more half-hours of them behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from store import columnstore, sta_count
from store.connect import Connection, connect
from store.tier import Tier, tier
from store.times import instant, microseconds
from tests.benchmarks import board
from tests.tools import site
from tests.worlds import residents
from tests.worlds.residents import Resident

ZONE = ZoneInfo("Europe/London")
#: Series with a reading each half-hour: a meter in each home, and monitors with all that they observe.
METERS, MONITORS = 9_840, 20
PROPERTIES = ("no2", "o3", "pm1", "pm2_5", "pm10", "temperature", "humidity", "co2")
SERIES = METERS + MONITORS * len(PROPERTIES)
BAYS = 1_000
HALF_HOUR = 1_800_000_000
DAY = 86_400_000_000
_WEEK = 7 * DAY
#: One reading in so many of a series is missing: it comes late.
GAP = 97
#: Weeks that are loaded at once.
_AT_ONCE = 3
#: Chunks that end so many days before the end are in the columnstore.
AFTER = 7
#: Days before the end on which another household moved into every tenth home: those are erased.
MOVED = 14
#: Households that look at their pages.
LOOKING = 40

_HOMES = """
set session_replication_role = replica;
insert into personal.device (id, family, model, origin, personal, attributes, changed)
    select 'meter-' || n, 'smart-meter', 'native', 'real', true, '{{}}', 100000 + n from generate_series(1, {meters}) n;
insert into personal.device (id, family, model, origin, personal, lon, lat, attributes, changed)
    select 'air-' || n, 'air-monitor', 'native', 'real', false, -0.1, 51.5, '{{}}', 200000 + n
    from generate_series(1, {monitors}) n;
insert into personal.series (device_id, property, personal)
    select 'meter-' || n, 'import_interval', true from generate_series(1, {meters}) n;
insert into personal.series (device_id, property, personal)
    select 'air-' || n, p, false from generate_series(1, {monitors}) n, unnest(array[{properties}]) p;
insert into personal.home (id, uprn, address, lon, lat)
    select 10000000000000 + n, (100000000000 + n)::text, array[n || ' Example Street', 'TE5 7ST'], -0.1, 51.5
    from generate_series(1, {meters}) n;
insert into personal.home_details (home_id, valid_from, dwelling, heating, floor_area, bedrooms, source)
    select 10000000000000 + n, '2000-01-01', 'flat', 'gas', 60, 2, 'import' from generate_series(1, {meters}) n;
insert into personal.tenancy (id, home_id, from_day, to_day, name, occupants)
    select 20000000000000 + n, 10000000000000 + n, '2000-01-01'::date, null::date, 'A', 2
    from generate_series(1, {meters}) n where n % 10 > 0
    union all
    select 30000000000000 + n, 10000000000000 + n, '2000-01-01', '{moved}', 'B', 2
    from generate_series(10, {meters}, 10) n
    union all
    select 20000000000000 + n, 10000000000000 + n, '{moved}', null, 'A', 2 from generate_series(10, {meters}, 10) n;
insert into personal.home_meter (device_id, from_day, to_day, home_id)
    select 'meter-' || t.home_id - 10000000000000, t.from_day, t.to_day, t.home_id from personal.tenancy t;
set session_replication_role = origin;
"""
#: A week's readings of all series, in the order in which the index has them.
_READINGS = """
insert into public.reading (series_id, time, value)
select s.id, k.time, {value}
from (select id from personal.series s where s.property <> 'occupied' order by id) s
cross join lateral (
    -- 0 * s.id: the planner must not go through the series for each half-hour
    select to_timestamp(n * 1800) as time, n as half_hour
    from generate_series(%(start)s::int8 + 0 * s.id, %(stop)s::int8 - 1) n
) k
where (k.half_hour + s.id) %% {gap} <> 0
"""
#: Before that: each series' readings of a week become one batch of the columnstore.
_AS_COLUMNS = """
set timescaledb.enable_direct_compress_insert = on;
set timescaledb.enable_direct_compress_insert_client_sorted = on;
"""
#: Three digits by chance, the same for the same key.
_VALUE = "(hashint8extended(s.id::int8 * 16777619 + k.half_hour, 17) & 1023) / 1000.0::float8"
_LATEST = """
insert into public.latest (series_id, time, value, arrival)
select s.id, %(last)s, 0.5, now() from personal.series s where s.property <> 'occupied'
on conflict (series_id) do nothing
"""


@dataclass
class Town:
    """A filled database. ``readings`` were loaded, of half-hours from ``start`` to before ``end`` [us since the epoch].

    ``bytes``: what the readings take with their indexes. ``meters``, ``air``: numbers of the series.
    """

    url: str
    tier: Tier
    readings: int
    bytes: int
    start: int
    end: int
    meters: NDArray[np.int32]
    air: NDArray[np.int32]
    officer: str
    residents: Sequence[str]
    batches: int = 0

    @property
    def last_day(self) -> date:
        """The last day (UTC) with readings."""
        return instant(self.end - DAY).date()

    def missing(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Keys (series, time) of meters' readings that were left out of a span, half-hour by half-hour."""
        for at in range(start, end, HALF_HOUR):
            for one in self.meters[(at // HALF_HOUR + self.meters) % GAP == 0].tolist():
                yield one, at


def fill(url: str, readings: int) -> Town:
    """Fill a migrated database with so many readings, week by week; full weeks go to the columnstore, and what
    `borough maintain` counts each day is counted.

    Where rows come in order and no unique index has to hold, TimescaleDB makes the columnstore's batches of them as
    they come, several times as fast: so it is with old weeks. The index is made, and checked, when they all are there,
    and newer weeks are ordinary rows. Batches and sizes are those of a conversion.
    """
    end = microseconds(datetime.now(UTC)) // DAY * DAY
    start = end - readings // SERIES * HALF_HOUR
    moved = instant(end - MOVED * DAY).date()
    officer = board.fill(url, BAYS)
    with connect(url, autocommit=True) as connection:
        properties = ", ".join(f"'{name}'" for name in PROPERTIES)
        text = _HOMES.format(meters=METERS, monitors=MONITORS, properties=properties, moved=moved)
        connection.execute(text.encode())
        kind = tier(connection)
        text = _READINGS.format(value=_VALUE, gap=GAP)
        weeks = [(max(week, start), min(week + _WEEK, end)) for week in range(start // _WEEK * _WEEK, end, _WEEK)]
        old = [week for week in weeks if kind == "community" and week[1] <= end - AFTER * DAY]
        if old:
            connection.execute("alter table public.reading drop constraint reading_pkey")
            _load_all(url, _AS_COLUMNS + text, old)
            connection.execute("alter table public.reading add constraint reading_pkey primary key (series_id, time)")
        _load_all(url, text, weeks[len(old) :])
        if kind == "community":
            columnstore.convert(connection, instant(end - AFTER * DAY))
        while sta_count.keep(connection, 600):
            pass
        connection.execute(_LATEST.encode(), {"last": instant(end - HALF_HOUR)})
        cookies = [_furnish(connection, number) for number in range(1, 10 * LOOKING, 10)]
        # of homes nothing is to be computed but what a measurement asks for
        connection.execute("delete from public.touched_day; delete from personal.touched_home")
        connection.execute("vacuum analyze")
        numbers = {
            personal: np.array(connection.execute(_SERIES, (personal,)).fetchall(), np.int32).ravel()
            for personal in (True, False)
        }
        (size, found) = _size(connection, kind)
    return Town(url, kind, found, size, start, end, numbers[True], numbers[False], officer, cookies)


_SERIES = "select id from personal.series where property <> 'occupied' and personal = %s order by id"


def _load_all(url: str, text: str, weeks: Sequence[tuple[int, int]]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for one in [pool.submit(_load, url, text, *week) for week in weeks]:
            one.result()


def _load(url: str, text: str, start: int, end: int) -> None:
    """A week's readings; they come in the order of the index without being sorted."""
    with connect(url, autocommit=True) as connection:
        for one in text.split(";"):
            connection.execute(one.encode(), {"start": start // HALF_HOUR, "stop": end // HALF_HOUR})


def _furnish(connection: Connection, number: int) -> str:
    """Comparisons and three weeks of daily use for a household; its session."""
    one = Resident(number, 10_000_000_000_000 + number, 20_000_000_000_000 + number, f"meter-{number}")
    residents.tell(connection, one)
    today = datetime.now(ZONE).date()
    residents.use_days(connection, one, today - timedelta(days=21), today)
    return site.make_session(connection, one.tenancy_id)


def _size(connection: Connection, kind: Tier) -> tuple[int, int]:
    size = "pg_total_relation_size('public.reading')" if kind == "plain" else "hypertable_size('public.reading')"
    row = connection.execute(f"select {size}::int8, (select count(*) from public.reading)".encode()).fetchone()
    assert row is not None
    return row[0], row[1]
