"""The National Grid: Ordnance Survey's worked example, and places that OSTN15 knows to a decimetre."""

from __future__ import annotations

from math import hypot, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.dtro.osgb import from_wgs84, project, to_wgs84


def test_the_worked_example_of_the_guide() -> None:
    lat, lon = 52 + 39 / 60 + 27.2531 / 3600, 1 + 43 / 60 + 4.5177 / 3600
    assert project(radians(lon), radians(lat)) == pytest.approx((651_409.903, 313_177.270), abs=1e-3)


@pytest.mark.parametrize(
    ("lon", "lat", "easting", "northing"),
    # by OSTN15, of convertbng 2.0.0
    [(-0.0812, 51.5031, 533_273.305, 179_985.476), (-2.2426, 53.4808, 383_997.276, 398_256.539)],
)
def test_a_place_is_within_five_metres_of_ostn15(lon: float, lat: float, easting: float, northing: float) -> None:
    found = from_wgs84(lon, lat)
    assert hypot(found[0] - easting, found[1] - northing) < 5


@given(st.floats(-6, 1.7), st.floats(50, 58.5))
def test_there_and_back_is_the_same_place(lon: float, lat: float) -> None:
    try:
        there = from_wgs84(lon, lat)
    except ValueError:
        return  # west of the grid
    assert to_wgs84(*there) == pytest.approx((lon, lat), abs=1e-9)


@pytest.mark.parametrize("place", [(2.35, 48.85), (-0.08, 251.5), (float("nan"), 51.5), (179.0, 0.0)])
def test_what_is_not_in_great_britain_has_no_place(place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no place"):
        from_wgs84(*place)


@pytest.mark.parametrize("place", [(-1.0, 100.0), (0.0, 1_300_001.0), (float("inf"), 0.0)])
def test_what_is_not_on_the_grid_has_no_place(place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="no place"):
        to_wgs84(*place)
