"""Geometries of a D-TRO: well-known text on the National Grid to GeoJSON and back.

``SRID=27700;LINESTRING(323158 124529, 323252 124546)``: each part of a multi geometry is a place of its own here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import Any, Literal

from devices.bays_geometry import middle
from devices.dtro import osgb

Kind = Literal["POINT", "LINESTRING", "POLYGON"]
#: A place [m]: easting, northing.
Place = tuple[float, float]

_SRID = "SRID=27700;"
_HEAD = re.compile(r"SRID=(\d{1,6});(MULTI)?(POINT|LINESTRING|POLYGON) ?\(", re.ASCII)
_NUMBER = r"[+-]?\d{1,9}(?:\.\d{1,9})?"
#: A height may follow; it is not kept.
_PLACE = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})(?:\s+{_NUMBER})?\s*\Z", re.ASCII)
#: How deep a part's brackets are, and the fewest places of one ring or line.
_SHAPE: Mapping[str, tuple[int, int]] = {"POINT": (0, 1), "LINESTRING": (0, 2), "POLYGON": (1, 4)}
_GEOJSON: Mapping[Kind, str] = {"POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon"}
#: More places than this are no bay.
_PLACES = 10_000
#: Lengths of bays [m].
LENGTHS = (0.5, 1_000.0)
#: Digits of a degree: 1 cm.
_DIGITS = 7


class GeometryError(ValueError):
    """A geometry that cannot be taken; the text follows its name."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One part: rings or lines of places [m]; a point and a line have one of them."""

    kind: Kind
    rings: tuple[tuple[Place, ...], ...]

    @property
    def text(self) -> str:
        """As a D-TRO has it."""
        rings = [", ".join(f"{_metres(east)} {_metres(north)}" for east, north in ring) for ring in self.rings]
        inner = ", ".join(f"({ring})" for ring in rings) if self.kind == "POLYGON" else rings[0]
        return f"{_SRID}{self.kind}({inner})"

    @property
    def geojson(self) -> dict[str, Any]:
        """As a GeoJSON geometry in degrees, WGS 84."""
        rings = [[list(degrees(place)) for place in ring] for ring in self.rings]
        of_kind = {"POINT": rings[0][0], "LINESTRING": rings[0], "POLYGON": rings}
        return {"type": _GEOJSON[self.kind], "coordinates": of_kind[self.kind]}

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude [degrees] of its centroid."""
        return middle(self.geojson)

    @property
    def length(self) -> float | None:
        """A line's length [m], to the decimetre; None where it is no bay's."""
        if self.kind != "LINESTRING":
            return None
        length = round(sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self.rings[0])), 1)
        return length if LENGTHS[0] <= length <= LENGTHS[1] else None


def degrees(place: Place) -> tuple[float, float]:
    """Longitude and latitude [degrees, to 1 cm] of a place on the grid."""
    lon, lat = osgb.to_wgs84(*place)
    return round(lon, _DIGITS), round(lat, _DIGITS)


def read_shapes(text: str) -> list[Shape]:
    """The parts of a geometry. Raises GeometryError."""
    head = _HEAD.match(text)
    if head is None:
        raise GeometryError("is no point, line or polygon such as SRID=27700;LINESTRING(323158 124529, 323252 124546)")
    srid, multi, kind = head[1], head[2], head[3]
    if srid != "27700":
        raise GeometryError(f"is in the projection {srid}; a D-TRO has the National Grid, 27700")
    depth = _SHAPE[kind][0] + (multi is not None)
    items = _bracketed(text[head.end() - 1 :], depth)
    parts = items if multi is not None else [items]
    return [_shape(kind, part) for part in parts]  # type: ignore[arg-type]  # the pattern has these words


def _bracketed(text: str, depth: int) -> Any:
    """The text in nested brackets as lists of that depth, strings in the innermost."""
    text = text.strip()
    if not (text.startswith("(") and text.endswith(")")):
        raise GeometryError("has brackets that do not fit its kind")
    text = text[1:-1]
    if depth == 0:
        if "(" in text or ")" in text:
            raise GeometryError("has brackets that do not fit its kind")
        return text
    parts, level, begin = [], 0, 0
    for place, sign in enumerate(text):
        if sign == "(":
            level += 1
        elif sign == ")":
            level -= 1
            if level < 0:
                raise GeometryError("has brackets that do not fit its kind")
        elif sign == "," and level == 0:
            parts.append(text[begin:place])
            begin = place + 1
    parts.append(text[begin:])
    return [_bracketed(part, depth - 1) for part in parts]


def _shape(kind: Kind, part: Any) -> Shape:
    fewest = _SHAPE[kind][1]
    rings = []
    for text in part if kind == "POLYGON" else [part]:
        places = text.split(",")
        if not fewest <= len(places) <= (1 if kind == "POINT" else _PLACES):
            raise GeometryError(f"has {len(places)} places where a {kind.lower()} has {fewest} or more")
        ring = tuple(_place(place) for place in places)
        if kind == "POLYGON" and ring[0] != ring[-1]:
            raise GeometryError("has a ring that does not end where it begins")
        rings.append(ring)
    return Shape(kind, tuple(rings))


def _place(text: str) -> Place:
    found = _PLACE.match(text)
    if found is None:
        raise GeometryError(f"has {text.strip()[:40]!r} where an easting and a northing stand, in metres")
    place = float(found[1]), float(found[2])
    if not osgb.covered(*place):
        raise GeometryError(f"has {text.strip()!r}, which is no place on the National Grid")
    return place


def shape_of(geometry: Mapping[str, Any] | None, lon: float, lat: float) -> Shape:
    """The shape of a GeoJSON geometry in degrees; a point where it is none of ours.

    Raises GeometryError for what lies outside Great Britain.
    """
    try:
        match geometry:
            case {"type": "LineString", "coordinates": list(places)} if len(places) > 1:
                return Shape("LINESTRING", (_grid(places),))
            case {"type": "Polygon", "coordinates": list(rings)} if rings:
                return Shape("POLYGON", tuple(_grid(ring) for ring in rings))
        return Shape("POINT", (_grid([(lon, lat)]),))
    except ValueError as error:
        raise GeometryError(f"lies at {lon}, {lat}: {error}") from None


def _grid(places: Sequence[Sequence[float]]) -> tuple[Place, ...]:
    """Places in degrees on the grid, to 1 mm: so what is read back is the same to 1 cm, and written again the same."""
    found = [osgb.from_wgs84(round(place[0], _DIGITS), round(place[1], _DIGITS)) for place in places]
    return tuple((round(east, 3), round(north, 3)) for east, north in found)


def _metres(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
