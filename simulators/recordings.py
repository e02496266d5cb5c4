"""Recordings that the models are compared with, read into arrays. They are no part of this repository."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from simulators.clock import HOUR_US, local_clock

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecordingError(ValueError):
    """A recording cannot be read; the text names the file and what is wrong."""


class Recorded(NamedTuple):
    """Series of one quantity at even steps: ``values`` (series, instants), NaN where unknown; ``step`` [h];
    ``hour_of_week`` (instants,) local."""

    values: Float64
    step: float
    hour_of_week: Int64


def london_home(folder: Path) -> Recorded:
    """The London home: kWh a half-hour; GMT all year."""
    path = folder / "energy" / "lcl_MAC000060_halfhourly.csv"
    rows = _rows(path)[1:]
    return _on_grid(path, [(row[0] + "+00:00", [row[1]]) for row in rows], 1_800, "Europe/London")


def konstanz_home(folder: Path, column: str) -> Recorded:
    """The Konstanz home: kWh an hour, from the steps of a cumulative register."""
    path = folder / "energy" / "opsd_household_data_60min_singleindex.csv"
    header, *rows = _rows(path)
    place = header.index(f"DE_KN_residential4_{column}")
    found = _on_grid(path, [(row[0], [row[place]]) for row in rows], 3_600, "Europe/Berlin")
    # the energy of an hour is the register at its end less the register at its beginning
    steps = np.diff(found.values, axis=1, append=np.nan)
    return Recorded(np.where(steps >= 0, steps, np.nan), found.step, found.hour_of_week)


def fontana_homes(folder: Path) -> Recorded:
    """The 17 homes of Fontana: kWh an hour, local standard time; the first row is 2016-07-31, 24:00, an hour's end."""
    columns = []
    for home in range(1, 18):
        path = folder / "energy" / "citylearn_fontana_17homes" / f"Building_{home}.csv"
        header, *rows = _rows(path)
        place = header.index("non_shiftable_load")
        columns.append(_numbers(path, [row[place] for row in rows]))
    # 31 July 2016 was a Sunday: its last hour is the week's last
    hours = (167 + np.arange(len(columns[0]))) % 168
    return Recorded(np.stack(columns), 1.0, hours)


def alameda_homes(folder: Path) -> Recorded:
    """The 100 homes of Alameda by ResStock: kWh an hour, local standard time."""
    path = folder / "energy" / "resstock_alameda_homes_hourly.csv.gz"
    _, *rows = _rows(path)
    values = np.stack([_numbers(path, row[3:]) for row in rows], axis=1)
    hours = np.array([(int(row[2]) - 1) % 7 * 24 + int(row[1]) - 1 for row in rows])
    return Recorded(values, 1.0, hours)


def beijing_stations(folder: Path, column: str) -> Recorded:
    """Four stations of Beijing: a pollutant by the hour [ug/m3], local time."""
    stations = []
    for station in ("Aotizhongxin", "Dongsi", "Gucheng", "Tiantan"):
        path = folder / "air" / f"PRSA_Data_{station}_20130301-20170228.csv"
        header, *rows = _rows(path)
        place = header.index(column)
        stations.append(_numbers(path, [row[place] for row in rows]))
    # 1 March 2013 was a Friday
    hours = (4 * 24 + np.arange(len(stations[0]))) % 168
    return Recorded(np.stack(stations), 1.0, hours)


def westminster(folder: Path, column: str) -> Recorded:
    """London Westminster: a pollutant by the hour [ug/m3]; times are taken as UTC."""
    path = folder / "air" / "openaq_london_paris_antwerp_long.csv"
    rows = [(row[2] + "+00:00", [row[4]]) for row in _rows(path)[1:] if row[0] == "London" and row[3] == column]
    return _on_grid(path, rows, 3_600, "Europe/London")


def german_car_parks(folder: Path) -> Recorded:
    """Occupied share of German car parks each quarter of an hour; lots of more than 20 places that ever change."""
    base = folder / "parking" / "german_carparks"
    header, *meta = _rows(base / "meta-data.csv")
    name, places = header.index("place_id"), header.index("num_all")
    capacity = {row[name]: float(row[places]) for row in meta if row[places]}
    quarter: dict[str, dict[int, float]] = {}
    for path in sorted(base.glob("2023-*.csv")):
        header, *rows = _rows(path)
        for row in rows:
            slot = round(datetime.fromisoformat(row[0]).timestamp() / 900)
            for lot, cell in zip(header[1:], row[1:], strict=True):
                if cell and capacity.get(lot, 0) > 20:
                    quarter.setdefault(lot, {})[slot] = 1 - float(cell) / capacity[lot]
    if not quarter:
        raise RecordingError(f"{base}: no daily files")
    first = min(min(series) for series in quarter.values())
    count = max(max(series) for series in quarter.values()) - first + 1
    found = []
    for series in quarter.values():
        values = np.full(count, np.nan)
        values[np.array(list(series)) - first] = list(series.values())
        # a blank is an unchanged number: the last one said holds on
        last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(count), -1))
        values = np.where(last >= 0, values[np.maximum(last, 0)], np.nan)
        known = values[np.isfinite(values)]
        # a wrong capacity shows as a share outside 0 to 1, a dead counter as one that never moves
        if known.min() >= 0 and known.max() <= 1 and known.std() > 0.03:
            found.append(values)
    clock = local_clock("Europe/Berlin", first * 900_000_000, 900, count)
    return Recorded(np.stack(found), 0.25, clock.hour_of_week)


class BaySnapshot(NamedTuple):
    """Bays at one instant: how long they have been as they are [min], of taken and of free ones; the local time."""

    taken: Float64
    free: Float64
    local: datetime


def melbourne_bays(folder: Path) -> BaySnapshot:
    """Bays of Melbourne whose state changed in the day before the newest change."""
    path = folder / "parking" / "melbourne_on-street-parking-bay-sensors.csv"
    header, *rows = _rows(path)
    when, state = header.index("Status_Timestamp"), header.index("Status_Description")
    times = [datetime.fromisoformat(row[when]) for row in rows]
    newest = max(times)
    ages = np.array([(newest - time).total_seconds() / 60 for time in times])
    taken = np.array([row[state] == "Present" for row in rows])
    recent = ages < 24 * 60
    return BaySnapshot(ages[recent & taken], ages[recent & ~taken], newest.astimezone(ZoneInfo("Australia/Melbourne")))


def _rows(path: Path) -> list[list[str]]:
    opener: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:  # type: ignore[attr-defined]
            rows = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise RecordingError(f"recording {path}: {error.strerror or error}") from None
    if len(rows) < 2:
        raise RecordingError(f"recording {path}: no rows")
    return rows


def _numbers(path: Path, cells: Sequence[str]) -> Float64:
    try:
        return np.array([float(cell) if cell not in ("", "NA") else np.nan for cell in cells])
    except ValueError as error:
        raise RecordingError(f"recording {path}: {error}") from None


def _on_grid(path: Path, rows: Sequence[tuple[str, Sequence[str]]], step_s: int, zone: str) -> Recorded:
    """Rows (instant with offset, cells) in any order on an even grid of UTC."""
    try:
        slots = [(datetime.fromisoformat(time) - _EPOCH) // timedelta(seconds=step_s) for time, _ in rows]
    except ValueError as error:
        raise RecordingError(f"recording {path}: {error}") from None
    first, count = min(slots), max(slots) - min(slots) + 1
    values = np.full((len(rows[0][1]), count), np.nan)
    values[:, np.array(slots) - first] = np.stack([_numbers(path, cells) for _, cells in rows], axis=1)
    clock = local_clock(zone, first * step_s * HOUR_US // 3_600, step_s, count)
    return Recorded(values, step_s / 3_600, clock.hour_of_week)
