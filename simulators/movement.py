"""Movement sensors: a household's day. People get up, go out, come home and go to bed; sensors see some of it.

A passive infrared sensor says true when somebody moves, and false when nobody has moved for its time-out. A door's
contact says false when it opens and true when it is closed again. A household's day runs from 03:00 to 03:00 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.household import FAMILY, NIGHT, begin_of, plan_of
from simulators.movement_life import Life, people_of
from simulators.movement_seen import seen
from simulators.places import along_streets
from simulators.plans import MODELS, Fleet, MovementPlan
from simulators.randomness import stream
from simulators.readings import cut, pack
from simulators.stream import Signals
from simulators.weather import irradiance, temperature_at

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_DAY_S = 86_400


def devices(fleet: Fleet) -> Sequence[Device]:
    """The sensors as devices: home by home, one for each room; attributes ``home`` and ``room``."""
    plan = plan_of(fleet)
    places = along_streets(
        fleet.seed, FAMILY, plan.count, 4, lon=fleet.lon, lat=fleet.lat, reach=fleet.reach, spacing=30
    )
    model = MODELS.get(plan.format, "native")
    return [
        Device(
            f"{name_of(plan, home)}-{room}",
            FAMILY,
            model,
            float(places.lon[home]),
            float(places.lat[home]),
            origin="simulated",
            personal=True,
            attributes=_attributes(plan, home, room),
        )
        for home in range(plan.count)
        for room in plan.rooms
    ]


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Events in [start, end), one piece a day."""
    shift = NIGHT * HOUR_US
    life = Life(fleet)
    for day in range((start_us - shift) // DAY_US, -(-(end_us - shift) // DAY_US)):
        piece = cut(_day(fleet, devices, life, day), start_us, end_us)
        if len(piece.time):
            yield piece


def name_of(plan: MovementPlan, home: int) -> str:
    """What the attribute ``home`` says of a home, which is its place from 0."""
    return f"home-{home + 1:0{max(2, len(str(plan.count)))}d}"


def _attributes(plan: MovementPlan, home: int, room: str) -> dict[str, str]:
    found = {"home": name_of(plan, home), "room": room}
    if plan.heartbeat:
        found["heartbeat"] = f"PT{plan.heartbeat}S"
    if plan.gateways:
        found["gateway"] = f"gateway-{home * min(plan.gateways, plan.count) // plan.count + 1:03d}"
    return found


def _day(fleet: Fleet, devices: Sequence[Device], life: Life, day: int) -> Signals:
    plan = plan_of(fleet)
    begin_s = day * _DAY_S + NIGHT * 3_600
    columns = list[tuple[str, Int64, Int64, Float64]]()
    sensor, first, last = seen(fleet, life, day)
    if len(sensor):
        columns.append(("motion", sensor, first, np.ones(len(sensor))))
        columns.append(("motion", sensor, last + plan.timeout, np.zeros(len(sensor))))
        columns.append(("illuminance", sensor, first, _light(fleet, day, sensor, first)))
        columns.append(("battery", sensor, first, _battery(fleet, plan, day, sensor)))
        if not plan.heartbeat:
            columns.append(("temperature", sensor, first, _indoor(fleet, plan, day, sensor, first)))
    if "door" in plan.rooms:
        sensor, opened, closed = _door(fleet, plan, life, day)
        columns.append(("contact", sensor, opened, np.zeros(len(sensor))))
        columns.append(("contact", sensor, closed, np.ones(len(sensor))))
        columns.append(("battery", sensor, opened, _battery(fleet, plan, day, sensor)))
    columns = [column for column in columns if column[0] in plan.properties]
    none = np.empty(0, np.int64)
    device = np.concatenate([none, *(sensor for _, sensor, _, _ in columns)])
    prop = np.concatenate([none, *(np.full(len(one), plan.properties.index(name)) for name, one, _, _ in columns)])
    time = (begin_s + np.concatenate([none, *(second for _, _, second, _ in columns)])) * SECOND_US
    value = np.concatenate([np.empty(0), *(value for _, _, _, value in columns)])
    if plan.heartbeat:
        more = _beats(fleet, plan, day)
        device, prop, time, value = (
            np.concatenate(pair) for pair in zip((device, prop, time, value), more, strict=True)
        )
    return pack(FAMILY, devices, plan.properties, device, prop, time, value)


def _beats(fleet: Fleet, plan: MovementPlan, day: int) -> tuple[Int64, Int64, Int64, Float64]:
    """What sensors say to say that they live: sensor, property, time [us], value. Half a second after the full one:
    never together with an event."""
    period = plan.heartbeat
    phase = stream(fleet.seed, FAMILY, "heartbeats").integers(0, period, plan.count * len(plan.rooms))
    begin_s = day * _DAY_S + NIGHT * 3_600
    turns = np.arange(begin_s // period - 1, (begin_s + _DAY_S) // period + 1)
    second = (turns[None] * period + phase[:, None]).reshape(-1) - begin_s
    sensor = np.repeat(np.arange(len(phase)), len(turns))
    good = (second >= 0) & (second < _DAY_S)
    sensor, second = sensor[good], second[good]
    parts = {"battery": (sensor, second, _battery(fleet, plan, day, sensor))}
    room = sensor % len(plan.rooms)
    warm = room != plan.rooms.index("door") if "door" in plan.rooms else room >= 0
    parts["temperature"] = (
        sensor[warm], second[warm], _indoor(fleet, plan, day, sensor[warm], second[warm])
    )  # fmt: skip
    said = [(plan.properties.index(name), *part) for name, part in parts.items() if name in plan.properties]
    none = np.empty(0, np.int64)
    return (
        np.concatenate([none, *(part[1] for part in said)]),
        np.concatenate([none, *(np.full(len(part[1]), part[0]) for part in said)]),
        np.concatenate([none, *((begin_s + part[2]) * SECOND_US + SECOND_US // 2 for part in said)]),
        np.concatenate([np.empty(0), *(part[3] for part in said)]),
    )


def _door(fleet: Fleet, plan: MovementPlan, life: Life, day: int) -> tuple[Int64, Int64, Int64]:
    """The front door: sensor, opened, closed [s of the day], each time that somebody goes or comes."""
    rng = stream(fleet.seed, FAMILY, "door", day)
    people = life.lived(day, 0)
    hours = np.concatenate((people.leaves, people.returns), axis=1)
    held = rng.integers(4, 25, hours.shape)
    home, which = np.nonzero(np.isfinite(hours))
    opened = (hours[home, which] * 3_600).astype(np.int64)
    held = held[home, which]
    if not life.ordinary:
        more, at = _others(fleet, life, day)
        home, opened = np.concatenate((home, more)), np.concatenate((opened, at))
        held = np.concatenate((held, stream(fleet.seed, FAMILY, "door-others", day).integers(4, 25, len(more))))
    # several events may fall together: the door that is open is not opened again
    order = np.lexsort((opened, home))
    home, opened, held = home[order], opened[order], held[order]
    alone = np.ones(len(home), np.bool_)
    alone[1:] = (home[1:] != home[:-1]) | (opened[1:] - opened[:-1] > 30)
    sensor = home[alone] * len(plan.rooms) + plan.rooms.index("door")
    return sensor, opened[alone], (opened + held)[alone]


def _others(fleet: Fleet, life: Life, day: int) -> tuple[Int64, Int64]:
    """Home and second of the day at which a door is opened beside the first person's outings: by the second one, by
    visitors, by who finds somebody, and by all who leave for days or come back."""
    begin, until = begin_of(day), begin_of(day + 1)
    two = life.lived(day, 1)
    hours = np.concatenate((two.leaves, two.returns), axis=1)
    home, which = np.nonzero(np.isfinite(hours) & (people_of(fleet) == 2)[:, None])
    homes, moments = [home], [begin + (hours[home, which] * HOUR_US).astype(np.int64)]
    days = (life.visits(day - 1), life.visits(day), life.helpers(begin, until), life.gone(begin, until))
    for spans in days:
        homes += [spans.home, spans.home]
        moments += [spans.start, spans.end]
    home, moment = np.concatenate(homes), np.concatenate(moments)
    good = (moment >= begin) & (moment < until - 30 * SECOND_US)
    return home[good], (moment[good] - begin) // SECOND_US


def _indoor(fleet: Fleet, plan: MovementPlan, day: int, sensor: Int64, second: Int64) -> Float64:
    """Temperature of rooms [Cel]: each home's own, lower at night and in the cold, each sensor a little off."""
    if "temperature" not in plan.properties:
        return np.empty(len(sensor))
    lasting = stream(fleet.seed, FAMILY, "warmth")
    count = plan.count
    warm, low = lasting.normal(20.0, 0.7, count), lasting.normal(15.0, 0.7, count)
    usual = np.where(lasting.random(count) < plan.cold, low, warm)
    off = lasting.normal(0.0, 0.4, count * len(plan.rooms))
    home = sensor // len(plan.rooms)
    time = (day * _DAY_S + NIGHT * 3_600 + second) * SECOND_US
    outside = temperature_at(fleet.climate, fleet.seed, time)
    hour = (NIGHT + second / 3_600) % 24
    night = np.where((hour < 6) | (hour >= 23), -1.5, 0.0)
    noise = stream(fleet.seed, FAMILY, "indoor", day).normal(0.0, 0.15, len(sensor))
    # a home that is heated holds its warmth, one that is not follows the weather
    follows = np.where(usual[home] < 17.5, 0.35, 0.08) * (outside - 8.0)
    return np.clip(np.round(usual[home] + night + off[sensor] + follows + noise, 1), -20, 45)


def _light(fleet: Fleet, day: int, sensor: Int64, second: Int64) -> Float64:
    """Illuminance [lx] in a room: a hundredth of the daylight, or a lamp."""
    rng = stream(fleet.seed, FAMILY, "light", day)
    hours = NIGHT + second / 3_600
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
