"""How fast parking's numbers are: states, stays, occupancy by quarter hour and overstays, of arrays in memory.

``python -m tests.benchmarks.parking`` is the measured process of a year: it prints a JSON line with seconds, events and
its highest resident memory [bytes].
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking import occupancy, overstays, stays
from analytics.parking.arrays import (
    DAY,
    HOUR,
    MINUTE,
    OPEN,
    BayTable,
    Carry,
    Closed,
    Events,
    Hours,
    Int64,
    Links,
    Stays,
    closed,
    nothing,
    part,
)
from analytics.parking.hours import Regime, compile_hours
from devices.bays import Restriction
from store.times import midnight
from tests.benchmarks import parking_by_pandas
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

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


class Numbers(NamedTuple):
    """What comes out: time by bay and quarter hour, stays and their time over, and the carry."""

    times: Int64
    stays: Stays
    over: overstays.Over
    carry: Carry


def numbers(made: Town, some: Events, carry: Carry, start: int, end: int) -> Numbers:
    """All of it, of the events of a time."""
    spans, stood, after, _ = stays.run(some, made.links, made.table, carry, start, end)
    times = occupancy.quarters(spans, made.suspended, made.table, np.arange(start, end + 1, QUARTER))
    over = overstays.over(stood, made.hours, made.table, made.suspended, made.permits)
    return Numbers(times, stood, over, after)


def cuts(first: date, days: int, length: int) -> list[int]:
    """Where a time is cut into pieces of so many local days [us]."""
    return [midnight(first + timedelta(days=day), LONDON) for day in (*range(0, days, length), days)]


@cache
def seconds_an_event() -> float:
    """Ten million events, three days at a time as they would be read, each piece with the carry of the one before.

    The best of three.
    """
    made = town(FIRST, DAYS)
    every = events(made, made.start, made.end, SEED)
    pieces = list(pairwise(cuts(FIRST, DAYS, 3)))
    parts = [part(every, (every.time >= start) & (every.time < end)) for start, end in pieces]
    count = len(every.bay)
    del every
    best, stood, late = float("inf"), 0, 0
    for _ in range(3):
        carry = nothing(BAYS)
        begun = time.perf_counter()
        for (start, end), some in zip(pieces, parts, strict=True):
            found = numbers(made, some, carry, start, end)
            carry = found.carry
            stood += len(found.stays.bay)
            late += int(overstays.is_over(found.over.over).sum())
        best = min(best, time.perf_counter() - begun)
    print(
        f"  {count:,} events of {BAYS:,} bays (seed {SEED}), {stood // 3:,} stays, {late // 3:,} overstays",
        file=sys.stderr,
    )
    if count < 10_000_000 or not late:
        raise RuntimeError("this town is too quiet to say anything")
    return best / count


def parking_events(_world: World, table: Table) -> None:
    """Occupancy by bay and quarter hour, stays and overstays of 10 million events of 10,000 bays."""
    table.add("parking_events", 1 / seconds_an_event(), "events/s")


def parking_vs_pandas(_world: World, table: Table) -> None:
    """The same results by pandas, of 3 million events, time an event against time an event."""
    bays = 3_000
    made = town(FIRST, DAYS, bays)
    some = events(made, made.start, made.end, SEED)
    best = float("inf")
    for _ in range(2):
        begun = time.perf_counter()
        theirs = parking_by_pandas.numbers(made, some)
        best = min(best, time.perf_counter() - begun)
        _same(made, some, theirs)
    print(f"  pandas: {len(some.bay) / best:,.0f} events/s", file=sys.stderr)
    table.add("parking_vs_pandas", best / len(some.bay) / seconds_an_event(), "x")


def _same(made: Town, some: Events, theirs: parking_by_pandas.Numbers) -> None:
    """Raises RuntimeError where pandas finds something else than we do."""
    spans, stood, _, met = stays.run(some, made.links, made.table, nothing(len(made.table.zone)), made.start, made.end)
    times = occupancy.quarters(spans, made.suspended, made.table, np.arange(made.start, made.end + 1, QUARTER))
    late = overstays.over(stood, made.hours, made.table, made.suspended, made.permits)
    ours = {
        "times": times,
        "spans": np.stack(tuple(spans), axis=1),
        "stays": np.stack((*stood, *late), axis=1),
        "counts": np.stack((met.used, met.outside, met.duplicates, met.conflicts, met.repeated), axis=1),
    }
    for name, found in ours.items():
        if not np.array_equal(found, getattr(theirs, name)):
            raise RuntimeError(f"pandas finds other {name}")


def parking_year(_world: World, table: Table) -> None:
    """A year of 10,000 bays, 110 million events, day after day; and the highest memory of that process."""
    command = [sys.executable, "-m", "tests.benchmarks.parking"]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    table.add("parking_year", found["seconds"], "s")
    table.add("parking_year_events", found["events"], "events")
    table.add("parking_year_memory", found["peak"], "bytes")


def main() -> None:
    """Measure a year in this process; the events of three days are made before their time is taken."""
    first, days = date(2026, 1, 1), 365
    made = town(first, days)
    carry = nothing(BAYS)
    taken, count = 0.0, 0
    for start, end in pairwise(cuts(first, days, 3)):
        some = events(made, start, end, SEED + start // DAY)
        begun = time.perf_counter()
        carry = numbers(made, some, carry, start, end).carry
        taken += time.perf_counter() - begun
        count += len(some.bay)
    print(json.dumps({"seconds": taken, "events": count, "peak": highest_memory()}))


if __name__ == "__main__":
    main()
