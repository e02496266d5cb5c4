"""What the operations' pages read beside the live states: suspensions, zones' days, how long was parked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np

from store.batch import Int64
from store.connect import Connection
from store.copy import Float8s
from store.queries import queries
from store.times import aware

_SQL = queries("board")


class Suspended(NamedTuple):
    """A bay that nobody may use for a time."""

    bay: str
    street: str
    zone: str
    start: datetime
    end: datetime
    reason: str


class BayRow(NamedTuple):
    """A bay as the board shows it; ``model`` and ``gateway`` of the sensor in it, "" where that is not known."""

    id: str
    street: str
    zone: str
    kind: str
    lon: float
    lat: float
    personal: bool
    model: str
    gateway: str


def bays(connection: Connection, day: date, at: datetime) -> list[BayRow]:
    """The bays that are there on a local day, by zone, street and id; ``at``: whose sensor. Raises psycopg.Error."""
    return [BayRow(*row) for row in connection.execute(_SQL["bays"], {"day": day, "at": aware(at)})]


def register_version(connection: Connection) -> int:
    """A number that rises when bays' sensors, restrictions, suspensions or permits change. Raises psycopg.Error."""
    row = connection.execute(_SQL["register_version"]).fetchone()
    assert row is not None
    return int(row[0])


def suspended(connection: Connection, start: datetime, end: datetime) -> list[Suspended]:
    """Suspensions that touch a time, by zone, street, bay and beginning. Raises psycopg.Error."""
    rows = connection.execute(_SQL["suspended"], {"start": aware(start), "end": aware(end)})
    return [Suspended(*row) for row in rows]


def dwells(
    connection: Connection, edges: Sequence[float], start: datetime, end: datetime, zone: str | None = None
) -> Int64:
    """How many whole stays that began in a time were how long: below the first of ``edges`` [s], between them, above.

    Without bays of households. Shape ``(edges + 1,)``. Raises psycopg.Error.
    """
    values = {"edges": Float8s(edges), "start": aware(start), "end": aware(end), "zone": zone}
    found = np.zeros(len(edges) + 1, np.int64)
    for place, count in connection.execute(_SQL["dwells"], values):
        found[place] = count
    return found
