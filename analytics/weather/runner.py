"""Change apart from the weather of one home's months: its own daily use and its place's temperatures from the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.periods import day_edges
from analytics.weather.caltrack import fit
from analytics.weather.change import SAID, YEAR, change
from devices.homes import Home, HomeDetails
from store import daily, weather
from store.connect import Connection
from store.times import next_month

_HOUR_US = 3_600_000_000
#: What heats a home by which fuel.
_HEATS = {"gas": ("gas",), "heat": ("heat-network",), "electricity": ("electric", "heat-pump")}


class MonthChange(NamedTuple):
    """A month: use and what was to be expected of it by the weather [Wh], over ``days`` of which both are known.

    ``percent`` of the expected; ``chance`` [Wh]: how far the two may lie apart without any change, at 95 %.
    """

    first: date
    actual: int
    expected: int
    percent: float
    chance: int
    days: int

    @property
    def found(self) -> bool:
        """Whether the two lie farther apart than chance may put them."""
        return abs(self.actual - self.expected) > self.chance


def heats(fuel: str, details: HomeDetails) -> bool:
    """Whether a fuel heats a home, as far as is known of it."""
    return details.heating in _HEATS.get(fuel, ())


def months(
    connection: Connection, home: Home, fuel: str, firsts: Sequence[date], own: tuple[date, date], zone: ZoneInfo
) -> list[MonthChange]:
    """The change of each of these months, in their order, of which it can be said and that is over.

    ``own``: the days that are the household's, the end not included: nothing of other days is read into a figure.
    Raises psycopg.Error.
    """
    wanted = [first for first in firsts if own[0] <= first and next_month(first) <= own[1]]
    place = weather.of_home(connection, home) if wanted else None
    if place is None or fuel not in _HEATS:
        return []
    begin, end = min(wanted) - timedelta(days=YEAR), next_month(max(wanted))
    use = daily.read_days(connection, fuel, begin, end, np.array([home.id], np.int64)).watt_hours
    known = np.where(use == daily.NONE, np.nan, use / 1000)
    known[:, : max(0, (own[0] - begin).days)] = np.nan
    warmth = weather.days(connection, place, begin, end)
    hours = np.diff(day_edges(begin, len(warmth), zone)) / _HOUR_US
    found = []
    for first in wanted:
        start = (first - begin).days
        year, month = slice(start - YEAR, start), slice(start, start + (next_month(first) - first).days)
        models = fit(known[:, year], warmth[year], hours[year], cooling=fuel == "electricity")
        told = change(
            models, known[:, month], warmth[month], hours[month], heated=np.array([heats(fuel, home.details)])
        )
        if told.why[0] == SAID:
            actual, expected, chance = (
                round(float(one[0]) * 1000) for one in (told.actual, told.expected, told.chance)
            )
            found.append(MonthChange(first, actual, expected, float(told.percent[0]), chance, int(told.days[0])))
    return found
