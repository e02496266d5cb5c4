"""Open devices and a household's with readings in three months, for snapshots: small, and every value known.

Two monitors speak each hour of the first two days of each month, ``0042`` says once that it knows nothing; a bay turns
every six hours; ``home`` is of a household, ``made-up`` is simulated, ``old`` is retired.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import Connection
from store.copy import copy_readings
from store.times import microseconds
from tests.worlds import series_world

#: The months by their first day; all of them are over.
MONTHS = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
#: Shortly after the last of them, and after its days of grace.
SOON, LATER = datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 4, 9, tzinfo=UTC)
HOURS = 48


def device(name: str, family: str = "air-monitor", **changes: object) -> Device:
    """An open device at a place."""
    known: dict[str, object] = {"attributes": {"name": f"The {name}"}}
    return Device(name, family, "native", -0.0812, 51.5031, **(known | changes))  # type: ignore[arg-type]


def hours(start: datetime, count: int = HOURS) -> list[int]:
    """The hours from an instant on [us]."""
    return [microseconds(start + timedelta(hours=hour)) for hour in range(count)]


def fill(connection: Connection) -> None:
    """All of it; nothing is noted as late, as if it had come while the months went on."""
    for start in MONTHS:
        times = hours(start)
        values = [20 + hour / 8 for hour in range(HOURS)]
        series_world.add(connection, device("air-1"), "no2", times, values)
        series_world.add(connection, device("air-1"), "pm2_5", times[::2], values[::2])
        # what a device says that it does not know, a number in signs, and one that is not round
        series_world.add(connection, device("0042"), "no2", times[:3], [math.nan, -0.5, 0.1 + 0.2])
        series_world.add(
            connection, device("bay-7", "parking-bay"), "occupied", times[::6], [n % 2 for n in range(HOURS // 6)]
        )
        series_world.add(connection, device("home", personal=True), "no2", times, values)
        series_world.add(connection, device("made-up", origin="simulated"), "no2", times, values)
    series_world.add(connection, device("old", retired=True), "o3", hours(MONTHS[0]), [41.5] * HOURS)
    connection.commit()


def late(connection: Connection, name: str, observed: str, times: Sequence[int], values: Sequence[float]) -> None:
    """Readings that come late: with the note of their days, as the writer makes it, in one transaction."""
    (state,) = series.resolve(connection, [(name, observed)])
    with connection.transaction():
        copy_readings(connection, np.full(len(times), state.series, np.int32), np.array(times, np.int64),
                      np.array(values, np.float64))  # fmt: skip
        touch(connection, "air-monitor", times)


def touch(connection: Connection, family: str, times: Sequence[int]) -> None:
    """Note the days of readings as touched."""
    days = sorted({datetime.fromtimestamp(one / 1e6, UTC).date() for one in times})
    connection.cursor().executemany("insert into touched_day (family, day) values (%s, %s)",
                                    [(family, day) for day in days])  # fmt: skip


def close(connection: Connection, *names: str) -> None:
    """Devices become a household's."""
    found = {one.id: one for one in registry.load(connection)[0]}
    for name in names:
        one = found[name]
        registry.upsert(
            connection, [Device(one.id, one.family, one.model, one.lon, one.lat, origin=one.origin, personal=True)]
        )
    connection.commit()
