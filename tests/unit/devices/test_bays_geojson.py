"""Bays as GeoJSON: shapes and their middle, hours, and what every mistake is told as."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.bays import Restriction
from devices.bays_geojson import read_bays_geojson
from devices.bays_geometry import middle
from devices.registry import RegistryError

SQUARE = [[-0.002, 51.0], [0.002, 51.0], [0.002, 51.002], [-0.002, 51.002], [-0.002, 51.0]]
PROPERTIES = {"street": "Dock Street", "zone": "A", "kind": "loading"}


def _file(*features: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def _feature(geometry: Any, /, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": "b1", "geometry": geometry, "properties": {**PROPERTIES, **properties}}


def _point(lon: float = -0.08123456789, lat: float = 51.5) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


def _problems(data: bytes) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        read_bays_geojson(data)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("kind", "coordinates", "place"),
    [
        ("Point", [-0.123456789, 51.5, 12.0], (-0.123456789, 51.5)),
        ("MultiPoint", [[0, 51], [0.002, 51.002]], (0.001, 51.001)),
        ("LineString", [[0, 51], [0.004, 51]], (0.002, 51.0)),
        ("LineString", [[0, 51], [0, 51]], (0.0, 51.0)),
        ("MultiLineString", [[[0, 51], [0.002, 51]], [[0.002, 51], [0.004, 51]]], (0.002, 51.0)),
        ("Polygon", [SQUARE], (0.0, 51.001)),
        ("Polygon", [SQUARE[::-1]], (0.0, 51.001)),
        # a hole in its eastern half moves the middle to the west, whichever way it turns
        ("Polygon", [SQUARE, [[0, 51], [0.002, 51], [0.002, 51.002], [0, 51.002], [0, 51]]], (-0.001, 51.001)),
        ("MultiPolygon", [[SQUARE], [SQUARE[::-1]]], (0.0, 51.001)),
        ("Polygon", [[[0, 51], [0.004, 51], [0, 51]]], (0.002, 51.0)),
    ],
)
def test_the_middle(kind: str, coordinates: Any, place: tuple[float, float]) -> None:
    assert middle({"type": kind, "coordinates": coordinates}) == pytest.approx(place, abs=2e-7)


def test_properties_are_the_columns() -> None:
    (there,) = read_bays_geojson(
        _file(_feature({"type": "MultiPolygon", "coordinates": [[SQUARE]], "bbox": [1]}, spaces=3, off_street=True))
    ).bays
    assert (there.item.id, there.item.spaces, there.item.off_street) == ("b1", 3, True)
    assert (there.item.lon, there.item.lat) == (0.0, 51.001)
    assert there.item.geometry == {"type": "MultiPolygon", "coordinates": [[SQUARE]]}
    (there,) = read_bays_geojson(_file(_feature(_point(), note=None, lon=-0.1, lat=51.6))).bays
    assert (there.item.lon, there.item.lat, there.item.geometry, there.item.attributes) == (-0.1, 51.6, None, {})


def test_hours_are_properties_or_a_list() -> None:
    one = {"days": "Mo-Fr", "hours": "08:00-12:00", "maximum_stay": 60}
    other = {"days": "Mo-Fr", "hours": "12:00-18:00"}
    flat = read_bays_geojson(_file(_feature(_point(), **one))).bays[0].item
    assert flat.restrictions == (Restriction(31, 480, 720, 60),)
    two = read_bays_geojson(_file(_feature(_point(), restrictions=[other, one]))).bays[0].item
    assert two.restrictions == (Restriction(31, 480, 720, 60), Restriction(31, 720, 1080))
    features = _file(_feature(_point(), **one), _feature(_point(), **other))
    assert read_bays_geojson(features).bays[0].item == two


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (_feature(_point(530_000, 180_000)), "which are no degrees: they are in another projection"),
        (_feature(_point(51.5, -0.08)), "longitude and latitude are swapped, it seems"),
        (_feature(None), "has no geometry"),
        (_feature({"type": "Circle", "coordinates": [0, 0]}), "its geometry has the type 'Circle'; one of Point"),
        (_feature({"type": "Polygon", "coordinates": [0, 51]}), "coordinates that are no pairs"),
        (_feature({"type": "Polygon", "coordinates": []}), "its geometry has no coordinates"),
        (_feature({"type": "Point", "coordinates": [True, 51]}), "coordinates that are no pairs"),
        (_feature({"type": "LineString", "coordinates": [[0, 51]]}), "a line of less than two positions"),
        (_feature({"type": "MultiLineString", "coordinates": [[[0, 51], [1, 51]], []]}), "less than two positions"),
        (_feature({"type": "Polygon", "coordinates": [[[0, 51], [1, 51], [0, 51]]]}), "less than 4 positions"),
        (_feature({"type": "MultiPolygon", "coordinates": [[], [SQUARE]]}), "less than 4 positions"),
        (_feature({"type": "Polygon", "coordinates": [SQUARE[:-1]]}), "an outline that does not end where it begins"),
        (_feature({"type": "Point", "coordinates": [10**400, 51]}), "coordinates that are no pairs"),
        (_feature(_point(), lon=0.1), "lon and lat are given together or not at all"),
        (_feature(_point(), note=[1]), "property 'note' is a list or an object"),
        (_feature(_point(), restrictions="x"), "restrictions is no list of objects"),
        (_feature(_point(), restrictions=[{"day": "Mo"}]), "restrictions have no 'day'"),
        (_feature(_point(), restrictions=[{"days": "Mo"}], days="Tu"), "one of the two says them"),
        (_feature(_point(), restrictions=[{"days": "Mo"}, {"days": "Mo"}]), "hold at the same time as those of"),
        (_feature(_point(), geometry="x"), "geometry is no property"),
        ({**_feature(_point()), "properties": [1]}, "its properties are no object"),
        ({"type": "Fish"}, "is not a GeoJSON Feature"),
    ],
)
def test_every_mistake_is_told_with_its_feature(feature: Any, said: str) -> None:
    (problem, *_) = _problems(_file({**_feature(_point()), "id": "b0"}, feature))
    assert problem.startswith("feature 2")
    assert said in problem


def test_a_file_in_another_projection() -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    assert _problems(_file(crs=crs)) == [
        "crs urn:ogc:def:crs:EPSG::27700: coordinates must be WGS 84 degrees; export as EPSG:4326"
    ]
