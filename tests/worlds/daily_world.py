"""Homes and meters in a database to which readings are told as the collector does, and the daily use they must give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy import daily_runner
from analytics.energy.daily_runner import Changed
from devices.homes import FUELS
from store import series, tombstones, touched
from store.batch import Counts, TouchedDay
from store.connect import connect
from store.writer import Writer
from tests.references.daily_use import HOUR, Link, Meter, home_days, utc
from tests.tools import kept
from tests.tools.batches import HALF_HOUR, make, query
from tests.worlds.homes import add_meters, ids_of, import_homes

LONDON = ZoneInfo("Europe/London")
T0 = utc("2026-03-25T00:00")  # the clocks go forward on the 29th
FIRST = date(2026, 3, 25)
GAS = 11.2
LIST = [FIRST + timedelta(days=day) for day in range(-3, 14)]
Told = dict[tuple[str, str], dict[int, float]]  # device, property -> time [us] -> value


class Energy:
    """Gas of one calorific value."""

    def gas_kwh(self, volume: float, day: date) -> float:
        return volume * GAS


class World:
    """Homes and meters in a database, and what was told of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.told: Told = {}
        self.batches = 0
        with connect(url) as connection:
            add_meters(connection, ["m1", "m2", "m3", "m4"])
            import_homes(
                connection,
                [
                    {"uprn": "1", "meters": "m1", "from": "2026-03-01"},
                    {"uprn": "2", "meters": "m2;m3", "from": "2026-03-28"},
                    {"uprn": "3", "meters": "m4", "from": "2026-03-01", "to": "2026-03-30"},
                ],
            )
            connection.commit()
            self.homes = [ids_of(connection, uprn, date(2026, 3, 29))[0] for uprn in "123"]

    def write(self, rows: Sequence[tuple[str, str, int, float]], *, named: bool = True) -> None:
        """Tell readings through the writer, as the collector does; ``named``: in a batch of few series."""
        pairs = sorted({row[:2] for row in rows})
        with kept.transaction(self.url) as connection:
            states = series.resolve(connection, pairs)
            known = tombstones.version(connection)
        number = {pair: state.series for pair, state in zip(pairs, states, strict=True)}
        plain = [(number[row[:2]], row[2], row[3]) for row in rows]
        counts = Counts()
        counts.add(Counts(len(rows), len(rows), 0, 0, len(rows)))
        self.batches += 1
        ids = np.array([row[0] for row in sorted(plain)], np.int32)
        times = np.array([row[1] for row in sorted(plain)], np.int64)
        days = touched.days_of(("smart-meter",), np.zeros(len(rows), np.uint8), ids, times)
        batch = make(
            plain,
            number=self.batches,
            families=("smart-meter",),
            family=np.zeros(len(rows), np.uint8),
            touched=days if named else [TouchedDay(*day[:2]) for day in days],
            counts={"smart-meter": counts},
            tombstones=known,
        )
        writer = Writer(self.url)
        writer.write(batch)
        writer.close()
        for device, name, at, value in rows:
            self.told.setdefault((device, name), {}).setdefault(at, value)

    def update(self, cells: int = 5_000_000) -> set[tuple[int, str, date]]:
        """Compute until nothing is left; which (home, fuel, day) changed, as told and as seen in the table."""
        before = self.table()
        told: set[tuple[int, str, date]] = set()
        with connect(self.url) as connection:
            while True:
                found = daily_runner.update(connection, LONDON, Energy(), cells=cells)
                connection.commit()
                told |= set(changes(found))
                if not found.more:
                    break
        after = self.table()
        seen = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert {key for key in told if before.get(key, (-1, 0)) != after.get(key, (-1, 0))} == seen
        assert query(self.url, "select count(*) from touched_day where family = 'smart-meter'") == [(0,)]
        assert query(self.url, "select count(*) from personal.touched_home") == [(0,)]
        return seen

    def table(self) -> dict[tuple[int, str, date], tuple[int, int]]:
        """All days of which something is known, through the view that people read."""
        rows = query(self.url, "select home_id, fuel, day, watt_hours, minutes from personal.daily")
        known = {(row[0], row[1], row[2]): (-1 if row[3] is None else row[3], row[4]) for row in rows}
        return {key: value for key, value in known.items() if value != (-1, 0)}

    def recomputed(self) -> dict[tuple[int, str, date], tuple[int, int]]:
        """What the table must hold, from all that was told."""
        links = query(
            self.url,
            "select m.device_id, m.home_id, greatest(m.from_day, t.from_day), least(m.to_day, t.to_day)"
            " from personal.home_meter m join personal.tenancy t on t.home_id = m.home_id",
        )
        intervals = dict(query(self.url, "select id, attributes ->> 'interval' from personal.device"))
        meters = []
        for device in sorted({key[0] for key in self.told}):
            readings = {name: sorted(rows.items()) for (own, name), rows in self.told.items() if own == device}
            meter = Meter(readings, HOUR if intervals[device] == "PT1H" else HALF_HOUR)
            meter.links = [Link(*row[1:]) for row in links if row[0] == device and (row[3] is None or row[3] > row[2])]
            meters.append(meter)
        found = home_days(meters, self.homes, LIST, LONDON, GAS)
        return {key: (day.use, day.minutes) for key, day in found.items()}


def changes(found: Changed) -> Iterator[tuple[int, str, date]]:
    for home, fuel, day in zip(found.home.tolist(), found.fuel.tolist(), found.day.tolist(), strict=True):
        yield home, FUELS[fuel], date(1970, 1, 1) + timedelta(days=day)


def half_hourly(device: str, name: str, values: Sequence[float], start: int = T0) -> list[tuple[str, str, int, float]]:
    """Rows of a device, one each half-hour."""
    return [(device, name, start + k * HALF_HOUR, value) for k, value in enumerate(values)]
