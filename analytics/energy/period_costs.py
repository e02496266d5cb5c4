"""What the use of a period costs and emits, all homes of it at once: own dated tariffs, else the reference price."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy.daily_half_hours import MeterReader
from analytics.energy.prices import Energy, filled
from analytics.periods import Int64, Period
from store import cells
from store.connect import Connection

Bools = NDArray[np.bool_]

_MOST = np.iinfo(np.int32).max
#: Homes whose half-hours are held at once.
_TOGETHER = 500


class Costs(NamedTuple):
    """``pence``, ``tariff`` (a place in ``names``), ``own`` (their own tariff), ``(homes,)``; -1: none is known."""

    pence: Int64
    tariff: Int64
    own: Bools
    names: list[str]


def carbon(energy: Energy, fuel: str, period: Period, watt_hours: Int64) -> Int64:
    """Grams CO2e by home of daily use ``(homes, days)`` [Wh], each year's days by its own factor; -1 without one.

    Days without a value (-1) count as the mean of the others.
    """
    use = filled(watt_hours)
    years = np.array([(period.start + timedelta(days=day)).year for day in range(period.days)])
    total = np.zeros(len(use), np.int64)
    for year in np.unique(years).tolist():
        grams = energy.carbon(fuel, use[:, years == year].sum(axis=1), year)
        if grams is None:
            return np.full(len(use), -1, np.int64)
        total += grams
    return total


def costs(
    connection: Connection, energy: Energy, zone: ZoneInfo, period: Period, fuel: str,
    homes: Int64, tenancies: Int64, watt_hours: Int64,
) -> Costs:  # fmt: skip
    """Pence by home of daily use ``(homes, days)`` [Wh] of ``tenancies`` in ``homes``. Raises psycopg.Error."""
    pence, tariff = np.full(len(homes), -1, np.int64), np.full(len(homes), -1, np.int64)
    own = np.zeros(len(homes), bool)
    names: dict[str, int] = {}
    reference = energy.reference_cost(fuel, period.start, watt_hours) if len(homes) else None
    if reference is not None:
        pence, names[reference[1]] = reference[0], 0
        tariff[:] = 0
    theirs = cells.tariffs(connection, fuel, period.end)
    known = np.flatnonzero(np.isin(tenancies, np.fromiter(theirs, np.int64, len(theirs))))
    # where rates change within the day the half-hours say when the energy was used
    by_clock = np.array(
        [any(len(one.registers) > 1 for one in theirs[tenancy]) for tenancy in tenancies[known].tolist()], bool
    )
    reader = MeterReader(connection, zone, energy)
    for first in range(0, len(known), _TOGETHER):
        part = known[first : first + _TOGETHER]
        read = homes[part[by_clock[first : first + _TOGETHER]]]
        half_hours = reader.half_hours_of_homes(np.sort(read), fuel, period.start, period.end)
        for index in part.tolist():
            days = half_hours.get(int(homes[index]))
            found = energy.cost(
                theirs[int(tenancies[index])], fuel, period.start, watt_hours[index],
                None if days is None else [day.watt_hours for day in days], zone,
            )  # fmt: skip
            if found is not None:
                pence[index], own[index] = found.pence, found.own
                tariff[index] = names.setdefault(found.tariff, len(names))
    return Costs(np.minimum(pence, _MOST), tariff, own, list(names))
