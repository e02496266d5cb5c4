"""Every hour of the recorded stations: Beijing 2013 to 2017, and London, Paris and Antwerp, against exact fractions.

The recordings lie outside the repository (BOROUGH_RECORDINGS names their folder); without them this is skipped. What
was derived from them is told in docs/reference/air-index.md, whose figures are held here.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics.air import INDEXED, POLLUTANTS
from analytics.air.daily import daily, hours_of
from analytics.air.index import by_pollutant, overall
from analytics.air.means import HOUR, hourly
from store.batch import Float64
from store.times import instant, local_day, midnight
from tests.references import air as reference
from tests.references.air import Mean
from tests.tools.recordings import DATASETS, folder_of_recordings

PAGE = Path(__file__).parents[3] / "docs/reference/air-index.md"
#: Of hourly stations SO2 has no index.
FOUR = INDEXED[:4]


class Station(NamedTuple):
    """``readings``: [us], what, by pollutant; hours are counted from ``start``."""

    name: str
    start: int
    hours: int
    readings: dict[str, list[tuple[int, float]]]

    def exact(self, pollutant: str) -> list[Mean]:
        """Its hours as they are written."""
        found: list[Mean] = [None] * self.hours
        for time, value in self.readings[pollutant]:
            found[(time - self.start) // HOUR] = Fraction(repr(value))
        return found

    def means(self) -> Float64:
        """Its hours by our way of hourly sources, ``(pollutants, hours)``."""
        rows = [sorted(self.readings.get(name, [])) for name in POLLUTANTS]
        flat = [reading for row in rows for reading in row]
        time = np.array([time for time, _ in flat], np.int64)
        value = np.array([value for _, value in flat], np.float64)
        offsets = np.cumsum([0, *map(len, rows)])
        return hourly(time, value, offsets, self.start, self.hours, np.ones(len(rows))).mean


@pytest.fixture(scope="module")
def stations() -> list[Station]:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS names it")
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for dataset in DATASETS:
        if dataset.mapping in ("prsa-beijing", "openaq"):
            for (device, name, time), value in dataset.expected(folder).items():
                found.setdefault(device, {}).setdefault(name, []).append((time, value))
    made = []
    for name, readings in sorted(found.items()):
        times = [time for pollutant in FOUR for time, _ in readings.get(pollutant, [])]
        start = min(times) // HOUR * HOUR
        made.append(Station(name, start, (max(times) - start) // HOUR + 1, readings))
    return made


def test_no_station_hour_differs(stations: list[Station]) -> None:
    hours = differ = with_index = 0
    indices: Counter[int] = Counter()
    for station in stations:
        highest, worst = overall(found := by_pollutant(station.means()))
        exact = reference.hourly({name: station.exact(name) for name in FOUR if name in station.readings})
        for place, hour in enumerate(exact):
            ours = {name: int(found[row, place]) for row, name in enumerate(INDEXED) if found[row, place]}
            rests = INDEXED[worst[place]] if worst[place] >= 0 else ""
            differ += (ours, int(highest[place]), rests) != (hour.by_pollutant, hour.overall, hour.worst)
            indices[hour.overall] += 1
        hours += station.hours
        with_index += int((highest > 0).sum())
    assert differ == 0
    assert hours > 140_000
    text = PAGE.read_text()
    told = re.search(r"Of ([\d,]+) station-hours ([\d,]+) have an index", text)
    assert told is not None, "the page does not tell the figures"
    assert [int(number.replace(",", "")) for number in told.groups()] == [hours, with_index]
    row = re.search(r"^\| hours \|(.+)\|$", text, re.MULTILINE)
    assert row is not None
    assert [int(cell.replace(",", "")) for cell in row[1].split("|")] == [indices[number] for number in range(1, 11)]


def test_no_local_day_differs(stations: list[Station]) -> None:
    """Beijing's hours too as if they were London's, whose clocks change."""
    there, days, differ = ZoneInfo("Europe/London"), 0, 0
    for station in stations:
        made = {name: station.exact(name) for name in FOUR if name in station.readings}
        exact = reference.daily(made, station.start, there)
        first = min(exact)
        lead = (midnight(first, there) - station.start) // HOUR
        assert max(exact) < local_day(instant(station.start + station.hours * HOUR), there)
        assert lead + hours_of(there, first, len(exact))[-1] <= station.hours
        found = daily(station.means(), there, first, len(exact), lead=lead)
        for place, hour in enumerate(exact.values()):
            ours = {name: int(found.by_pollutant[row, place]) for row, name in enumerate(INDEXED)}
            differ += {name: number for name, number in ours.items() if number} != hour.by_pollutant
            differ += int(found.overall[place]) != hour.overall
        days += len(exact)
    assert differ == 0
    assert days > 5_800
