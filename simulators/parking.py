"""Parking bays: arrivals as an inhomogeneous Poisson process, stays, events and heartbeats.

A bay is a loss system: who finds it taken drives on. Bays are cut into nights at 03:00 UTC. Whether a bay is taken
overnight is drawn for each night by itself; so every day from night to night can be made alone. Arrivals within a day
come at the street's rate of the hour while the bay is free; the overnight car comes in the evening and leaves in the
morning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HOUR_US, SECOND_US, LocalClock, local_clock
from simulators.kerbside import FAMILY, NEVER, PER_STREET, Kerbside, Visit, make_kerbside
from simulators.places import Placed, along_streets, quotas
from simulators.plans import MODELS, BayPlan, Fleet
from simulators.randomness import stream
from simulators.readings import cut, pack
from simulators.stream import Signals
from simulators.streets import STREETS, rates
from simulators.weather import temperature_at

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

#: Where a day of a bay begins [h after midnight, UTC].
NIGHT = 3
_DAY_S = 86_400
#: Nothing else happens so close before the night or before an overnight car comes [s].
_MARGIN = 300
#: What a battery loses in a day [%]: about five years' life.
_FADING = 0.05


@dataclass(frozen=True, slots=True)
class Bays:
    """What lasts about each bay, arrays of shape (bays,): ``kind`` indexes STREETS, ``demand`` multiplies its rate.

    Of each sensor, the replacing ones after the bays' first: ``phase`` [s] of the heartbeat, ``battery`` [%] at its
    installation. ``kerbside`` None is that of a fleet which asks for nothing.
    """

    kind: Int64
    demand: Float64
    phase: Int64
    battery: Float64
    kerbside: Kerbside | None = None


class Stays(NamedTuple):
    """Stays of one day (night to night), sorted by (bay, arrival). Seconds since the day's beginning; an arrival below
    0 was there when the day began, a departure at or beyond 86,400 has not left when it ends."""

    bay: Int64
    arrival: Int64
    departure: Int64


def devices(fleet: Fleet) -> Sequence[Device]:
    """The bays' sensors as devices, those that replace others last; ``permitted_minutes`` and ``active_hours`` where a
    restriction holds."""
    plan, bays, places = _plan(fleet), make_bays(fleet), places_of(fleet)
    kerbside = bays.kerbside
    assert kerbside is not None
    kinds = list(STREETS)
    model = MODELS.get(plan.format, "native")
    width = max(3, len(str(plan.count + len(kerbside.swaps))))
    found = []
    for number, bay in enumerate((*range(plan.count), *(swap.bay for swap in kerbside.swaps)), 1):
        street = STREETS[kinds[bays.kind[bay]]]
        attributes = {
            "street": places.names[places.street[bay]],
            "street_type": kinds[bays.kind[bay]],
            "zone_code": f"Z{int(kerbside.zone[bay]) + 1:02d}",
            "heartbeat": f"PT{plan.heartbeat}S",
        }
        if kerbside.gateway[bay] >= 0:
            attributes["gateway"] = f"gateway-{int(kerbside.gateway[bay]) + 1:02d}"
        if kerbside.permitted[bay]:
            hours = replace(street, active=_hours(kerbside, bay), active_days=_days(kerbside, bay), permitted=1)
            attributes |= {"permitted_minutes": str(kerbside.permitted[bay]), "active_hours": hours.active_hours}
        found.append(
            Device(
                f"70b3d5b0{number:08x}" if plan.format == "chirpstack" else f"bay-{number:0{width}d}",
                FAMILY,
                model,
                float(places.lon[bay]),
                float(places.lat[bay]),
                origin="simulated",
                personal=bool(kerbside.personal[bay]),
                attributes=attributes,
            )
        )
    return found


def places_of(fleet: Fleet) -> Placed:
    """Where the bays are."""
    return along_streets(
        fleet.seed,
        FAMILY,
        _plan(fleet).count,
        PER_STREET,
        lon=fleet.lon,
        lat=fleet.lat,
        reach=fleet.reach,
        spacing=5.5,
    )


def _hours(kerbside: Kerbside, bay: int) -> tuple[float, float]:
    return float(kerbside.begin[bay]), float(kerbside.end[bay])


def _days(kerbside: Kerbside, bay: int) -> tuple[int, ...]:
    return tuple(np.flatnonzero(kerbside.days[bay]).tolist())


def make_bays(fleet: Fleet) -> Bays:
    """The bays of the fleet: whole streets of one kind; a function of plan and seed."""
    plan = _plan(fleet)
    rng = stream(fleet.seed, FAMILY, "bays")
    names = list(STREETS)
    numbers = quotas(plan.streets, plan.count)
    kinds = np.repeat([names.index(kind) for kind in numbers], list(numbers.values()))
    streets = -(-plan.count // PER_STREET)
    order = np.argsort(rng.random(streets)[np.arange(plan.count) // PER_STREET], kind="stable")
    # some streets are wanted more than others, by all their drivers
    popular = 0.4 * rng.standard_normal(streets)[np.arange(plan.count) // PER_STREET]
    demand = plan.demand * np.exp(0.25 * rng.standard_normal(plan.count) + popular - 0.11)
    phase, battery = rng.integers(0, plan.heartbeat, plan.count), rng.uniform(70, 100, plan.count)
    kerbside = _kerbside(fleet, kinds[order])
    more = stream(fleet.seed, FAMILY, "sensors that replace")
    return Bays(
        kind=kinds[order],
        demand=demand,
        phase=np.concatenate((phase, more.integers(0, plan.heartbeat, len(kerbside.swaps)))),
        battery=np.concatenate((battery, np.full(len(kerbside.swaps), 100.0))),
        kerbside=kerbside,
    )


def _kerbside(fleet: Fleet, kind: Int64) -> Kerbside:
    places = places_of(fleet)
    east = (places.lon - fleet.lon) * np.cos(np.radians(fleet.lat))
    return make_kerbside(fleet, kind, np.arctan2(places.lat - fleet.lat, east))


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Events and heartbeats in [start, end), one piece a day."""
    bays = make_bays(fleet)
    shift = NIGHT * HOUR_US
    for day in range((start_us - shift) // DAY_US, -(-(end_us - shift) // DAY_US)):
        piece = cut(_day(fleet, devices, bays, day), start_us, end_us)
        if len(piece.time):
            yield piece


def _day(fleet: Fleet, devices: Sequence[Device], bays: Bays, day: int) -> Signals:
    plan = _plan(fleet)
    stays = stays_of(fleet, bays, day)
    begin_s = day * _DAY_S + NIGHT * 3_600
    comes, goes = stays.arrival >= 0, stays.departure < _DAY_S
    event_bay = np.concatenate((stays.bay[comes], stays.bay[goes]))
    event_s = np.concatenate((stays.arrival[comes], stays.departure[goes]))
    event_taken = np.concatenate((np.ones(comes.sum()), np.zeros(goes.sum())))

    sensors = _Sensors(fleet, bays)
    beat_sensor, beat_s = _heartbeats(plan, bays, begin_s)
    beat_bay = sensors.bay[beat_sensor]
    # a heartbeat in an event's very second would say two things about one instant
    lone = ~np.isin(beat_bay * _DAY_S + beat_s, event_bay * _DAY_S + event_s)
    lone &= sensors.lies(beat_sensor, (begin_s + beat_s) * SECOND_US)
    beat_sensor, beat_bay, beat_s = beat_sensor[lone], beat_bay[lone], beat_s[lone]
    beat_time = (begin_s + beat_s) * SECOND_US
    age = beat_time - sensors.start[beat_sensor]
    values = {
        "occupied": _taken(stays, beat_bay, beat_s).astype(np.float64),
        "battery": np.clip(np.rint(bays.battery[beat_sensor] - _FADING * age / DAY_US), 0, 100),
        "temperature": np.rint(temperature_at(fleet.climate, fleet.seed, beat_time) + 1.5),
    }
    carried = [name for name in plan.properties if name in values]
    columns = [plan.properties.index(name) for name in carried]
    events = "occupied" in plan.properties
    event_time = (begin_s + event_s) * SECOND_US
    device = [sensors.at(event_bay, event_time)] * events + [beat_sensor] * len(carried)
    time = [event_time] * events + [beat_time] * len(carried)
    value = [event_taken] * events + [values[name] for name in carried]
    prop = [np.full(len(event_bay), plan.properties.index("occupied"))] if events else []
    prop += [np.full(len(beat_bay), column) for column in columns]
    return pack(
        FAMILY,
        devices,
        plan.properties,
        np.concatenate(device),
        np.concatenate(prop),
        np.concatenate(time),
        np.concatenate(value),
    )


class _Sensors:
    """Which sensor lies where when: ``bay``, ``start`` and ``end`` [us] of each, shapes (sensors,)."""

    def __init__(self, fleet: Fleet, bays: Bays) -> None:
        count = len(bays.kind)
        swaps = bays.kerbside.swaps if bays.kerbside is not None else ()
        self.bay = np.concatenate((np.arange(count), np.array([swap.bay for swap in swaps], np.int64)))
        self.start, self.end = np.full(len(self.bay), fleet.start_us), np.full(len(self.bay), NEVER)
        self._next = np.arange(count)
        for swap in swaps:
            self.start[swap.device] = self.end[swap.bay] = swap.at
            self._next[swap.bay] = swap.device

    def lies(self, sensor: Int64, time: Int64) -> Bool:
        """Whether it lies in its bay at an instant."""
        first = sensor < len(self._next)
        return (first | (time >= self.start[sensor])) & (time < self.end[sensor])

    def at(self, bay: Int64, time: Int64) -> Int64:
        """The sensor of a bay at an instant."""
        return np.where(time < self.end[bay], bay, self._next[bay])


def stays_of(fleet: Fleet, bays: Bays, day: int) -> Stays:
    """Who was parked where in the day that begins at 03:00 UTC of ``day`` (days since the epoch)."""
    plan = _plan(fleet)
    count = len(bays.kind)
    kerbside = bays.kerbside or _kerbside(fleet, bays.kind)
    begin_us = day * DAY_US + NIGHT * HOUR_US
    clock = local_clock(fleet.climate.zone, begin_us, 3_600, 24)
    before, after = _night(fleet, bays, kerbside, day), _night(fleet, bays, kerbside, day + 1)
    # a resident's car may stand for days
    remains = before.taken & after.taken & (before.stays < 0.25)
    leaves = np.where(before.taken, np.where(remains, 2 * _DAY_S, before.leaves), 0)
    comes = np.where(after.taken, np.where(remains, -1, after.comes), _DAY_S)
    bay, arrival, stay = _visits(fleet, plan, bays, kerbside, day, clock)
    good = arrival < np.minimum(comes, _DAY_S)[bay] - _MARGIN
    if kerbside.suspensions:  # cones stand there
        good &= ~kerbside.suspended(bay, begin_us + arrival * SECOND_US)
    kept_bay, kept_in, kept_out = _admit(bay[good], arrival[good], stay[good], leaves)
    # everybody is gone before the overnight car comes, or before the night of a bay that stays free
    kept_out = np.minimum(kept_out, comes[kept_bay] - 60)
    first = np.flatnonzero(before.taken)
    last = np.flatnonzero(after.taken & ~remains)
    all_bay = np.concatenate((first, kept_bay, last))
    all_in = np.concatenate((np.full(len(first), -1), kept_in, comes[last]))
    all_out = np.concatenate((leaves[first], kept_out, np.full(len(last), 2 * _DAY_S)))
    order = np.lexsort((all_in, all_bay))
    assert count == 0 or int(all_bay.max(initial=0)) < count
    stays = Stays(all_bay[order], all_in[order], all_out[order])
    for car in kerbside.cars:
        stays = _with_car(stays, car, begin_us)
    return stays


def _with_car(stays: Stays, car: Visit, begin_us: int) -> Stays:
    """The stays of a day with one more car, for which the bay's others make room."""
    comes, goes = (car.arrival - begin_us) // SECOND_US, (car.departure - begin_us) // SECOND_US
    if goes < 0 or comes >= _DAY_S:
        return stays
    pieces = [(max(comes, -1), goes if goes < _DAY_S else 2 * _DAY_S)]
    mine = stays.bay == car.bay
    for arrival, departure in zip(stays.arrival[mine].tolist(), stays.departure[mine].tolist(), strict=True):
        if arrival < comes - 120:
            pieces.append((arrival, min(departure, comes - 60)))
        if departure > goes + 120 and goes + 60 < _DAY_S:
            pieces.append((max(arrival, goes + 60), departure))
    bay = np.concatenate((stays.bay[~mine], np.full(len(pieces), car.bay)))
    arrival, departure = (
        np.concatenate((column[~mine], np.array(own, np.int64)))
        for column, own in zip((stays.arrival, stays.departure), zip(*pieces, strict=True), strict=True)
    )
    order = np.lexsort((arrival, bay))
    return Stays(bay[order], arrival[order], departure[order])


class _Night(NamedTuple):
    """One night, arrays of shape (bays,): taken or not; when the car came and when it leaves [s of its day]."""

    taken: Bool
    comes: Int64
    leaves: Int64
    stays: Float64


def _night(fleet: Fleet, bays: Bays, kerbside: Kerbside, day: int) -> _Night:
    """The night in which ``day`` begins."""
    rng = stream(fleet.seed, FAMILY, "night", day)
    count = len(bays.kind)
    chance = np.array([street.night for street in STREETS.values()])[bays.kind]
    # hardly anybody leaves a car overnight where stays are limited at all hours
    chance[(kerbside.permitted > 0) & (kerbside.end - kerbside.begin >= 24)] *= 0.02
    # evening: 16:30 to 23:30; morning: about 08:00, at the weekend later; both UTC, less the day's beginning
    comes = np.clip(rng.normal(19.4, 1.6, count), 16.5, 23.5) - NIGHT
    weekend = (day + 3) % 7 >= 5
    leaves = np.clip(rng.normal(9.6 if weekend else 7.8, 1.3, count), 4.5, 13.0) - NIGHT
    taken = rng.random(count) < chance
    seconds = np.rint(np.stack((comes, leaves)) * 3_600).astype(np.int64)
    return _Night(taken, seconds[0], seconds[1], rng.random(count))


def _visits(
    fleet: Fleet, plan: BayPlan, bays: Bays, kerbside: Kerbside, day: int, clock: LocalClock
) -> tuple[Int64, Int64, Int64]:
    """Everybody who comes by: bay, arrival and wished stay [s], sorted by (bay, arrival)."""
    rng = stream(fleet.seed, FAMILY, "visits", day)
    count = len(bays.kind)
    hourly = np.stack([rates(kind)[clock.hour_of_week] for kind in STREETS])
    number = rng.poisson(hourly.sum(axis=1)[bays.kind] * bays.demand)
    bay = np.repeat(np.arange(count), number)
    chance = rng.random(len(bay))
    wish, obeys, part = rng.standard_normal(len(bay)), rng.random(len(bay)), rng.random(len(bay))
    arrival = np.empty(len(bay), np.int64)
    stay = np.empty(len(bay))
    for index, street in enumerate(STREETS.values()):
        mine = bays.kind[bay] == index
        # the inverse of the intensity's integral turns even chances into arrivals at the hour's rate
        integral = np.concatenate(([0.0], np.cumsum(hourly[index])))
        arrival[mine] = np.interp(chance[mine] * integral[-1], integral, np.arange(25) * 3_600.0).astype(np.int64)
        wished = street.stay * np.exp(street.spread * wish[mine])
        hour = np.minimum(arrival[mine] // 3_600, 23)
        own = bay[mine]
        permitted = kerbside.permitted[own]
        watched = kerbside.days[own, clock.weekday[hour]] & (permitted > 0)
        # who arrives a little before the active hours looks at the sign too
        watched &= (clock.hour[hour] >= kerbside.begin[own] - 0.5) & (clock.hour[hour] < kerbside.end[own])
        shortened = watched & (wished > permitted) & (obeys[mine] >= plan.overstay)
        wished = np.where(shortened, permitted * (0.5 + 0.5 * part[mine]), wished)
        stay[mine] = wished
    seconds = np.clip(np.rint(stay * 60), 60, 20 * 3_600).astype(np.int64)
    order = np.lexsort((arrival, bay))
    return bay[order], arrival[order], seconds[order]


def _admit(bay: Int64, arrival: Int64, stay: Int64, free_from: Int64) -> tuple[Int64, Int64, Int64]:
    """Who finds the bay free: bay, arrival, departure [s]. All bays take their next visitor at once."""
    if len(bay) == 0:
        return bay, arrival, stay
    number = np.bincount(bay, minlength=len(free_from))
    first = np.concatenate(([0], np.cumsum(number)[:-1]))
    free = free_from.copy()
    admitted = np.zeros(len(bay), np.bool_)
    for turn in range(int(number.max())):
        waiting = np.flatnonzero(number > turn)
        visit = first[waiting] + turn
        # a car needs half a minute to leave the bay to the next one
        enters = arrival[visit] >= free[waiting] + 30
        admitted[visit] = enters
        free[waiting] = np.where(enters, arrival[visit] + stay[visit], free[waiting])
    return bay[admitted], arrival[admitted], (arrival + stay)[admitted]


def _heartbeats(plan: BayPlan, bays: Bays, begin_s: int) -> tuple[Int64, Int64]:
    """Sensor and second of the day of every heartbeat: each at its own phase of the period since the epoch."""
    turns = np.arange(-(-_DAY_S // plan.heartbeat) + 1)
    first = (bays.phase - begin_s) % plan.heartbeat
    seconds = first[:, None] + turns * plan.heartbeat
    bay = np.broadcast_to(np.arange(len(bays.phase))[:, None], seconds.shape)
    inside = seconds < _DAY_S
    return bay[inside], seconds[inside]


def _taken(stays: Stays, bay: Int64, second: Int64) -> Bool:
    """Whether a bay is taken at a second of the day."""
    if len(stays.bay) == 0:
        return np.zeros(len(bay), np.bool_)
    span = 4 * _DAY_S
    last = np.searchsorted(stays.bay * span + stays.arrival + 1, bay * span + second + 1, side="right") - 1
    known = last >= 0
    last = np.maximum(last, 0)
    taken: Bool = known & (stays.bay[last] == bay) & (second < stays.departure[last])
    return taken


def _plan(fleet: Fleet) -> BayPlan:
    if fleet.bays is None:
        raise ValueError(f"fleet {fleet.name} has no parking bays")
    return fleet.bays
