"""Bays with sensors in a database, told of as the collector does, and the record of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analytics.parking import runner, stays
from analytics.parking.arrays import BEGINS, ENDS, nothing
from analytics.parking.days import ParkingOptions
from analytics.parking.runner import ParkingSummary
from analytics.parking.sources import Register
from devices.device import Device
from store import parking_record, registry, series
from store.batch import Counts, TouchedDay
from store.connect import Connection, connect
from store.copy import EPOCH_2000
from store.times import instant
from store.writer import Writer
from tests.tools.batches import make, query

LONDON = ZoneInfo("Europe/London")
OPTIONS = ParkingOptions(LONDON, bank_holidays={date(2026, 4, 3)})
#: A sensor, an instant, occupied or free.
Told = tuple[str, datetime, int]

_TABLES = {
    "personal.bay_day": "bay_id, day",
    "personal.stay": "bay_id, arrival",
    "public.zone_day": "zone, day",
}


def utc(text: str) -> datetime:
    """An instant from 2026-03-27T10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class ParkingWorld:
    """A database with bays, and what is told of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.batches = 0

    def devices(self, names: Sequence[str], **attributes: str) -> None:
        """Register sensors."""
        with connect(self.url) as connection:
            registry.upsert(
                connection, [Device(name, "parking-bay", "native", attributes=attributes) for name in names]
            )

    def heartbeat(self, name: str, value: str | None) -> None:
        """Give a registered sensor another heartbeat, or none."""
        with connect(self.url) as connection:
            known = registry.get(connection, name)
            assert known is not None
            attributes = {} if value is None else {"heartbeat": value}
            registry.upsert(connection, [replace(known, attributes=attributes)])

    def do(self, statement: str, *parameters: object) -> None:
        """One statement, committed."""
        with connect(self.url) as connection:
            connection.execute(statement.encode(), parameters)

    def bay(self, name: str, zone: str = "north", *, personal: bool = False) -> None:
        """Register a bay."""
        self.do(
            "insert into personal.bay (id, street, zone, kind, spaces, off_street, lon, lat, personal, origin)"
            " values (%s, 'High Street', %s, 'limited-waiting', 1, false, 0, 51.5, %s, 'simulated')",
            name, zone, personal,
        )  # fmt: skip

    def link(self, bay: str, device: str, start: str, end: str | None = None) -> None:
        """Lay a sensor into a bay."""
        self.do(
            "insert into personal.bay_sensor (bay_id, device_id, start, stop) values (%s, %s, %s, %s)",
            bay, device, utc(start), None if end is None else utc(end),
        )  # fmt: skip

    def restrict(self, bay: str, start: int, end: int, maximum: int | None = None, **words: object) -> None:
        """Give a bay a restriction on all days, in minutes of the day."""
        given = {"bank_holidays": "as-usual", "event_days": "any", "days": 127, **words}
        self.do(
            "insert into personal.bay_restriction"
            " (bay_id, number, days, start_minute, end_minute, maximum_stay, bank_holidays, event_days)"
            " select %s::text, count(*), %s::int2, %s, %s, %s, %s, %s from personal.bay_restriction where bay_id = %s",
            bay, given["days"], start, end, maximum, given["bank_holidays"], given["event_days"], bay,
        )  # fmt: skip

    def write(self, told: Sequence[Told]) -> None:
        """Tell readings through the writer, as the collector does."""
        names = sorted({row[0] for row in told})
        with connect(self.url) as connection:
            states = series.resolve(connection, [(name, "occupied") for name in names])
            connection.commit()
        number = {name: state.series for name, state in zip(names, states, strict=True)}
        plain = {(number[name], round(at.timestamp()) * 1_000_000): float(value) for name, at, value in told}
        rows = [(*key, value) for key, value in plain.items()]
        counts = Counts()
        counts.add(Counts(len(rows), len(rows), 0, 0, len(rows)))
        self.batches += 1
        batch = make(
            rows,
            number=self.batches,
            families=("parking-bay",),
            family=np.zeros(len(rows), np.uint8),
            touched=[TouchedDay("parking-bay", day) for day in sorted({instant(row[1]).date() for row in rows})],
            counts={"parking-bay": counts},
        )
        writer = Writer(self.url)
        writer.write(batch)
        writer.close()

    def update(self, cells: int = 100_000, options: ParkingOptions = OPTIONS) -> ParkingSummary:
        """Compute until nothing is left; nothing is noted any more then."""
        total = ParkingSummary()
        with connect(self.url) as connection:
            for _ in range(400):
                total.add(runner.update(connection, options, cells=cells))
                connection.commit()
                if not total.more:
                    break
        assert not total.more
        assert query(self.url, "select count(*) from touched_day where family = 'parking-bay'") == [(0,)]
        assert query(self.url, "select count(*) from personal.touched_bay") == [(0,)]
        return total

    def record(self) -> dict[str, list[tuple[Any, ...]]]:
        """The tables as they are."""
        with connect(self.url) as connection:
            return _tables(connection)

    def recomputed(self, options: ParkingOptions = OPTIONS) -> dict[str, list[tuple[Any, ...]]]:
        """The tables as they would be if everything were computed now, in one go and from nothing."""
        with connect(self.url) as connection:
            parking_record.begin_anew(connection)
            summary = runner.update(connection, options, cells=1_000_000)
            assert not summary.more
            found = _tables(connection)
            connection.rollback()
        return found

    def in_one_piece(self, options: ParkingOptions = OPTIONS) -> list[tuple[Any, ...]]:
        """The stays of all readings as one span gives them, without the days and what they carry."""
        with connect(self.url) as connection:
            end = parking_record.newest_reading(connection)
            register = Register(connection, (), options.silence)
            bays = np.arange(len(register.bays))
            part = register.part(bays)
            if end is None or not len(bays):
                return []
            start = EPOCH_2000
            events = part.events(connection, start, end + 1)
            _, found, _, _ = stays.run(events, part.links, part.table, nothing(len(bays)), start, end + 1)
        rows = []
        for bay, arrival, departure, begins, ends in zip(*(column.tolist() for column in found), strict=True):
            until = None if ENDS[ends] == "lasts" else instant(departure)
            rows.append((register.bays[bay], instant(arrival), until, BEGINS[begins], ENDS[ends]))
        return rows

    def stays(self) -> list[tuple[Any, ...]]:
        """The stays as stored."""
        return query(
            self.url,
            "select bay_id, arrival, departure, begins, ends, over_from, over_seconds, suspended_seconds"
            " from personal.stay order by bay_id, arrival",
        )

    def day(self, bay: str, day: date) -> tuple[list[int], list[int], list[int]] | None:
        """Occupied, free and suspended minutes of a bay by local hour, or None without a row."""
        with connect(self.url) as connection:
            row = connection.execute(
                "select quarters from personal.bay_day where bay_id = %s and day = %s", (bay, day)
            ).fetchone()
        if row is None:
            return None
        hours = np.frombuffer(row[0], ">i4").reshape(-1, 4, 3).sum(axis=1) / 60_000
        occupied, free, suspended = (hours[:, state].round().astype(int).tolist() for state in range(3))
        return occupied, free, suspended


def _tables(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: connection.execute(f"select * from {name} order by {order}".encode()).fetchall()
        for name, order in _TABLES.items()
    }


def every(start: str, minutes: int, values: Sequence[int], device: str) -> list[Told]:
    """Readings of a sensor, one every so many minutes."""
    first = utc(start)
    return [(device, first + timedelta(minutes=minutes * number), value) for number, value in enumerate(values)]
