"""Quiet spells, the usual and the judgement against a slow reference: seeded homes, and rows by chance."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.movement import quiet, spells, usual
from analytics.movement.arrays import (
    BINS,
    DAY,
    DOOR,
    HOUR,
    MINUTE,
    NEVER,
    NONE,
    OPEN,
    ROOMS,
    SECOND,
    STATES,
    Readings,
    Sensors,
    Spans,
    Spells,
)
from analytics.movement.clock import bins, day_number, kinds
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from tests.examples import examples
from tests.references import movement as slow

LONDON = ZoneInfo("Europe/London")
#: The clock goes forward on 29 March 2026, which is in the last week.
FIRST, LENGTH = date(2026, 3, 8), 24
HOLIDAYS = {date(2026, 3, 17)}
FLEET = """
start = 2026-03-08T00:00:00Z
[movement-sensor]
count = 6
rooms = ["hall", "kitchen", "bedroom", "bathroom", "door"]
heartbeat = 7200
properties = ["motion", "contact", "battery"]
couples = 0.3
pets = 0.4
visitors = 4
holidays = 6
night_visits = 1
lie_ins = 0.1
emergencies = 1
"""


class World(NamedTuple):
    """Homes as arrays and as rows: by home and sensor (time, value), and by motion sensor all times heard."""

    sensors: Sensors
    readings: Readings
    rows: list[list[list[tuple[int, int]]]]
    beats: list[list[list[int]]]
    unheard: list[list[tuple[int, int]]]
    start: int
    end: int


@pytest.fixture(scope="module")
def world() -> World:
    fleet = parse(FLEET, "homes.toml", seed=11)
    start, end = fleet.start_us, fleet.start_us + LENGTH * DAY
    devices = devices_of(fleet)["movement-sensor"]
    every: list[tuple[list[tuple[int, int]], list[int]]] = [([], []) for _ in devices]
    # the fifth home's gateway is away for a night and a morning
    gone = start + 9 * DAY + 22 * HOUR, start + 10 * DAY + 9 * HOUR
    for piece in generate(fleet, start, end):
        names = [piece.properties[prop] for prop in piece.property.tolist()]
        for place, name, time, value in zip(
            piece.device.tolist(), names, piece.time.tolist(), piece.value.tolist(), strict=True
        ):
            if place // 5 == 4 and gone[0] <= time < gone[1]:
                continue
            every[place][1].append(time)
            if name != "battery":
                every[place][0].append((time, int(value)))
    rows = [[every[home * 5 + sensor][0] for sensor in range(5)] for home in range(6)]
    beats = [[every[home * 5 + sensor][1] for sensor in range(4)] for home in range(6)]
    rooms = [DOOR if one.attributes["room"] == "door" else ROOMS.index(one.attributes["room"]) for one in devices]
    heard = [sorted(time for sensor in home for time in sensor) for home in beats]
    unheard = [[(a, b) for a, b in zip([start, *own], [*own, end], strict=True) if b - a > 5 * HOUR] for own in heard]
    assert [len(one) for one in unheard] == [0, 0, 0, 0, 1, 0]
    return World(
        Sensors(np.repeat(np.arange(6), 5), np.array(rooms)), _readings([own for home in rows for own in home]),
        rows, beats, unheard, start, end,
    )  # fmt: skip


def _readings(rows: list[list[tuple[int, int]]]) -> Readings:
    offsets = np.cumsum([0, *(len(own) for own in rows)])
    flat = np.array([row for own in rows for row in own], np.int64).reshape(-1, 2)
    return Readings(offsets, flat[:, 0].copy(), flat[:, 1].copy())


def _spells(found: Spells, home: int) -> list[slow.Spell]:
    mine = found.home == home
    return list(zip(*(getattr(found, name)[mine].tolist() for name in ("start", "end", "away", "lasts")), strict=True))


def test_spells_of_seeded_homes_are_those_of_the_reference(world: World) -> None:
    found = spells.find(world.sensors, world.readings, 6, world.start, world.end)
    for home, rows in enumerate(world.rows):
        theirs = slow.spells(rows[:4], [time for time, _ in rows[4]], world.start, world.end)
        assert _spells(found, home) == theirs
        assert len(theirs) > 100
    assert 0 < found.away.sum() < 0.5 * len(found.home)


@pytest.mark.parametrize("together", [1, 30_000])
def test_homes_that_are_taken_apart_have_the_same_spells(
    world: World, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    # the fourth home has no contact at the door, the last one no sensor in the hall either
    kept = [place for place in range(30) if place not in (19, 29, 25)]
    rows = [own for home in world.rows for own in home]
    sensors = Sensors(world.sensors.home[kept], world.sensors.room[kept])
    readings = _readings([rows[place] for place in kept])
    whole = spells.find(sensors, readings, 6, world.start, world.end)
    monkeypatch.setattr(spells, "_TOGETHER", together)
    apart = spells.find(sensors, readings, 6, world.start, world.end)
    assert all((one == other).all() for one, other in zip(whole, apart, strict=True))
    assert set(whole.home.tolist()) == set(range(6))
    for home in range(6):
        own = [rows[place] for place in kept if place // 5 == home and place % 5 < 4]
        door = [time for time, _ in rows[home * 5 + 4]] if home * 5 + 4 in kept else []
        assert _spells(apart, home) == slow.spells(own, door, world.start, world.end)


def test_what_was_longest_on_some_days_is_that_of_these_days_among_more(world: World) -> None:
    found = spells.find(world.sensors, world.readings, 6, world.start, world.end)
    lost = Spans(np.array([2]), np.array([world.start + 4 * DAY]), np.array([world.start + 9 * DAY + HOUR]))
    first, whole = day_number(FIRST), np.arange(6) >= 4
    every = usual.longest(found, lost, 6, first - 2, LENGTH + 4, LONDON, whole=whole)
    for low, days in ((0, 1), (6, 2), (12, 14), (LENGTH + 3, 1)):
        some = usual.longest(found, lost, 6, first - 2 + low, days, LONDON, whole=whole)
        for one, other in zip(some, every, strict=True):
            assert (one == other[:, low : low + days]).all()


def test_what_is_usual_in_seeded_homes_is_that_of_the_reference(world: World) -> None:
    found = spells.find(world.sensors, world.readings, 6, world.start, world.end)
    times = [np.array([time for own in home for time in own]) for home in world.beats]
    owner = np.repeat(np.arange(6), [len(one) for one in times])
    lost = spells.unheard(owner, np.concatenate(times), 6, np.full(6, 5 * HOUR), world.start, world.end)
    assert [
        [(a, b) for own, a, b in zip(*(one.tolist() for one in lost), strict=True) if own == home] for home in range(6)
    ] == world.unheard
    days, first = LENGTH - 1, day_number(FIRST)
    # as if the last homes had no contact at the door
    whole = np.arange(6) >= 4
    by_day, away = usual.longest(found, lost, 6, first, days, LONDON, whole=whole)
    lasted = usual.lasted(found, lost, 6, first, days, LONDON, whole=whole)
    numbers = first + np.arange(days)
    learned = usual.learn(by_day, away, lasted, kinds(numbers, HOLIDAYS))
    for home, rows in enumerate(world.rows):
        own = slow.spells(rows[:4], [time for time, _ in rows[4]], world.start, world.end)
        table = slow.longest(own, world.unheard[home], FIRST, days, LONDON, whole=home >= 4)
        for kind, some in ((False, by_day), (True, away)):
            theirs = [
                [table[kind].get((FIRST + timedelta(days=day), half), 0) for half in range(BINS)] for day in range(days)
            ]
            assert some[home].tolist() == theirs
        begun = None if home >= 4 else slow.lasted(own, world.unheard[home], FIRST, days, LONDON)
        if begun is not None:
            theirs = [[begun.get((FIRST + timedelta(days=d), half), 0) for half in range(BINS)] for d in range(days)]
            assert lasted[home].tolist() == theirs
        limits, by_begin, limit_away, known = slow.learn(table, begun, FIRST, days, HOLIDAYS)
        assert learned.begun[home].tolist() == [by_begin[half] for half in range(BINS)]
        assert learned.limit[home].tolist() == [[limits[kind, half] for half in range(BINS)] for kind in (0, 1)]
        assert (int(learned.away[home]), int(learned.days[home])) == (limit_away, known)
    assert len(np.unique(learned.limit)) > 40
    assert len(np.unique(learned.begun)) > 10
    assert (learned.begun[4:] == NONE).all()


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(0, 56), st.integers(0, 2**32 - 1))
def test_what_is_usual_of_any_days_is_that_of_the_reference(days: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    # some days are not known, some half-hours of others are not
    quiet_days = generator.integers(0, 20_000, (1, days, BINS)).astype(np.int32)
    away = generator.integers(0, 90_000, (1, days, BINS)).astype(np.int32)
    begun = generator.integers(0, 8_000, (1, days, BINS)).astype(np.int32)
    unknown = (generator.random((1, days, 1)) < 0.2) | (generator.random(quiet_days.shape) < 0.1)
    quiet_days[unknown] = away[unknown] = NONE
    learned = usual.learn(quiet_days, away, begun, kinds(day_number(FIRST) + np.arange(days), HOLIDAYS))
    table = {
        kind: {
            (FIRST + timedelta(days=day), half): int(some[0, day, half]) for day in range(days) for half in range(BINS)
        }
        for kind, some in ((False, quiet_days), (True, away))
    }
    own = {(FIRST + timedelta(days=day), half): int(begun[0, day, half]) for day in range(days) for half in range(BINS)}
    limits, by_begin, limit_away, known = slow.learn(table, own, FIRST, days, HOLIDAYS)
    assert learned.begun[0].tolist() == [by_begin[half] for half in range(BINS)]
    assert learned.limit[0].tolist() == [[limits[kind, half] for half in range(BINS)] for kind in (0, 1)]
    assert (int(learned.away[0]), int(learned.days[0])) == (limit_away, known)


def test_judgements_at_many_instants_are_those_of_the_reference(world: World) -> None:
    found = spells.find(world.sensors, world.readings, 6, world.start, world.end)
    none = np.empty(0, np.int64)
    first = day_number(FIRST)
    of_days = (found, Spans(none, none, none), 6, first, 20, LONDON)
    by_day, away = usual.longest(*of_days)
    learned = usual.learn(by_day, away, usual.lasted(*of_days), kinds(first + np.arange(20), HOLIDAYS))
    heartbeat = np.full(6, 2 * HOUR)
    met = set()
    rng = np.random.default_rng(5)
    # the last ones are around the outage of the fifth home's gateway
    instants = [*(world.start + 2 * DAY + rng.integers(0, (LENGTH - 2) * DAY, 14)), *(
        world.start + 9 * DAY + 22 * HOUR + rng.integers(0, 12 * HOUR, 6)
    )]  # fmt: skip
    for now in map(int, instants):
        newest = [_newest(rows, beats, now) for rows, beats in zip(world.rows, world.beats, strict=True)]
        begun, moved, door, heard, weakest, back = (np.array(column, np.int64) for column in zip(*newest, strict=True))
        day, half = (int(one[0]) for one in bins(np.array([now]), LONDON))
        kind = kinds(np.array([day, day + 1]), HOLIDAYS)
        told = quiet.judge(
            learned, kind, begun, moved, door, heard, weakest, back, heartbeat, np.full(6, NONE), now, LONDON
        )  # fmt: skip
        for home in range(6):
            rows = world.rows[home]
            then, place = slow.half_hour(int(heard[home]), LONDON)
            own = [int(kinds(np.array([day_number(then)]), HOLIDAYS)[0])] if day_number(then) == day else [0, 1]
            by_begin = dict(enumerate(learned.begun[home].tolist()))
            state, last = slow.judge(
                int(learned.limit[home, kind[0], half]),
                max(int(learned.limit[home, one, place]) for one in own), by_begin, LONDON,
                int(learned.away[home]), rows[:4], [time for time, _ in rows[4]], world.beats[home], 2 * HOUR, now,
            )  # fmt: skip
            assert STATES[told.state[home]] == state
            assert told.since[home] == (heard[home] if state == "silent" else last)
            met.add(state)
    assert met >= {"usual", "silent"}


def _newest(rows: list[list[tuple[int, int]]], beats: list[list[int]], now: int) -> tuple[int, int, int, int, int, int]:
    begun, ends, still = NEVER, NEVER, False
    for own in rows[:4]:
        past = [row for row in own if row[0] <= now]
        begun = max([begun, *(time for time, value in past if value)])
        ends = max([ends, *(b[0] - 90 * SECOND for a, b in pairwise(past) if a[1] and not b[1])])
        still |= bool(past) and past[-1][1] == 1
    door = max([NEVER, *(time for time, _ in rows[4] if time <= now)])
    newest = [max(time for time in own if time <= now) for own in beats]
    every = sorted(time for own in beats for time in own if time <= now)
    back = max([NEVER, *(two for one, two in pairwise(every) if two - one > 150 * MINUTE)])
    return begun, OPEN if still else ends, door, max(newest), min(newest), back


SENSOR = st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 1)), max_size=25, unique_by=lambda row: row[0])


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(st.lists(SENSOR, min_size=1, max_size=3), SENSOR), min_size=1, max_size=3))
def test_spells_of_any_rows_are_those_of_the_reference(
    homes: list[tuple[list[list[tuple[int, int]]], list[tuple[int, int]]]],
) -> None:
    # minutes and a quarter: a time-out may begin before its 1
    rows = [
        [sorted((time * MINUTE // 4 * 3, value) for time, value in own) for own in (*motion, door)]
        for motion, door in homes
    ]
    owner = np.repeat(np.arange(len(rows)), [len(home) for home in rows])
    room = np.array([DOOR if number == len(home) - 1 else 0 for home in rows for number in range(len(home))])
    start, end = 30 * MINUTE, 1_400 * MINUTE
    found = spells.find(Sensors(owner, room), _readings([own for home in rows for own in home]), len(rows), start, end)
    for home, own in enumerate(rows):
        assert _spells(found, home) == slow.spells(own[:-1], [time for time, _ in own[-1]], start, end)
