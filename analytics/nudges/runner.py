"""Reads what nudges of homes rest on beside their rows: the half-hours of the month, and the change by weather."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy.daily_half_hours import MeterReader
from analytics.energy.half_hours import by_clock
from analytics.energy.profile import profile
from analytics.nudges.facts import Pattern
from analytics.weather import runner as weather
from devices.homes import Home, Tenancy
from store.connect import Connection
from store.times import next_month


def patterns(
    connection: Connection, homes: Sequence[int], start: date, end: date, zone: ZoneInfo
) -> dict[int, Pattern]:
    """The pattern of each home's electricity from ``start`` to ``end`` (not included). Raises psycopg.Error."""
    if not homes:
        return {}
    reader = MeterReader(connection, zone)
    read = reader.half_hours_of_homes(np.array(sorted(set(homes)), np.int64), "electricity", start, end)
    found = {}
    for home, days in read.items():
        clock = [by_clock(day.watt_hours, start + timedelta(days=place), zone) for place, day in enumerate(days)]
        known = profile(np.array(clock))
        found[home] = Pattern(_whole(known.background), _whole(100 * known.peak_share))
    return found


def change(connection: Connection, home: Home, tenancy: Tenancy, fuel: str, month: date, zone: ZoneInfo) -> int | None:
    """The change of a home's month with the weather taken out [%], 0 where it may be chance; None: not known.

    Raises psycopg.Error.
    """
    found = weather.months(connection, home, fuel, [month], (tenancy.from_day, next_month(month)), zone)
    if not found:
        return None
    return round(found[0].percent) if found[0].found else 0


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else int(value + 0.5)
