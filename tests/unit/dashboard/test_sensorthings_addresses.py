"""Addresses of SensorThings: what is written is read again, whatever an id holds."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sensorthings.addresses import NotFound, key_text, next_link, read, root_of, way_address
from store.sta_entities import model

ONE = model("1.1")
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=0, max_size=30)


@given(TEXTS)
def test_an_id_is_read_as_it_was_written(id_: str) -> None:
    address = way_address("https://a.example/sta/v1.1", ONE.entities["Sensor"], id_, "Datastreams")
    path = unquote(urlsplit(address).path).removeprefix("/sta/v1.1/")
    found = read(ONE, path)
    assert (found.start.name, found.id, [step.way.name for step in found.steps]) == ("Sensor", id_, ["Datastreams"])


@given(
    st.lists(st.tuples(st.sampled_from(["$filter", "$orderby", "a"]), TEXTS), max_size=4), st.none() | st.integers(0)
)
def test_a_query_goes_on_as_it_was(items: list[tuple[str, str]], left: int | None) -> None:
    asked = [*items, ("$top", "7"), ("$skip", "3"), ("$skiptoken", "old")]
    link = next_link("https://a.example/sta/v1.1/Things", asked, "new", left)
    found = parse_qsl(urlsplit(link).query, keep_blank_values=True)
    assert found == [*items, *([] if left is None else [("$top", str(left))]), ("$skiptoken", "new")]


@pytest.mark.parametrize(
    ("path", "names", "raw", "ref"),
    [
        ("Datastreams(1)/unitOfMeasurement/name", ("unitOfMeasurement", "name"), False, False),
        ("Datastreams(1)/unitOfMeasurement/name/$value", ("unitOfMeasurement", "name"), True, False),
        ("Datastreams(1)/Observations/$ref", (), False, True),
        ("Datastreams(1)/@iot.id", ("id",), False, False),
        ("Datastreams(1)/", (), False, False),
    ],
)
def test_what_stands_at_the_end(path: str, names: tuple[str, ...], raw: bool, ref: bool) -> None:
    found = read(ONE, path)
    assert (found.id, found.names, found.raw, found.ref) == (1, names, raw, ref)


@given(st.text(st.sampled_from("Things('a)/$ref%\"\u00e9value(1)Datastreams"), max_size=60))
def test_whatever_else_is_no_address(path: str) -> None:
    try:
        found = read(ONE, path or "x")
    except NotFound:
        return
    # what was read is one of ours
    assert found.start.set == path.split("/", maxsplit=1)[0].split("(", maxsplit=1)[0]


def test_a_root_and_a_key() -> None:
    assert root_of("https://a.example/", "2.0") == "https://a.example/sta/v2.0"
    assert key_text(17) == "17"
    assert key_text("O'Hara 7/2") == "'O''Hara%207%2F2'"
