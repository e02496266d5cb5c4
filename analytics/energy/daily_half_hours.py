"""The half-hours of a home's local days, from the same measurements as the days' figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analytics.energy import daily_sources, daily_use
from analytics.energy.daily_sources import EPOCH, GasEnergy, Meters, Span
from analytics.energy.daily_use import GAP, MINUTE, SOURCES, Days, Steps
from store.connect import Connection

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

_HALF_HOUR = 30 * MINUTE
#: Homes that are read at a time: what a month of them takes is some tens of megabytes.
_TOGETHER = 200


class DayHalfHours(NamedTuple):
    """``watt_hours`` of the half-hours of a local day, ``(46,)``, ``(48,)`` or ``(50,)``, NaN where too little of one
    was measured; ``minutes``: how far apart the meter's readings mostly are.

    Half-hours of an hourly meter are its hours in halves. Where none is NaN they sum to the day's figure exactly. A day
    of which too little was measured for a figure has those half-hours that were measured.
    """

    watt_hours: Float64
    minutes: int


@dataclass(frozen=True, slots=True)
class MeterReader:
    """Reads half-hours in the local days of ``zone``. Without ``energy`` nothing is said of gas that is measured in m3
    alone. Its methods raise psycopg.Error.
    """

    connection: Connection
    zone: ZoneInfo
    energy: GasEnergy | None = None

    def half_hours(self, home_id: int, fuel: str, day: date) -> Float64:
        """Watt-hours of each half-hour of a local day ``(46,)``, ``(48,)`` or ``(50,)``, NaN where not measured."""
        return self.half_hours_of_days(home_id, fuel, day, day + timedelta(days=1))[0].watt_hours

    def half_hours_of_days(self, home_id: int, fuel: str, start: date, end: date) -> list[DayHalfHours]:
        """Like ``half_hours``, for each day from ``start`` to ``end`` (not included), read together."""
        return self.half_hours_of_homes(np.array([home_id], np.int64), fuel, start, end)[home_id]

    def half_hours_of_homes(self, homes: Int64, fuel: str, start: date, end: date) -> dict[int, list[DayHalfHours]]:
        """The same for many homes: by home. Reads some hundred homes at a time."""
        span = Span((start - EPOCH).days, (end - EPOCH).days)
        edges = daily_sources.edges_of(span, self.zone)
        factor = None
        if self.energy is not None:
            factor = np.array([self.energy.gas_kwh(1.0, EPOCH + timedelta(days=day)) for day in range(*span)])
        found: dict[int, list[DayHalfHours]] = {}
        for place in range(0, len(homes), _TOGETHER):
            meters = daily_sources.load(self.connection, homes[place : place + _TOGETHER], self.zone)
            found |= self._of_meters(meters, fuel, span, edges, factor)
        return found

    def _of_meters(
        self, found: Meters, fuel: str, span: Span, edges: Int64, factor: Float64 | None
    ) -> dict[int, list[DayHalfHours]]:
        half_hours = np.arange(edges[0], edges[-1] + 1, _HALF_HOUR)
        days = np.arange(*span)
        total = np.full((len(found.homes), len(half_hours) - 1), np.nan)
        minutes = np.full((len(found.homes), len(days)), 30)
        if len(found.series):
            readings = daily_sources.read(self.connection, found, span, self.zone)
            steps = {
                name: daily_sources.steps_of(found, readings, name, self.zone)
                for name, source in SOURCES.items()
                if source.fuel == fuel
                and found.rows[name].start < found.rows[name].stop
                and not (source.volume and factor is None)
            }
            day_of = np.searchsorted(edges, half_hours[:-1], side="right") - 1
            for link, home in enumerate(found.home.tolist()):
                lives = (days >= found.start[link]) & (days < found.end[link])
                if lives.any():
                    used, apart = _meter(found, steps, int(found.meter[link]), edges, half_hours, factor)
                    used = np.where(lives[day_of], used, np.nan)
                    total[home] = np.where(np.isnan(total[home]), used, total[home] + np.nan_to_num(used))
                    minutes[home] = np.where(lives, np.maximum(minutes[home], apart), minutes[home])
        bounds = np.searchsorted(half_hours, edges)
        return {
            int(found.homes[home]): [
                DayHalfHours(total[home, low:high], int(apart))
                for low, high, apart in zip(
                    bounds[:-1].tolist(), bounds[1:].tolist(), minutes[home].tolist(), strict=True
                )
            ]
            for home in range(len(found.homes))
        }


def _meter(
    found: Meters, steps: Mapping[str, Steps], meter: int, edges: Int64, half_hours: Int64, factor: Float64 | None
) -> tuple[Float64, Int64]:
    """One meter's half-hours, NaN where not measured, and by day how far its readings are apart [minutes].

    ``steps``: of the fuel's properties, of all meters.
    """
    each: dict[str, Days] = {}
    mine: dict[str, Steps] = {}
    for name, every in steps.items():
        row = np.flatnonzero(found.device[found.rows[name]] == meter)
        if len(row):
            mine[name] = daily_use.of_row(every, int(row[0]))
            days = daily_use.whole_days(daily_use.spread(mine[name], 1, edges), edges)
            each[name] = daily_use.from_litres(days, factor) if SOURCES[name].volume and factor is not None else days
    used = np.full(len(half_hours) - 1, np.nan)
    apart = np.full(len(edges) - 1, 30)
    day_of = np.searchsorted(edges, half_hours[:-1], side="right") - 1
    for name, chosen in daily_sources.chosen_names(each):
        shown, distance = _shown(mine[name], edges, half_hours, factor if SOURCES[name].volume else None)
        used = np.where(chosen[day_of], shown, used)
        apart = np.where(chosen, distance, apart)
    return used, apart


def _shown(steps: Steps, edges: Int64, half_hours: Int64, factor: Float64 | None) -> tuple[Float64, int]:
    found = daily_use.spread(steps, 1, half_hours)
    amount = found.amount[0].astype(np.float64)
    if factor is not None:
        day = np.searchsorted(edges, half_hours[:-1], side="right") - 1
        # a day's litres are rounded together, so that its half-hours sum to the day
        sums = np.concatenate(([0.0], np.cumsum(amount)))
        first = sums[np.searchsorted(half_hours, edges)[day]]
        amount = (
            daily_use.rounded(sums[1:] - first, factor[day]) - daily_use.rounded(sums[:-1] - first, factor[day])
        ).astype(np.float64)
    used = np.where(2 * found.measured[0] >= np.diff(half_hours), amount, np.nan)
    length = steps.end - steps.start
    length = length[(steps.start >= half_hours[0]) & (steps.start < half_hours[-1]) & (length <= GAP)]
    return used, max(1, round(float(np.median(length)) / MINUTE)) if len(length) else 30
