"""Readings of meters with their neighbours, however far away those are."""

from __future__ import annotations

import random

import numpy as np
import psycopg
import pytest

from devices.device import Device
from store import meters, registry, series
from store.connect import connect
from store.copy import copy_readings
from tests.tools.held import held_chunk

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_772_323_200_000_000
METERS = 12


@pytest.mark.parametrize("seed", [1, 2])
def test_neighbours_are_found_however_far_away(each_database: str, seed: int) -> None:
    """Within the hours that are read at once, within the days that are looked at first, and years away."""
    chance = random.Random(seed)
    with connect(each_database, autocommit=True) as connection:
        names = [f"meter-{number}" for number in range(METERS)]
        registry.upsert(connection, [Device(name, "smart-meter", "native", personal=True) for name in names])
        found = series.resolve(connection, [(name, "import_interval") for name in names])
        ids = np.array([one.series for one in found], np.int32)
        there: dict[int, list[int]] = {}
        for number in ids.tolist():
            reach = [chance.choice([HOUR, 9 * HOUR, 10 * DAY, 20 * DAY, 900 * DAY]) for _ in range(8)]
            times = sorted({START + chance.choice([-1, 1]) * chance.randrange(far) for far in reach})
            there[number] = times
            connection.execute("delete from latest where series_id = %s", [number])
            count = len(times)
            copy_readings(connection, np.full(count, number, np.int32), np.array(times), np.arange(count, dtype=float))
        for _ in range(20):
            start = START + chance.randrange(-30 * DAY, 30 * DAY)
            end, margin = start + chance.choice([HOUR, DAY, 5 * DAY]), chance.choice([0, 1, 2, 3])
            read = meters.read_around(connection, ids, start, end, margin)
            for place, number in enumerate(ids.tolist()):
                own = slice(read.offsets[place], read.offsets[place + 1])
                times = read.times[own].tolist()
                all_of = there[number]
                first, stop = all_of.index(times[0]) if times else 0, len(times)
                # a piece of what there is, with the values that belong to it
                assert times == all_of[first : first + stop]
                assert read.values[own].tolist() == list(range(first, first + stop))
                inside = [time for time in all_of if start <= time < end]
                assert [time for time in times if start <= time < end] == inside
                before, after = np.searchsorted(all_of, [start, end])
                assert np.searchsorted(times, start) >= min(margin, before)
                assert len(times) - np.searchsorted(times, end) >= min(margin, len(all_of) - after)


def test_what_is_near_needs_no_chunk_of_long_ago(database: str) -> None:
    """So one that somebody holds does not matter."""
    with connect(database, autocommit=True) as connection:
        registry.upsert(connection, [Device("meter-1", "smart-meter", "native", personal=True)])
        (one,) = series.resolve(connection, [("meter-1", "import_interval")])
        times = np.array([START - 900 * DAY, START - 2 * DAY, START, START + 2 * DAY])
        copy_readings(connection, np.full(4, one.series, np.int32), times, np.arange(4.0))
        connection.execute("set lock_timeout = '200ms'")
        ids = np.array([one.series], np.int32)
        with held_chunk(database):
            read = meters.read_around(connection, ids, START, START + HOUR, 1)
            assert read.values.tolist() == [1.0, 2.0, 3.0]
            with pytest.raises(psycopg.errors.LockNotAvailable):
                meters.read_around(connection, ids, START, START + HOUR, 2)
        assert meters.read_around(connection, ids, START, START + HOUR, 2).values.tolist() == [0.0, 1.0, 2.0, 3.0]
