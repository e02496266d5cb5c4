"""Places as GeoJSON (RFC 7946): longitude first, WGS 84, every digit that there is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

#: Features that go out together.
_TOGETHER = 500


class Place(NamedTuple):
    """Something at a place: ``lon``, ``lat`` [degrees, WGS 84] or None; ``geometry``: a GeoJSON geometry that says more
    than that point, or None; ``properties``: what JSON has, numbers finite or None."""

    id: str
    lon: float | None
    lat: float | None
    properties: Mapping[str, Any]
    geometry: Mapping[str, Any] | None = None


def geojson_blocks(places: Iterable[Place]) -> Iterator[bytes]:
    """A FeatureCollection in pieces; one that broke off is no JSON.

    Raises ValueError for a place that is none on Earth.
    """
    yield b'{"type":"FeatureCollection","features":['
    held: list[bytes] = []
    first = True
    for place in places:
        held.append(orjson.dumps(_feature(place)))
        if len(held) == _TOGETHER:
            yield (b"" if first else b",\n") + b",\n".join(held)
            held, first = [], False
    if held:
        yield (b"" if first else b",\n") + b",\n".join(held)
    yield b"]}\n"


def _feature(place: Place) -> dict[str, Any]:
    geometry = place.geometry
    if geometry is None and place.lon is not None and place.lat is not None:
        if not (abs(place.lon) <= 180 and abs(place.lat) <= 90):
            raise ValueError(f"{place.id}: lon {place.lon}, lat {place.lat} is no place on Earth")
        geometry = {"type": "Point", "coordinates": [place.lon, place.lat]}
    return {"type": "Feature", "id": place.id, "geometry": geometry, "properties": place.properties}


def known(value: float) -> float | None:
    """A number as JSON has it: None where it is not known."""
    return value if math.isfinite(value) else None
