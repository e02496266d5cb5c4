"""A borough's open sensors as SensorThings clients find them: air monitors, bays and their sensors, a car park.

And what they must never find: a household's bay, meter and movement sensor, and devices that are simulated.
"""

from __future__ import annotations

from devices.device import Device
from store import registry, series
from store.connect import Connection, connect
from store.writer import Writer
from tests.tools.batches import T0, make, query
from tests.worlds.parking_register import import_bays

#: Devices that nobody may find.
HIDDEN = ("bay-her", "meter-1", "room-1", "air-made")
MINUTE = 60_000_000
#: Readings of each open series.
READINGS = 250

_DEVICES = (
    Device("air-001", "air-monitor", "native", -0.12, 51.5, attributes={"name": "High Street", "site": "kerb"}),
    Device("air-002", "air-monitor", "native", -0.1, 51.51, attributes={"description": "On the school's roof"}),
    Device("bay-1", "parking-bay", "native", attributes={"zone": "A"}),
    Device("bay-2", "parking-bay", "lorawan", -0.08, 51.503),
    Device("deck", "car-park", "native", -0.09, 51.52, attributes={"capacity": "300"}),
    Device("bay-her", "parking-bay", "native", -0.08, 51.503, personal=True),
    Device("meter-1", "smart-meter", "native", personal=True),
    Device("room-1", "movement-sensor", "native", personal=True),
    Device("air-made", "air-monitor", "native", -0.1, 51.5, origin="simulated"),
)
_SERIES = (
    ("air-001", "no2"),
    ("air-001", "temperature"),
    ("air-002", "no2"),
    ("bay-1", "occupied"),
    ("bay-1", "battery"),
    ("bay-2", "occupied"),
    ("deck", "free_spaces"),
    ("bay-her", "occupied"),
    ("meter-1", "import_interval"),
    ("room-1", "motion"),
    ("air-made", "no2"),
)

#: What is open and real, counted past the service.
_COUNTS = {
    "Thing": "select count(*) from device where origin = 'real'",
    "Datastream": "select count(*) from series s join device d on d.id = s.device_id where d.origin = 'real'",
    "Observation": "select count(*) from observation o join device d on d.id = o.device where d.origin = 'real'",
    "FeatureOfInterest": "select count(*) from device where origin = 'real'",
    "ObservedProperty": "select count(distinct property) from series s join device d on d.id = s.device_id"
                        " where d.origin = 'real'",
    "Sensor": "select count(*) from (select distinct d.family, d.model, s.property from series s"
              " join device d on d.id = s.device_id where d.origin = 'real') k",
}  # fmt: skip
#: Of the world: a place for each device that lies in no bay, two bays; two stays of the sensor that was moved.
_PLACES, _STAYS = 6, 6


def fill(connection: Connection, url: str) -> None:
    """Register all, and store a minute's reading after the other for each series."""
    registry.upsert(connection, _DEVICES)
    connection.commit()
    import_bays(
        connection,
        [{"id": "dock-1", "lon": "-0.081", "lat": "51.503"}, {"id": "dock-2", "lon": "-0.082", "lat": "51.504"}],
        sensors=[
            {"device": "bay-1", "bay": "dock-1", "from": "2026-01-01 00:00+00:00"},
            {"device": "bay-1", "bay": "dock-2", "from": "2026-02-01 02:00+00:00"},
        ],
    )
    connection.commit()
    numbers = [found.series for found in series.resolve(connection, _SERIES)]
    writer = Writer(url)
    rows = [(number, T0 + n * MINUTE, float((n * 7 + number) % 50) / 4) for number in numbers for n in range(READINGS)]
    writer.write(make(rows))
    writer.close()


def filled(url: str) -> None:
    """Fill a database."""
    with connect(url, autocommit=True) as connection:
        fill(connection, url)


def counts(url: str) -> dict[str, int]:
    """How many of each entity there are, by the tables."""
    return {name: int(query(url, text)[0][0]) for name, text in _COUNTS.items()} | {
        "Location": _PLACES,
        "HistoricalLocation": _STAYS,
    }
