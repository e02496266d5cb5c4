"""A small town of bays for the operations' pages, written straight into the tables: two zones beside each other, a
household's bay, readings of today, and what officers found.

Times count back from now, for the board shows now. Bays ``a-01`` to ``a-20`` are of Zone A, ``b-01`` to ``b-10`` of B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from store import series
from store.connect import Connection
from store.copy import copy_readings
from store.times import microseconds

#: All who stand in Zone A have an hour, at any time of any day.
MAXIMUM = 60
STREETS = {"a": ("High Street", "Mill Lane"), "b": ("Park Road",)}


def make_bay(
    connection: Connection,
    bay: str,
    *,
    street: str = "High Street",
    zone: str = "Zone A",
    kind: str = "limited-waiting",
    lon: float = -0.1,
    lat: float = 51.5,
    personal: bool = False,
    maximum: int | None = MAXIMUM,
    sensor: str | None = None,
    model: str = "native",
    heartbeat: str = "PT2H",
    gateway: str = "",
) -> None:
    """A bay with a sensor, that lies in it since 2026, and one restriction at all times."""
    sensor = f"sensor-{bay}" if sensor is None else sensor
    connection.execute(
        "insert into personal.bay (id, street, zone, kind, spaces, off_street, lon, lat, personal, origin)"
        " values (%s, %s, %s, %s, 1, false, %s, %s, %s, 'simulated')",
        (bay, street, zone, kind, lon, lat, personal),
    )
    connection.execute(
        "insert into personal.device (id, family, model, origin, personal, attributes)"
        " values (%s, 'parking-bay', %s, 'simulated', %s, jsonb_build_object('heartbeat', %s::text,"
        " 'gateway', %s::text))",
        (sensor, model, personal, heartbeat, gateway),
    )
    connection.execute(
        "insert into personal.bay_sensor (bay_id, device_id, start) values (%s, %s, '2026-01-01')", (bay, sensor)
    )
    if maximum is not None:
        connection.execute(
            "insert into personal.bay_restriction (bay_id, number, days, start_minute, end_minute, maximum_stay,"
            " bank_holidays, event_days) values (%s, 1, 127, 0, 1440, %s, 'as-usual', 'any')",
            (bay, maximum),
        )


def say(connection: Connection, sensor: str, readings: Iterable[tuple[datetime, float]]) -> None:
    """What a sensor says, as a collector stores it: readings, and the newest of them."""
    rows = sorted(readings)
    (state,) = series.resolve(connection, [(sensor, "occupied")])
    times = np.array([microseconds(at) for at, _ in rows], np.int64)
    values = np.array([value for _, value in rows], np.float64)
    with connection.transaction():
        copy_readings(connection, np.full(len(rows), state.series, np.int32), times, values)
        connection.execute(
            "insert into public.latest (series_id, time, value, arrival) values (%s, %s, %s, now())"
            " on conflict (series_id) do update set time = excluded.time, value = excluded.value",
            (state.series, rows[-1][0], float(values[-1])),
        )
        connection.execute(
            "insert into public.collector as c (name, batch) values ('test', 1)"
            " on conflict (name) do update set batch = c.batch + 1"
        )


def town(connection: Connection, now: datetime | None = None) -> datetime:
    """Thirty bays and a household's; when it is.

    In Zone A bays 1 to 3 are over their hour by 30, 60 and 90 minutes, 4 to 12 occupied for ten minutes, 13 to 18 free,
    19 silent and 20 never heard; Zone B is free. Bay 4 is suspended, bay 5 has a permit.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0) if now is None else now
    for number in range(1, 21):
        street = STREETS["a"][number > 10]
        kind = "disabled" if number == 3 else "limited-waiting"
        make_bay(
            connection, f"a-{number:02d}", street=street, kind=kind, lon=-0.1 + number * 0.00007,
            lat=51.5 + (number > 10) * 0.0004, model="native" if number % 2 else "bosch",
        )  # fmt: skip
    for number in range(1, 11):
        make_bay(
            connection, f"b-{number:02d}", street=STREETS["b"][0], zone="Zone B", kind="pay", maximum=None,
            lon=-0.1 + number * 0.00007, lat=51.5015,
        )  # fmt: skip
    make_bay(connection, "home-1", zone="Zone A", kind="disabled", personal=True, lat=51.4998)
    minutes = {1: 90, 2: 120, 3: 150}
    for number in range(1, 20):
        since = minutes.get(number, 10)
        if number == 19:
            say(connection, "sensor-a-19", [(now - timedelta(hours=9), 0)])
        elif number >= 13:
            say(connection, f"sensor-a-{number:02d}", [(now - timedelta(minutes=20), 0)])
        else:
            began = now - timedelta(minutes=since)
            say(connection, f"sensor-a-{number:02d}", [(began - timedelta(minutes=5), 0), (began, 1)])
    for number in range(1, 11):
        say(connection, f"sensor-b-{number:02d}", [(now - timedelta(minutes=30), 0)])
    say(connection, "sensor-home-1", [(now - timedelta(hours=1), 0), (now - timedelta(minutes=30), 1)])
    for table, bay, word in (("suspension", "a-04", "Skip for works at No 4"), ("permit", "a-05", "Doctor")):
        column = "reason" if table == "suspension" else "kind"
        connection.execute(
            f"insert into personal.bay_{table} (bay_id, start, stop, {column}) values (%s, %s, %s, %s)".encode(),
            (bay, now - timedelta(hours=3), now + timedelta(hours=3), word),
        )
    return now


def zone_day(connection: Connection, zone: str, day: date, shares: Sequence[float], bays: int = 20) -> None:
    """A computed day of a zone: its occupancy by hour, 24 of them, and an arrival a quarter hour."""
    occupied = np.repeat(np.rint(np.array(shares) * bays * 900).astype(np.int64), 4)
    quarters = np.stack((occupied, bays * 900 - occupied, np.zeros(96, np.int64), np.zeros(96, np.int64)), axis=1)
    connection.execute(
        "insert into public.zone_day (zone, day, bays, quarters, arrivals) values (%s, %s, %s, %s, %s)",
        (zone, day, bays, quarters.astype(">i4").tobytes(), np.ones(96, ">i4").tobytes()),
    )


def weeks(connection: Connection, today: date) -> None:
    """Four weeks in which Zone A is full from ten to twelve on Mondays, when Zone B has room."""
    for back in range(1, 29):
        day = today - timedelta(days=back)
        full = [0.95 if day.weekday() == 0 and hour in (10, 11) else 0.3 + hour / 60 for hour in range(24)]
        zone_day(connection, "Zone A", day, full)
        zone_day(connection, "Zone B", day, [0.2 + hour / 100 for hour in range(24)], 10)
    for number in range(40):
        arrival = datetime.combine(today, datetime.min.time(), UTC) - timedelta(days=1 + number % 20, hours=number % 9)
        connection.execute(
            "insert into personal.stay (bay_id, arrival, departure, begins, ends, over_seconds, suspended_seconds)"
            " values ('a-10', %s, %s, 'reading', 'reading', 0, 0) on conflict do nothing",
            (arrival, arrival + timedelta(minutes=10 + 15 * (number % 12))),
        )


def outcome(connection: Connection, token: str, bay: str, word: str, at: datetime, account: int | None = None) -> None:
    """What an officer found at a stay that began two hours before."""
    connection.execute(
        "insert into personal.visit_outcome (token, bay_id, arrival, at, account_id, outcome, minutes_over)"
        " values (%s, %s, %s, %s, %s, %s, 30)",
        (token, bay, at - timedelta(hours=2), at, account, word),
    )
