"""Whose pages they are: the signed-in tenancy, its home, and the local days that are its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.energy.daily_half_hours import MeterReader
from dashboard.web.exceptions import Elsewhere
from dashboard.web.site import Site
from dashboard.web.visitor import Visitor
from devices.homes import FUELS, Home, Tenancy
from store import daily, homes
from store.connect import Connection
from store.times import next_month


@dataclass(frozen=True, slots=True)
class Own:
    """A tenancy, its home and the site's local day ``today``."""

    tenancy: Tenancy
    home: Home
    today: date

    @property
    def first(self) -> date:
        """The first day that is theirs."""
        return self.tenancy.from_day

    @property
    def end(self) -> date:
        """The day after the last that is theirs and over: nothing from it on is theirs to see."""
        end = self.tenancy.to_day
        return self.today if end is None else min(end, self.today)

    @property
    def lives(self) -> bool:
        """Whether they live in the home today. Who has left sees what was theirs and changes nothing of the home."""
        return self.tenancy.from_day <= self.today and (self.tenancy.to_day is None or self.tenancy.to_day > self.today)

    def has(self, day: date) -> bool:
        """Whether a day is theirs and over."""
        return self.first <= day < self.end

    def clip(self, start: date, end: date) -> tuple[date, date]:
        """What of ``start`` to ``end`` (not included) is theirs; an empty span where nothing is."""
        begin = max(start, self.first)
        return begin, max(begin, min(end, self.end))

    def months(self, count: int) -> list[date]:
        """The first days of the last ``count`` months that have a day of theirs, the earliest first."""
        found: list[date] = []
        month = (self.end - timedelta(days=1)).replace(day=1)
        while len(found) < count and month >= self.first.replace(day=1) and self.end > self.first:
            found.append(month)
            month = (month - timedelta(days=1)).replace(day=1)
        return found[::-1]


def own(site: Site, connection: Connection, visitor: Visitor) -> Own:
    """Whose page this is. Raises Elsewhere (to the sign-in) where the tenancy was just erased; psycopg.Error."""
    tenancy = homes.tenancy(connection, visitor.tenancy)
    home = None if tenancy is None else homes.home(connection, tenancy.home_id)
    if tenancy is None or home is None:
        raise Elsewhere("/sign-in")
    return Own(tenancy, home, site.today())


def is_whole(known: NDArray[np.bool_], length: int, coverage: float) -> bool:
    """Whether enough is known of a month of ``length`` days to count the others as their mean.

    ``known`` has the days that are one's own and over; a month that is not all of these is never whole.
    """
    return len(known) == length and int(known.sum()) >= max(1, math.ceil(coverage * length - 1e-9))


def known_fuels(connection: Connection, mine: Own, months: int) -> list[str]:
    """The fuels of which something is known on their own days in the last months. Raises psycopg.Error.

    Months are stored whole: where one of them is shared with another household, the days decide.
    """
    firsts = mine.months(months)
    shared = {mine.first.replace(day=1)} if mine.first.day > 1 else set()
    if mine.tenancy.to_day is not None:
        shared.add((mine.end - timedelta(days=1)).replace(day=1))
    found = set(daily.fuels(connection, mine.home.id, [month for month in firsts if month not in shared]))
    homes_of = np.array([mine.home.id], np.int64)
    for month in shared.intersection(firsts):
        span = mine.clip(month, next_month(month))
        for fuel in set(FUELS) - found:
            if (daily.read_days(connection, fuel, *span, homes_of).minutes > 0).any():
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
