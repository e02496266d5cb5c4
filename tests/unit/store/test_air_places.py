"""A place's index: the nearest monitor's that has one, an area's the highest."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from store.air import Monitor, Now
from store.air_places import WITHIN, area, nearest, within

_HOUR = datetime(2026, 3, 27, 12, tzinfo=UTC)
#: So many degrees of latitude are a kilometre.
_KM = 1 / 111.195


def told(name: str, km: float | None, index: int, *, fresh: bool = True) -> Now:
    """A monitor so far north of 51.5 N 0 E."""
    lon, lat = (None, None) if km is None else (0.0, 51.5 + km * _KM)
    monitor = Monitor(name, name, lon, lat, "real", True, None, False, ("pm2_5",), _HOUR, {})
    return Now(monitor, _HOUR, fresh, index, "pm2_5" if index else None, {"pm2_5": index} if index else {}, (), False)


def test_the_nearest_within_two_kilometres_that_has_an_index_now() -> None:
    found = [told("far", 1.999, 9), told("near", -0.5, 3), told("beyond", 2.001, 10), told("nowhere", None, 10)]
    near = nearest(found, 0.0, 51.5)
    assert near is not None
    assert (near.now.device, round(near.metres)) == ("near", 500)
    assert [one.now.device for one in within(found, 0.0, 51.5)] == ["near", "far"]
    assert WITHIN == 2_000
    # one that has no index, or none of now, is passed over while another tells
    for other in (told("near", -0.5, 0), told("near", -0.5, 7, fresh=False)):
        assert nearest([other, told("far", 1.999, 9)], 0.0, 51.5).now.device == "far"  # type: ignore[union-attr]
        assert nearest([other], 0.0, 51.5).now is other  # type: ignore[union-attr]
    assert nearest([told("beyond", 2.001, 10)], 0.0, 51.5) is None


def test_an_area_has_the_highest_and_of_equals_the_nearest() -> None:
    found = [told("a", 1, 4), told("b", 0.2, 4), told("c", 0.1, 2), told("d", 0.05, 9, fresh=False)]
    highest = area(found, 0.0, 51.5)
    assert highest is not None
    assert highest.highest.now.device == "b"
    assert [one.now.device for one in highest.monitors] == ["d", "c", "b", "a"]
    assert area(found[3:], 0.0, 51.5) is None


@pytest.mark.parametrize(("lon", "lat", "metres"), [(0.0144, 51.5, 997), (0.0, 51.5, 0), (-0.0288, 51.5, 1_994)])
def test_distances_east_and_west(lon: float, lat: float, metres: float) -> None:
    (near,) = within([told("m", 0, 4)], lon, lat)
    assert near.metres == pytest.approx(metres, abs=5)
