"""Parking bays: arrivals as an inhomogeneous Poisson process, stays, events and heartbeats.

A bay is a loss system: who finds it taken drives on. Bays are cut into nights at 03:00 UTC. Whether a bay is taken
overnight is drawn for each night by itself; so every day from night to night can be made alone. Arrivals within a day
come at the street's rate of the hour while the bay is free; the overnight car comes in the evening and leaves in the
morning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.device import Device
from simulators.clock import DAY_US, HOUR_US, SECOND_US, LocalClock, local_clock
from simulators.places import along_streets, quotas
from simulators.plans import MODELS, BayPlan, Fleet
from simulators.randomness import stream
from simulators.readings import cut, pack
from simulators.stream import Signals
from simulators.streets import STREETS, rates
from simulators.weather import temperature_at

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

FAMILY = "parking-bay"

#: Where a day of a bay begins [h after midnight, UTC].
_NIGHT = 3
_DAY_S = 86_400
#: Bays of one street.
_PER_STREET = 20
#: Nothing else happens so close before the night or before an overnight car comes [s].
_MARGIN = 300
#: What a battery loses in a day [%]: about five years' life.
_FADING = 0.05


@dataclass(frozen=True, slots=True)
class Bays:
    """What lasts about each bay, arrays of shape (bays,): ``kind`` indexes STREETS, ``demand`` multiplies its rate,
    ``phase`` [s] of the heartbeat, ``battery`` [%] at the fleet's start."""

    kind: Int64
    demand: Float64
    phase: Int64
    battery: Float64


class Stays(NamedTuple):
    """Stays of one day (night to night), sorted by (bay, arrival). Seconds since the day's beginning; an arrival below
    0 was there when the day began, a departure at or beyond 86,400 has not left when it ends."""

    bay: Int64
    arrival: Int64
    departure: Int64


def devices(fleet: Fleet) -> Sequence[Device]:
    """The bays as devices; ``permitted_minutes`` and ``active_hours`` where a restriction holds."""
    plan, bays = _plan(fleet), make_bays(fleet)
    places = along_streets(
        fleet.seed, FAMILY, plan.count, _PER_STREET, lon=fleet.lon, lat=fleet.lat, reach=fleet.reach, spacing=5.5
    )
    kinds = list(STREETS)
    model = MODELS.get(plan.format, "native")
    width = max(3, len(str(plan.count)))
    found = []
    for bay in range(plan.count):
        street = STREETS[kinds[bays.kind[bay]]]
        attributes = {
            "street": places.names[places.street[bay]],
            "street_type": kinds[bays.kind[bay]],
            "zone_code": f"Z{int(places.street[bay]) // 5 + 1:02d}",
        }
        if street.permitted:
            attributes |= {"permitted_minutes": str(street.permitted), "active_hours": street.active_hours}
        found.append(
            Device(
                f"70b3d5b0{bay + 1:08x}" if plan.format == "chirpstack" else f"bay-{bay + 1:0{width}d}",
                FAMILY,
                model,
                float(places.lon[bay]),
                float(places.lat[bay]),
                origin="simulated",
                attributes=attributes,
            )
        )
    return found


def make_bays(fleet: Fleet) -> Bays:
    """The bays of the fleet: whole streets of one kind; a function of plan and seed."""
    plan = _plan(fleet)
    rng = stream(fleet.seed, FAMILY, "bays")
    names = list(STREETS)
    numbers = quotas(plan.streets, plan.count)
    kinds = np.repeat([names.index(kind) for kind in numbers], list(numbers.values()))
    streets = -(-plan.count // _PER_STREET)
    order = np.argsort(rng.random(streets)[np.arange(plan.count) // _PER_STREET], kind="stable")
    # some streets are wanted more than others, by all their drivers
    popular = 0.4 * rng.standard_normal(streets)[np.arange(plan.count) // _PER_STREET]
    return Bays(
        kind=kinds[order],
        demand=plan.demand * np.exp(0.25 * rng.standard_normal(plan.count) + popular - 0.11),
        phase=rng.integers(0, plan.heartbeat, plan.count),
        battery=rng.uniform(70, 100, plan.count),
    )


def signals(fleet: Fleet, devices: Sequence[Device], start_us: int, end_us: int) -> Iterator[Signals]:
    """Events and heartbeats in [start, end), one piece a day."""
    bays = make_bays(fleet)
    shift = _NIGHT * HOUR_US
    for day in range((start_us - shift) // DAY_US, -(-(end_us - shift) // DAY_US)):
        piece = cut(_day(fleet, devices, bays, day), start_us, end_us)
        if len(piece.time):
            yield piece


def _day(fleet: Fleet, devices: Sequence[Device], bays: Bays, day: int) -> Signals:
    plan = _plan(fleet)
    stays = stays_of(fleet, bays, day)
    begin_s = day * _DAY_S + _NIGHT * 3_600
    comes, goes = stays.arrival >= 0, stays.departure < _DAY_S
    event_bay = np.concatenate((stays.bay[comes], stays.bay[goes]))
    event_s = np.concatenate((stays.arrival[comes], stays.departure[goes]))
    event_taken = np.concatenate((np.ones(comes.sum()), np.zeros(goes.sum())))

    beat_bay, beat_s = _heartbeats(plan, bays, begin_s)
    # a heartbeat in an event's very second would say two things about one instant
    lone = ~np.isin(beat_bay * _DAY_S + beat_s, event_bay * _DAY_S + event_s)
    beat_bay, beat_s = beat_bay[lone], beat_s[lone]
    beat_time = (begin_s + beat_s) * SECOND_US
    values = {
        "occupied": _taken(stays, beat_bay, beat_s).astype(np.float64),
        "battery": np.clip(np.rint(bays.battery[beat_bay] - _FADING * (beat_time - fleet.start_us) / DAY_US), 0, 100),
        "temperature": np.rint(temperature_at(fleet.climate, fleet.seed, beat_time) + 1.5),
    }
    carried = [name for name in plan.properties if name in values]
    columns = [plan.properties.index(name) for name in carried]
    events = "occupied" in plan.properties
    device = [event_bay] * events + [beat_bay] * len(carried)
    time = [(begin_s + event_s) * SECOND_US] * events + [beat_time] * len(carried)
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


def stays_of(fleet: Fleet, bays: Bays, day: int) -> Stays:
    """Who was parked where in the day that begins at 03:00 UTC of ``day`` (days since the epoch)."""
    plan = _plan(fleet)
    count = len(bays.kind)
    begin_us = day * DAY_US + _NIGHT * HOUR_US
    clock = local_clock(fleet.climate.zone, begin_us, 3_600, 24)
    before, after = _night(fleet, bays, day), _night(fleet, bays, day + 1)
    # a resident's car may stand for days
    remains = before.taken & after.taken & (before.stays < 0.25)
    leaves = np.where(before.taken, np.where(remains, 2 * _DAY_S, before.leaves), 0)
    comes = np.where(after.taken, np.where(remains, -1, after.comes), _DAY_S)
    bay, arrival, stay = _visits(fleet, plan, bays, day, clock)
    good = arrival < np.minimum(comes, _DAY_S)[bay] - _MARGIN
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
    return Stays(all_bay[order], all_in[order], all_out[order])


class _Night(NamedTuple):
    """One night, arrays of shape (bays,): taken or not; when the car came and when it leaves [s of its day]."""

    taken: Bool
    comes: Int64
    leaves: Int64
    stays: Float64


def _night(fleet: Fleet, bays: Bays, day: int) -> _Night:
    """The night in which ``day`` begins."""
    rng = stream(fleet.seed, FAMILY, "night", day)
    count = len(bays.kind)
    chance = np.array([street.night for street in STREETS.values()])[bays.kind]
    # evening: 16:30 to 23:30; morning: about 08:00, at the weekend later; both UTC, less the day's beginning
    comes = np.clip(rng.normal(19.4, 1.6, count), 16.5, 23.5) - _NIGHT
    weekend = (day + 3) % 7 >= 5
    leaves = np.clip(rng.normal(9.6 if weekend else 7.8, 1.3, count), 4.5, 13.0) - _NIGHT
    taken = rng.random(count) < chance
    seconds = np.rint(np.stack((comes, leaves)) * 3_600).astype(np.int64)
    return _Night(taken, seconds[0], seconds[1], rng.random(count))


def _visits(fleet: Fleet, plan: BayPlan, bays: Bays, day: int, clock: LocalClock) -> tuple[Int64, Int64, Int64]:
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
        if street.permitted:
            hour = np.minimum(arrival[mine] // 3_600, 23)
            begin, end = street.active
            watched = np.isin(clock.weekday[hour], street.active_days)
            watched &= (clock.hour[hour] >= begin - 0.5) & (clock.hour[hour] < end)
            shortened = watched & (wished > street.permitted) & (obeys[mine] >= plan.overstay)
            wished = np.where(shortened, street.permitted * (0.5 + 0.5 * part[mine]), wished)
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
    """Bay and second of the day of every heartbeat: each bay at its own phase of the period since the epoch."""
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
