"""Weather of an invented place: one for all families, so that a cold still night is cold and still for everybody.

Temperature = year + day + wandering anomaly; humidity from temperature and dew point; wind, cloud and pressure wander.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, SECOND_US
from simulators.randomness import wander

Float64 = NDArray[np.float64]

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Climate:
    """A place's weather in a few numbers."""

    name: str
    #: IANA name.
    zone: str
    #: [degrees].
    lon: float
    #: [degrees].
    lat: float
    #: Of the year [Cel].
    mean: float
    #: Half of the range over the year [Cel].
    yearly: float
    #: Half of the range over a day [Cel].
    daily: float
    #: Deviation [Cel].
    anomaly: float
    #: Day of the year.
    coldest: int
    #: Mean temperature less dew point [K].
    dew_deficit: float
    #: Mean [m/s].
    wind: float
    #: Mean cover [0 to 1].
    cloud: float


CLIMATES: Mapping[str, Climate] = {
    climate.name: climate
    for climate in (
        Climate("london", "Europe/London", -0.08, 51.50, 11.5, 6.7, 3.4, 3.2, 20, 4.2, 4.2, 0.65),
        Climate("konstanz", "Europe/Berlin", 9.18, 47.66, 10.5, 9.3, 4.3, 3.8, 15, 4.5, 2.5, 0.62),
        Climate("fontana", "America/Los_Angeles", -117.43, 34.10, 18.3, 7.2, 7.5, 3.0, 5, 11.0, 2.6, 0.25),
        Climate("alameda", "America/Los_Angeles", -122.24, 37.77, 14.5, 4.2, 3.6, 2.4, 5, 5.0, 4.0, 0.40),
        Climate("beijing", "Asia/Shanghai", 116.40, 39.93, 13.5, 15.0, 4.7, 3.2, 14, 9.0, 1.9, 0.45),
    )
}


@dataclass(frozen=True, slots=True)
class Weather:
    """One UTC day, at its 24 full hours and the midnight that ends it; every array has 25 entries.

    ``temperature`` [Cel], ``humidity`` [%], ``wind`` [m/s], ``cloud`` [0 to 1], ``pressure`` [hPa].
    """

    temperature: Float64
    humidity: Float64
    wind: Float64
    cloud: Float64
    pressure: Float64

    def at(self, name: str, hours: Float64) -> Float64:
        """A quantity at these hours of the day [h, 0 to 24], between the full hours on a straight line."""
        return np.asarray(np.interp(hours, np.arange(25.0), getattr(self, name)))


@lru_cache(maxsize=64)
def weather_of(climate: Climate, seed: int, day: int) -> Weather:
    """The weather of one day (days since the epoch, UTC)."""

    def process(name: str, memory: float, step: float) -> Float64:
        knots = wander(seed, "weather", name, day, memory=memory, step=step)[:, 0]
        return np.asarray(np.interp(np.arange(25.0), np.linspace(0, 24, len(knots)), knots))

    solar_hour = np.arange(25.0) + climate.lon / 15
    season = np.cos(2 * np.pi * (_day_of_year(day) - climate.coldest) / 365.25)
    cloud = np.clip(climate.cloud + 0.30 * process("cloud", 18.0, 2.0), 0, 1)
    # a clear sky warms by day and cools by night
    swing = climate.daily * (1 - 0.25 * season) * (1.45 - 0.7 * cloud)
    normal = climate.mean - climate.yearly * season
    anomaly = climate.anomaly * process("temperature", 72.0, 3.0)
    temperature = normal + swing * np.cos(2 * np.pi * (solar_hour - 15) / 24) + anomaly
    # the dew point follows the mean of the day and not its swing: hence damp nights
    deficit = climate.dew_deficit * np.exp(0.35 * process("dew", 30.0, 3.0) - 0.06)
    dew = np.minimum(normal + 0.8 * anomaly - deficit, temperature - 0.1)
    return Weather(
        temperature=temperature,
        humidity=np.clip(100 * _saturation(dew) / _saturation(temperature), 5, 100),
        wind=climate.wind
        * np.exp(0.45 * process("wind", 24.0, 2.0) - 0.10)
        * (1 + 0.15 * np.cos(solar_hour / 3.82 - 3.9)),
        cloud=cloud,
        pressure=1_014.0 + 9.0 * process("pressure", 72.0, 3.0),
    )


def irradiance(climate: Climate, seed: int, day: int, hours: Float64) -> Float64:
    """Global horizontal irradiance [W/m2] at these hours of the UTC day, shape of ``hours``.

    Declination by Cooper (1969), clear sky by Haurwitz (1945): 1098 sin(h) exp(-0.057 / sin(h)), cloud of cover N by
    Kasten and Czeplak (1980): 1 - 0.75 N^3.4; ``h`` is the sun's height.
    """
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + _day_of_year(day)) / 365)
    hour_angle = np.radians(15 * (hours + climate.lon / 15 - 12))
    latitude = np.radians(climate.lat)
    height = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    above = np.maximum(height, 1e-3)
    clear = np.where(height > 1e-3, 1098 * above * np.exp(-0.057 / above), 0.0)
    cover = weather_of(climate, seed, day).at("cloud", hours)
    return np.asarray(clear * (1 - 0.75 * cover**3.4))


def temperature_at(climate: Climate, seed: int, times_us: NDArray[np.int64]) -> Float64:
    """Air temperature [Cel] at these instants, any number of days."""
    out = np.empty(len(times_us))
    days = times_us // DAY_US
    for day in np.unique(days).tolist():
        mine = days == day
        hours = (times_us[mine] - day * DAY_US) / (3_600 * SECOND_US)
        out[mine] = weather_of(climate, seed, day).at("temperature", hours)
    return out


def _day_of_year(day: int) -> int:
    return date.fromordinal(_EPOCH_ORDINAL + day).timetuple().tm_yday


def _saturation(temperature: Float64) -> Float64:
    """Saturation vapour pressure [hPa] by Magnus: 6.112 exp(17.62 T / (243.12 + T)), T in [Cel]."""
    return np.asarray(6.112 * np.exp(17.62 * temperature / (243.12 + temperature)))
