"""An air monitor, a household's bay and movement sensor, a simulated monitor: some of it is told to subscribers."""

from __future__ import annotations

from collections.abc import Sequence

from store.connect import Connection, connect
from store.writer import Writer
from tests.tools.batches import Row, make

SITE = "https://sensors.council.example"
#: Series by what they are of: device, property.
PM, NO2, MOTION, HER_BAY, MADE = 11, 12, 13, 14, 15
OPEN = (PM, NO2)

_DEVICES = """
insert into personal.device (id, family, model, origin, personal, lon, lat, changed) values
    ('air-1', 'air-monitor', 'native', 'real', false, -0.1, 51.5, 0),
    ('room-1', 'movement-sensor', 'native', 'real', true, null, null, 0),
    ('bay-her', 'parking-bay', 'native', 'real', true, -0.1, 51.5, 0),
    ('air-made', 'air-monitor', 'native', 'simulated', false, -0.1, 51.5, 0)
"""
_SERIES = """
insert into personal.series (id, device_id, property, personal) overriding system value values
    (11, 'air-1', 'pm2_5', false), (12, 'air-1', 'no2', false), (13, 'room-1', 'motion', true),
    (14, 'bay-her', 'occupied', true), (15, 'air-made', 'pm2_5', false)
"""


class Observed:
    """Stores readings as a collector does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writer = Writer(url)
        self._batch = 0
        with connect(url) as connection:
            connection.execute(_DEVICES)
            connection.execute(_SERIES)

    def store(self, rows: Sequence[Row]) -> None:
        """One transaction of a collector; what is stored already is a duplicate."""
        self._batch += 1
        self._writer.write(make(rows, self._batch))

    def own(self) -> Connection:
        """A connection of one's own."""
        return connect(self.url, autocommit=True)

    def close(self) -> None:
        """Close the collector's connection."""
        self._writer.close()
