"""Movement sensors: a household's day. People get up, go out, come home and go to bed; sensors see some of it.

A passive infrared sensor says true when somebody moves, and false when nobody has moved for its time-out. A door's
contact says false when it opens and true when it is closed again. A household's day runs from 03:00 to 03:00 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HOUR_US, SECOND_US, local_clock
from simulators.places import along_streets
from simulators.plans import MODELS, Fleet, MovementPlan
from simulators.randomness import stream
from simulators.readings import cut, pack
from simulators.stream import Signals
from simulators.weather import irradiance

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

FAMILY = "movement-sensor"

_DAY_S = 86_400
#: Hour [local] at which a simulated day begins: everybody is asleep.
_NIGHT = 3
#: Most outings of a day.
_OUTINGS = 3
#: Movements an hour of somebody who is up, and of somebody in bed, by room.
_UP: Mapping[str, float] = {"hall": 7.0, "kitchen": 9.0, "bedroom": 3.0, "living-room": 10.0, "bathroom": 4.0}
_IN_BED: Mapping[str, float] = {"hall": 0.25, "kitchen": 0.06, "bedroom": 0.8, "living-room": 0.02, "bathroom": 0.3}
#: Hours around which a room is used more, and how much more.
_MEALS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "kitchen": ((8.0, 2.5), (12.8, 2.0), (18.3, 3.0)),
    "bedroom": ((7.5, 2.0), (22.5, 3.0)),
    "bathroom": ((7.5, 3.0), (22.3, 3.0)),
    "living-room": ((20.0, 2.0),),
}


class Household(NamedTuple):
    """One day of every home, [h] since 03:00 UTC: up from ``wakes`` to ``sleeps``, away from ``leaves`` to ``returns``.

    ``wakes`` and ``sleeps`` have shape (homes,), ``leaves`` and ``returns`` (homes, outings), NaN where there is none.
    """

    wakes: Float64
    sleeps: Float64
    leaves: Float64
    returns: Float64


def devices(fleet: Fleet) -> Sequence[Device]:
    """The sensors as devices: home by home, one for each room; attributes ``home`` and ``room``."""
    plan = _plan(fleet)
    places = along_streets(
        fleet.seed, FAMILY, plan.count, 4, lon=fleet.lon, lat=fleet.lat, reach=fleet.reach, spacing=30
    )
    model = MODELS.get(plan.format, "native")
    width = max(2, len(str(plan.count)))
    return [
        Device(
            f"home-{home + 1:0{width}d}-{room}",
            FAMILY,
            model,
            float(places.lon[home]),
            float(places.lat[home]),
            origin="simulated",
            personal=True,
            attributes={"home": f"home-{home + 1:0{width}d}", "room": room},
        )
        for home in range(plan.count)
        for room in plan.rooms
    ]


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Events in [start, end), one piece a day."""
    shift = _NIGHT * HOUR_US
    for day in range((start_us - shift) // DAY_US, -(-(end_us - shift) // DAY_US)):
        piece = cut(_day(fleet, devices, day), start_us, end_us)
        if len(piece.time):
            yield piece


def household(fleet: Fleet, day: int) -> Household:
    """The households' day that begins at 03:00 UTC of ``day`` (days since the epoch)."""
    plan = _plan(fleet)
    lasting = stream(fleet.seed, FAMILY, "habits")
    rng = stream(fleet.seed, FAMILY, "household", day)
    clock = local_clock(fleet.climate.zone, day * DAY_US + _NIGHT * HOUR_US, 3_600, 1)
    begin = float(clock.hour[0])  # 3 in winter, 4 in summer: people live by the clock on the wall
    weekend = clock.weekday[0] >= 5
    count = plan.count
    usual_wake, usual_sleep = lasting.normal(7.0, 0.8, count), lasting.normal(22.7, 0.7, count)
    outgoing = lasting.gamma(4.0, 0.35, count)
    wakes = np.clip(usual_wake + rng.normal(0.6 if weekend else 0.0, 0.4, count), begin + 1, 11.5) - begin
    sleeps = np.clip(usual_sleep + rng.normal(0.2, 0.5, count), 19.5, 25.5) - begin
    number = np.minimum(rng.poisson(outgoing), _OUTINGS)
    # outings share the day out: each begins in its own third, and ends before the next
    third = (sleeps - wakes - 1.5) / _OUTINGS
    slot = np.arange(_OUTINGS)
    leaves = wakes[:, None] + 1 + third[:, None] * (slot + 0.5 * rng.random((count, _OUTINGS)))
    length = np.minimum(0.25 + rng.exponential(1.6, (count, _OUTINGS)), 0.48 * third[:, None])
    goes = np.argsort(rng.random((count, _OUTINGS)), axis=1) < number[:, None]
    leaves = np.where(goes, leaves, np.nan)
    return Household(wakes, sleeps, leaves, leaves + length)


def _day(fleet: Fleet, devices: Sequence[Device], day: int) -> Signals:
    plan = _plan(fleet)
    people = household(fleet, day)
    begin_s = day * _DAY_S + _NIGHT * 3_600
    columns = list[tuple[str, Int64, Int64, Float64]]()
    sensor, first, last = _seen(fleet, plan, people, day)
    if len(sensor):
        columns.append(("motion", sensor, first, np.ones(len(sensor))))
        columns.append(("motion", sensor, last + plan.timeout, np.zeros(len(sensor))))
        columns.append(("illuminance", sensor, first, _light(fleet, day, sensor, first)))
        columns.append(("battery", sensor, first, _battery(fleet, plan, day, sensor)))
    if "door" in plan.rooms:
        sensor, opened, closed = _door(fleet, plan, people, day)
        columns.append(("contact", sensor, opened, np.zeros(len(sensor))))
        columns.append(("contact", sensor, closed, np.ones(len(sensor))))
        columns.append(("battery", sensor, opened, _battery(fleet, plan, day, sensor)))
    columns = [column for column in columns if column[0] in plan.properties]
    none = np.empty(0, np.int64)
    return pack(
        FAMILY,
        devices,
        plan.properties,
        np.concatenate([none, *(sensor for _, sensor, _, _ in columns)]),
        np.concatenate([none, *(np.full(len(sensor), plan.properties.index(name)) for name, sensor, _, _ in columns)]),
        (begin_s + np.concatenate([none, *(second for _, _, second, _ in columns)])) * SECOND_US,
        np.concatenate([np.empty(0), *(value for _, _, _, value in columns)]),
    )


def _seen(fleet: Fleet, plan: MovementPlan, people: Household, day: int) -> tuple[Int64, Int64, Int64]:
    """Spells of movement: sensor, first and last movement [s of the day]. Movements closer than the time-out join."""
    rng = stream(fleet.seed, FAMILY, "movements", day)
    clock = local_clock(fleet.climate.zone, day * DAY_US + _NIGHT * HOUR_US, 900, 96)
    rooms = [(place, room) for place, room in enumerate(plan.rooms) if room != "door"]
    sensors, seconds = [], []
    for place, room in rooms:
        rate = np.full(96, _UP[room])
        for hour, more in _MEALS.get(room, ()):
            rate += _UP[room] * more * _bell(clock.hour, hour)
        top = float(np.max(rate))
        number = rng.poisson(top * 24, plan.count)
        home = np.repeat(np.arange(plan.count), number)
        second = rng.integers(0, _DAY_S - plan.timeout - 5, len(home))
        # thinning: of candidates at the highest rate, the share of the moment's rate is kept
        moment = second / 3_600
        up = (moment >= people.wakes[home]) & (moment < people.sleeps[home])
        out = ((moment[:, None] >= people.leaves[home]) & (moment[:, None] < people.returns[home])).any(axis=1)
        now = np.where(up, np.where(out, 0.0, rate[second // 900]), _IN_BED[room])
        kept = rng.random(len(home)) * top < now
        sensors.append(home[kept] * len(plan.rooms) + place)
        seconds.append(second[kept])
    if not rooms:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    sensor, second = np.concatenate(sensors), np.concatenate(seconds)
    order = np.lexsort((second, sensor))
    sensor, second = sensor[order], second[order]
    begins = np.ones(len(sensor), np.bool_)
    begins[1:] = (sensor[1:] != sensor[:-1]) | (second[1:] - second[:-1] > plan.timeout)
    ends = np.append(begins[1:], True)[: len(begins)]
    return sensor[begins], second[begins], second[ends]


def _door(fleet: Fleet, plan: MovementPlan, people: Household, day: int) -> tuple[Int64, Int64, Int64]:
    """The front door: sensor, opened, closed [s of the day], each time that somebody goes or comes."""
    rng = stream(fleet.seed, FAMILY, "door", day)
    hours = np.concatenate((people.leaves, people.returns), axis=1)
    held = rng.integers(4, 25, hours.shape)
    home, which = np.nonzero(np.isfinite(hours))
    opened = (hours[home, which] * 3_600).astype(np.int64)
    # several events may fall together: the door that is open is not opened again
    order = np.lexsort((opened, home))
    home, opened, held = home[order], opened[order], held[home, which][order]
    alone = np.ones(len(home), np.bool_)
    alone[1:] = (home[1:] != home[:-1]) | (opened[1:] - opened[:-1] > 30)
    sensor = home[alone] * len(plan.rooms) + plan.rooms.index("door")
    return sensor, opened[alone], (opened + held)[alone]


def _light(fleet: Fleet, day: int, sensor: Int64, second: Int64) -> Float64:
    """Illuminance [lx] in a room: a hundredth of the daylight, or a lamp."""
    rng = stream(fleet.seed, FAMILY, "light", day)
    hours = _NIGHT + second / 3_600
    # 120 lx outdoors for each W/m2, of which a hundredth reaches the sensor
    daylight = 1.2 * np.where(
        hours < 24,
        irradiance(fleet.climate, fleet.seed, day, np.minimum(hours, 24.0)),
        irradiance(fleet.climate, fleet.seed, day + 1, np.maximum(hours - 24, 0.0)),
    )
    lamp = 60.0 * np.exp(0.4 * rng.standard_normal(len(sensor)))
    return np.rint(np.maximum(daylight, lamp * (daylight < 80)))


def _battery(fleet: Fleet, plan: MovementPlan, day: int, sensor: Int64) -> Float64:
    """Charge [%] on this day: two years from full to empty, each sensor at its own place of that way."""
    full = stream(fleet.seed, FAMILY, "batteries").uniform(60, 100, plan.count * len(plan.rooms))
    used = (day - fleet.start_us // DAY_US) * (100 / 730)
    return np.clip(np.rint(full[sensor] - used), 0, 100)


def _bell(hour: Float64, middle: float) -> Float64:
    away = np.abs(hour - middle)
    return np.asarray(np.exp(-0.5 * (np.minimum(away, 24 - away) / 0.8) ** 2))


def _plan(fleet: Fleet) -> MovementPlan:
    if fleet.movement is None:
        raise ValueError(f"fleet {fleet.name} has no movement sensors")
    return fleet.movement
