"""Open devices and households' ones with readings, for the pages of series and completeness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import Connection
from store.copy import copy_readings

#: 2026-03-01T00:00:00Z [us].
START = 1_772_323_200_000_000
MINUTE = 60_000_000
DAY = 1_440 * MINUTE


def add(connection: Connection, device: Device, name: str, times: Sequence[int], values: Sequence[float]) -> int:
    """A device, one of its series and its readings, which touch no day; the series' number."""
    registry.upsert(connection, [device])
    (state,) = series.resolve(connection, [(device.id, name)])
    number = np.full(len(times), state.series, np.int32)
    with connection.transaction():
        copy_readings(connection, number, np.array(times, np.int64), np.array(values, np.float64))
        connection.execute(
            "insert into latest (series_id, time, value, arrival) select series_id, time, value, now() from reading"
            " where series_id = %s order by time desc limit 1 on conflict (series_id) do update set time = excluded.time",
            (state.series,),
        )
    return state.series


def air(name: str, **changes: object) -> Device:
    """An open monitor that speaks each minute."""
    known: dict[str, object] = {"attributes": {"interval": "PT1M"}, "origin": "simulated"}
    return Device(name, "air-monitor", "native", -0.1, 51.5, **(known | changes))  # type: ignore[arg-type]


def minutes(first: int, last: int, leave_out: range = range(0)) -> list[int]:
    """Every minute of ``START`` from one to another (not included) without some."""
    return [START + number * MINUTE for number in range(first, last) if number not in leave_out]


def town(connection: Connection) -> None:
    """One monitor with three days that have a spike, a silence and a correction, one without a reading, a bay, and
    households' devices of every kind."""
    times = minutes(0, 3 * 1_440, range(2_000, 2_180))
    values = [10 + (number % 7) / 2 for number in range(len(times))]
    values[1_000] = 480.5
    number = add(connection, air("air-1"), "pm2_5", times, values)
    add(connection, air("air-1"), "humidity", times[::5], [50.0] * len(times[::5]))
    add(connection, air("air-2", attributes={}), "pm2_5", times[1_440:], values[1_440:])
    registry.upsert(connection, [air("air-never")])
    series.resolve(connection, [("air-never", "pm2_5")])
    add(connection, Device("bay-1", "parking-bay", "native", -0.1, 51.5), "occupied", times[::90], [0, 1] * (len(times[::90]) // 2) + [0] * (len(times[::90]) % 2))  # fmt: skip
    connection.execute(
        "insert into correction (author, reason, period_start, period_end, source, content, decoder, finished_at)"
        " values ('A', 'wrong factor', '2026-03-01', '2026-03-02', 'archive', '{}', 'x', now())"
    )
    connection.execute(
        "insert into superseded (correction_id, series_id, time, old_value, new_value) select c.id, r.series_id, r.time,"
        " r.value * 2, r.value from correction c, reading r where r.series_id = %s and r.time = to_timestamp(%s)",
        (number, times[500] / 1e6),
    )
    connection.execute(
        "insert into superseded (series_id, time, old_value, new_value, arrival, source, reason) select r.series_id,"
        " r.time, null, r.value, now(), 'file', 'restated' from reading r where r.series_id = %s and r.time = to_timestamp(%s)",
        (number, times[501] / 1e6),
    )


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
