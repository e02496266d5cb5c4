"""What completeness is proved from: devices with their rhythm, first readings, runs of message numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from store.batch import Int64
from store.connect import Connection
from store.queries import queries

_SQL = queries("completeness")


class Known(NamedTuple):
    """A registered device. ``interval`` is its attribute (ISO 8601 duration) or None. ``open``: neither it nor any
    series of it is a household's."""

    id: str
    family: str
    model: str
    interval: str | None
    registered_at: datetime
    retired_at: datetime | None
    open: bool


class Series(NamedTuple):
    """A series that has readings; ``since``: the time of its first [us since the Unix epoch]."""

    property: str
    id: int
    since: int


class Runs(NamedTuple):
    """Unbroken runs of one device's message numbers, ``(runs,)`` each; times [us since the Unix epoch]."""

    first: Int64
    last: Int64
    first_time: Int64
    last_time: Int64


def devices(connection: Connection, family: str | None = None, device: str | None = None) -> list[Known]:
    """Registered devices, retired ones too, by id. Raises psycopg.Error."""
    rows = connection.execute(_SQL["devices"], {"family": family, "device": device}).fetchall()
    return [Known(*row) for row in rows]


def series(connection: Connection, ids: Sequence[str]) -> dict[str, list[Series]]:
    """The series of some devices by device; only those with readings. Raises psycopg.Error."""
    found: dict[str, list[Series]] = {}
    for device, name, number, since in connection.execute(_SQL["series"], (list(ids),)).fetchall():
        found.setdefault(device, []).append(Series(name, number, since))
    return found


def runs(connection: Connection, ids: Sequence[str]) -> dict[str, Runs]:
    """Runs of message numbers by device, of those that number their messages. Raises psycopg.Error."""
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    for device, *run in connection.execute(_SQL["runs"], (list(ids),)).fetchall():
        rows.setdefault(device, []).append((run[0], run[1], run[2], run[3]))
    return {device: Runs(*np.array(every, np.int64).T) for device, every in rows.items()}
