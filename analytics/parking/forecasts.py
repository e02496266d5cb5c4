"""Foretells the occupancy of all zones each time that the record of parking has another quarter hour.

How good that is is tested once a local day, on the days before it.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking import forecast
from store import forecasts, parking
from store.batch import Float64, Int64
from store.connect import Connection
from store.forecasts import Forecast, Tested
from store.times import instant, local_day, microseconds, midnight

_QUARTER = 900_000_000


def update(connection: Connection, zone: ZoneInfo, recorded_to: datetime) -> int:
    """Tell what lies ahead of the last whole quarter hour that is recorded, where that is another one than the last
    time; of how many zones. Inside the running transaction. Raises psycopg.Error.
    """
    end = microseconds(recorded_to) // _QUARTER * _QUARTER
    before = {(one.zone, one.minutes): one for one in forecasts.all_forecasts(connection)}
    ahead = [instant(end + minutes * 60_000_000) for minutes in forecast.HORIZONS]
    if before and all(one.at == ahead[forecast.HORIZONS.index(one.minutes)] for one in before.values()):
        return 0
    today = local_day(instant(end - _QUARTER), zone)
    days = [today - timedelta(days=back) for back in range(forecast.DAYS, -1, -1)]
    weekday = np.array([day.weekday() for day in days], np.int64)
    quarter = int(_wall(today, zone)[(end - _QUARTER - midnight(today, zone)) // _QUARTER])
    told: list[Forecast] = []
    found = _occupancy(connection, days, zone)
    for name, occupancy in sorted(found.items()):
        shares = forecast.ahead(occupancy, weekday, quarter)
        tested = [before[name, minutes].tested for minutes in forecast.HORIZONS if (name, minutes) in before]
        if len(tested) < len(forecast.HORIZONS) or any(one.day != today for one in tested):
            tested = _tested(occupancy[:-1], weekday[:-1], today)
        told += [
            Forecast(name, minutes, at, _maybe(share), one)
            for minutes, at, share, one in zip(forecast.HORIZONS, ahead, shares.tolist(), tested, strict=True)
        ]
    forecasts.replace(connection, told)
    return len(found)


def _occupancy(connection: Connection, days: list[date], zone: ZoneInfo) -> dict[str, Float64]:
    """By zone that has something of the last of ``days``, ``(days, 96)``."""
    place = {day: number for number, day in enumerate(days)}
    found: dict[str, Float64] = {}
    of_today: set[str] = set()
    for row in parking.zone_days(connection, days[0], days[-1] + timedelta(days=1)):
        occupancy = found.setdefault(row.zone, np.full((len(days), forecast.QUARTERS), np.nan))
        occupancy[place[row.day]] = forecast.grid(row.quarters, _wall(row.day, zone))
        if row.day == days[-1]:
            of_today.add(row.zone)
    return {name: occupancy for name, occupancy in found.items() if name in of_today}


def _tested(occupancy: Float64, weekday: Int64, today: date) -> list[Tested]:
    known = np.flatnonzero(~np.isnan(occupancy).all(axis=1))
    first = int(known[0]) if len(known) else len(occupancy)  # nothing is learnt from days before the first bay
    found = forecast.backtest(occupancy[first:], weekday[first:])
    return [
        Tested(
            _maybe(found.forecast[place]),
            _maybe(found.persistence[place]),
            _maybe(found.hour_of_week[place]),
            bool(found.shown[place]),
            today,
            found.days,
        )
        for place in range(len(forecast.HORIZONS))
    ]


def _maybe(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


@lru_cache(maxsize=256)
def _wall(day: date, zone: ZoneInfo) -> Int64:
    """Which quarter hour of the clock each quarter hour of a local day is."""
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    moments = [instant(at).astimezone(zone) for at in range(start, end, _QUARTER)]
    return np.array([moment.hour * 4 + moment.minute // 15 for moment in moments], np.int64)
