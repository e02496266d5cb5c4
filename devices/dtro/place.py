"""Where a bay of a D-TRO lies: its street, zone and number of spaces, which D-TRO has no field for.

What we write says them in the description of the place, in brackets, so that it is read back to the same bay:
``Mill Road [bay K7, zone A, 3 spaces, off street]``, and with the longer words of another order before the brackets
``West side, from ... [bay K7, street Mill Road, zone A, 3 spaces]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devices.bays import BAY_ID, Bay
from devices.device import Origin
from devices.dtro.geometry import LENGTHS, GeometryError, Kind, Shape, read_shapes, shape_of
from devices.dtro.looking import Object, Unreadable, object_of, objects, text_of, word_of

#: Kinds of places, with the name of their well-known text.
_TEXTS: Mapping[str, str] = {
    "pointGeometry": "point",
    "linearGeometry": "linestring",
    "polygon": "polygon",
    "directedLinear": "directedLineString",
}
_USRN = 99_999_999
#: What is written for a shape.
_NAMES: Mapping[Kind, str] = {"POINT": "pointGeometry", "LINESTRING": "linearGeometry", "POLYGON": "polygon"}
_OWN = re.compile(
    r"(?P<said>.+) \[bay (?P<id>[^\s,]+)(?:, street (?P<street>.+))?, zone (?P<zone>.+)"
    r", (?P<spaces>[1-9]\d{0,3}) spaces?(?P<off>, off street)?"
    r"(?:, (?P<length>\d{1,4}(?:\.\d+)?) m)?(?:, at (?P<lon>-?\d{1,3}(?:\.\d+)?) (?P<lat>-?\d{1,2}(?:\.\d+)?))?"
    r"(?P<simulated>, simulated)?\]\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Own:
    """What one of our own descriptions says. ``place``: the words of another order."""

    id: str
    place: str | None
    street: str
    zone: str
    spaces: int
    off_street: bool
    length: float | None
    at: tuple[float, float] | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Place:
    """One regulated place: its parts, what it is called, the number and name of its street where they are given."""

    description: str
    shapes: Sequence[Shape]
    usrn: int | None
    street: str | None
    own: Own | None


def read_place(found: Object) -> Place | None:
    """A ``regulatedPlace``; None for the way of a diversion. Raises Unreadable."""
    if word_of(found, "type", ("diversionRoute", "regulationLocation")) == "diversionRoute":
        return None
    given = [name for name in _TEXTS if name in found]
    if len(given) != 1:
        raise Unreadable("a regulatedPlace has no geometry" if not given else "a regulatedPlace has two geometries")
    geometry = object_of(found, given[0])
    try:
        shapes = read_shapes(text_of(geometry, _TEXTS[given[0]]))
    except GeometryError as error:
        raise Unreadable(f"{_TEXTS[given[0]]} {error}") from None
    description = text_of(found, "description")
    usrn, street = _street(geometry)
    return Place(description, shapes, usrn, street, _own(description))


def _street(geometry: Object) -> tuple[int | None, str | None]:
    for name in ("externalReference", "origin"):
        for reference in objects(geometry, name):
            for one in objects(reference, "uniqueStreetReferenceNumber"):
                usrn, street = one.get("usrn"), one.get("nsgStreetName")
                if isinstance(usrn, bool) or not isinstance(usrn, int) or not 0 <= usrn <= _USRN:
                    raise Unreadable("usrn is no number of a street, of up to 8 digits")
                return usrn, street.strip() if isinstance(street, str) and street.strip() else None
    return None, None


def _own(description: str) -> Own | None:
    found = _OWN.match(description)
    if found is None or not BAY_ID.match(found["id"]):
        return None
    length = None if found["length"] is None else float(found["length"])
    if length is not None and not LENGTHS[0] <= length <= LENGTHS[1]:
        raise Unreadable(f"describes a bay of {length:g} m; {LENGTHS[0]:g} to {LENGTHS[1]:g} m are taken")
    return Own(
        found["id"],
        None if found["street"] is None else found["said"],
        found["street"] or found["said"],
        found["zone"],
        int(found["spaces"]),
        found["off"] is not None,
        length,
        None if found["lon"] is None else (float(found["lon"]), float(found["lat"])),
        "real" if found["simulated"] is None else "simulated",
    )


def kept_text(shape: Shape) -> str | None:
    """A shape's text where degrees to 1 cm do not give it back; None: they do."""
    return None if shape_of(shape.geojson, *shape.middle).text == shape.text else shape.text


def shape_to_write(bay: Bay) -> Shape:
    """A bay's shape: as it came (attribute ``osgb``) while the bay lies there, else of its degrees.

    Raises GeometryError for a bay outside Great Britain.
    """
    if (text := bay.attributes.get("osgb")) is not None:
        try:
            shape = read_shapes(text)[0]
        except GeometryError:
            pass  # somebody's own attribute of that name
        else:
            geometry = None if shape.kind == "POINT" else shape.geojson
            if geometry == bay.geometry and shape.middle == (bay.lon, bay.lat):
                return shape
    return shape_of(bay.geometry, bay.lon, bay.lat)


def describe(bay: Bay, shape: Shape) -> str:
    """A description that `read_place` reads back."""
    place = bay.attributes.get("place")
    parts = [f"bay {bay.id}", *([] if place is None else [f"street {bay.street}"])]
    parts += [f"zone {bay.zone}", f"{bay.spaces} {'space' if bay.spaces == 1 else 'spaces'}"]
    if bay.off_street:
        parts.append("off street")
    if bay.length is not None:
        parts.append(f"{bay.length:g} m")
    if shape.middle != (bay.lon, bay.lat):
        parts.append(f"at {bay.lon:.7f} {bay.lat:.7f}")
    if bay.origin == "simulated":
        parts.append("simulated")
    return f"{place or bay.street} [{', '.join(parts)}]"


def write_place(bay: Bay, updated: str) -> dict[str, object]:
    """A bay's ``regulatedPlace``; ``updated``: local time at which its street's number was looked up.

    Raises GeometryError for a bay outside Great Britain.
    """
    shape = shape_to_write(bay)
    street: dict[str, object] = {}
    if (usrn := bay.attributes.get("usrn", "")).isascii() and usrn.isdigit() and len(usrn) <= 8:
        reference = {"lastUpdateDate": updated, "uniqueStreetReferenceNumber": [{"usrn": int(usrn)}]}
        street["externalReference"] = [reference]
    return {
        "description": describe(bay, shape),
        "type": "regulationLocation",
        "assignment": False,
        "busRoute": False,
        "bywayType": "road",
        "concession": False,
        "tramcar": False,
        _NAMES[shape.kind]: {"version": 1, **_geometry(shape), **street},
    }


def _geometry(shape: Shape) -> dict[str, object]:
    match shape.kind:
        case "POINT":
            return {"point": shape.text, "representation": "other"}
        case "POLYGON":
            return {"polygon": shape.text}
        case "LINESTRING":
            return {
                "linestring": shape.text,
                "representation": "linear",
                "direction": "bidirectional",
                "lateralPosition": "onKerb",
            }
