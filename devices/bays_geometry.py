"""Shapes of bays: GeoJSON points, lines and polygons (RFC 7946), and where their middle is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

#: Types that are taken, with how deep their positions are nested.
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
#: Positions of the smallest ring, the first of which is also the last.
_RING = 4
#: Positions of one geometry at most.
_POSITIONS = 10_000
#: Less is a line, a square millimetre [degrees squared].
_NO_AREA = 1e-16

#: Longitude and latitude [degrees].
Place = tuple[float, float]


def flaw(geometry: Mapping[str, Any]) -> str | None:
    """What is wrong with a geometry, in words that follow its name; None: nothing."""
    kind = geometry.get("type")
    if kind not in _DEPTH:
        return f"has the type {str(kind)[:40]!r}; one of {', '.join(_DEPTH)}"
    count = 0
    try:
        for lon, lat in _places(geometry.get("coordinates"), _DEPTH[kind]):
            count += 1
            if not (abs(lon) <= 180 and abs(lat) <= 90):
                return (
                    f"has the coordinates {lon:g}, {lat:g}, which are no degrees: they are in another projection (the"
                    " British National Grid, it may be). Export as WGS 84, EPSG:4326, such as by: ogr2ogr -t_srs"
                    " EPSG:4326 wgs84.geojson FILE"
                )
            if count > _POSITIONS:
                return f"has more than {_POSITIONS:,} positions"
    except (TypeError, ValueError, OverflowError):
        return "has coordinates that are no pairs of longitude and latitude"
    return _unfinished(geometry["coordinates"], kind) if count else "has no coordinates"


def _unfinished(coordinates: Sequence[Any], kind: str) -> str | None:
    """What is wrong with lines and rings whose positions are right: too short, or not closed."""
    if kind in ("LineString", "MultiLineString"):
        lines = [coordinates] if kind == "LineString" else coordinates
        return None if all(len(line) > 1 for line in lines) else "has a line of less than two positions"
    if kind in ("Polygon", "MultiPolygon"):
        polygons = [coordinates] if kind == "Polygon" else coordinates
        rings = [ring for polygon in polygons for ring in polygon]
        if not all(polygons) or any(len(ring) < _RING for ring in rings):
            return f"has an area whose outline has less than {_RING} positions"
        if any(ring[0][:2] != ring[-1][:2] for ring in rings):
            return "has an outline that does not end where it begins; give its first position again as its last"
    return None


def _places(value: Any, depth: int) -> Iterator[Place]:
    """Every position. Raises TypeError, ValueError where the nesting or a number is wrong."""
    if not isinstance(value, list):
        raise TypeError("no list")
    if depth:
        for part in value:
            yield from _places(part, depth - 1)
        return
    # a height is allowed by RFC 7946 and not used
    if len(value) not in (2, 3) or any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        raise ValueError("no position")
    yield float(value[0]), float(value[1])


def middle(geometry: Mapping[str, Any]) -> Place:
    """Longitude and latitude of the centroid [degrees], to seven digits (1 cm): of areas by area, of lines by length.
    A point is its own.

    A bay is small, so degrees are a plane of which one axis is longer. ``geometry`` has no `flaw`.
    """
    parts: Sequence[Any] = geometry["coordinates"]
    kind = geometry["type"]
    first = next(_places(parts, _DEPTH[kind]))
    if kind == "Point":
        return first
    rings: list[list[Place]] = []
    if kind in ("Polygon", "MultiPolygon"):
        polygons = [parts] if kind == "Polygon" else parts
        shapes = [[list(_places(ring, 1)) for ring in polygon] for polygon in polygons]
        if (found := _by_area(shapes, first)) is not None:
            return found
        rings = [ring for shape in shapes for ring in shape]
    elif kind in ("LineString", "MultiLineString"):
        rings = [list(_places(line, 1)) for line in ([parts] if kind == "LineString" else parts)]
    if (found := _by_length(rings, first[1])) is not None:
        return found
    places = list(_places(parts, _DEPTH[kind]))
    return _rounded(sum(lon for lon, _ in places) / len(places), sum(lat for _, lat in places) / len(places))


def _by_area(polygons: Sequence[Sequence[Sequence[Place]]], origin: Place) -> Place | None:
    """Centroid of areas; None where they have none. A polygon's first ring is its outline, the others are holes."""
    area = lon_sum = lat_sum = 0.0
    for rings in polygons:
        for number, ring in enumerate(rings):
            part = _ring(ring, origin)
            # files turn their rings either way
            turn = math.copysign(1.0, part[0]) * (-1 if number else 1)
            area, lon_sum, lat_sum = area + turn * part[0], lon_sum + turn * part[1], lat_sum + turn * part[2]
    if area < _NO_AREA:
        return None
    return _rounded(origin[0] + lon_sum / (3 * area), origin[1] + lat_sum / (3 * area))


def _ring(ring: Sequence[Place], origin: Place) -> tuple[float, float, float]:
    """Twice a ring's area, signed by its turn, and six times its moments, seen from a place nearby: digits are kept."""
    near = [(lon - origin[0], lat - origin[1]) for lon, lat in ring]
    area = lon_sum = lat_sum = 0.0
    for (x0, y0), (x1, y1) in zip(near, near[1:] + near[:1], strict=True):
        cross = x0 * y1 - x1 * y0
        area += cross
        lon_sum += (x0 + x1) * cross
        lat_sum += (y0 + y1) * cross
    return area, lon_sum, lat_sum


def _by_length(lines: Sequence[Sequence[Place]], lat: float) -> Place | None:
    """Centroid of lines; None where they have no length."""
    narrow = math.cos(math.radians(lat))
    length = lon_sum = lat_sum = 0.0
    for line in lines:
        for (lon0, lat0), (lon1, lat1) in pairwise(line):
            step = math.hypot((lon1 - lon0) * narrow, lat1 - lat0)
            length += step
            lon_sum += (lon0 + lon1) / 2 * step
            lat_sum += (lat0 + lat1) / 2 * step
    return None if length == 0 else _rounded(lon_sum / length, lat_sum / length)


def _rounded(lon: float, lat: float) -> Place:
    return round(lon, 7), round(lat, 7)
