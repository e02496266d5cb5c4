"""The weather of the demo's invented place, taken as a council takes a station's: a file of hours, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from devices.weather_file import WeatherFile
from simulators.clock import DAY_US, HOUR_US
from simulators.plans import Fleet
from simulators.weather import temperature_at
from store import weather
from store.connect import Connection
from store.times import instant

#: Days before the fleet's first, so that its first month has a year before it.
_YEAR = 400


def take_weather(connection: Connection, fleet: Fleet, until_us: int) -> weather.Put:
    """Take the temperatures that a fleet's homes are heated by, from 400 days before its start to an instant.

    Simulated like the homes, inside the running transaction; taken again it changes nothing. ``until_us`` [us since the
    Unix epoch]. Raises psycopg.Error.
    """
    read = WeatherFile(_lines(fleet, until_us), ZoneInfo(fleet.climate.zone))
    assert not read.wrong, read.problems[:1]  # we wrote them
    place = weather.Place(f"{fleet.climate.name}, simulated", fleet.climate.lon, fleet.climate.lat, simulated=True)
    return weather.put(connection, place, read.days)


def _lines(fleet: Fleet, until_us: int) -> Iterator[str]:
    first = (fleet.start_us // DAY_US - _YEAR) * DAY_US
    times = np.arange(first, until_us, HOUR_US, dtype=np.int64)
    yield "time,celsius\n"
    for time, celsius in zip(times.tolist(), temperature_at(fleet.climate, fleet.seed, times).tolist(), strict=True):
        yield f"{instant(time).isoformat()},{celsius:.2f}\n"
