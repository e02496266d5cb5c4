"""Whether a text names a household: its words within other text, and not other things that look like them."""

from __future__ import annotations

import pytest

from devices.naming import Naming, Words

WORDS = Words(48213377105926, "100021048377", ["meter-77", "m1"])
NAMING = Naming(WORDS.all(), ["meter-77-b", "meter-771", "other", "x-meter-77"])


@pytest.mark.parametrize(
    "text",
    [
        "meter-77", "seen_meter-77_twice", "meter-77:import_interval", "borough/smart-meter/meter-77/reading",
        '{"uprn":"100021048377"}', "tenancy 48213377105926.", "meter-77-b and meter-77", "xmeter-77x",
    ],
)  # fmt: skip
def test_named(text: str) -> None:
    assert NAMING(text.encode())


@pytest.mark.parametrize(
    "text",
    ["meter-771", "meter-77-b", "of x-meter-77", "1000210483770", "9100021048377", "m1", "meter-7 7", "", "METER-77"],
)
def test_not_named(text: str) -> None:
    assert not NAMING(text.encode())


def test_a_short_id_is_known_as_a_whole_only() -> None:
    assert NAMING.topic("borough/smart-meter/m1/reading")
    assert not NAMING.topic("borough/smart-meter/m11/reading")
    assert NAMING.equals("m1")
    assert "m1" not in NAMING.searched


@pytest.mark.parametrize(
    "text", ["plug-10", "plug-1", "plug-10 plug-1", "xplug-10", "plug-1-a25", "plug-1-a2", "zz-plug-10"]
)
def test_ids_of_which_one_begins_with_another(text: str) -> None:
    """As plugs of one household are numbered."""
    assert Naming(["plug-1", "plug-10", "plug-1-a2", "zz-plug"], ["zz-plug-1"])(text.encode())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("meter-77", "(erased)"), ("of meter-77, meter-77-b and meter-771", "of (erased), meter-77-b and meter-771"),
        ("9100021048377 and 100021048377", "9100021048377 and (erased)"), ("Zähler meter-77é", "Zähler (erased)é"),
        ("nothing", "nothing"), ("", ""),
    ],
)  # fmt: skip
def test_what_it_names_is_taken_out_of_a_text_and_nothing_else(text: str, left: str) -> None:
    assert NAMING.without(text, "(erased)") == left


def test_the_longer_of_two_ids_is_taken_out_as_a_whole() -> None:
    assert Naming(["plug-1", "plug-10", "plug-1-b"]).without("plug-10 plug-1-b plug-1", "-") == "- - -"


def test_nobody_is_never_named() -> None:
    nobody = Naming(())
    assert not nobody
    assert not nobody(b"anything")
    assert not nobody.topic("a/b")


def test_pieces_overlap_far_enough() -> None:
    assert max(len(word) for word in WORDS.all()) <= NAMING.reach


def test_words_are_read_as_they_were_written() -> None:
    assert Words.from_json(WORDS.as_json()) == WORDS
    assert Words(1, None, []).all() == ["1"]
