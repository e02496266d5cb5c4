"""Bays with a sensor each, and what their sensors say as a collector would commit it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from store.connect import Connection

_BAYS = """
insert into personal.device (id, family, model, origin, personal, attributes)
    select 'sensor-' || n, 'parking-bay', 'native', 'simulated', n = any(%(personal)s), '{"heartbeat": "PT10M"}'
    from generate_series(1, %(count)s) n;
insert into personal.series (device_id, property, personal)
    select 'sensor-' || n, 'occupied', n = any(%(personal)s) from generate_series(1, %(count)s) n;
insert into personal.bay (id, street, zone, kind, spaces, off_street, lon, lat, personal, origin)
    select 'bay-' || lpad(n::text, 5, '0'), 'Street ' || n / 20, 'Zone ' || n / 200, 'pay', 1, false,
        -0.1 + (n %% 100) * 0.0003, 51.5 + (n / 100) * 0.0002, n = any(%(personal)s), 'simulated'
    from generate_series(1, %(count)s) n;
insert into personal.bay_sensor (bay_id, device_id, start)
    select 'bay-' || lpad(n::text, 5, '0'), 'sensor-' || n, '2026-01-01' from generate_series(1, %(count)s) n;
"""


def bay(number: int) -> str:
    """The id of a bay."""
    return f"bay-{number:05d}"


def make_bays(connection: Connection, count: int, personal: Collection[int] = ()) -> None:
    """Bays 1 to ``count``, those in ``personal`` of households; each sensor is heard every ten minutes."""
    for statement in _BAYS.split(";\n")[:-1]:
        connection.execute(statement.encode(), {"count": count, "personal": list(personal)})


def say(connection: Connection, numbers: Sequence[int], value: int, at: datetime | None = None) -> None:
    """The sensors of these bays say 0 or 1, in one batch that is committed."""
    moment = datetime.now(UTC) if at is None else at
    with connection.transaction():
        connection.execute(
            "insert into public.latest (series_id, time, value, arrival)"
            " select id, %(at)s, %(value)s, now() from personal.series"
            " where property = 'occupied' and device_id = any(%(devices)s)"
            " on conflict (series_id) do update set time = excluded.time, value = excluded.value",
            {"at": moment, "value": value, "devices": [f"sensor-{number}" for number in numbers]},
        )
        connection.execute(
            "insert into public.collector as c (name, batch) values ('test', 1)"
            " on conflict (name) do update set batch = c.batch + 1"
        )


def long_ago() -> datetime:
    """When a sensor that says so has been silent for too long."""
    return datetime.now(UTC) - timedelta(hours=1)
