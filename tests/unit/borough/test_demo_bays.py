"""The demo's bays: some of one household, and areas that can be found."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from borough.demo.bays import demo_areas, demo_register
from borough.demo.households import demo_homes
from borough.demo.plan import DEMO_FLEET, make_plan
from devices.places_file import PlacesFile


def test_a_borough_can_be_shown(tmp_path: Path) -> None:
    plan = make_plan(DEMO_FLEET, tmp_path, datetime(2026, 11, 23, 15, 30, tzinfo=UTC))
    assert plan.bays is not None
    homes = list(demo_homes(plan.devices))
    register = demo_register(plan.bays.live, homes)
    known = {home.uprn for home in homes}
    own = [bay for bay in register.bays if bay.personal]
    assert len(own) == 4
    assert all(bay.uprn in known for bay in own)
    assert not any(bay.uprn for bay in register.bays if not bay.personal)
    personal = {device.id for device in plan.devices if device.family == "parking-bay" and device.personal}
    assert personal == {link.device for link in register.sensors if link.bay in {bay.id for bay in own}}
    file = PlacesFile(demo_areas(plan.bays.live, register))
    places = [place for part in file.parts() for place in part.places]
    assert file.kind == "area"
    assert not file.problems
    assert [place.name for place in places] == ["Town Centre", "Market Square", "Old Harbour", "Goods Yard"]
    for place in places[1:]:
        assert min(abs(place.lon - bay.lon) + abs(place.lat - bay.lat) for bay in register.bays) < 0.001
