"""The National Grid of Great Britain (OSGB36, EPSG:27700) to longitude and latitude (WGS 84) and back.

The formulas of Ordnance Survey's "A guide to coordinate systems in Great Britain", annexes B and C: one Helmert
transformation for the whole country, then the Transverse Mercator projection of the Airy 1830 ellipsoid. OSGB36 is
bent against it by up to about 5 m; the grid of corrections that would take this away (OSTN15) is 14 MB and not here.
Heights are taken as those of the ellipsoid. `to_wgs84` is the exact inverse of `from_wgs84` (below 0.1 mm).
"""

from __future__ import annotations

from math import atan2, cos, hypot, isfinite, nan, radians, sin, sqrt, tan
from typing import NamedTuple


class _Ellipsoid(NamedTuple):
    """Semi-axes [m]."""

    a: float
    b: float

    @property
    def e2(self) -> float:
        """The square of the eccentricity [1]."""
        return 1 - (self.b / self.a) ** 2


_AIRY = _Ellipsoid(6_377_563.396, 6_356_256.909)
_WGS84 = _Ellipsoid(6_378_137.0, 6_356_752.314_245)

#: WGS 84 to OSGB36: shifts [m], scale [1], rotations [rad].
_SHIFT = (-446.448, 125.157, -542.060)
_SCALE = 20.4894e-6
_ROTATION = tuple(radians(seconds / 3600) for seconds in (-0.1502, -0.2470, -0.8421))

#: The projection: scale on the central meridian [1], true origin [rad], grid coordinates of it [m].
_F0, _LAT0, _LON0 = 0.999_601_271_7, radians(49), radians(-2)
_E0, _N0 = 400_000.0, -100_000.0

#: What the National Grid covers [m].
EASTINGS, NORTHINGS = (0.0, 700_000.0), (0.0, 1_300_000.0)


def from_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Easting and northing [m] of a place [degrees]. Raises ValueError for a place that the grid does not cover."""
    easting, northing = _from_wgs84(lon, lat) if abs(lat) < 80 and abs(lon + 2) < 20 else (nan, nan)
    if not covered(easting, northing):
        raise ValueError("no place in Great Britain")
    return easting, northing


def to_wgs84(easting: float, northing: float) -> tuple[float, float]:
    """Longitude and latitude [degrees] of a place on the grid [m]. Raises ValueError where the grid does not go."""
    if not covered(easting, northing):
        raise ValueError("no place on the National Grid")
    lon, lat = -2.0, 49.0 + (northing - _N0) / 111_200
    for _ in range(8):
        there = _from_wgs84(lon, lat)
        north, east = northing - there[1], easting - there[0]
        lat += north / 111_200
        lon += east / (111_320 * cos(radians(lat)))
        # meridians are not upright on the grid: the next step takes what this one turned
        if hypot(north, east) < 1e-5:
            break
    return lon, lat


def covered(easting: float, northing: float) -> bool:
    """Whether a place [m] is on the National Grid."""
    return (
        isfinite(easting)
        and isfinite(northing)
        and EASTINGS[0] <= easting <= EASTINGS[1]
        and NORTHINGS[0] <= northing <= NORTHINGS[1]
    )


def _from_wgs84(lon: float, lat: float) -> tuple[float, float]:
    x, y, z = _cartesian(_WGS84, radians(lon), radians(lat))
    rx, ry, rz = _ROTATION
    grow = 1 + _SCALE
    moved = (
        _SHIFT[0] + grow * x - rz * y + ry * z,
        _SHIFT[1] + rz * x + grow * y - rx * z,
        _SHIFT[2] - ry * x + rx * y + grow * z,
    )
    return project(*_geographic(_AIRY, *moved))


def _cartesian(ellipsoid: _Ellipsoid, lon: float, lat: float) -> tuple[float, float, float]:
    """Earth-centred coordinates [m] of a place [rad] on an ellipsoid."""
    curve = ellipsoid.a / sqrt(1 - ellipsoid.e2 * sin(lat) ** 2)
    return curve * cos(lat) * cos(lon), curve * cos(lat) * sin(lon), curve * (1 - ellipsoid.e2) * sin(lat)


def _geographic(ellipsoid: _Ellipsoid, x: float, y: float, z: float) -> tuple[float, float]:
    """Longitude and latitude [rad] on an ellipsoid of earth-centred coordinates [m]."""
    across = hypot(x, y)
    lat = atan2(z, across * (1 - ellipsoid.e2))
    for _ in range(6):  # each step adds more than two digits
        curve = ellipsoid.a / sqrt(1 - ellipsoid.e2 * sin(lat) ** 2)
        lat = atan2(z + ellipsoid.e2 * curve * sin(lat), across)
    return atan2(y, x), lat


def project(lon: float, lat: float) -> tuple[float, float]:
    """Easting and northing [m] of a place [rad] on the Airy ellipsoid of OSGB36 (annex C.1)."""
    a, b = _AIRY
    e2 = _AIRY.e2
    n = (a - b) / (a + b)
    nu = a * _F0 / sqrt(1 - e2 * sin(lat) ** 2)
    rho = a * _F0 * (1 - e2) * (1 - e2 * sin(lat) ** 2) ** -1.5
    eta2 = nu / rho - 1
    less, more = lat - _LAT0, lat + _LAT0
    meridian = b * _F0 * (
        (1 + n + 5 / 4 * n**2 + 5 / 4 * n**3) * less
        - (3 * n + 3 * n**2 + 21 / 8 * n**3) * sin(less) * cos(more)
        + (15 / 8 * n**2 + 15 / 8 * n**3) * sin(2 * less) * cos(2 * more)
        - 35 / 24 * n**3 * sin(3 * less) * cos(3 * more)
    )  # fmt: skip
    t2, away = tan(lat) ** 2, lon - _LON0
    northing = (
        _N0
        + meridian
        + nu / 2 * sin(lat) * cos(lat) * away**2
        + nu / 24 * sin(lat) * cos(lat) ** 3 * (5 - t2 + 9 * eta2) * away**4
        + nu / 720 * sin(lat) * cos(lat) ** 5 * (61 - 58 * t2 + t2**2) * away**6
    )
    easting = (
        _E0
        + nu * cos(lat) * away
        + nu / 6 * cos(lat) ** 3 * (nu / rho - t2) * away**3
        + nu / 120 * cos(lat) ** 5 * (5 - 18 * t2 + t2**2 + 14 * eta2 - 58 * t2 * eta2) * away**5
    )
    return easting, northing
