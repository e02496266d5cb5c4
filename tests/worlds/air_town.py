"""A town of air monitors, written straight into the tables: one in each band, and those of which little is known.

Hours count back from now. ``mill`` and ``high`` have a year; ``home`` is of a household, ``abroad`` of the other
origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from psycopg.types.json import Jsonb

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.daily import daily
from analytics.air.index import by_pollutant
from store import series
from store.batch import Float64
from store.connect import Connection
from store.times import begin_of

ZONE = ZoneInfo("Europe/London")
#: Beside mill; 1.4 km from it, where the nearest monitor is silent; far from everything.
HERE, SILENT, NOWHERE = "TE5 7ST", "TE5 8ZZ", "ZZ1 1ZZ"
#: Days of those with a long history.
DAYS = 400
NAMES = {
    "mill": "Mill Lane", "high": "High Street", "park": "Park Road", "dock": "Dock & <b>Quay</b>", "old": "Old Road",
    "new": "New Road", "gaps": "Gap Lane", "near": "Mill Lane, small", "home": "Home", "abroad": "Abroad",
    "gone": "Gone Street",
}  # fmt: skip


def make_monitor(
    connection: Connection,
    name: str,
    *,
    lon: float | None = -0.1,
    lat: float | None = 51.5,
    origin: str = "simulated",
    personal: bool = False,
    retired: bool = False,
    **attributes: str,
) -> None:
    """A monitor ``name``; people call it as ``NAMES`` says."""
    connection.execute(
        "insert into personal.device (id, family, model, lon, lat, origin, personal, retired_at, attributes)"
        " values (%s, 'air-monitor', 'native', %s, %s, %s, %s, %s, %s)",
        (
            name,
            lon,
            lat,
            origin,
            personal,
            datetime.now(UTC) if retired else None,
            Jsonb({"name": NAMES.get(name, name), "interval": "PT10M", **attributes}),
        ),
    )


def say(
    connection: Connection,
    name: str,
    end: datetime,
    hourly: Mapping[str, Float64],
    humidity: float | None = None,
    heard: datetime | None = None,
) -> None:
    """What a monitor's hours until ``end`` come to: the record of its days, and its newest reading.

    ``hourly``: by pollutant, all of one length; NaN is an hour without a mean.
    """
    hours = len(next(iter(hourly.values())))
    start = end - timedelta(hours=hours)
    first = start.date()
    lead = start.hour
    days = (end - timedelta(hours=1)).date() - first + timedelta(days=1)
    shape = (len(POLLUTANTS), days.days * 24)
    mean = np.full(shape, np.nan)
    for pollutant, values in hourly.items():
        mean[POLLUTANTS.index(pollutant), lead : lead + hours] = values
    quarters = np.repeat(mean[POLLUTANTS.index("so2")], 4) if "so2" in hourly else None
    index = by_pollutant(mean, quarters)
    rows = {one: mean[POLLUTANTS.index(one)] for one in hourly}
    if humidity is not None:
        rows["humidity"] = np.where(np.isnan(mean).all(axis=0), np.nan, humidity)
    states = series.resolve(connection, [(name, what) for what in rows])
    ids = {what: one.series for what, one in zip(rows, states, strict=True)}
    newest = end - timedelta(minutes=5) if heard is None else heard
    with connection.transaction():
        for what, values in rows.items():
            connection.execute(
                "insert into public.latest (series_id, time, value, arrival) values (%s, %s, 1, now())"
                " on conflict (series_id) do update set time = excluded.time",
                (ids[what], newest),
            )
            with connection.cursor() as cursor:
                cursor.executemany(
                    "insert into public.air_day (series_id, day, means, captured, indices) values (%s, %s, %s, %s, %s)"
                    " on conflict (series_id, day) do update set means = excluded.means,"
                    " captured = excluded.captured, indices = excluded.indices",
                    [_row(ids[what], first, day, what, values, index) for day in range(days.days)],
                )
        _days(connection, name, first, days.days, mean, quarters)


def _row(
    series_id: int, first: date, day: int, what: str, values: Float64, index: np.ndarray
) -> tuple[int, date, bytes, bytes, bytes | None]:
    part = slice(day * 24, day * 24 + 24)
    counts = np.where(np.isnan(values[part]), 0, 6).astype(">i2")
    indices = index[INDEXED.index(what), part].astype(np.int8).tobytes() if what in INDEXED else None
    return series_id, first + timedelta(days=day), values[part].astype(">f8").tobytes(), counts.tobytes(), indices


def _days(connection: Connection, name: str, first: date, count: int, mean: Float64, quarters: Float64 | None) -> None:
    """The index of its local days; the clocks of the record's days are UTC, an hour before or after."""
    begin = first + timedelta(days=1)
    lead = int((begin_of(begin, ZONE) - datetime(first.year, first.month, first.day, tzinfo=UTC)) / timedelta(hours=1))
    whole = count - 2
    if whole < 1:
        return
    skip = lead - 7
    so2 = None if quarters is None else quarters[4 * lead :]
    found = daily(mean[:, skip:], ZONE, begin, whole, so2=so2, lead=7)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into public.air_index_day (device_id, day, index, worst, indices) values (%s, %s, %s, %s, %s)"
            " on conflict (device_id, day) do update set index = excluded.index, worst = excluded.worst,"
            " indices = excluded.indices",
            [
                (
                    name,
                    begin + timedelta(days=day),
                    int(found.overall[day]),
                    None if found.worst[day] < 0 else INDEXED[found.worst[day]],
                    [int(one) for one in found.by_pollutant[:, day]],
                )
                for day in range(whole)
            ],
        )


def full_hour(now: datetime | None = None) -> datetime:
    """The newest full hour: hours before it are over."""
    return (datetime.now(UTC) if now is None else now).replace(minute=0, second=0, microsecond=0)


def year(seed: int, level: float) -> dict[str, Float64]:
    """Four hundred days of hours with a day and a year in them, some missing."""
    random = np.random.default_rng(seed)
    hour = np.arange(DAYS * 24)
    found = {}
    for number, (pollutant, scale) in enumerate((("pm2_5", 1.0), ("pm10", 1.7), ("no2", 2.2), ("o3", 4.0))):
        wave = 1 + 0.4 * np.sin((hour % 24 - 7 + number) / 24 * 2 * np.pi) + 0.3 * np.cos(hour / 8766 * 2 * np.pi)
        values = level * scale * wave * random.uniform(0.7, 1.3, len(hour))
        values[random.random(len(hour)) < 0.02] = np.nan
        values[-24:] = level * scale
        found[pollutant] = values
    found["no2"][1000:1200] = np.nan
    return found


def town(connection: Connection, now: datetime | None = None) -> datetime:
    """The town and its places; the newest full hour."""
    end = full_hour(now)
    make_monitor(connection, "mill", lon=-0.099, lat=51.5004, class_of_instrument="reference")
    mill = year(1, 9.0)
    say(connection, "mill", end, mill)
    # hangs beside mill, reads half as much again and one more
    make_monitor(connection, "near", lon=-0.099, lat=51.50045)
    random = np.random.default_rng(3)
    follows = 1.5 * mill["pm2_5"][-1_000:] + 1 + random.normal(0, 0.5, 1_000)
    say(connection, "near", end, {"pm2_5": follows})
    make_monitor(connection, "high", lon=-0.09, lat=51.502)
    say(connection, "high", end, year(2, 42.0))
    for name, level, lon in (("park", 60.0, -0.07), ("dock", 80.0, -0.06)):
        make_monitor(connection, name, lon=lon, lat=51.51)
        humid = 95.0 if name == "dock" else None
        say(connection, name, end, {"pm2_5": np.full(60, level), "pm1": np.full(60, level / 2)}, humid)
    make_monitor(connection, "old", lon=-0.12, lat=51.51)
    say(connection, "old", end - timedelta(days=3), {"pm2_5": np.full(48, 5.0)})
    make_monitor(connection, "new", lon=None, lat=None)
    make_monitor(connection, "gaps", lon=-0.118, lat=51.49)
    gaps = np.full(60, 8.0)
    gaps[-20:-2] = np.nan
    say(connection, "gaps", end, {"pm10": gaps, "so2": np.full(60, 3.0)})
    make_monitor(connection, "home", personal=True)
    make_monitor(connection, "abroad", origin="real")
    say(connection, "abroad", end, {"pm2_5": np.full(60, 70.0)})
    make_monitor(connection, "gone", retired=True)
    say(connection, "gone", end - timedelta(days=60), {"pm2_5": np.full(48, 6.0)})
    connection.execute(
        "insert into public.place (kind, name, lon, lat) values ('postcode', 'TE57ST', -0.0991, 51.5004),"
        " ('postcode', 'TE58ZZ', -0.1195, 51.5101), ('area', 'Testbury', -0.1, 51.5),"
        " ('area', 'Testbury Park', -0.1, 51.5015), ('postcode', 'TE99AA', 1.0, 52.0)"
    )
    return end
