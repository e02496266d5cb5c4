"""Temperatures of places by local day: from a file into the table, and out of it as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import Home
from store.connect import Connection
from store.queries import queries

_SQL = queries("weather")

#: A place as far from a home as this tells nothing of its weather [km].
FARTHEST = 50.0


@dataclass(frozen=True, slots=True)
class Place:
    """A place [degrees, WGS 84]; the weather of ``simulated`` ones is that of simulated homes and of no other."""

    name: str
    lon: float
    lat: float
    simulated: bool = False


class Put(NamedTuple):
    """How many days of a file are ``new``, ``changed`` (corrected) and ``unchanged``."""

    new: int
    changed: int
    unchanged: int


class Known(NamedTuple):
    """A place and how many days are known of it, from ``first`` to ``last``; None where none are."""

    place: Place
    days: int
    first: date | None
    last: date | None


class OtherOrigin(Exception):
    """A place of this name is there and of the other origin: ``simulated`` says of which."""

    def __init__(self, name: str, *, simulated: bool) -> None:
        super().__init__(f"{name} is {'simulated' if simulated else 'real'}")
        self.name, self.simulated = name, simulated


def place(connection: Connection, name: str) -> Place | None:
    """A place by its name. Raises psycopg.Error."""
    row = connection.execute(_SQL["place"], (name,)).fetchone()
    return None if row is None else Place(row[0], row[1], row[2], row[3] == "simulated")


def put(connection: Connection, where: Place, temperatures: Mapping[date, float]) -> Put:
    """Take the temperatures [Cel] of a place's local days inside the running transaction; the place comes or moves.

    Days that are not given stay as they are. Raises OtherOrigin; psycopg.Error.
    """
    connection.execute(_SQL["lock_import"])
    known = place(connection, where.name)
    if known is not None and known.simulated != where.simulated:
        raise OtherOrigin(where.name, simulated=known.simulated)
    origin = "simulated" if where.simulated else "real"
    connection.execute(_SQL["keep_place"], {"name": where.name, "lon": where.lon, "lat": where.lat, "origin": origin})
    values = {"place": where.name, "days": list(temperatures), "celsius": list(temperatures.values())}
    row = connection.execute(_SQL["put"], values).fetchone()
    assert row is not None
    return Put(*row)


def days(connection: Connection, name: str, start: date, end: date) -> NDArray[np.float64]:
    """Mean temperatures [Cel] of a place from ``start`` to ``end`` (not included), ``(days,)``; NaN: not known.

    Raises psycopg.Error.
    """
    found = np.full(max(0, (end - start).days), np.nan)
    for day, celsius in connection.execute(_SQL["days"], (name, start, end)):
        found[(day - start).days] = celsius
    return found


def places(connection: Connection) -> list[Known]:
    """All places, real ones first, and how much is known of each. Raises psycopg.Error."""
    return [
        Known(Place(name, lon, lat, origin == "simulated"), count, first, last)
        for name, lon, lat, origin, count, first, last in connection.execute(_SQL["places"])
    ]


def nearest(connection: Connection, lon: float | None, lat: float | None, *, simulated: bool) -> str | None:
    """The place whose weather a home has: the only one of its origin, else the nearest within 50 km; None: none is.

    Raises psycopg.Error.
    """
    values = {"lon": lon, "lat": lat, "origin": "simulated" if simulated else "real"}
    found = connection.execute(_SQL["near"], values).fetchall()
    if len(found) > 1 and (found[0][1] is None or found[0][1] > FARTHEST):
        return None
    return found[0][0] if found else None


def of_home(connection: Connection, home: Home) -> str | None:
    """The place whose weather a home has; one with a simulated meter has simulated weather. Raises psycopg.Error."""
    row = connection.execute(_SQL["simulated"], (home.id,)).fetchone()
    return nearest(connection, home.lon, home.lat, simulated=row is not None and bool(row[0]))
