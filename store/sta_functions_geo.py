"""The geospatial functions: a place of ours against a geometry that is written in the query.

Distances are in degrees on the plane of longitude and latitude, as those of other SensorThings services are. What has
no exact answer there (``geography`` in 2.0: along the ellipsoid) is refused.
"""

from __future__ import annotations

import re

from store.queries import queries
from store.sta_functions import Arguments, Function
from store.sta_geometry import length, position, relations
from store.sta_query import Geometry
from store.sta_values import Value, fill, refuse

_SQL = queries("sta_functions_geo")


def _shape(a: Arguments, number: int) -> Geometry | None:
    """The geometry that an argument is, None for a property. Raises QueryRefused for what is neither."""
    value = a.values[number]
    if value.kind != "point":
        raise refuse(
            a.option, value.at, f"argument {number + 1} of {a.name} is {value.called}, a place is needed, "
            "such as location or geometry'POINT (-0.12 51.5)'"
        )  # fmt: skip
    return value.literal if isinstance(value.literal, Geometry) else None


def _distance(a: Arguments) -> Value:
    a.count(2)
    for number in (0, 1):
        shape = _shape(a, number)
        if shape is not None and shape.kind != "POINT":
            raise refuse(a.option, a.values[number].at, "geo.distance is served between points")
    (x1, y1), (x2, y2) = (_place(a, number) for number in (0, 1))
    return a.make("number", fill(_SQL["distance"], x1=x1, y1=y1, x2=x2, y2=y2))


def _place(a: Arguments, number: int) -> tuple[str, str]:
    shape = _shape(a, number)
    if shape is None:
        value = a.values[number]
        return value.sql, str(value.end)
    x, y = shape.rings[0][0]
    return a.parameters.add(float(x), "float8"), a.parameters.add(float(y), "float8")


def _length(a: Arguments) -> Value:
    a.count(1)
    shape = _shape(a, 0)
    if shape is None or shape.kind != "LINESTRING":
        raise refuse(
            a.option, a.values[0].at, "geo.length takes a line, geometry'LINESTRING (…)'; places have no length"
        )
    return a.make("number", a.parameters.add(length(shape), "float8"))


def _relation(a: Arguments) -> Value:
    pattern: str | None = None
    if a.name == "st_relate":
        a.count(3)
        given = a.values[2].literal
        pattern = given if isinstance(given, str) else ""
        if not re.fullmatch("[TF*012]{9}", pattern.upper(), re.ASCII):
            raise refuse(a.option, a.values[2].at, "the pattern of st_relate is a text of nine of T F * 0 1 2")
    else:
        a.count(2)
    shapes = _shape(a, 0), _shape(a, 1)
    if shapes[0] is not None and shapes[1] is not None:
        raise a.refuse(f"{a.name} compares a place of the data with a geometry: one argument is a property")
    point_first = shapes[0] is None
    shape = shapes[1] or shapes[0]
    if shape is None:
        return _of_two_places(a, pattern)
    found = relations(a.name, shape, point_first, pattern)
    where = position(a.values[0 if point_first else 1], shape, a.parameters)
    return a.make("bool", _among(where, found))


def _of_two_places(a: Arguments, pattern: str | None) -> Value:
    """Both arguments are properties: two points, which are equal or apart."""
    one, other = a.values[:2]
    shape = Geometry(a.at, "POINT", ((("0", "0"),),))
    same = f"({one.sql} = {other.sql} and {one.end} = {other.end})"
    where = f"(case when {one.sql} is null or {other.sql} is null then null when {same} then 0 else 2 end)"
    return a.make("bool", _among(where, relations(a.name, shape, True, pattern)))


def _among(where: str, found: frozenset[int]) -> str:
    if not found:
        # false of a place, null without one
        return f"{where} < 0"
    return f"{where} in ({', '.join(str(number) for number in sorted(found))})"


_RELATIONS = (
    "geo.intersects",
    "st_equals",
    "st_disjoint",
    "st_touches",
    "st_within",
    "st_overlaps",
    "st_crosses",
    "st_intersects",
    "st_contains",
    "st_relate",
)

#: The geospatial functions of 18-088 and 23-019 by name.
GEO: dict[str, Function] = {"geo.distance": _distance, "geo.length": _length, **dict.fromkeys(_RELATIONS, _relation)}
