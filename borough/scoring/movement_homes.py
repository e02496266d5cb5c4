"""Simulated homes as the service would see them, with what misleads it and the truth, for the score of movement."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.movement.arrays import DAY, DOOR, HOUR, MINUTE, ROOMS, Readings, Sensors, Spans
from simulators.clock import DAY_US
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from simulators.movement_truth import MovementTruth, truth_of
from simulators.plans import Fleet
from simulators.randomness import stream

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

#: A March with its change of the clock lies in the ninety days from here.
START: Final = date(2026, 1, 19)
#: Homes of a gateway, outages a gateway and month, and how long one lasts at least [h]; how long a sensor that falls
#: silent is so until it is replaced [days].
GATEWAY_HOMES: Final = 5
OUTAGES: Final = 1.0
OUTAGE_LEAST: Final = 0.5
SILENT_DAYS: Final = (2.0, 5.0)
#: Time between two messages of a sensor to which nothing happens [s].
HEARTBEAT: Final = 3_600

_FLEET: Final = """
name = "score"
start = {start}T00:00:00Z
days = {days}
[movement-sensor]
count = {count}
rooms = {rooms}
heartbeat = {heartbeat}
properties = ["motion", "contact", "battery"]
couples = 0.25
pets = {pets}
visitors = 2
holidays = 2
night_visits = 1.2
lie_ins = 0.05
emergencies = {rate}
found = 24
"""
_INSIDE: Final = '"hall", "kitchen", "bedroom", "living-room", "bathroom"'


class World(NamedTuple):
    """What misleads. ``pets``: the share of homes with one. ``doorless``: one home in so many has no contact at its
    door. ``outage``: how long a gateway's lasts at most [h]. ``silences``: falls into silence a sensor and year."""

    pets: float
    doorless: int
    outage: float
    silences: float


#: The world that the rule is held against by default, and the one that it was held against at first. It was made milder
#: while the rule's numbers were chosen.
MILD: Final = World(pets=0.1, doorless=10, outage=12.0, silences=0.5)
HARSH: Final = World(pets=0.2, doorless=5, outage=24.0, silences=1.0)


class Homes(NamedTuple):
    """Homes and what was heard of them. ``every``: readings as if there were no faults. ``beat_sensor``,
    ``beat``: minutes [us] of all readings of motion sensors. ``lost``: not wholly heard, ``outages``: not at all."""

    truth: MovementTruth
    sensors: Sensors
    readings: Readings
    every: Readings
    beat_sensor: Int64
    beat: Int64
    lost: Spans
    outages: Spans
    gateway: Int64
    start: int
    days: int


def simulate(
    seed: int, homes: int, days: int, rate: float, *, door: bool = True, start: date = START, world: World = MILD
) -> Homes:
    """Homes with everything that happens in them; ``rate``: emergencies a home and month."""
    rooms = f'[{_INSIDE}, "door"]' if door else f"[{_INSIDE}]"
    text = _FLEET.format(
        start=start.isoformat(),
        days=days,
        count=homes,
        rooms=rooms,
        heartbeat=HEARTBEAT,
        pets=world.pets,
        rate=rate,
    )
    fleet = parse(text, "score.toml", seed=seed)
    begin, end = fleet.start_us, fleet.start_us + days * DAY_US
    devices = devices_of(fleet)["movement-sensor"]
    sensors = Sensors(
        np.repeat(np.arange(homes), len(devices) // homes),
        np.array([_room(one.attributes["room"]) for one in devices]),
    )
    lost, outages, cut = _faults(seed, world, sensors, homes, begin, end)
    at_door = np.asarray(sensors.room) == DOOR
    every, kept, beat_sensor, beat = _read(fleet, begin, end, len(devices), cut, at_door)
    return Homes(
        truth_of(fleet, begin, end),
        sensors,
        kept,
        every,
        beat_sensor,
        beat,
        lost,
        outages,
        np.arange(homes) // GATEWAY_HOMES,
        begin,
        days,
    )


def _room(name: str) -> int:
    return DOOR if name == "door" else ROOMS.index(name)


def _faults(seed: int, world: World, sensors: Sensors, homes: int, start: int, end: int) -> tuple[Spans, Spans, Spans]:
    """When homes are not wholly heard, when their gateway is away, and when each sensor is not heard."""
    rng = stream(seed, "score", "outages")
    gateways = -(-homes // GATEWAY_HOMES)
    gateway = np.repeat(np.arange(gateways), rng.poisson(OUTAGES * (end - start) / DAY / (365.25 / 12), gateways))
    low = start + (rng.random(len(gateway)) * (end - start)).astype(np.int64)
    high = low + (rng.uniform(OUTAGE_LEAST, world.outage, len(gateway)) * HOUR).astype(np.int64)
    gateway_of = np.arange(homes) // GATEWAY_HOMES
    outage, home = np.nonzero(gateway[:, None] == gateway_of[None])
    outages = Spans(home, low[outage], high[outage])
    rng = stream(seed, "score", "silences")
    motion = np.flatnonzero(np.asarray(sensors.room) != DOOR)
    sensor = np.repeat(motion, rng.poisson(world.silences * (end - start) / DAY / 365.25, len(motion)))
    begin = start + (rng.random(len(sensor)) * (end - start)).astype(np.int64)
    until = begin + (rng.uniform(*SILENT_DAYS, len(sensor)) * DAY).astype(np.int64)
    of_home = np.asarray(sensors.home)
    lost = Spans(
        np.concatenate((outages.home, of_home[sensor])),
        np.concatenate((outages.start, begin)),
        np.concatenate((outages.end, until)),
    )
    outage, one = np.nonzero(outages.home[:, None] == of_home[None])
    cut = Spans(
        np.concatenate((one, sensor)),
        np.concatenate((outages.start[outage], begin)),
        np.concatenate((outages.end[outage], until)),
    )
    return lost, outages, cut


def _read(
    fleet: Fleet, start: int, end: int, sensors: int, cut: Spans, door: Bool
) -> tuple[Readings, Readings, Int64, Int64]:
    """All readings of motion and contact, those of them that were heard, and sensor and minute of all that was heard of
    motion sensors."""
    devices, times, beat_sensors, beats = (list[Int64]() for _ in range(4))
    values = list[NDArray[np.int8]]()
    for piece in generate(fleet, start, end):
        state = np.isin(piece.property, [piece.properties.index(name) for name in ("motion", "contact")])
        devices.append(piece.device[state].astype(np.int64))
        times.append(piece.time[state])
        values.append(piece.value[state].astype(np.int8))
        device = piece.device.astype(np.int64)
        heard = ~door[device] & ~_within(device, piece.time, cut)
        # a minute once is enough: sensors say thousands of things a day
        minutes = np.unique(device[heard] * (1 << 40) + piece.time[heard] // MINUTE)
        beat_sensors.append(minutes >> 40)
        beats.append((minutes & ((1 << 40) - 1)) * MINUTE)
    device, time, value = np.concatenate(devices), np.concatenate(times), np.concatenate(values)
    order = np.argsort(device, kind="stable")
    device, time, value = device[order], time[order], value[order]
    kept = ~_within(device, time, cut)
    return (
        _by_sensor(device, time, value, sensors),
        _by_sensor(device[kept], time[kept], value[kept], sensors),
        np.concatenate(beat_sensors),
        np.concatenate(beats),
    )


def _by_sensor(device: Int64, time: Int64, value: NDArray[np.int8], sensors: int) -> Readings:
    return Readings(np.searchsorted(device, np.arange(sensors + 1)), time, value)


def _within(which: Int64, time: Int64, spans: Spans) -> Bool:
    """Whether these instants are in one of the spans of theirs."""
    order = np.argsort(spans.home, kind="stable")
    first, last = (np.searchsorted(spans.home[order], which, side) for side in ("left", "right"))
    found = np.zeros(len(which), np.bool_)
    for turn in range(int((last - first).max(initial=0))):
        mine = np.flatnonzero(first + turn < last)
        span = order[first[mine] + turn]
        found[mine] |= (time[mine] >= spans.start[span]) & (time[mine] < spans.end[span])
    return found
