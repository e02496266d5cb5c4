"""The pattern report that a practitioner reads for an assessment: four weeks of one home against the four before.

A day runs from 04:00 to 04:00 of the wall clock. Somebody is up from the first hour in which there is movement in three
of its four quarter-hours, and goes to bed after the last one: a single look into the kitchen at night is neither. The
night of a day is the one that it begins with.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import numpy as np

from analytics.movement.arrays import (
    DAY,
    DOOR,
    HOUR,
    MINUTE,
    ROOMS,
    Bools,
    Float64,
    Int64,
    Readings,
    Sensors,
    Spans,
)
from analytics.movement.clock import day_number, local
from analytics.movement.spells import find, movements
from store.times import midnight

#: Days of each of the two times that are compared, and how many of them have to be known.
DAYS: Final = 28
ENOUGH: Final = 14
#: The part of a day that a home has to be heard for the day to count.
KNOWN: Final = 0.9
#: Hour of the wall clock [us] at which a day begins.
BEGINS: Final = 4 * HOUR
#: Movements in the bathroom closer than this [us] are one visit.
VISIT: Final = 10 * MINUTE
_QUARTER: Final = 15 * MINUTE
_BUSY: Final = 3
_BATHROOM: Final = ROOMS.index("bathroom")


class Days(NamedTuple):
    """Of each day ``(days,)``; NaN where it is not known.

    ``known``: the part of the day that the home was heard [0 to 1]. ``first``, ``last``: up from, to bed after [h of
    the wall clock; above 24 is after midnight]. ``nights``: visits to the bathroom in the night before. ``outings``:
    absences told by the door that began on this day; ``out``: how long everybody was out [h]. ``rooms``
    ``(days, ROOMS)``: movements that began.
    """

    known: Float64
    first: Float64
    last: Float64
    nights: Float64
    outings: Float64
    out: Float64
    rooms: Float64


class Figure(NamedTuple):
    """One figure of the last four weeks and of the four before, and how many of 28 days each rests on; NaN where that
    is fewer than ``ENOUGH``."""

    now: float
    before: float
    days_now: int
    days_before: int


class Report(NamedTuple):
    """``first``, ``last`` [h]: medians. ``nights``, ``outings``, ``out`` [h], ``rooms``: means a day, by room in the
    order of ``ROOMS``. ``days_out``: days of those known with an outing [0 to 1]. ``known``: mean part of the time that
    the home was heard [0 to 1]; its days are those that count."""

    days: Days
    first: Figure
    last: Figure
    nights: Figure
    outings: Figure
    out: Figure
    days_out: Figure
    rooms: tuple[Figure, ...]
    known: Figure


def report(sensors: Sensors, readings: Readings, unheard: Spans, end: date, zone: tzinfo) -> Report:
    """The report of one home (home 0) up to the local day ``end``, which is not in it.

    ``readings`` of at least the `DAYS` x 2 days before and a night; ``unheard`` by `spells.unheard` of the same time.
    """
    days = 2 * DAYS
    first_day = day_number(end) - days
    found = _days(sensors, readings, unheard, first_day, days, zone)
    # the last ones are "now": the arrays are in order of time
    good = found.known >= KNOWN
    return Report(
        found,
        _figure(found.first, good, np.median),
        _figure(found.last, good, np.median),
        _figure(found.nights, good, np.mean),
        _figure(found.outings, good, np.mean),
        _figure(found.out, good, np.mean),
        _figure(np.where(np.isnan(found.outings), np.nan, found.outings > 0), good, np.mean),
        tuple(_figure(found.rooms[:, room], good, np.mean) for room in range(len(ROOMS))),
        _heard(found.known, good),
    )


def _days(sensors: Sensors, readings: Readings, unheard: Spans, first_day: int, days: int, zone: tzinfo) -> Days:
    begun_at, room = begun(sensors, readings)
    wall = local(begun_at, zone) - BEGINS
    day = wall // DAY - first_day
    edges = _edges(first_day, days, zone)
    known = 1 - _overlap(unheard.start, unheard.end, edges) / np.diff(edges)
    inside = (day >= 0) & (day < days)
    rooms = np.full((days, len(ROOMS)), np.nan)
    has = np.isin(np.arange(len(ROOMS)), sensors.room)
    counts = np.zeros((days, len(ROOMS)))
    moved = inside & (room != DOOR)
    np.add.at(counts, (day[moved], room[moved]), 1)
    rooms[:, has] = counts[:, has]
    up, bed = _up(wall - first_day * DAY, days)
    outings, out = _outings(sensors, readings, edges)
    if DOOR not in np.asarray(sensors.room):
        outings[:], out[:] = np.nan, np.nan
    nights = np.full(days, np.nan)
    if has[_BATHROOM]:
        nights = _nights(np.sort(wall[room == _BATHROOM] - first_day * DAY), up, bed, days)
    lost = known < KNOWN
    for figure in (up, bed, nights, outings, out):
        figure[lost] = np.nan
    rooms[lost] = np.nan
    return Days(known, (up + BEGINS) / HOUR, (bed + BEGINS) / HOUR, nights, outings, out / HOUR, rooms)


def begun(sensors: Sensors, readings: Readings) -> tuple[Int64, Int64]:
    """When movements began [us], and their rooms; the door's too."""
    counts = np.diff(readings.offsets)
    room = np.repeat(np.asarray(sensors.room, np.int64), counts)
    first = np.zeros(len(readings.time), np.bool_)
    first[readings.offsets[:-1][counts > 0]] = True
    moved, ends = movements(np.asarray(readings.value), first)
    again = np.zeros(len(first), np.bool_)
    value = np.asarray(readings.value) != 0
    again[1:] = value[1:] & value[:-1] & ~first[1:]
    begins = np.where(room == DOOR, True, moved & ~ends & ~again)
    return readings.time[begins], room[begins]


def _up(wall: Int64, days: int) -> tuple[Float64, Float64]:
    """Up from, and to bed after [us since 04:00], ``(days,)``, NaN for days without; ``wall`` [us of the days]."""
    slots = DAY // _QUARTER
    wall = wall[(wall >= 0) & (wall < days * DAY)]
    busy = np.zeros((days, slots), np.int64)
    busy.reshape(-1)[wall // _QUARTER] = 1
    hours = np.lib.stride_tricks.sliding_window_view(busy, 4, axis=1).sum(axis=2) >= _BUSY
    # such an hour begins and ends with a movement: at most one of its quarters is without
    any_hour = hours.any(axis=1)
    first = np.argmax(hours & (busy[:, : hours.shape[1]] > 0), axis=1)
    last = slots - 1 - np.argmax((hours & (busy[:, 3:] > 0))[:, ::-1], axis=1)
    up, bed = np.full(days, np.nan), np.full(days, np.nan)
    ordered = np.sort(wall)
    for day in np.flatnonzero(any_hour).tolist():
        low, high = day * DAY + int(first[day]) * _QUARTER, day * DAY + (int(last[day]) + 1) * _QUARTER
        up[day] = ordered[np.searchsorted(ordered, low)] - day * DAY
        bed[day] = ordered[np.searchsorted(ordered, high) - 1] - day * DAY
    return up, bed


def _nights(bathroom: Int64, up: Float64, bed: Float64, days: int) -> Float64:
    """Visits between the bed of the day before and getting up, ``(days,)``; NaN where one of the two is not known."""
    found = np.full(days, np.nan)
    fresh = np.ones(len(bathroom), np.bool_)
    fresh[1:] = np.diff(bathroom) >= VISIT
    for day in range(1, days):
        low, high = (day - 1) * DAY + bed[day - 1], day * DAY + up[day]
        if np.isfinite(low) and np.isfinite(high):
            # the visit before bed and the one on getting up are no visits of the night
            found[day] = np.count_nonzero(fresh & (bathroom > low + VISIT) & (bathroom < high - VISIT))
    return found


def _outings(sensors: Sensors, readings: Readings, edges: Int64) -> tuple[Float64, Float64]:
    spells = find(sensors, readings, 1, int(edges[0]) - 2 * DAY, int(edges[-1]))
    start, end = spells.start[spells.away], spells.end[spells.away]
    number = np.histogram(start, edges)[0].astype(np.float64)
    return number, _overlap(start, end, edges)


def _edges(first_day: int, days: int, zone: tzinfo) -> Int64:
    """When days begin [us], ``(days + 1,)``: 04:00 of the wall clock, which no change of the clock touches."""
    first = [midnight(date(1970, 1, 1) + timedelta(days=first_day + day), zone) for day in range(days + 1)]
    near = np.array(first, np.int64) + BEGINS
    # a change of the clock between midnight and four o'clock
    return near - (local(near, zone) - BEGINS - (first_day + np.arange(days + 1)) * DAY)


def _overlap(start: Int64, end: Int64, edges: Int64) -> Float64:
    """How much [us] of these intervals lies between each two edges."""
    low, high = np.maximum(start[:, None], edges[None, :-1]), np.minimum(end[:, None], edges[None, 1:])
    return np.asarray(np.maximum(high - low, 0).sum(axis=0), np.float64)


def _figure(values: Float64, good: Bools, mean: Callable[[Float64], np.floating[Any]]) -> Figure:
    parts = []
    for part in (slice(DAYS, None), slice(0, DAYS)):
        some = values[part][good[part] & np.isfinite(values[part])]
        parts.append((float(mean(some)) if len(some) >= ENOUGH else float("nan"), len(some)))
    return Figure(parts[0][0], parts[1][0], parts[0][1], parts[1][1])


def _heard(known: Float64, good: Bools) -> Figure:
    return Figure(
        float(known[DAYS:].mean()), float(known[:DAYS].mean()), int(good[DAYS:].sum()), int(good[:DAYS].sum())
    )
