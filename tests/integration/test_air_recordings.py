"""The record of air of recorded stations: Westminster, Paris and Antwerp, and a Beijing station, hour by hour.

The recordings lie outside the repository (BOROUGH_RECORDINGS names their folder); without them this is skipped.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from store import air
from store.connect import connect
from store.times import instant
from tests.references import air as reference
from tests.references.air import Mean
from tests.tools.recordings import DATASETS, folder_of_recordings
from tests.worlds.air_record import AirWorld

_HOUR = 3_600_000_000
_DAYS = 120
FOUR = air.INDEXED[:4]
CASES = [
    ("openaq", "air/openaq_*.csv", "Europe/London", 3),
    ("prsa-beijing", "air/PRSA_Data_Gucheng_*", "Asia/Shanghai", 1),
]


@pytest.mark.parametrize(("mapping", "files", "zone", "stations"), CASES)
def test_the_record_of_a_recorded_station_is_the_slow_one(
    database: str, tmp_path: Path, mapping: str, files: str, zone: str, stations: int
) -> None:
    folder = folder_of_recordings()
    if folder is None:
        pytest.skip("the folder with the recordings is not here; BOROUGH_RECORDINGS names it")
    (dataset,) = [one for one in DATASETS if one.mapping == mapping]
    for path in sorted(folder.glob(files)):
        link = tmp_path / path.relative_to(folder)
        link.parent.mkdir(exist_ok=True, parents=True)
        link.symlink_to(path)
    told: dict[str, dict[str, dict[int, float]]] = {}
    for (device, what, time), value in dataset.expected(tmp_path).items():
        told.setdefault(device, {}).setdefault(what, {})[time] = value
    assert len(told) == stations
    world = AirWorld(database)
    start = min(time for one in told.values() for readings in one.values() for time in readings) // _HOUR
    end = start + 24 * _DAYS
    for device, one in told.items():
        world.monitor(device, interval="PT1H", class_of_instrument="reference")
        world.write([
            (device, what, instant(time), value)
            for what, readings in one.items() for time, value in readings.items() if time < end * _HOUR
        ])  # fmt: skip
    world.update(ZoneInfo(zone))
    names, rows = sorted(told), 0
    with connect(database) as connection:
        found = air.hours(connection, names, instant(start * _HOUR), instant(end * _HOUR))
        days = air.days(connection, names, (first := instant(start * _HOUR).date()), first + timedelta(days=_DAYS))
    for place, device in enumerate(names):
        exact: dict[str, list[Mean]] = {what: [None] * (end - start) for what in FOUR}
        heard: dict[str, set[int]] = {what: set() for what in FOUR}
        for what in FOUR:
            for time, value in told[device].get(what, {}).items():
                if (hour := time // _HOUR) < end:
                    exact[what][hour - start] = Fraction(repr(value))
                    heard[what].add(hour // 24)
        for at, told_slowly in enumerate(reference.hourly(exact)):
            # a day without any reading has no row
            expected = {
                what: number for what, number in told_slowly.by_pollutant.items() if (start + at) // 24 in heard[what]
            }
            ours = found.index[place, :, at].tolist()
            assert {what: number for what, number in zip(air.INDEXED, ours, strict=True) if number} == expected
            rows += bool(expected)
        whole = reference.daily(exact, start * _HOUR, ZoneInfo(zone))
        for day, index in whole.items():
            if 0 <= (at := (day - first).days) < _DAYS and days.index[place, at] != air.NONE:
                assert days.index[place, at] == index.overall, (device, day)
    assert rows > 1_000
