"""Bays made of registered sensors: the simulator's attributes, those of a recording, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from devices.bays import Bay, Restriction, SensorLink
from devices.bays_of_devices import bays_of_devices
from devices.device import Device
from devices.registry import RegistryError

AT, SINCE = datetime(2026, 6, 1, tzinfo=UTC), datetime(2017, 1, 1, tzinfo=UTC)


def _device(name: str, attributes: dict[str, str], lon: float | None = 0.1) -> tuple[Device, datetime]:
    place = (lon, None if lon is None else 51.5)
    return Device(name, "parking-bay", "native", *place, origin="simulated", attributes=attributes), AT


def test_what_the_simulator_writes() -> None:
    high_street = {
        "street": "Dock Street", "zone_code": "Z01", "street_type": "high-street", "permitted_minutes": "60",
        "active_hours": "Mo-Sa 08:30-18:30",
    }  # fmt: skip
    made, placeless = bays_of_devices([_device("b1", high_street), _device("b2", {}, None)], {}, None)
    assert [one.item for one in made.bays] == [
        Bay(
            "b1", "Dock Street", "Z01", "limited-waiting", 0.1, 51.5, origin="simulated",
            restrictions=(Restriction(63, 510, 1110, 60),),
        )
    ]  # fmt: skip
    assert [one.item for one in made.sensors] == [SensorLink("b1", "b1", AT, None)]
    assert placeless == ["b2"]


@pytest.mark.parametrize(
    ("attributes", "kind", "zone"),
    [
        ({"parking_zone": "7304"}, "unrestricted", "7304"),
        ({}, "unrestricted", "no zone"),
        ({"street_type": "loading", "zone_code": "Z"}, "loading", "Z"),
        ({"street_type": "car-park", "zone_code": "Z"}, "pay", "Z"),
        ({"kind": "disabled", "zone_code": "Z", "permitted_minutes": "180"}, "disabled", "Z"),
    ],
)
def test_kinds_and_zones(attributes: dict[str, str], kind: str, zone: str) -> None:
    made, _ = bays_of_devices([_device("b1", attributes)], {}, SINCE)
    (bay,), (link,) = made.bays, made.sensors
    assert (bay.item.kind, bay.item.zone, link.item.start) == (kind, zone, SINCE)
    assert bay.item.off_street is (attributes.get("street_type") == "car-park")


def test_a_known_bay_is_linked_and_left() -> None:
    known = {"b1": Bay("b1", "Quay", "Z", "pay", 0.0, 51.0)}
    made, _ = bays_of_devices([_device("b1", {})], known, None)
    assert (len(made.bays), len(made.sensors)) == (0, 1)


def test_attributes_that_say_no_hours_are_told() -> None:
    hours = {"active_hours": "always", "permitted_minutes": "x"}
    broken = [_device("b1", hours), _device("b2", {"zone_code": "x" * 61})]
    with pytest.raises(RegistryError) as caught:
        bays_of_devices(broken, {}, None)
    assert [str(one)[:40] for one in caught.value.problems] == [
        "device b1: hours 'always' are no hours s",
        "device b1: maximum_stay 'x' is no length",
        "device b2: zone is 61 letters long; at m",
    ]
