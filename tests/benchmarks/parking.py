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

import numpy as np

from analytics.parking import occupancy, overstays, stays
from analytics.parking.arrays import DAY, Carry, Events, Int64, Stays, nothing, part
from devices.bays import GRACE
from store.times import midnight
from tests.benchmarks import parking_by_pandas
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.parking_town import BAYS, DAYS, FIRST, LONDON, QUARTER, SEED, Town, events, town
from tests.benchmarks.table import Table
from tests.benchmarks.world import World


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
            late += int((found.over.over > GRACE // timedelta(microseconds=1)).sum())
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
