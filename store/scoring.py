"""What a score needs of the store: series, their newest arrivals, rejections, what is recorded of bays and homes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Int64
from store.connect import Connection
from store.copy import Int4s
from store.queries import queries
from store.times import instant

_SQL = queries("scoring")


class RecordedStays(NamedTuple):
    """Stays as they are recorded, ``(stays,)``: place of the bay, arrival and departure [us], whether it lasts (its
    departure is then -1), time over [s]."""

    bay: Int64
    arrival: Int64
    departure: Int64
    lasts: NDArray[np.bool_]
    over: Int64


class RecordedAlerts(NamedTuple):
    """Alerts that a home is quiet for longer than usual, ``(alerts,)``: place of the home, when it was noted and when
    it ended [us] (the largest number: not yet), whether nobody was named to tell. ``watched``: places of the homes
    that are registered."""

    home: Int64
    noted: Int64
    ended: Int64
    shadow: NDArray[np.bool_]
    watched: set[int]


def series_ids(connection: Connection, pairs: Sequence[tuple[str, str]]) -> Int64:
    """Ids of (device, property) pairs, shape ``(pairs,)``, -1 where there is none. Raises psycopg.Error."""
    devices, names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = connection.execute(_SQL["series"], (devices, names)).fetchall()
    return np.array([-1 if row[0] is None else row[0] for row in rows], np.int64)


def newest(connection: Connection, ids: Int64) -> dict[int, tuple[int, int]]:
    """Series id -> (time of its newest reading, when that was written), both [us]. Raises psycopg.Error."""
    rows = connection.execute(_SQL["latest"], (Int4s(ids.tolist()),)).fetchall()
    return {series: (time, arrival) for series, time, arrival in rows}


def rejections(connection: Connection, devices: Sequence[str], since: int) -> dict[tuple[str, str | None, str], int]:
    """Kept rejections that arrived from ``since`` [us] on: (device, property, reason) -> number.

    The property is None where the whole message was rejected. Raises psycopg.Error.
    """
    rows = connection.execute(_SQL["rejections"], (instant(since), list(devices))).fetchall()
    return {(device, name, reason): number for device, name, reason, number in rows}


def only_counted(connection: Connection, devices: Sequence[str], since: int) -> dict[str, int]:
    """Device -> rejections of the hours from that of ``since`` [us] on that were too many to keep.

    Raises psycopg.Error.
    """
    parameters = (instant(since), list(devices))
    kept = {(device, hour): number for device, hour, number in connection.execute(_SQL["kept"], parameters).fetchall()}
    result: dict[str, int] = {}
    for device, hour, number in connection.execute(_SQL["counted"], parameters).fetchall():
        missing = number - kept.get((device, hour), 0)
        if missing > 0:
            result[device] = result.get(device, 0) + missing
    return result


def recorded_stays(connection: Connection, bays: Sequence[str], start: int, end: int) -> RecordedStays:
    """What is recorded of stays that arrived at these bays in [start, end) [us]. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["stays"], (list(bays), instant(start), instant(end))).fetchall()
    bay, arrival, departure, ends, over = zip(*rows, strict=True) if rows else ((),) * 5
    return RecordedStays(
        np.array(bay, np.int64),
        np.array(arrival, np.int64),
        np.array([-1 if moment is None else moment for moment in departure], np.int64),
        np.array([word == "lasts" for word in ends], np.bool_),
        np.array(over, np.int64),
    )


def recorded_alerts(connection: Connection, sensors: Sequence[tuple[str, int]], start: int, end: int) -> RecordedAlerts:
    """Alerts of the homes in which these sensors (device, place of the home) hang, of those that stood in [start, end)
    [us]. Raises psycopg.Error."""
    devices, places = [device for device, _ in sensors], [place for _, place in sensors]
    rows = connection.execute(_SQL["watched"], (devices, places)).fetchall()
    alerts = connection.execute(
        _SQL["alerts"], ([home for _, home in rows], [place for place, _ in rows], instant(end), instant(start))
    ).fetchall()
    home, noted, ended, shadow = zip(*alerts, strict=True) if alerts else ((),) * 4
    last = np.iinfo(np.int64).max
    return RecordedAlerts(
        np.array(home, np.int64),
        np.array(noted, np.int64),
        np.array([last if moment is None else moment for moment in ended], np.int64),
        np.array(shadow, np.bool_),
        {place for place, _ in rows},
    )
