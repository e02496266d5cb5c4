"""How long the record of 500 monitors takes to make and to read."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from store import air
from store.connect import connect
from tests.tools.batches import query
from tests.worlds.air_record import AirWorld, utc

pytestmark = pytest.mark.soak

#: What each of them measures.
WHAT = ("pm2_5", "pm10", "no2", "o3", "humidity")


def best(work: Callable[[], object]) -> float:
    """The shortest of ten [ms]: what the machine does beside it makes it longer, never shorter."""
    found = []
    for _ in range(10):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1_000)
    return min(found)


def test_500_monitors(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    world = AirWorld(database)
    with connect(database) as connection:
        connection.execute(
            "insert into personal.device (id, family, model, origin, personal, lon, lat, attributes)"
            " select 'm' || n, 'air-monitor', 'native', 'real', false, 0, 51.5, '{\"interval\": \"PT1M\"}'"
            " from generate_series(1, 500) n"
        )
        connection.execute(
            "insert into personal.series (device_id, property, personal)"
            " select 'm' || n, p, false from generate_series(1, 500) n, unnest(%s::text[]) p",
            (list(WHAT),),
        )
        # a year of days by copying one, which is made of readings
        connection.execute(
            "insert into public.reading (series_id, time, value)"
            " select s.id, t, 10 + s.id % 40 from personal.series s,"
            " generate_series('2026-03-27T00:00Z'::timestamptz, '2026-03-27T23:59Z', '1 minute') t"
        )
        connection.execute("insert into touched_day (family, day) values ('air-monitor', '2026-03-27')")
        connection.commit()
    begun = time.perf_counter()
    assert world.update().days == 500 * len(WHAT)
    first = time.perf_counter() - begun
    world.do("insert into touched_day (family, day) values ('air-monitor', '2026-03-27')")
    begun = time.perf_counter()
    assert world.update().days == 0
    again = time.perf_counter() - begun
    world.do(
        "insert into public.air_day select series_id, day - n, step, means, captured, quarters, indices"
        " from public.air_day, generate_series(1, 364) n"
    )
    world.do("insert into public.air_index_day select device_id, day - n, index, worst, indices"
             " from public.air_index_day, generate_series(1, 364) n")  # fmt: skip
    with connect(database, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        at = utc("2026-03-28T00:00")
        month = best(lambda: air.hours(connection, ["m7"], at - timedelta(days=30), at))
        year = best(lambda: air.hours(connection, ["m7"], at - timedelta(days=364), at))
        days = best(lambda: air.days(connection, ["m7"], (at - timedelta(days=364)).date(), at.date()))
        now = best(lambda: air.now(connection, at, "real"))
        assert len(air.now(connection, at, "real")) == 500
    (size,) = query(database, "select pg_total_relation_size('public.air_day') / 1e6")
    with capsys.disabled():
        print(f"\n3.6 million readings {first:.1f} s, again {again:.1f} s; a year of 500 {size[0]:.0f} MB")
        print(f"30 days of one {month:.1f} ms, a year {year:.1f}, its local days {days:.1f}; now of 500 {now:.1f} ms")
    assert month < 5
    assert now < 30
