"""What is known of a household's use on the local days that are its own: which fuels, and half-hour by half-hour."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.energy.daily_half_hours import MeterReader
from dashboard.web.household import Household
from dashboard.web.site import Site
from devices.homes import FUELS
from store import daily
from store.connect import Connection
from store.times import next_month


def is_whole(known: NDArray[np.bool_], length: int, coverage: float) -> bool:
    """Whether enough is known of a month of ``length`` days to count the others as their mean.

    ``known`` has the days that are one's own and over; a month that is not all of these is never whole.
    """
    return len(known) == length and int(known.sum()) >= max(1, math.ceil(coverage * length - 1e-9))


def known_fuels(connection: Connection, household: Household, months: int) -> list[str]:
    """The fuels of which something is known on their own days in the last months. Raises psycopg.Error.

    Months are stored whole: where one of them is shared with another household, the days decide.
    """
    firsts = household.months(months)
    shared = {household.first.replace(day=1)} if household.first.day > 1 else set()
    if household.tenancy.to_day is not None:
        shared.add((household.end - timedelta(days=1)).replace(day=1))
    found = set(daily.fuels(connection, household.home.id, [month for month in firsts if month not in shared]))
    homes_of = np.array([household.home.id], np.int64)
    for month in shared.intersection(firsts):
        span = household.clip(month, next_month(month))
        for fuel in set(FUELS) - found:
            use = daily.read_days(connection, fuel, *span, homes_of)
            if ((use.minutes > 0) | (use.watt_hours != daily.NONE)).any():
                found.add(fuel)
    return [fuel for fuel in FUELS if fuel in found]


def half_hours(
    site: Site, connection: Connection, home_id: int, fuel: str, start: date, end: date
) -> list[NDArray[np.float64]]:
    """Watt-hours of the half-hours of local days from ``start`` to ``end`` (not included).

    Each ``(46, 48 or 50,)``, NaN where too little was measured. That the days are the household's own is for the caller
    to see to. Raises psycopg.Error.
    """
    if start >= end:
        return []
    reader = MeterReader(connection, site.zone, site.options.energy)
    found = reader.half_hours_of_days(home_id, fuel, start, end)
    return [day.watt_hours for day in found]
