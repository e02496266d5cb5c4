"""Air monitors in a database, told of as the collector does, and the record of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.air import runner
from analytics.air.runner import AirSummary
from devices.device import Device, Origin
from store import air_record, registry, series
from store.batch import Counts, TouchedDay
from store.connect import Connection, connect
from store.times import instant, microseconds
from store.writer import Writer
from tests.tools import kept
from tests.tools.batches import make, query

LONDON = ZoneInfo("Europe/London")
#: A monitor, a pollutant, an instant, a value.
Told = tuple[str, str, datetime, float]

_TABLES = {"public.air_day": "series_id, day", "public.air_index_day": "device_id, day"}


def utc(text: str) -> datetime:
    """An instant from 2026-03-27T10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def every(device: str, what: str, start: str, minutes: float, values: Sequence[float]) -> list[Told]:
    """Readings of a monitor, one every so many minutes."""
    first = utc(start)
    return [(device, what, first + timedelta(minutes=minutes * at), value) for at, value in enumerate(values)]


class AirWorld:
    """A database with monitors, and what is told of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.batches = 0

    def monitor(
        self, device: str, /, *, lon: float | None = 0.0, lat: float | None = 51.5, origin: Origin = "real",
        personal: bool = False, **attributes: str,
    ) -> None:  # fmt: skip
        """Register a monitor, or register it otherwise."""
        monitor = Device(device, "air-monitor", "native", lon, lat, origin, personal, attributes=attributes)
        with kept.transaction(self.url) as connection:
            registry.upsert(connection, [monitor])

    def change(self, name: str, *, personal: bool | None = None, **attributes: str | None) -> None:
        """Change a monitor's class or attributes; None takes one away."""
        with kept.transaction(self.url) as connection:
            known = registry.get(connection, name)
            assert known is not None
            merged = {**known.attributes, **attributes}
            registry.upsert(connection, [replace(
                known, personal=known.personal if personal is None else personal,
                attributes={key: value for key, value in merged.items() if value is not None},
            )])  # fmt: skip

    def do(self, statement: str, *parameters: object) -> None:
        """One statement, committed."""
        with kept.transaction(self.url) as connection:
            connection.execute(statement.encode(), parameters)

    def number(self, device: str, what: str) -> int:
        """A series' number; it is made where it is new."""
        with kept.transaction(self.url) as connection:
            return series.resolve(connection, [(device, what)])[0].series

    def write(self, told: Sequence[Told]) -> None:
        """Tell readings through the writer, as the collector does; of an instant the last one counts."""
        pairs = sorted({row[:2] for row in told})
        with kept.transaction(self.url) as connection:
            states = series.resolve(connection, pairs)
        number = {pair: state.series for pair, state in zip(pairs, states, strict=True)}
        plain = {(number[device, what], microseconds(at)): value for device, what, at, value in told}
        rows = [(*key, value) for key, value in plain.items()]
        counts = Counts()
        counts.add(Counts(len(rows), len(rows), 0, 0, len(rows)))
        self.batches += 1
        batch = make(
            rows,
            number=self.batches,
            families=("air-monitor",),
            family=np.zeros(len(rows), np.uint8),
            touched=[TouchedDay("air-monitor", day) for day in sorted({instant(row[1]).date() for row in rows})],
            counts={"air-monitor": counts},
        )
        writer = Writer(self.url)
        writer.write(batch)
        writer.close()

    def update(self, zone: ZoneInfo = LONDON, cells: int = 20_000) -> AirSummary:
        """Compute until nothing is left; nothing is noted any more then."""
        total = AirSummary(more=True)
        with connect(self.url) as connection:
            for _ in range(400):
                total.add(runner.update(connection, zone, cells=cells))
                connection.commit()
                if not total.more:
                    break
        assert not total.more
        assert query(self.url, "select count(*) from touched_day where family = 'air-monitor'") == [(0,)]
        assert query(self.url, "select count(*) from personal.touched_monitor") == [(0,)]
        return total

    def record(self) -> dict[str, list[tuple[Any, ...]]]:
        """The tables as they are."""
        with kept.transaction(self.url) as connection:
            return _tables(connection)

    def recomputed(self, zone: ZoneInfo = LONDON) -> dict[str, list[tuple[Any, ...]]]:
        """The tables as they would be if everything that has readings were computed now, in one go and from nothing."""
        with connect(self.url) as connection:
            air_record.begin_anew(connection)
            summary = runner.update(connection, zone, cells=10_000_000)
            assert not summary.more
            found = _tables(connection)
            connection.rollback()
        return found

    def readings(self) -> dict[tuple[str, str], list[tuple[int, float]]]:
        """All readings of open series, by monitor and pollutant, as instants [us] and values."""
        found: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for device, what, at, value in query(
            self.url, "select device, property, time, value from public.observation where family = 'air-monitor'"
            " order by device, property, time",
        ):  # fmt: skip
            found.setdefault((device, what), []).append((microseconds(at), value))
        return found

    def index_days(self) -> dict[tuple[str, date], tuple[int, ...]]:
        """The index by pollutant of monitors' local days."""
        rows = query(self.url, "select device_id, day, indices from public.air_index_day")
        return {(device, day): tuple(indices) for device, day, indices in rows}


def _tables(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: connection.execute(f"select * from {name} order by {order}".encode()).fetchall()
        for name, order in _TABLES.items()
    }
