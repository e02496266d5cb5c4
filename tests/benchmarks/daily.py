"""Daily use: a year of a borough's homes into arrays, and readings to days."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy import daily_use
from analytics.energy.daily_use import Steps
from analytics.periods import day_edges
from store import daily
from store.connect import Connection, connect
from store.daily import DailyUse
from tests.benchmarks.table import Table
from tests.benchmarks.world import World, wait_for_rest

HOMES = 100_000
DAYS = 365
FIRST = date(2025, 1, 1)
SEED = 20250101


def read_daily(world: World, table: Table) -> None:
    """A year of daily use of 100,000 homes: homes x days, each with its minutes; the best of three."""
    random = np.random.default_rng(SEED)
    with world.database() as url, connect(url) as connection:
        homes = _homes(connection)
        totals = np.zeros(DAYS, np.int64)
        begun = time.monotonic()
        for first in range(0, DAYS, 90):
            days = min(90, DAYS - first)
            use = random.integers(0, 30_000, (HOMES, days), dtype=np.int64)
            minutes = np.full(use.shape, 1440, np.int16)
            totals[first : first + days] = use.sum(axis=0)
            daily.write_days(connection, "electricity", DailyUse(homes, FIRST + timedelta(days=first), use, minutes))
        connection.commit()
        table.add("write_daily", HOMES * DAYS / (time.monotonic() - begun), "values/s")
        connection.execute("analyze personal.daily_use")
        wait_for_rest()
        best = float("inf")
        for _ in range(3):
            begun = time.monotonic()
            found = daily.read_days(connection, "electricity", FIRST, FIRST + timedelta(days=DAYS))
            best = min(best, time.monotonic() - begun)
            if not np.array_equal(found.homes, homes) or not np.array_equal(found.watt_hours.sum(axis=0), totals):
                raise RuntimeError("what was read is not what was written")
    table.add("read_daily", HOMES * DAYS / best, "values/s")


def compute_daily(_world: World, table: Table) -> None:
    """Half-hours in memory to integer watt-hours a local day: intervals, and registers with all their rules."""
    random = np.random.default_rng(SEED)
    homes, days = 1_000, 60
    edges = day_edges(date(2025, 3, 1), days, ZoneInfo("Europe/London"))
    count = int(edges[-1] - edges[0]) // (30 * daily_use.MINUTE)
    times = np.tile(edges[0] + np.arange(count, dtype=np.int64) * 30 * daily_use.MINUTE, homes)
    offsets = np.arange(homes + 1, dtype=np.int64) * count
    kwh = random.integers(0, 900, homes * count) / 1_000
    registers = np.cumsum(kwh.reshape(homes, count), axis=1).ravel()
    limit, length = np.full(homes, 25_300), np.full(homes, 30 * daily_use.MINUTE)

    def seconds(make: Callable[[], Steps]) -> float:
        best = float("inf")
        for _ in range(3):
            begun = time.monotonic()
            daily_use.whole_days(daily_use.spread(make(), homes, edges), edges)
            best = min(best, time.monotonic() - begun)
        return best

    intervals = seconds(lambda: daily_use.interval_steps(offsets, times, kwh, length, limit))
    table.add("daily_from_intervals", homes * count / intervals, "values/s")
    totals = seconds(lambda: daily_use.register_steps(offsets, times, registers, limit, 1_000))
    table.add("daily_from_registers", homes * count / totals, "values/s")


def _homes(connection: Connection) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    connection.execute(
        "insert into personal.home (id, uprn, lon, lat)"
        " select 10000000000000 + k * 7, k::text, 0, 51 from generate_series(1, %s) k",
        (HOMES,),
    )
    return 10_000_000_000_000 + np.arange(1, HOMES + 1, dtype=np.int64) * 7
