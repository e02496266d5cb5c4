"""A town of bays for benchmarks: what holds there, and what its sensors say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking.arrays import DAY, HOUR, MINUTE, OPEN, BayTable, Closed, Events, Hours, Links, closed
from analytics.parking.hours import Regime, compile_hours
from devices.bays import Restriction
from store.times import midnight

SEED = 20_261_129
BAYS = 10_000
#: Days in which so many bays have 10 million events, about 30 a day.
DAYS = 33
FIRST = date(2026, 3, 2)
LONDON = ZoneInfo("Europe/London")
QUARTER = 15 * MINUTE
_BANK_HOLIDAYS = frozenset({date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25), date(2026, 8, 31)})


class Town(NamedTuple):
    """Bays and what holds there, from ``start`` to ``end`` [us]."""

    table: BayTable
    links: Links
    hours: Hours
    suspended: Closed
    permits: Closed
    start: int
    end: int


def town(first: date, days: int, bays: int = BAYS) -> Town:
    """Forty zones with hours of their own; one bay in fifty suspended for a day, or its sensor changed, or a permit."""
    rng = np.random.default_rng(SEED)
    start, end = midnight(first, LONDON), midnight(first + timedelta(days=days), LONDON)
    place = np.arange(bays)
    table = BayTable(place % 40, place % 40, np.full(bays, 25 * HOUR), np.zeros(bays, np.int64))
    changed = rng.choice(bays, bays // 50, replace=False)
    change = start + rng.integers(0, end - start, len(changed))
    until = np.full(bays, OPEN)
    until[changed] = change
    links = Links(
        np.concatenate((place, changed)), np.concatenate((place, bays + np.arange(len(changed)))),
        np.concatenate((np.full(bays, start - DAY), change)), np.concatenate((until, np.full(len(changed), OPEN))),
    )  # fmt: skip
    hours = compile_hours([_regime(number) for number in range(40)], first, days, LONDON, _BANK_HOLIDAYS)
    suspended, permits = (_closures(rng, bays, start, end, length) for length in (DAY, HOUR))
    return Town(table, links, hours, suspended, permits, start, end)


def _regime(number: int) -> Regime:
    """What holds in a zone: a maximum stay by day, in some another one in the evening, in some permits alone."""
    maximum = (60, 120, 180, 240, None)[number % 5]
    day = Restriction(0b0111111, 480, 1110, maximum, bank_holidays="off")
    return Regime((day, Restriction(127, 1110, 1320, 120)) if number % 2 else (day,))


def _closures(rng: np.random.Generator, bays: int, start: int, end: int, length: int) -> Closed:
    count = bays // 50
    begin = start + rng.integers(0, end - start, count)
    return closed(rng.integers(0, bays, count), begin, begin + length)


def events(made: Town, start: int, end: int, seed: int) -> Events:
    """Comings and goings of all bays in ``[start, end)`` by bay and time, as the store gives them: 30 a day.

    One in a hundred is said twice. A few bays fall silent for two days.
    """
    rng = np.random.default_rng(seed)
    bays = len(made.table.zone)
    most = int((end - start) / DAY * 30.4 + 6 * ((end - start) / DAY * 30.4) ** 0.5)
    gaps = (rng.standard_exponential((bays, most), np.float32) * np.float32(DAY / 30.4)).astype(np.int64) + 1_000_000
    gaps[rng.integers(0, bays, bays // 100), rng.integers(0, most, bays // 100)] += 2 * DAY
    times = start + np.cumsum(gaps, axis=1)
    del gaps
    kept = times < end
    time_ = times[kept]
    sizes = kept.sum(axis=1)
    bay = np.repeat(np.arange(bays, dtype=np.int32), sizes)
    number = np.tile(np.arange(most, dtype=np.int16), (bays, 1))[kept]
    value = (number & 1).astype(np.float64)
    value[rng.integers(0, len(value), len(value) // 100)] = 1
    device = bay.copy()
    fresh = made.links.start[bays:]
    until = np.full(bays, OPEN)
    until[made.links.bay[bays:]] = fresh
    which = np.zeros(bays, np.int32)
    which[made.links.bay[bays:]] = made.links.device[bays:]
    later = time_ >= until[bay]
    device[later] = which[bay[later]]
    return Events(bay, time_, value, device)
