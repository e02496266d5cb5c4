"""Open devices and households' ones with readings, for the pages of series and completeness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import Connection
from store.copy import copy_readings
from store.times import instant

#: 2026-03-01T00:00:00Z [us].
START = 1_772_323_200_000_000
MINUTE = 60_000_000
DAY = 1_440 * MINUTE


_NEWEST = """
insert into latest (series_id, time, value, arrival)
select series_id, time, value, now() from reading where series_id = %s order by time desc limit 1
on conflict (series_id) do update set time = excluded.time, value = excluded.value
"""
_CORRECTED = """
with c as (
    insert into correction (author, reason, period_start, period_end, source, content, decoder, finished_at)
    values ('A', 'wrong factor', '2026-03-01', '2026-03-02', 'archive', '{}', 'x', now()) returning id
)
insert into superseded (correction_id, series_id, time, old_value, new_value)
select c.id, r.series_id, r.time, r.value * 2, r.value from c, reading r where (r.series_id, r.time) = (%s, %s)
"""
_ADDED = """
insert into superseded (series_id, time, old_value, new_value, arrival, source, reason)
select series_id, time, null, value, now(), 'file', 'restated' from reading where (series_id, time) = (%s, %s)
"""


def add(connection: Connection, device: Device, name: str, times: Sequence[int], values: Sequence[float]) -> int:
    """A device, one of its series and its readings, which touch no day; the series' number."""
    registry.upsert(connection, [device])
    (state,) = series.resolve(connection, [(device.id, name)])
    number = np.full(len(times), state.series, np.int32)
    with connection.transaction():
        copy_readings(connection, number, np.array(times, np.int64), np.array(values, np.float64))
        connection.execute(_NEWEST.encode(), (state.series,))
    return state.series


def air(name: str, **changes: object) -> Device:
    """An open monitor that speaks each minute."""
    known: dict[str, object] = {"attributes": {"interval": "PT1M"}, "origin": "simulated"}
    return Device(name, "air-monitor", "native", -0.1, 51.5, **(known | changes))  # type: ignore[arg-type]


def minutes(first: int, last: int, leave_out: range = range(0)) -> list[int]:
    """Every minute of ``START`` from one to another (not included) without some."""
    return [START + number * MINUTE for number in range(first, last) if number not in leave_out]


def town(connection: Connection) -> int:
    """One monitor with three days that have a spike, a silence and changes, one without a rhythm, one without readings,
    and a bay; the number of the first one's series."""
    times = minutes(0, 3 * 1_440, range(2_000, 2_180))
    values = [10 + (number % 7) / 2 for number in range(len(times))]
    values[1_000] = 480.5
    number = add(connection, air("air-1"), "pm2_5", times, values)
    add(connection, air("air-1"), "humidity", times, [50.0] * len(times))
    add(connection, air("air-2", attributes={}), "pm2_5", times[1_440:], values[1_440:])
    registry.upsert(connection, [air("air-never")])
    series.resolve(connection, [("air-never", "pm2_5")])
    turns = times[::90]
    add(connection, Device("bay-1", "parking-bay", "native"), "occupied", turns, [n % 2 for n in range(len(turns))])
    connection.execute(_CORRECTED.encode(), (number, instant(times[500])))
    connection.execute(_ADDED.encode(), (number, instant(times[501])))
    return number


def households(connection: Connection) -> list[tuple[str, str]]:
    """One series of every kind that is a household's: device and property."""
    home = [
        (Device("meter-1", "smart-meter", "native", personal=True), "import_interval"),
        (Device("move-1", "movement-sensor", "native", personal=True), "motion"),
        (air("air-home", personal=True), "pm2_5"),
        (Device("bay-home", "parking-bay", "native", -0.1, 51.5, personal=True), "occupied"),
    ]
    for device, name in home:
        add(connection, device, name, minutes(0, 60), [1.0] * 60)
    # open today, but its series began in a home
    add(connection, air("air-moved", personal=True), "pm2_5", minutes(0, 60), [1.0] * 60)
    connection.execute("update personal.device set personal = false where id = 'air-moved'")
    # open when its series began, and in a home today
    add(connection, air("air-taken"), "pm2_5", minutes(0, 60), [1.0] * 60)
    connection.execute("update personal.device set personal = true where id = 'air-taken'")
    return [(device.id, name) for device, name in home] + [("air-moved", "pm2_5"), ("air-taken", "pm2_5")]
