"""Which topic filters overlap: against all topics of a small alphabet."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from ingest.filters import FilterTree, common_topic, overlap, topics_of
from ingest.subscriptions import defaults_of, native
from tests.references import mqtt_filters

#: One level that no filter names stands for all others.
ALPHABET = ["", "a", "b", "$", "$a", "other"]
LONGEST = 4
LEVEL = st.sampled_from(["", "a", "b", "$", "$a", "+"])


def _filter(levels: list[str], deep: bool, group: str) -> str:
    text = "/".join([*levels, *(["#"] if deep else [])])
    return f"$share/{group}/{text}" if group else text


FILTER = st.builds(
    _filter, st.lists(LEVEL, max_size=3), st.booleans(), st.sampled_from(["", "", "g", "h"])
).filter(lambda text: topics_of(text) != "")  # fmt: skip


@given(FILTER, FILTER)
@example("a/#", "a")
@example("#", "$a/#")
@example("+/#", "$a")
@example("$share/g/a", "a")
@example("+", "#")
@example("/", "+/+")
@example("+", "/#")
@example("+/#", "/#")
def test_overlap_is_exact(one: str, other: str) -> None:
    expected = mqtt_filters.overlapping(one, other, ALPHABET, LONGEST)
    assert overlap(one, other) == overlap(other, one) == expected
    topic = common_topic(one, other)
    if topic is not None:
        assert mqtt_filters.takes(one, topic)
        assert mqtt_filters.takes(other, topic)


@given(st.lists(FILTER, max_size=6), FILTER)
@example(["+"], "/#")
@example(["/#"], "+")
@example(["/#"], "+/#")
@example(["+", "/+"], "/#")
def test_a_tree_finds_what_comparing_each_finds(filters: list[str], asked: str) -> None:
    found = FilterTree(filters).find(asked)
    assert (found is not None) == any(overlap(item, asked) for item in filters)
    assert found is None or (found in filters and overlap(found, asked))


@pytest.mark.parametrize(
    ("one", "other", "topic"),
    [
        ("borough/+/+/reading", "borough/#", "borough/x/x/reading"),
        ("zigbee2mqtt/+", "zigbee2mqtt/+/availability", None),
        ("zigbee2mqtt/+", "zigbee2mqtt/#", "zigbee2mqtt/x"),
        ("+/status/em:0", "tele/+/SENSOR", None),
        ("+/status/+", "tele/+/SENSOR", "tele/status/SENSOR"),
        ("$share/g/a/+", "$share/h/a/b", "a/b"),
        ("#", "$SYS/#", None),
        ("#", "#", "x"),
        ("+", "/#", None),
        ("+/#", "/#", "/x"),
        ("$SYS/#", "$SYS/+/load", "$SYS/x/load"),
    ],
)
def test_a_topic_of_both_is_named(one: str, other: str, topic: str | None) -> None:
    assert common_topic(one, other) == topic


def test_no_two_of_our_own_topics_overlap() -> None:
    """A file that names each format with all its topics can be used."""
    ours = defaults_of(FORMATS)
    both = [(one, other) for one, other in combinations(ours, 2) if overlap(one.filter, other.filter)]
    assert both == []
    assert not any(overlap(one.filter, other.filter) for one, other in combinations(native(FORMATS), 2))


def test_thousands_of_topics_beside_one_another_are_compared_fast() -> None:
    """Names of devices that become filters: each is met by a few others, not by all."""
    tree = FilterTree(f"home/{number}/meter" for number in range(20_000))
    assert tree.find("home/19999/meter") == "home/19999/meter"
    assert tree.find("home/20000/meter") is None
    assert tree.find("home/+/other") is None
    assert tree.find("home/#") is not None
