"""Whole D-TROs: hostile ones are refused or read, the department's own examples are read or told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.dtro.reading import read_dtro
from devices.registry import RegistryError
from tests.examples import examples
from tests.worlds.parking_interchange import document, provision, suspends

SCHEMA = os.environ.get("BOROUGH_TEST_DTRO_SCHEMA")

_JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(([], {}, [{}]))
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, one in inner for found in _paths(one, (*path, name)))]


@given(st.data())
@settings(max_examples=examples(300))
def test_whatever_stands_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    changed = json.loads(document(provision(), provision(suspends("P1"), reference="S", kind="miscBaySuspension")))
    path = data.draw(st.sampled_from(_paths(changed)[1:]))
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = data.draw(_JUNK)
    try:
        found = read_dtro(json.dumps(changed).encode())
    except RegistryError:
        return
    assert all("left out" in line for line in found.left_out)


@pytest.mark.skipif(SCHEMA is None, reason="BOROUGH_TEST_DTRO_SCHEMA names no copy of D-TRO-v4.0.0-schema.json")
def test_the_departments_examples_are_read_or_told() -> None:
    """The examples in a folder beside the schema, as the department publishes them, or in its own."""
    assert SCHEMA is not None
    folder = Path(SCHEMA).parent
    refused, read = set(), {}
    for path in (*folder.glob("Examples/*-example-*.json"), *folder.glob("*-example-*.json")):
        name = path.stem.partition("-example-")[2]
        try:
            read[name] = read_dtro(path.read_bytes())
        except RegistryError:
            refused.add(name)
    assert refused == {"consultation", "source-action-type-full-revoke-example"}
    assert {name: len(one.bays) for name, one in read.items() if one.bays} == {
        "derbyshire-2024-dj388-partial": 1,
        "maxStayNoReturn": 1,
        "more-complex-example": 3,
        "other-condition": 1,
        "rates-example": 1,
    }
    assert all(one.left_out for one in read.values())
