"""DATEX II publications: what they say of zones and bays, and that DATEX's own JSON schemas agree."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing import Registry, Resource

from devices.bays import Bay, Restriction
from devices.datex import BayStatus, Publisher, status_publication, table_publication
from tests.examples import examples
from tests.worlds.parking_interchange import bays

FOLDER = os.environ.get("BOROUGH_TEST_DATEX_SCHEMA")
AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
COUNCIL = Publisher("Testborough Council")


def _absent() -> str | None:
    """Why the schemas cannot judge; None: they can."""
    if FOLDER is None:
        return "BOROUGH_TEST_DATEX_SCHEMA names no folder with DATEX II's JSON schemas (DATEXII_3_*.json)"
    # a folder may be a selection of the model: that of the user forum of 2024 names Parking and has two kinds of roads
    if "ParkingTablePublication" not in (Path(FOLDER) / "DATEXII_3_Parking.json").read_text(encoding="utf-8"):
        return "the selection in BOROUGH_TEST_DATEX_SCHEMA has no publications of parking"
    return None


needs_schema = pytest.mark.skipif(_absent() is not None, reason=str(_absent()))


@cache
def _judge() -> Any:
    assert FOLDER is not None
    folder = Path(FOLDER)

    def retrieve(uri: str) -> Resource[Any]:
        return Resource.from_contents(json.loads((folder / uri).read_bytes()))

    entry = json.loads((folder / "DATEXII_3_D2Payload.json").read_bytes())
    kind = jsonschema.validators.validator_for(entry)
    registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # its class is made by attrs
    return kind(entry, registry=registry, format_checker=kind.FORMAT_CHECKER)


def _flaws(publication: dict[str, Any]) -> list[str]:
    return [error.message for error in _judge().iter_errors(publication)]


states = st.builds(
    BayStatus,
    st.just("K7"),
    st.sampled_from(("A", "B")),
    st.none() | st.booleans(),
    st.none() | st.just(AT),
    st.booleans(),
)


@needs_schema
@given(st.data())
@settings(max_examples=examples(25))
def test_tables_are_datex(data: st.DataObject) -> None:
    some = [data.draw(bays(number)) for number in (1, 2)]
    assert _flaws(table_publication(some, COUNCIL, AT)) == []


@needs_schema
@given(st.lists(states, min_size=1, max_size=4))
@settings(max_examples=examples(25))
def test_states_are_datex(some: list[BayStatus]) -> None:
    assert _flaws(status_publication(some, COUNCIL, AT)) == []


@needs_schema
def test_the_judge_sees_what_is_wrong() -> None:
    publication = table_publication([BAY], COUNCIL, AT)
    element = publication["payload"]["prkParkingTablePublication"]["parkingTable"][0]["hierarchyElementGeneral"][1]
    element["prkSpace"]["colour"] = "red"
    assert _flaws(publication)


BAY = Bay("K7", "Mill Road", "A", "pay", -0.0812, 51.5031, restrictions=(Restriction(31, 480, 1110, 120),))


def _elements(publication: dict[str, Any]) -> list[dict[str, Any]]:
    tables = publication["payload"]["prkParkingTablePublication"]["parkingTable"]
    return [element for table in tables for element in table["hierarchyElementGeneral"]]


def test_a_zone_is_a_place_and_its_bays_are_spaces() -> None:
    lot = Bay("K8", "Mill Road", "A", "disabled", -0.0814, 51.5033, 12, off_street=True)
    place, space, area = _elements(table_publication([BAY, lot], COUNCIL, AT))
    assert place["prkPlace"]["supply"]["quantity"] == 13
    assert [child["idG"] for child in place["prkPlace"]["childId"]] == ["K7", "K8"]
    structures = place["prkPlace"]["commonComponents"]["characteristics"]
    assert [one["structureType"]["value"] for one in structures] == ["offStreetSurface", "onStreet"]
    assert space["prkSpace"]["parentId"]["idG"] == place["prkPlace"]["idG"]
    (pattern,) = space["prkSpace"]["operatingPattern"]
    assert pattern["prkOperatingRestriction"]["type"] == {"value": "extendedG", "extendedValueG": "pay"}
    assert pattern["prkOperatingRestriction"]["context"]["values"][0]["value"] == "Mo-Fr 08:00-18:30, up to 2 h"
    assert area["prkSpecificArea"]["supply"]["quantity"] == 12


def test_a_version_follows_from_the_content() -> None:
    def versions(bay: Bay, at: datetime) -> tuple[str, str]:
        publication = table_publication([bay], COUNCIL, at)
        table = publication["payload"]["prkParkingTablePublication"]["parkingTable"][0]
        return table["versionG"], table["hierarchyElementGeneral"][1]["prkSpace"]["versionG"]

    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert versions(BAY, AT) == versions(BAY, later)
    moved = Bay("K7", "Mill Road", "A", "pay", -0.0813, 51.5031, restrictions=BAY.restrictions)
    assert not set(versions(BAY, AT)) & set(versions(moved, AT))


@pytest.mark.parametrize(
    ("some", "free", "taken", "word"),
    [
        ([True, False, None], 1, 1, "spacesAvailable"),
        ([True, True], 0, 2, "full"),
        ([True, None], 0, 1, "unknown"),  # the unknown one may be free
        ([None], 0, 0, "unknown"),
    ],
)
def test_a_zone_counts_what_is_known(some: list[bool | None], free: int, taken: int, word: str) -> None:
    found = status_publication(
        [BayStatus(f"K{number}", "A", occupied, None) for number, occupied in enumerate(some)], COUNCIL, AT
    )
    zone, *its = found["payload"]["prkParkingStatusPublication"]["parkingStatusInformation"]
    assert zone["prkPlaceStatus"]["occupancy"] == {"numberOfVacantSpaces": free, "numberOfOccupiedSpaces": taken}
    assert zone["prkPlaceStatus"]["status"] == [{"value": word}]
    said = [one.get("prkSpaceStatus", {}).get("occupied") for one in its]
    assert said == some


def test_a_closed_bay_is_in_no_count() -> None:
    closed = BayStatus("K7", "A", False, AT, closed=True)
    found = status_publication([closed], Publisher("Testborough", test=True), AT)["payload"]
    zone, bay = found["prkParkingStatusPublication"]["parkingStatusInformation"]
    assert zone["prkPlaceStatus"]["occupancy"] == {"numberOfVacantSpaces": 0, "numberOfOccupiedSpaces": 0}
    assert zone["prkPlaceStatus"]["status"] == [{"value": "unknown"}]
    assert bay["prkSpaceStatus"]["openingStatus"] == {"value": "temporarilyClosed"}
    assert found["prkParkingStatusPublication"]["headerInformation"]["informationStatus"] == {"value": "test"}
