"""A street of alike homes with one reading a local day each, for tests of the runner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from analytics.energy.prices import load
from analytics.neighbours.period_comparison import HomesOptions
from analytics.neighbours.runner import RunSummary, run
from devices.device import Device
from store import comparisons, registry, series, touched
from store.batch import TouchedDay
from store.comparisons import Comparison
from store.connect import connect
from store.copy import copy_readings
from store.times import instant, midnight
from tests.worlds.homes import ids_of, import_homes

LONDON = ZoneInfo("Europe/London")
OPTIONS = HomesOptions(zone=LONDON, energy=load())


@dataclass
class Street:
    """Homes with the UPRNs 1, 2, … and meters m1, m2, …, in a database. A reading is a day's use in watt-hours."""

    url: str
    count: int

    def build(self, first: date, days: int, simulated: Iterable[int] = (), without: Iterable[int] = ()) -> np.ndarray:
        """Register, import, and store days from ``first`` on; the use stored ``(homes, days)`` [Wh], -1 ``without``."""
        chance = np.random.default_rng(7)
        use = chance.integers(4_000, 16_000, (self.count, days))
        use[[number - 1 for number in without]] = -1
        fakes = set(simulated)
        with connect(self.url) as connection:
            registry.upsert(
                connection,
                [
                    Device(
                        f"m{number}", "smart-meter", "native", personal=True, attributes={"interval": "P1D"},
                        origin="simulated" if number in fakes else "real",
                    )
                    for number in range(1, self.count + 1)
                ],
            )  # fmt: skip
            import_homes(connection, [self.row(number) for number in range(1, self.count + 1)])
            connection.commit()
        self.store(
            {
                (home + 1, first + timedelta(days=day)): int(use[home, day])
                for home in range(self.count)
                for day in range(days)
                if use[home, day] >= 0
            }
        )
        return use

    def row(self, number: int) -> dict[str, str]:
        """A home's line of the homes file."""
        return {"uprn": str(number), "meters": f"m{number}", "lon": f"{-0.1 + 0.0001 * number:.4f}"}

    def store(self, use: dict[tuple[int, date], int], *, named: bool = False) -> None:
        """Store days of homes [Wh] as the collector and corrections do; a day that is stored already is superseded.

        ``named``: noted with the series.
        """
        with connect(self.url) as connection:
            homes = sorted({home for home, _ in use})
            states = series.resolve(connection, [(f"m{home}", "import_interval") for home in homes])
            number = {home: state.series for home, state in zip(homes, states, strict=True)}
            rows = sorted((number[home], midnight(day, LONDON), wh / 1000) for (home, day), wh in use.items())
            ids = np.array([row[0] for row in rows], np.int32)
            times = np.array([row[1] for row in rows], np.int64)
            connection.execute(
                "delete from reading r using unnest(%s::int4[], %s::timestamptz[]) k (s, t) "
                "where r.series_id = k.s and r.time = k.t",
                (ids.tolist(), [instant(time) for time in times.tolist()]),
            )
            copy_readings(connection, ids, times, np.array([row[2] for row in rows]))
            days = touched.days_of(("smart-meter",), np.zeros(len(ids), np.uint8), ids, times)
            touched.note(connection, days if named else [TouchedDay(*day[:2]) for day in days])
            connection.commit()

    def analyse(self, now: datetime, **changes: object) -> RunSummary:
        """One run of the runner."""
        with connect(self.url) as connection:
            return run(connection, replace(OPTIONS, **changes), now)  # type: ignore[arg-type]

    def told(self, kind: str, start: date, fuel: str = "electricity") -> dict[int, Comparison]:
        """What is told of a period, by UPRN."""
        with connect(self.url) as connection:
            rows = connection.execute(
                "select h.uprn::int, c.tenancy_id from personal.comparison c join personal.home h on h.id = c.home_id "
                "where c.kind = %s and c.from_day = %s and c.fuel = %s",
                (kind, start, fuel),
            ).fetchall()
            found = {uprn: comparisons.one(connection, tenancy, kind, start, fuel) for uprn, tenancy in rows}
        assert all(found.values())
        return {uprn: one for uprn, one in found.items() if one is not None}

    def ids(self, number: int, day: date) -> tuple[int, int]:
        """Pseudonyms of a home and its tenancy."""
        with connect(self.url) as connection:
            return ids_of(connection, str(number), day)


def at(day: date, hour: int = 12) -> datetime:
    """An hour (UTC) of a day."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
