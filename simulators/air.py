"""Air monitors: a regional background with episodes, traffic by the hour of the week, wind, sun, damp and drift.

PM2.5 = (background x episode + traffic x site) x dilution x chance, then the optical sensor's growth in damp air and
the drift of the monitor. NO2 likewise with more traffic; ozone by the sun, used up by NO2. Episodes, wind and weather
are shared by all monitors: neighbours rise and fall together. A scene adds particles on top, at an instant that is
chosen: there is something to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HOUR_US, SECOND_US, LocalClock, local_clock, utc_days
from simulators.places import along_streets
from simulators.plans import MODELS, AirPlan, Fleet
from simulators.randomness import stream, wander
from simulators.readings import cut
from simulators.stream import Signals
from simulators.weather import irradiance, weather_of

Float64 = NDArray[np.float64]

FAMILY = "air-monitor"

#: What is the traffic's share of the yearly mean at an ordinary site.
_TRAFFIC_PM, _TRAFFIC_NO2 = 0.10, 0.33
#: Memory of what happens at one monitor alone [h].
_LOCAL = 5.0
#: A scene's part by hours from its instant on. By then it has lasted so long that the mean of 24 hours tells of it.
_SCENE_HOURS, _SCENE_PARTS = (-20.0, -14.0, 4.0, 12.0), (0.0, 1.0, 1.0, 0.0)
_YEAR_US = 365.25 * DAY_US


def devices(fleet: Fleet) -> Sequence[Device]:
    """The monitors as devices."""
    plan = _plan(fleet)
    places = along_streets(
        fleet.seed, FAMILY, plan.count, 1, lon=fleet.lon, lat=fleet.lat, reach=fleet.reach, spacing=10
    )
    site = _sites(fleet)
    model = MODELS.get(plan.format, "native")
    width = max(3, len(str(plan.count)))
    return [
        Device(
            f"02a1{monitor + 1:08x}" if plan.format == "airgradient" else f"air-{monitor + 1:0{width}d}",
            FAMILY,
            model,
            float(places.lon[monitor]),
            float(places.lat[monitor]),
            origin="simulated",
            attributes={
                "street": places.names[places.street[monitor]],
                "site": "kerbside" if site[monitor] > 1.3 else "background" if site[monitor] < 0.7 else "roadside",
                "interval": f"PT{plan.every}S",
                "class_of_instrument": "indicative" if plan.damp else "reference",
            },
        )
        for monitor in range(plan.count)
    ]


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Readings of the fleet's monitors ``devices`` in [start, end), one piece a day."""
    plan = _plan(fleet)
    for day in utc_days(start_us, end_us):
        values = day_of(fleet, day)
        # (instants, monitors, properties): already in the order of time, monitor, property
        block = np.stack([values[name] for name in plan.properties], axis=-1)
        instants, monitors, properties = block.shape
        time = _times(day, plan)
        piece = Signals(
            family=FAMILY,
            devices=devices,
            properties=plan.properties,
            device=np.tile(np.repeat(np.arange(monitors, dtype=np.int32), properties), instants),
            property=np.tile(np.arange(properties, dtype=np.uint8), instants * monitors),
            time=np.repeat(time, monitors * properties),
            value=block.ravel(),
            message=np.repeat(np.arange(instants * monitors, dtype=np.int64), properties),
        )
        piece = cut(piece, start_us, end_us)
        if len(piece.time):
            yield piece


def day_of(fleet: Fleet, day: int) -> Mapping[str, Float64]:
    """All properties of all monitors in one UTC day: name -> array (instants, monitors), in the property's unit."""
    plan = _plan(fleet)
    count, instants = plan.count, 86_400 // plan.every
    hours: Float64 = np.arange(instants, dtype=np.float64) * (plan.every / 3_600)
    clock = local_clock(fleet.climate.zone, day * DAY_US, plan.every, instants)
    weather = weather_of(fleet.climate, fleet.seed, day)
    wind, humidity, outside = (weather.at(name, hours) for name in ("wind", "humidity", "temperature"))
    rng = stream(fleet.seed, FAMILY, "noise", day)
    site = _sites(fleet)

    def process(name: str, memory: float, width: int = 1, step: float = 1.0) -> Float64:
        knots = wander(fleet.seed, FAMILY, name, day, memory=memory, width=width, step=step)
        return _between(knots, hours)

    spread = plan.episodes
    episode = np.exp(spread * process("episode", plan.episode_hours, step=6.0) - spread**2 / 2)
    local = np.exp(0.16 * process("local", _LOCAL, count) - 0.0128)
    gas = np.exp(0.30 * process("gas", 10.0) + 0.14 * process("gas here", _LOCAL, count) - 0.055)
    traffic = traffic_cycle(clock)[:, None] * site
    road_pm, road_no2 = (min(0.95, plan.traffic * share) for share in (_TRAFFIC_PM, _TRAFFIC_NO2))
    still = ((fleet.climate.wind + 1) / (wind + 1))[:, None]
    # by night the air is shallow: what is emitted stays near the ground
    shallow = np.exp(plan.stagnation * np.cos(2 * np.pi * (clock.hour - 1.5) / 24))[:, None]
    season = np.cos(2 * np.pi * (clock.day_of_year[0] - 15) / 365)
    pm = plan.pm2_5 * (1 + 0.22 * season) * ((1 - road_pm) * episode * still**0.3 + road_pm * traffic * still) * local
    pm *= shallow**0.5
    if plan.scene is not None:
        pm += plan.scene.pm2_5 * scene_part(plan.scene.at, _times(day, plan))[:, None] * local
    no2 = plan.no2 * (1 + 0.15 * season) * gas * shallow * still**0.6
    no2 *= (1 - road_no2) * np.sqrt(episode) + road_no2 * traffic
    sun = irradiance(fleet.climate, fleet.seed, day, hours)[:, None] / 500
    # the warmer, the faster it is made; fresh NO uses it up, and NO2 tells how much of that there is
    warmth = np.exp(0.04 * (outside - fleet.climate.mean))[:, None]
    ozone = plan.o3 * (0.80 + 0.25 * sun) * warmth * np.exp(0.18 * process("ozone", 40.0))
    ozone = np.maximum(ozone * np.clip(1.45 - 0.52 * no2 / max(plan.no2, 1e-9), 0.04, 1.4), 0.5)

    damp = _growth(humidity, plan.damp)[:, None]
    age = max(0.0, (day * DAY_US - fleet.start_us) / _YEAR_US)
    worn = 1 + age * plan.drift * stream(fleet.seed, FAMILY, "drift").standard_normal(count)
    seen = pm * damp * np.maximum(worn, 0.1)
    # what counts particles counts a few more or less of them
    jitter = np.exp(0.03 * rng.standard_normal((instants, count)))
    coarse = plan.pm2_5 * (0.35 + 0.25 * traffic) * np.sqrt((wind + 1) / (fleet.climate.wind + 1))[:, None]
    pressure = np.repeat(weather.at("pressure", hours)[:, None], count, axis=1)
    return {
        "pm1": np.round(0.68 * seen * jitter, 1),
        "pm2_5": np.round(seen * jitter, 1),
        "pm10": np.round((1.05 * seen + coarse * np.ones_like(local)) * jitter, 1),
        "no2": np.round(no2 * np.maximum(worn, 0.1) * jitter, 1),
        "o3": np.round(ozone * jitter, 1),
        "co2": np.rint(424 + 9 * traffic * still + 6 * shallow * local),
        "temperature": np.round(outside[:, None] + 0.4 * process("temperature here", 12.0, count), 1),
        "humidity": np.round(np.clip(humidity[:, None] + 1.5 * process("humidity here", 12.0, count), 1, 100), 1),
        "pressure": np.round(pressure, 1),
        "tvoc_index": np.clip(np.rint(100 * np.exp(0.25 * process("tvoc", 3.0, count))), 1, 500),
        "nox_index": np.clip(np.rint(1 + 0.6 * traffic * still * gas), 1, 500),
    }


def _times(day: int, plan: AirPlan) -> NDArray[np.int64]:
    """The instants [us] of a UTC day at which monitors measure."""
    return day * DAY_US + np.arange(86_400 // plan.every, dtype=np.int64) * plan.every * SECOND_US


def scene_part(at: Sequence[int], time: NDArray[np.int64]) -> Float64:
    """How much of scenes around ``at`` [us] there is at instants ``time`` [us], from 0 to 1, the same shape."""
    hours = (time[:, None] - np.array(at, np.int64)) / HOUR_US
    found: Float64 = np.interp(hours, _SCENE_HOURS, _SCENE_PARTS).max(axis=1)
    return found


def traffic_cycle(clock: LocalClock) -> Float64:
    """Traffic relative to the mean of the week, shape (instants,): two peaks on working days, one at the weekend."""
    hour = clock.hour

    def bell(middle: float, width: float) -> Float64:
        away = np.abs(hour - middle)
        return np.asarray(np.exp(-0.5 * (np.minimum(away, 24 - away) / width) ** 2))

    working = 0.28 + 1.15 * bell(8.2, 1.4) + 0.85 * bell(13.0, 3.0) + 1.20 * bell(18.0, 2.2)
    weekend = 0.28 + 0.80 * bell(14.0, 3.8) + 0.25 * bell(20.5, 2.5)
    return np.asarray(np.where(clock.weekday < 5, working, weekend) / 0.90)


def _growth(humidity: Float64, kappa: float) -> Float64:
    """How much more an optical sensor sees in damp air: 1 + kappa a / (1 - a), with the water activity a = RH / 100.

    The hygroscopic growth of kappa-Koehler theory; a is held at 0.96 at most, beyond which sensors see fog.
    """
    activity = np.minimum(humidity / 100, 0.96)
    return np.asarray(1 + kappa * activity / (1 - activity))


def _sites(fleet: Fleet) -> Float64:
    """How much of the traffic each monitor sees, around 1; shape (monitors,)."""
    plan = _plan(fleet)
    return np.exp(0.40 * stream(fleet.seed, FAMILY, "sites").standard_normal(plan.count) - 0.08)


def _between(knots: Float64, hours: Float64) -> Float64:
    """Knots of a day, shape (knots, width), on straight lines at these hours: shape (instants, width)."""
    place = hours * ((len(knots) - 1) / 24)
    left = np.minimum(place.astype(np.int64), len(knots) - 2)
    part = (place - left)[:, None]
    return np.asarray(knots[left] * (1 - part) + knots[left + 1] * part)


def _plan(fleet: Fleet) -> AirPlan:
    if fleet.air is None:
        raise ValueError(f"fleet {fleet.name} has no air monitors")
    return fleet.air
