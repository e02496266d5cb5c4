"""Homes and bays that lie far from all others: mostly longitude and latitude were swapped, or a sign is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.bays import Bay
from devices.bays_file import Given
from devices.homes import HomeRow
from devices.uprn import spellings
from store.connect import Connection
from store.queries import queries

_SQL = queries("far")

Float64 = NDArray[np.float64]

#: A borough is smaller than this [km]; the distances of comparisons hold within it.
FAR = 50.0
#: Mean radius of the earth [km].
_RADIUS = 6_371.0


class Far(NamedTuple):
    """A row of a file whose thing lies ``km`` from the middle of all; ``swapped``: the other way round it would not be
    far."""

    where: str
    km: float
    swapped: bool
    things: str = "homes"

    def __str__(self) -> str:
        hint = ": are longitude and latitude swapped?" if self.swapped else ": is its place right?"
        return f"{self.where}: lies {self.km:,.0f} km from the middle of all {self.things}{hint}"


def far_homes(connection: Connection, rows: Sequence[HomeRow]) -> list[Far]:
    """Rows whose home is more than `FAR` from the median place of the file's homes and those known.

    Told and not refused: a wrong place changes what that home is told, and a borough may have a home far away.
    Raises psycopg.Error.
    """
    spelt = [one for uprn in {row.uprn for row in rows} for one in spellings(uprn)]
    places = {row.uprn: (row.lon, row.lat) for row in rows}
    known = connection.execute(_SQL["other_homes"], (spelt,)).fetchall() if rows else []
    return _far([(row.where, row.lon, row.lat) for row in rows], [*places.values(), *known], "homes")


def far_bays(connection: Connection, rows: Sequence[Given[Bay]]) -> list[Far]:
    """The same of bays. Raises psycopg.Error."""
    known = connection.execute(_SQL["other_bays"], ([row.item.id for row in rows],)).fetchall() if rows else []
    places = [(row.where, row.item.lon, row.item.lat) for row in rows]
    return _far(places, [*((lon, lat) for _, lon, lat in places), *known], "bays")


def _far(rows: Sequence[tuple[str, float, float]], every: Sequence[tuple[float, float]], things: str) -> list[Far]:
    if not rows:
        return []
    lon, lat = np.array(every, np.float64).reshape(-1, 2).T
    middle = float(np.median(lon)), float(np.median(lat))
    row_lon, row_lat = np.array([row[1:] for row in rows], np.float64).T
    away, other_way = _km(row_lon, row_lat, *middle), _km(row_lat, row_lon, *middle)
    return [
        Far(rows[index][0], float(away[index]), bool(abs(row_lon[index]) <= 90 and other_way[index] <= FAR), things)
        for index in np.flatnonzero(away > FAR).tolist()
    ]


def _km(lon: Float64, lat: Float64, lon0: float, lat0: float) -> Float64:
    """Great-circle distances [km] of places [degrees], by the haversine."""
    lon, lat = np.radians(lon), np.radians(lat)
    lon0, lat0 = np.radians(lon0), np.radians(lat0)
    half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
    found: Float64 = 2 * _RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return found
