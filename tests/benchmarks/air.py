"""How fast the air quality index is: a year of minutes streamed, and the index of hours beside pandas.

Times are those of the processor: all of it runs in one thread, and these machines are shared.

``python -m tests.benchmarks.air`` is the measured process of a year: it prints a JSON line with seconds, values and its
highest resident memory [bytes].
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.index import Index, by_pollutant, overall
from analytics.air.means import HOUR, MINUTE, QUARTER, Carry, advance, nothing
from store.batch import Float64, Int64
from tests.benchmarks import air_by_pandas
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

Found = TypeVar("Found")

MONITORS, SERIES, DAYS, SEED = 500, 8, 365, 14
#: Minutes that are read at once, and no whole number of hours: each piece ends within one.
PIECE = 250
START = 490_896 * HOUR
_DAY = 1_440


class Year(NamedTuple):
    """What comes out of a year: the index by pollutant and hour, and of all together with what it rests on."""

    by_pollutant: Index
    overall: Index
    worst: Index


def readings(first: int, minutes: int, generator: np.random.Generator) -> tuple[Int64, Float64, Int64]:
    """Readings of one decimal of all series for so many minutes, two in a hundred of them missing."""
    level = np.array([12, 25, 40, 55, 60, 0.5, 8, 30.0])
    hour = (START // MINUTE + first + np.arange(minutes)) / 60
    wave = 1 + 0.5 * np.sin(hour * (2 * np.pi / 24)) + 0.4 * np.sin(hour * (2 * np.pi / 200))
    value = np.round(
        level[None, :, None] * wave * (1 + generator.random((MONITORS, SERIES, minutes), np.float32)), 1
    ).reshape(MONITORS * SERIES, minutes)
    there = generator.random(value.shape, np.float32) >= 0.02
    times = START + (first + np.arange(minutes)) * MINUTE
    return (
        np.broadcast_to(times, value.shape)[there],
        value[there],
        np.concatenate(([0], np.cumsum(there.sum(axis=1)))).astype(np.int64),
    )


def main() -> None:
    """Measure a year in this process; the readings of each piece are made before their time is taken."""
    generator = np.random.default_rng(SEED)
    total, taken, values = DAYS * _DAY, 0.0, 0
    hours, so2 = nothing(MONITORS * SERIES, START), nothing(MONITORS, START)
    pollutant = np.arange(MONITORS * SERIES) % SERIES
    of_so2 = pollutant == POLLUTANTS.index("so2")
    of_hour, of_quarter = np.full(MONITORS * SERIES, 60.0), np.full(MONITORS, 15.0)
    mean = np.empty((MONITORS, SERIES, DAYS * 24))
    quarters = np.empty((MONITORS, DAYS * 96))
    for first in range(0, total, PIECE):
        minutes = min(PIECE, total - first)
        when, value, offsets = readings(first, minutes, generator)
        begun = time.process_time()
        until = START + (first + minutes) * MINUTE
        hours = _take(when, value, offsets, hours, until, of_hour, HOUR, mean.reshape(MONITORS * SERIES, -1))
        # the readings of SO2 alone, for its quarter hours
        lengths = np.diff(offsets)
        some = np.repeat(of_so2, lengths)
        places = np.concatenate(([0], np.cumsum(lengths[of_so2])))
        so2 = _take(when[some], value[some], places, so2, until, of_quarter, QUARTER, quarters)
        taken += time.process_time() - begun
        values += len(value)
    begun = time.process_time()
    found = by_pollutant(mean, quarters)
    year = Year(found, *overall(found))
    taken += time.process_time() - begun
    if not (year.overall > 0).any() or hours.number.any() or not all((year.worst == row).any() for row in range(5)):
        raise RuntimeError("this air is too quiet to say anything")
    print(json.dumps({"seconds": taken, "values": values, "peak": highest_memory()}))


def _take(
    when: Int64, value: Float64, offsets: Int64, carry: Carry, until: int, expected: Float64, length: int, out: Float64
) -> Carry:
    """One piece of the stream into its place; the carry for the next one."""
    place = (carry.until - START) // length
    found, carry = advance(when, value, offsets, carry, until, expected, length)
    out[:, place : place + found.mean.shape[1]] = found.mean
    return carry


def air_index(_world: World, table: Table) -> None:
    """The index of 500 monitors, 8 series each, from a year of minutes; and the highest memory of that process."""
    command = [sys.executable, "-m", "tests.benchmarks.air"]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    table.add("air_index", found["values"] / found["seconds"], "values/s")
    table.add("air_index_values", found["values"], "values")
    table.add("air_index_memory", found["peak"], "bytes")


def air_vs_pandas(_world: World, table: Table) -> None:
    """The index of a quarter year of hours of 20 monitors by pandas: rolling means of records as they stand in a table,
    and of one wide column for each series. Equal bands, or the run fails."""
    generator = np.random.default_rng(SEED)
    mean = np.full((20, len(POLLUTANTS), 90 * 24), np.nan)
    level = np.array([25, 40, 120, 90.0])[None, :, None]
    mean[:, :4] = np.round(generator.gamma(2, level / 2, mean[:, :4].shape), 1)
    mean[generator.random(mean.shape) < 0.03] = np.nan
    best, found = _best(lambda: _ours(mean), 9)
    long, by_long = _best(lambda: air_by_pandas.by_records(air_by_pandas.records(mean)), 1)
    wide, by_wide = _best(lambda: air_by_pandas.by_columns(mean), 2)
    for name, theirs in (("records", by_long), ("columns", by_wide)):
        if not (np.array_equal(theirs, found[0][:, :4]) and np.array_equal(theirs.max(axis=1), found[1])):
            raise RuntimeError(f"pandas finds another index by {name}")
    values = int(np.isfinite(mean[:, :4]).sum())
    print(f"  {values:,} hourly means of {len(INDEXED) - 1} pollutants, seed {SEED}", file=sys.stderr)
    table.add("air_vs_pandas", long / best, "x")
    table.add("air_vs_pandas_columns", wide / best, "x")


def _best(run: Callable[[], Found], times: int) -> tuple[float, Found]:
    """The shortest of so many runs [s], and what they find."""
    best, found = float("inf"), None
    for _ in range(times):
        begun = time.process_time()
        found = run()
        best = min(best, time.process_time() - begun)
    assert found is not None
    return best, found


def _ours(mean: Float64) -> tuple[Index, Index]:
    found = by_pollutant(mean)
    return found, overall(found)[0]


if __name__ == "__main__":
    main()
