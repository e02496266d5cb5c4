"""Where a point lies to a geometry: inside, on its boundary or outside, exactly and without PostGIS.

All geometries of ours are points, so each relation of Simple Feature Access (OGC 06-104) between a point and a point,
line or polygon follows from that one answer. It is reckoned in ``numeric`` over the decimals as they are written, on
the plane of longitude and latitude: no rounding puts a point on the wrong side of an edge.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

from store.queries import queries
from store.sta_query import Geometry
from store.sta_values import Parameters, Value, fill

INSIDE, BOUNDARY, OUTSIDE = 0, 1, 2

_SQL = queries("sta_geometry")


def position(point: Value, shape: Geometry, parameters: Parameters) -> str:
    """SQL of where a point lies to a shape: 0 inside, 1 boundary, 2 outside, null without a place.

    A point's inside is itself, a line's its course without its ends (a closed line has none), a polygon's its area
    without the rings.
    """
    assert point.end is not None
    x, y = point.sql, point.end
    if shape.kind == "POINT":
        return f"(case when {x} is null then null when {_at(x, y, shape.rings[0][0], parameters)} then 0 else 2 end)"
    places = [place for ring in shape.rings for place in ring]
    edges = [(*one, *other) for ring in shape.rings for one, other in pairwise(ring)]
    arrays = [parameters.add([edge[number] for edge in edges], "numeric[]") for number in range(4)]
    xs, ys = [float(a) for a, _ in places], [float(b) for _, b in places]
    bounds = [parameters.add(value, "float8") for value in (min(xs), max(xs), min(ys), max(ys))]
    touched = "1"
    if shape.kind == "LINESTRING":
        touched = _ends(x, y, shape, parameters)
    return fill(
        _SQL["position"],
        x=x, y=y, low_x=bounds[0], high_x=bounds[1], low_y=bounds[2], high_y=bounds[3], touched=touched,
        area="true" if shape.kind == "POLYGON" else "false", x1=arrays[0], y1=arrays[1], x2=arrays[2], y2=arrays[3],
    )  # fmt: skip


def is_closed(shape: Geometry) -> bool:
    """Whether a line ends where it began: then it has no boundary."""
    first, last = shape.rings[0][0], shape.rings[0][-1]
    return [Decimal(part) for part in first] == [Decimal(part) for part in last]


def _ends(x: str, y: str, shape: Geometry, parameters: Parameters) -> str:
    """0, or 1 at the two ends of a line that is not closed."""
    if is_closed(shape):
        return "0"
    first, last = (_at(x, y, place, parameters) for place in (shape.rings[0][0], shape.rings[0][-1]))
    return f"case when {first} or {last} then 1 else 0 end"


def _at(x: str, y: str, place: tuple[str, str], parameters: Parameters) -> str:
    a, b = (parameters.add(part, "numeric") for part in place)
    return f"(({x})::text::numeric = {a} and ({y})::text::numeric = {b})"


def relations(name: str, shape: Geometry, point_first: bool, pattern: str | None = None) -> frozenset[int]:
    """Which answers of `position` make a relation true. ``point_first``: the point is the relation's first argument.

    ``pattern``: of ``st_relate``, nine of ``T F * 0 1 2``.
    """
    found = {
        "st_equals": {INSIDE} if shape.kind == "POINT" else set(),
        "st_intersects": {INSIDE, BOUNDARY},
        "geo.intersects": {INSIDE, BOUNDARY},
        "st_disjoint": {OUTSIDE},
        "st_touches": {BOUNDARY},
        # a point overlaps nothing and crosses nothing: its inside has no part that could be elsewhere
        "st_overlaps": set(),
        "st_crosses": set(),
        "st_within": {INSIDE} if point_first or shape.kind == "POINT" else set(),
        "st_contains": {INSIDE} if not point_first or shape.kind == "POINT" else set(),
    }
    if pattern is None:
        return frozenset(found[name])
    return frozenset(
        where for where in (INSIDE, BOUNDARY, OUTSIDE) if _matches(_matrix(where, shape, point_first), pattern)
    )


def _matrix(where: int, shape: Geometry, point_first: bool) -> str:
    """The nine intersections (DE-9IM) of a point that lies so with a shape, by rows."""
    inside = "".join("0" if where == part else "F" for part in (INSIDE, BOUNDARY, OUTSIDE))
    if shape.kind == "POINT":
        rest = ("F" if where == INSIDE else "0") + "F"
    elif shape.kind == "LINESTRING":
        rest = "1" + ("F" if is_closed(shape) else "0")
    else:
        rest = "21"
    matrix = f"{inside}FFF{rest}2"
    return matrix if point_first else "".join(matrix[number] for number in (0, 3, 6, 1, 4, 7, 2, 5, 8))


def _matches(matrix: str, pattern: str) -> bool:
    return all(
        wanted == "*" or (wanted == "T" and found != "F") or wanted == found
        for found, wanted in zip(matrix, pattern.upper(), strict=True)
    )


def length(shape: Geometry) -> float:
    """The length of a line in degrees, on the plane."""
    places = [(float(x), float(y)) for x, y in shape.rings[0]]
    return sum(math.sqrt((a - c) * (a - c) + (b - d) * (b - d)) for (a, b), (c, d) in pairwise(places))
