"""What motion sensors see of a day in homes: of their people, of visitors and of pets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.clock import SECOND_US, local_clock
from simulators.household import FAMILY, Household, begin_of, plan_of
from simulators.movement_life import Life, Spans, people_of, pets_of
from simulators.plans import Fleet
from simulators.randomness import stream

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
#: Home and second of the day of movements -> whether somebody is up there, and whether in bed.
Where = Callable[[Int64, Int64], tuple[Bool, Bool]]

_DAY_S: Final = 86_400
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
#: A visit to the bathroom at night: seconds after it begins, and the room.
_WAY: Final = ((0, "bedroom"), (20, "hall"), (40, "bathroom"), (200, "hall"), (240, "bedroom"))


def seen(fleet: Fleet, life: Life, day: int) -> tuple[Int64, Int64, Int64]:
    """Spells of movement: sensor, first and last movement [s of the day]. Movements closer than the time-out join."""
    plan = plan_of(fleet)
    rooms = {room: place for place, room in enumerate(plan.rooms) if room != "door"}
    if not rooms:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    one = life.lived(day, 0)
    begin, until = begin_of(day), begin_of(day + 1)
    still = [] if life.ordinary else [life.gone(begin, until), life.emergencies(begin, until)]
    found = [_movements(fleet, day, "movements", rooms, _person(one, begin, still))]
    if plan.couples:
        two = people_of(fleet) == 2
        second = _person(life.lived(day, 1), begin, still)
        found.append(_movements(fleet, day, "movements-2", rooms, second, two))
    if plan.visitors or plan.emergencies:
        visits = [life.visits(day - 1), life.visits(day), life.helpers(begin, until)]
        found.append(_movements(fleet, day, "movements-visitors", rooms, _visitor(begin, visits)))
    if plan.pets and plan.pet_movements:
        found.append(_pets(fleet, day, rooms, life.holidays(begin, until)))
    if plan.night_visits:
        found.append(_nights(fleet, day, rooms, one, begin, still))
    sensor, second_of = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((second_of, sensor))
    sensor, second_of = sensor[order], second_of[order]
    begins = np.ones(len(sensor), np.bool_)
    begins[1:] = (sensor[1:] != sensor[:-1]) | (second_of[1:] - second_of[:-1] > plan.timeout)
    ends = np.append(begins[1:], True)[: len(begins)]
    return sensor[begins], second_of[begins], second_of[ends]


def _movements(
    fleet: Fleet, day: int, purpose: str, rooms: Mapping[str, int], where: Where, homes: Bool | None = None
) -> tuple[Int64, Int64]:
    """Sensor and second of each movement that somebody makes who is where ``where`` says."""
    plan = plan_of(fleet)
    rng = stream(fleet.seed, FAMILY, purpose, day)
    clock = local_clock(fleet.climate.zone, begin_of(day), 900, 96)
    sensors, seconds = [], []
    for room, place in rooms.items():
        rate = np.full(96, _UP[room])
        for hour, more in _MEALS.get(room, ()):
            rate += _UP[room] * more * _bell(clock.hour, hour)
        top = float(np.max(rate))
        number = rng.poisson(top * 24, plan.count)
        if homes is not None:
            number[~homes] = 0
        home = np.repeat(np.arange(plan.count), number)
        second = rng.integers(0, _DAY_S - plan.timeout - 5, len(home))
        # thinning: of candidates at the highest rate, the share of the moment's rate is kept
        up, bed = where(home, second)
        now = np.where(up, rate[second // 900], np.where(bed, _IN_BED[room], 0.0))
        kept = rng.random(len(home)) * top < now
        sensors.append(home[kept] * len(plan.rooms) + place)
        seconds.append(second[kept])
    return np.concatenate(sensors), np.concatenate(seconds)


def _person(people: Household, begin: int, still: list[Spans]) -> Where:
    def where(home: Int64, second: Int64) -> tuple[Bool, Bool]:
        moment = second / 3_600
        up = (moment >= people.wakes[home]) & (moment < people.sleeps[home])
        out = ((moment[:, None] >= people.leaves[home]) & (moment[:, None] < people.returns[home])).any(axis=1)
        none = _within(home, second, begin, still)
        return up & ~out & ~none, ~up & ~none

    return where


def _visitor(begin: int, visits: list[Spans]) -> Where:
    def where(home: Int64, second: Int64) -> tuple[Bool, Bool]:
        there = _within(home, second, begin, visits)
        return there, np.zeros(len(there), np.bool_)

    return where


def _pets(fleet: Fleet, day: int, rooms: Mapping[str, int], holidays: Spans) -> tuple[Int64, Int64]:
    """A pet is about at any hour, in all rooms, and goes on holiday too."""
    plan = plan_of(fleet)
    rng = stream(fleet.seed, FAMILY, "movements-pets", day)
    home = np.repeat(np.arange(plan.count), rng.poisson(plan.pet_movements * 24, plan.count) * pets_of(fleet))
    second = rng.integers(0, _DAY_S - plan.timeout - 5, len(home))
    place = np.array(list(rooms.values()))[rng.integers(0, len(rooms), len(home))]
    there = ~_within(home, second, begin_of(day), [holidays])
    return (home * len(plan.rooms) + place)[there], second[there]


def _nights(
    fleet: Fleet, day: int, rooms: Mapping[str, int], people: Household, begin: int, still: list[Spans]
) -> tuple[Int64, Int64]:
    """Ways to the bathroom and back, before getting up and after going to bed; by home more or fewer."""
    plan = plan_of(fleet)
    usual = plan.night_visits * stream(fleet.seed, FAMILY, "night-visits").gamma(4.0, 0.25, plan.count)
    rng = stream(fleet.seed, FAMILY, "movements-nights", day)
    # a night is about eight hours of the day's twenty-four
    home = np.repeat(np.arange(plan.count), rng.poisson(usual * 24 / 8))
    second = rng.integers(0, _DAY_S - plan.timeout - 305, len(home))
    moment = second / 3_600
    asleep = ((moment < people.wakes[home] - 0.1) | (moment > people.sleeps[home])) & ~_within(
        home, second, begin, still
    )
    home, second = home[asleep], second[asleep]
    parts = [(home * len(plan.rooms) + rooms[room], second + later) for later, room in _WAY if room in rooms]
    sensor, at = (np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*parts, strict=True))
    # somebody who falls on the way is not seen on the way back
    there = ~_within(sensor // len(plan.rooms), at, begin, still)
    return sensor[there], at[there]


def _within(home: Int64, second: Int64, begin: int, spans: list[Spans]) -> Bool:
    """Whether these seconds of the day are in one of the spans of their homes."""
    found = np.zeros(len(home), np.bool_)
    moment = begin + second * SECOND_US
    for some in spans:
        order = np.argsort(some.home, kind="stable")
        of_home = some.home[order]
        first, last = np.searchsorted(of_home, home), np.searchsorted(of_home, home, "right")
        for turn in range(int((last - first).max(initial=0))):
            mine = np.flatnonzero(first + turn < last)
            span = order[first[mine] + turn]
            found[mine] |= (moment[mine] >= some.start[span]) & (moment[mine] < some.end[span])
    return found


def _bell(hour: Float64, middle: float) -> Float64:
    away = np.abs(hour - middle)
    return np.asarray(np.exp(-0.5 * (np.minimum(away, 24 - away) / 0.8) ** 2))
