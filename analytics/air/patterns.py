"""When and from where: means by hour of the day and kind of day, days as a calendar, the wind rose.

Arrays in, arrays out; means are [ug/m3], of co [mg/m3], NaN where nothing is there.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.air.means import HOUR
from store.batch import Float64, Int64
from store.times import instant

#: Kinds of local days, in the order of arrays: Monday to Friday, Saturday, Sunday with bank holidays.
KINDS: Final = ("working day", "saturday", "sunday")
#: Sectors of a wind rose, the first about north, clockwise; and the least speed of each class but the first [m/s].
#: Below CALM no direction is told.
SECTORS: Final = 16
SPEEDS: Final = (2.0, 4.0, 6.0)
CALM: Final = 0.5


class Diurnal(NamedTuple):
    """Means by kind of day and local hour, ``(..., 3, 24)``, and of how many hours each is."""

    mean: Float64
    hours: Int64


class Rose(NamedTuple):
    """Means by sector and class of speed, ``(16, 4)``, and of how many hours each is; the mean and hours of calm."""

    mean: Float64
    hours: Int64
    calm_mean: float
    calm_hours: int


def diurnal(mean: Float64, start: int, zone: ZoneInfo, bank_holidays: AbstractSet[date] = frozenset()) -> Diurnal:
    """The usual day, by hourly means ``(..., hours)`` from ``start`` [us], a full hour, on.

    Of the hour that comes twice where the clocks go back both count, of that which is skipped none.
    """
    hours = mean.shape[-1]
    cell = np.array([_cell(start + place * HOUR, zone, bank_holidays) for place in range(hours)], np.int64)
    rows = np.asarray(mean, np.float64).reshape(-1, hours)
    there = np.isfinite(rows)
    place = (np.arange(len(rows)) * 72)[:, None] + cell
    number = np.bincount(place[there], minlength=len(rows) * 72).astype(np.int64, copy=False)
    total = np.bincount(place[there], rows[there], len(rows) * 72).astype(np.float64, copy=False)
    shape = (*mean.shape[:-1], len(KINDS), 24)
    return Diurnal(_divide(total, number).reshape(shape), number.reshape(shape))


def _cell(at: int, zone: ZoneInfo, bank_holidays: AbstractSet[date]) -> int:
    local = instant(at).astimezone(zone)
    weekday = local.weekday()
    kind = 2 if weekday == 6 or local.date() in bank_holidays else int(weekday == 5)
    return kind * 24 + local.hour


def calendar(values: Float64, first_day: date) -> Float64:
    """Days as weeks from Monday on, ``(..., weeks, 7)``, of ``values`` ``(..., days)`` from ``first_day`` on.

    Days before the first and after the last are NaN.
    """
    before, days = first_day.weekday(), values.shape[-1]
    weeks = -(-(before + days) // 7)
    found = np.full((*values.shape[:-1], weeks * 7), np.nan)
    found[..., before : before + days] = values
    return found.reshape(*values.shape[:-1], weeks, 7)


def wind_rose(mean: Float64, direction: Float64, speed: Float64) -> Rose:
    """Means by where the wind comes from [degrees, clockwise from north] and how fast it is [m/s], ``(hours,)`` each.

    Hours in which one of them is missing are left out; below 0.5 m/s it is calm and has no direction.
    """
    there = np.isfinite(mean) & np.isfinite(direction) & np.isfinite(speed)
    still = np.isfinite(mean) & (np.nan_to_num(speed, nan=np.inf) < CALM)
    blowing = there & ~still
    width = 360 / SECTORS
    sector = np.floor((direction[blowing] + width / 2) / width).astype(np.int64) % SECTORS
    classes = len(SPEEDS) + 1
    cell = sector * classes + np.searchsorted(SPEEDS, speed[blowing], side="right")
    number = np.bincount(cell, minlength=SECTORS * classes).astype(np.int64, copy=False)
    total = np.bincount(cell, mean[blowing], SECTORS * classes).astype(np.float64, copy=False)
    shape = (SECTORS, classes)
    calm = float(mean[still].mean()) if still.any() else np.nan
    return Rose(_divide(total, number).reshape(shape), number.reshape(shape), calm, int(still.sum()))


def _divide(total: Float64, number: Int64) -> Float64:
    found = np.full(total.shape, np.nan)
    np.divide(total, number, out=found, where=number > 0)
    return found
