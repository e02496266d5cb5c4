"""Parking in the store: how bays stand now."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.batch import Float64, Int64
from store.connect import Connection
from store.copy import float8s, instants
from store.queries import queries

_SQL = queries("parking")


class LatestStates(NamedTuple):
    """All bays that have a sensor now, by id, with the newest reading of it since it lies there.

    ``ids``; ``personal`` bool, ``start`` [us] since when the sensor lies there, ``time`` [us] and ``value`` of the
    reading, all ``(bays,)``, 0 where there is none; ``heartbeat``: the device's attribute.
    """

    ids: list[str]
    personal: NDArray[np.bool_]
    start: Int64
    time: Int64
    value: Float64
    heartbeat: list[str | None]


def latest_states(connection: Connection) -> LatestStates:
    """How all bays stand now. Raises psycopg.Error."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["latest_states"]).fetchone()
    assert row is not None
    ids, personal, start, time, value, heartbeat = row
    return LatestStates(ids, np.array(personal, np.bool_), instants(start), instants(time), float8s(value), heartbeat)
