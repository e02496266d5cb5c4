"""A small borough for SensorThings: open monitors and bays with a history, households' devices, simulated ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from devices.device import Device
from store import registry, series
from store.connect import Connection
from store.copy import copy_readings
from store.times import instant

#: 2026-03-01T00:00:00Z [us].
START = 1_772_323_200_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
#: Readings of each property of a monitor: one an hour.
READINGS = 250

MONITORS = (
    Device(
        "air-1", "air-monitor", "O'Hara & Sons 7/2", -0.1, 51.5,
        attributes={"name": "High Street", "description": "Opposite the school", "zone": "Europe/London", "floor": "2"},
    ),
    Device("air-2", "air-monitor", "airgradient", -0.12, 51.52),
    Device("air-3", "air-monitor", "airgradient"),
)  # fmt: skip
PROPERTIES = ("no2", "pm2_5", "temperature")
SENSORS = (
    Device("sensor-1", "parking-bay", "bosch", -0.2, 51.6),
    Device("sensor-2", "parking-bay", "bosch", -0.21, 51.61),
)
#: Nobody may see these: a household's, and what the simulator sends.
HIDDEN = (
    Device("meter-secret", "smart-meter", "native", -0.3, 51.7, personal=True, attributes={"name": "hidden-home"}),
    Device("moves-secret", "movement-sensor", "native", -0.3, 51.7, personal=True),
    Device("bay-secret", "parking-bay", "bosch", -0.3, 51.7, personal=True),
    Device("air-simulated", "air-monitor", "native", -0.3, 51.7, origin="simulated"),
)
_BAYS = """
insert into personal.bay (id, street, zone, kind, spaces, off_street, lon, lat, personal, origin)
values ('bay-a', 'North Road', 'N', 'pay', 1, false, -0.2001, 51.6001, false, 'real'),
       ('bay-b', 'South Road', 'S', 'pay', 1, false, -0.2002, 51.6002, false, 'real'),
       ('bay-home', 'Secret Road', 'H', 'disabled', 1, false, -0.3001, 51.7001, true, 'real');
insert into personal.bay_sensor (bay_id, device_id, start, stop)
values ('bay-a', 'sensor-1', '2026-03-01T00:00:00Z', '2026-03-05T00:00:00Z'),
       ('bay-b', 'sensor-2', '2026-03-01T00:00:00Z', '2026-03-05T00:00:00Z'),
       ('bay-b', 'sensor-1', '2026-03-05T00:00:00Z', null),
       ('bay-a', 'sensor-2', '2026-03-05T00:00:00Z', null),
       ('bay-home', 'bay-secret', '2026-03-01T00:00:00Z', null);
"""


def fill(connection: Connection) -> dict[tuple[str, str], int]:
    """All of it; the numbers of the series by device and property. The connection is in autocommit."""
    registry.upsert(connection, [*MONITORS, *SENSORS, *HIDDEN])
    connection.execute(_BAYS.encode())
    names = [(device.id, name) for device in MONITORS for name in PROPERTIES]
    names += [(device.id, "occupied") for device in SENSORS]
    names += [
        ("meter-secret", "power"),
        ("moves-secret", "motion"),
        ("bay-secret", "occupied"),
        ("air-simulated", "no2"),
    ]
    numbers = dict(zip(names, (one.series for one in series.resolve(connection, names)), strict=True))
    for place, number in enumerate(numbers.values()):
        values = np.arange(READINGS) % 40 + place / 4
        readings(
            connection, number, [START + hour * HOUR + 7 * (hour % 3) for hour in range(READINGS)], values.tolist()
        )
    return numbers


def readings(connection: Connection, number: int, times: Sequence[int], values: Sequence[float]) -> None:
    """Readings of a series, new ones."""
    with connection.transaction():
        copy_readings(connection, np.full(len(times), number, np.int32), np.array(times), np.array(values, float))


def at(hours: int) -> datetime:
    """The instant so many hours after the first."""
    return instant(START + hours * HOUR)
