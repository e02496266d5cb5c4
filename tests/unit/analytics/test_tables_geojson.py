"""GeoJSON: longitude first, every digit, and nothing that is no place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analytics.tables.geojson import Place, geojson_blocks, known

#: Where a church of Greenwich stands: as longitude and latitude it can be taken for nothing else in the borough.
LON, LAT = -0.009_512_345_678_9, 51.480_612_345_678_9


def read(*places: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(geojson_blocks(places)))
    return found


def test_longitude_comes_first_with_every_digit_that_there_is() -> None:
    (feature,) = read(Place("007", LON, LAT, {"device": "007"}))["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [LON, LAT]}
    assert feature["id"] == feature["properties"]["device"] == "007"


def test_without_a_place_the_geometry_is_null_and_one_of_its_own_counts() -> None:
    line = {"type": "LineString", "coordinates": [[LON, LAT], [LON, LAT + 0.0001]]}
    none, own = read(Place("a", None, None, {}), Place("b", LON, LAT, {}, line))["features"]
    assert none["geometry"] is None
    assert own["geometry"] == line


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
def test_any_number_of_features_is_one_collection(count: int) -> None:
    found = read(*(Place(f"{number:04}", LON, LAT, {}) for number in range(count)))
    assert found["type"] == "FeatureCollection"
    assert [one["id"] for one in found["features"]] == [f"{number:04}" for number in range(count)]


@pytest.mark.parametrize(("lon", "lat"), [(180.5, 0.0), (0.0, 91.0), (float("nan"), 0.0)])
def test_what_is_no_place_on_earth_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(ValueError, match=r"x: lon .* is no place on Earth"):
        list(geojson_blocks([Place("x", lon, lat, {})]))


def test_what_is_not_known_is_null() -> None:
    assert [known(value) for value in (1.5, float("nan"), float("inf"))] == [1.5, None, None]
