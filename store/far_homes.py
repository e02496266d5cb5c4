"""Homes that lie far from all others: mostly longitude and latitude were swapped, or a sign is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.homes import HomeRow
from devices.uprn import spellings
from store.connect import Connection
from store.queries import queries

_SQL = queries("homes")

Float64 = NDArray[np.float64]

#: A borough is smaller than this [km]; the distances of comparisons hold within it.
FAR = 50.0
#: Mean radius of the earth [km].
_RADIUS = 6_371.0


class Far(NamedTuple):
    """A row of a homes file whose home lies ``km`` from the middle of all; ``swapped``: the other way round it would
    not be far."""

    where: str
    km: float
    swapped: bool

    def __str__(self) -> str:
        hint = ": are longitude and latitude swapped?" if self.swapped else ": is its place right?"
        return f"{self.where}: lies {self.km:,.0f} km from the middle of all homes{hint}"


def far_homes(connection: Connection, rows: Sequence[HomeRow]) -> list[Far]:
    """Rows whose home is more than `FAR` from the median place of the file's homes and those known.

    Told and not refused: a wrong place changes what that home is told, and a borough may have a home far away.
    Raises psycopg.Error.
    """
    if not rows:
        return []
    places = {row.uprn: (row.lon, row.lat) for row in rows}
    spelt = [one for uprn in places for one in spellings(uprn)]
    known = connection.execute(_SQL["other_places"], (spelt,)).fetchall()
    lon, lat = np.array([*places.values(), *known], np.float64).reshape(-1, 2).T
    middle = float(np.median(lon)), float(np.median(lat))
    row_lon, row_lat = np.array([(row.lon, row.lat) for row in rows], np.float64).T
    away, other_way = _km(row_lon, row_lat, *middle), _km(row_lat, row_lon, *middle)
    return [
        Far(rows[index].where, float(away[index]), bool(abs(row_lon[index]) <= 90 and other_way[index] <= FAR))
        for index in np.flatnonzero(away > FAR).tolist()
    ]


def _km(lon: Float64, lat: Float64, lon0: float, lat0: float) -> Float64:
    """Great-circle distances [km] of places [degrees], by the haversine."""
    lon, lat = np.radians(lon), np.radians(lat)
    lon0, lat0 = np.radians(lon0), np.radians(lat0)
    half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
    found: Float64 = 2 * _RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return found
