"""Readings of the movement sensors of homes, as the arrays that the other modules work on.

Only of the local days that are a tenancy's, whose sensors hang there on them. A contact that says the same again, as
many do to show that they live, is no movement of the door: only its changes are handed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from analytics.movement.arrays import DOOR, NONE, OPEN, ROOMS, Float64, Int64, Readings, Sensors
from devices.duration import duration
from store import arrays
from store.connect import Connection
from store.movement import Series
from store.times import midnight

_ROOM = {room: place for place, room in enumerate(ROOMS)}
_OTHER = ROOMS.index("other")


class Homes(NamedTuple):
    """Some homes: the sensors and readings of movement and doors; and of all properties of their sensors, when they
    were ``heard`` ``(readings,)`` (home, time [us]).

    ``heartbeat`` ``(homes,)`` [us]: the shortest of its motion sensors, ``NONE`` where none says one. ``temperature``:
    (home, time [us], value [Cel]).
    """

    sensors: Sensors
    readings: Readings
    heard: tuple[Int64, Int64]
    heartbeat: Int64
    temperature: tuple[Int64, Int64, Float64]


def room_code(room: str) -> int:
    """The place of a room among ``ROOMS``; one that is called otherwise is `other`."""
    return _ROOM.get("-".join(room.lower().split()), _OTHER)


def read(
    connection: Connection, series: Sequence[Series], tenancies: Sequence[int], start: int, end: int, zone: ZoneInfo
) -> Homes:
    """The readings of the homes of tenancies, in this order, in [start, end) [us]; ``series`` of `store.movement`.

    Raises psycopg.Error.
    """
    place = {tenancy: number for number, tenancy in enumerate(tenancies)}
    rows = sorted((one for one in series if one.tenancy_id in place), key=lambda one: place[one.tenancy_id])
    found = arrays.read_series(connection, [one.id for one in rows], start, end)
    homes, rooms, times, values = list[int](), list[int](), list[Int64](), list[Float64]()
    heard, warm = list[tuple[int, Int64]](), list[tuple[int, Int64, Float64]]()
    heartbeat = np.full(len(tenancies), NONE)
    for number, one in enumerate(rows):
        home, part = place[one.tenancy_id], slice(int(found.offsets[number]), int(found.offsets[number + 1]))
        time, value = found.times[part], found.values[part]
        low = midnight(one.first, zone)
        high = OPEN if one.end is None else midnight(one.end, zone)
        own = (time >= low) & (time < high)
        time, value = time[own], value[own]
        if one.property == "temperature":
            warm.append((home, time, value))
        if one.property == "motion":
            beat = duration(one.heartbeat)
            if beat is not None and (heartbeat[home] == NONE or beat < heartbeat[home]):
                heartbeat[home] = beat
        heard.append((home, time))
        if one.property not in ("motion", "contact"):
            continue
        if one.property == "contact":
            changes = np.append(False, value[1:] != value[:-1])[: len(value)]
            time, value = time[changes], value[changes]
        homes.append(home)
        rooms.append(DOOR if one.property == "contact" else room_code(one.room))
        times.append(time)
        values.append(value)
    nothing, counts = np.empty(0, np.int64), [len(time) for time in times]
    return Homes(
        Sensors(np.array(homes, np.int64), np.array(rooms, np.int64)),
        Readings(
            np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64))),
            np.concatenate([nothing, *times]),
            np.concatenate([np.empty(0), *values]),
        ),
        (_repeated(heard), np.concatenate([nothing, *(time for _, time in heard)])),
        heartbeat,
        (
            _repeated([(home, time) for home, time, _ in warm]),
            np.concatenate([nothing, *(time for _, time, _ in warm)]),
            np.concatenate([np.empty(0), *(value for _, _, value in warm)]),
        ),
    )


def _repeated(parts: Sequence[tuple[int, Int64]]) -> Int64:
    counts = [len(time) for _, time in parts]
    return np.repeat(np.array([home for home, _ in parts], np.int64), counts)
