"""What is written is a D-TRO by the department's own schema, and read back to the same bays."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.bays import Bay, Restriction
from devices.dtro.reading import read_dtro
from devices.dtro.writing import Order, write_dtro
from devices.registry import RegistryError
from tests.examples import examples
from tests.worlds.parking_interchange import bays, document, provision, suspensions

SCHEMA = os.environ.get("BOROUGH_TEST_DTRO_SCHEMA")
ORDER = Order(9001, "TRO-2026-1", "The Testborough (Parking Places) Order 2026", date(2026, 1, 5), date(2026, 2, 1))
BAY = Bay("K7", "Mill Road", "A", "pay", -0.0812, 51.5031, restrictions=(Restriction(31, 480, 1110, 120, 60),))

needs_schema = pytest.mark.skipif(
    SCHEMA is None, reason="BOROUGH_TEST_DTRO_SCHEMA names no copy of D-TRO-v4.0.0-schema.json"
)


@cache
def _judge() -> Any:
    assert SCHEMA is not None
    schema = json.loads(Path(SCHEMA).read_bytes())
    # its local times are no date-time of RFC 3339, so formats say nothing
    return jsonschema.Draft202012Validator(schema)


def _flaws(data: bytes) -> list[str]:
    return [error.message for error in _judge().iter_errors(json.loads(data)["data"])]


@given(st.data())
@settings(max_examples=examples(60))
def test_what_is_written_is_read_back_to_the_same(data: st.DataObject) -> None:
    given_bays = [data.draw(bays(number)) for number in (1, 2)]
    closed = [data.draw(suspensions(bay.id)) for bay in given_bays[:1]]
    written = write_dtro(given_bays, closed, ORDER)
    found = read_dtro(written)
    assert tuple(found) == (given_bays, closed, [], [])
    assert write_dtro(found.bays, found.suspensions, ORDER) == written


@needs_schema
@given(st.data())
@settings(max_examples=examples(30))
def test_what_is_written_is_a_dtro(data: st.DataObject) -> None:
    given_bays = [data.draw(bays(number)) for number in (1, 2)]
    closed = [data.draw(suspensions(bay.id)) for bay in given_bays]
    assert _flaws(write_dtro(given_bays, closed, ORDER)) == []


@needs_schema
def test_the_judge_sees_what_is_wrong() -> None:
    written = json.loads(write_dtro([BAY], [], ORDER))
    del written["data"]["source"]["provision"][0]["regulatedPlace"][0]["bywayType"]
    assert _flaws(json.dumps(written).encode())


def test_what_came_as_a_dtro_goes_as_it_came() -> None:
    found = read_dtro(document(provision()))
    written = write_dtro(found.bays, [], ORDER)
    (one,) = json.loads(written)["data"]["source"]["provision"]
    assert one["reference"] == "P1"
    assert one["regulation"]["generalRegulation"]["regulationType"] == "kerbsidePaymentParkingPlace"
    (place,) = one["regulatedPlace"]
    assert place["linearGeometry"]["linestring"] == "SRID=27700;LINESTRING(533273 179985, 533273 179997)"
    assert read_dtro(written).bays == found.bays


def test_a_bay_that_was_moved_is_written_where_it_lies() -> None:
    (bay,) = read_dtro(document(provision())).bays
    assert "osgb" in bay.attributes
    moved = replace(bay, geometry=None, lon=-0.0813, lat=51.5032)
    (found,) = read_dtro(write_dtro([moved], [], ORDER)).bays
    assert (found.lon, found.lat) == (-0.0813, 51.5032)


def test_bays_of_households_are_never_written() -> None:
    hers = replace(BAY, id="K8", personal=True, uprn="100")
    written = write_dtro([BAY, hers], [], ORDER)
    assert [bay.id for bay in read_dtro(written).bays] == ["K7"]
    assert b"K8" not in written
    with pytest.raises(RegistryError, match="no bay to write"):
        write_dtro([hers], [], ORDER)


def test_bays_abroad_are_refused_all_at_once() -> None:
    with pytest.raises(RegistryError) as caught:
        write_dtro([replace(BAY, lon=2.35, lat=48.85), replace(BAY, id="K8", lon=179.0)], [], ORDER)
    assert [problem.where for problem in caught.value.problems] == ["bay K7", "bay K8"]


@pytest.mark.parametrize("change", [{"authority": 0}, {"reference": " "}, {"name": ""}])
def test_an_order_needs_its_authority_and_names(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"authority|has no"):
        replace(ORDER, **change)
