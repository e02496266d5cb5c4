"""Subscriptions: what a file may say, what is said about what it may not, and which topics a template takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from ingest.errors import OptionsError
from ingest.subscriptions import Subscription, load, native


def write(folder: Path, text: str) -> Path:
    path = folder / "subscriptions.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_right_to_restate_is_said_by_true_and_by_nothing_else(tmp_path: Path) -> None:
    entry = '[[subscription]]\nformat = "native"\ntopic = "a/{device}"\n'
    (plain,) = load(write(tmp_path, entry), FORMATS)
    assert (plain.restates, plain.source) == (False, "")
    (may,) = load(write(tmp_path, entry + "restates = true\n"), FORMATS)
    assert (may.restates, may.source) == (True, "subscription a/{device}")
    for wrong in ('"yes"', "1"):
        with pytest.raises(OptionsError, match=r"number 1: subscription 'a/\{device\}': restates .* neither true nor"):
            load(write(tmp_path, entry + f"restates = {wrong}\n"), FORMATS)


def mqtt_matches(pattern: str, topic: str) -> bool:
    """Whether a topic filter takes a topic: MQTT 5, section 4.7, level by level."""
    wanted, levels = pattern.split("/"), topic.split("/")
    for place, want in enumerate(wanted):
        if want == "#":
            return True
        if place >= len(levels) or want not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)


LEVEL = st.sampled_from(["borough", "reading", "a.b", "x", "em:0", "b1", "B1", "a b", "(x", "\n", "SENSOR"])
TEMPLATE = st.tuples(
    st.lists(LEVEL.filter(lambda level: level != "\n") | st.just("+"), max_size=2),
    st.booleans(),
    st.lists(LEVEL | st.just("+"), max_size=2),
    st.booleans(),
).map(
    lambda drawn: "/".join(
        [*drawn[0], *(["{family}"] if drawn[1] else []), "{device}", *drawn[2], *(["#"] if drawn[3] else [])]
    )
)
#: Topics that brokers deliver, empty levels included.
TOPIC = st.lists(LEVEL | st.just(""), min_size=1, max_size=7).map("/".join)


@given(TEMPLATE, TOPIC)
def test_a_template_takes_what_its_filter_takes(template: str, topic: str) -> None:
    """Except where the level of the device or the family is empty: a device without an id is none."""
    subscription = Subscription(template, "native")
    levels, asked = topic.split("/"), template.split("/")
    named = [place for place, level in enumerate(asked) if level in ("{device}", "{family}")]
    expected = mqtt_matches(subscription.filter, topic) and all(levels[place] for place in named)
    match = subscription.pattern().fullmatch(topic)
    assert (match is not None) == expected
    if match is not None:
        found = match.groupdict()
        assert found["device"] == levels[asked.index("{device}")]
        assert found.get("family") == (levels[asked.index("{family}")] if "{family}" in asked else None)


@given(TEMPLATE)
def test_a_template_filled_in_is_taken(template: str) -> None:
    topic = (
        template.replace("{device}", "b1").replace("{family}", "parking-bay").replace("+", "any").replace("#", "x/y")
    )
    assert Subscription(template, "native").pattern().fullmatch(topic)


def test_hash_takes_its_parent_level_too() -> None:
    pattern = Subscription("v3/{device}/#", "native").pattern()
    assert pattern.fullmatch("v3/d1")
    assert pattern.fullmatch("v3/d1/")
    assert pattern.fullmatch("v3/d1/a/b\nc")
    assert not pattern.fullmatch("v3")
    assert not pattern.fullmatch("v3/")
    assert not pattern.fullmatch("v4/d1/x")


@pytest.mark.parametrize(
    ("topic", "says"),
    [
        ("borough/reading", "exactly one level {device}"),
        ("{device}/{device}", "exactly one level {device}"),
        ("x{device}", "exactly one level {device}"),
        ("{family}/{family}/{device}", "{family} more than once"),
        ("{device}//reading", "empty or mixes"),
        ("/{device}", "empty or mixes"),
        ("{device}/", "empty or mixes"),
        ("{device}/#/x", "empty or mixes"),
        ("{device}/x#", "empty or mixes"),
        ("{device}/+x", "empty or mixes"),
        ("{device}/{zone}", "empty or mixes"),
        ("{device}/a\0b", "empty or mixes"),
        ("", "exactly one level {device}"),
    ],
)
def test_a_wrong_topic_is_named(topic: str, says: str) -> None:
    with pytest.raises(OptionsError) as caught:
        Subscription(topic, "native")
    assert says in str(caught.value)
    assert repr(topic) in str(caught.value)


@pytest.mark.parametrize("qos", [2, -1, True, 1.0, "1", None])
def test_a_wrong_qos_is_named(qos: object) -> None:
    with pytest.raises(OptionsError, match="only 0 and 1 are taken"):
        Subscription("{device}", "native", qos)  # type: ignore[arg-type]


def test_the_native_topics_stand_without_a_file() -> None:
    assert [(item.filter, item.format, item.qos) for item in native(FORMATS)] == [
        ("borough/+/+/reading", "native", 1),
        ("borough/+/+/senml", "senml-json", 1),
        ("borough/+/+/senmlc", "senml-cbor", 1),
    ]


def test_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [[subscription]]
        topic = "v3/+/devices/{device}/up"
        format = "tts"
        qos = 0

        [[subscription]]
        format = "airgradient"
        """,
    )
    assert load(path, FORMATS) == [
        Subscription("v3/+/devices/{device}/up", "tts", 0),
        Subscription("airgradient/readings/{device}", "airgradient", 1),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "one or more [[subscription]] tables"),
        ("subscription = 5", "one or more [[subscription]] tables"),
        ("subscription = []", "one or more [[subscription]] tables"),
        ("[subscription]\ntopic='{device}'", "one or more [[subscription]] tables"),
        ("x = 1\n[[subscription]]\nformat='native'", "and nothing else"),
        ("subscription = [5]", "number 1: not a table"),
        ("[[subscription]]\nformat='native'\n[[subscription]]\ntopic='{device}'", "number 2: unknown format None"),
        ("[[subscription]]\nformat='nativ'", "number 1: unknown format 'nativ'; one of "),
        ("[[subscription]]\nformat=['native']", "number 1: unknown format ['native']"),
        ("[[subscription]]\nformat={a=1}", "number 1: unknown format {'a': 1}"),
        ("[[subscription]]\nformat='native'\nquos=1", "number 1: unknown key 'quos'; known are topic, format, qos"),
        ("[[subscription]]\nformat='native'\ntopic=5", "number 1: needs a topic"),
        ("[[subscription]]\nformat='native'\ntopic='a/b'", "number 1: subscription 'a/b': needs exactly one level"),
        (
            "[[subscription]]\nformat='native'\nqos=2",
            "number 1: subscription 'borough/{family}/{device}/reading': qos 2",
        ),
        ("[[subscription]]\nformat='native'\nqos=true", "qos True, only 0 and 1 are taken"),
        ("[[subscription]\n", "at line 1"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_what_and_where(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(OptionsError) as caught:
        load(path, FORMATS)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_format_with_several_topics_wants_one_named(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="needs a topic"):
        load(write(tmp_path, "[[subscription]]\nformat = 'zigbee2mqtt'"), FORMATS)


@pytest.mark.parametrize("kind", ["missing", "folder", "not text"])
def test_a_file_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "subscriptions.toml"
    if kind == "folder":
        path.mkdir()
    elif kind == "not text":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionsError, match=r"^subscriptions file .*subscriptions\.toml: "):
        load(path, FORMATS)


OVERLAPPING = """# ours
[[subscription]]
topic = "borough/{family}/{device}/reading"
format = "native"

[[subscription]]
topic = "v3/{device}/#"
format = "tts"

  [[ "subscription" ]]
topic = "+/{device}/up"
format = "chirpstack"
"""


def test_subscriptions_that_overlap_are_refused_with_both_lines(tmp_path: Path) -> None:
    """A broker may deliver such a message twice, and one without a time would be stored twice."""
    path = write(tmp_path, OVERLAPPING)
    with pytest.raises(OptionsError) as caught:
        load(path, FORMATS)
    assert str(caught.value) == (
        f"subscriptions file {path}: line 6, [[subscription]] number 2 (topic 'v3/{{device}}/#') and"
        " line 10, [[subscription]] number 3 (topic '+/{device}/up') overlap: both take the topic 'v3/x/up', and a"
        " message could be stored twice; narrow one of them or leave it out"
    )


def test_two_formats_of_one_topic_are_refused(tmp_path: Path) -> None:
    """The second would never read a message."""
    path = write(
        tmp_path,
        "subscription = [{format='native', topic='a/{device}'}, {format='senml-json', topic='a/{device}', qos=0}]",
    )
    with pytest.raises(OptionsError, match=r"number 1 .* and \[\[subscription\]\] number 2 .* 'a/x'"):
        load(path, FORMATS)


def test_of_a_mapping_files_own_topic_the_file_is_named(tmp_path: Path) -> None:
    formats = {**FORMATS, "bay": FORMATS["native"]._replace(name="bay", topics=("bays/{device}",), file="/m/bay.toml")}
    path = write(
        tmp_path, "[[subscription]]\nformat='bay'\n[[subscription]]\nformat='native'\ntopic='{family}/{device}'"
    )
    with pytest.raises(OptionsError) as caught:
        load(path, formats)
    assert "line 1, [[subscription]] number 1 (topic 'bays/{device}', the topic of format bay in /m/bay.toml)" in str(
        caught.value
    )
    assert "line 3, [[subscription]] number 2 (topic '{family}/{device}')" in str(caught.value)


def test_a_wrong_entry_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"line 3, \[\[subscription\]\] number 2: unknown format"):
        load(write(tmp_path, "[[subscription]]\nformat='airgradient'\n[[subscription]]\nformat='x'"), FORMATS)


@pytest.mark.parametrize(
    ("one", "other", "taken"),
    [
        ("{device}/status/+", "tele/{device}/SENSOR", True),
        ("{device}/status/+", "zigbee2mqtt/{device}/+", True),
        ("{device}/status/+", "{device}/+/em:0", False),
        ("borough/{family}/{device}/#", "borough/+/gate/{device}", False),
        ("a/{device}/#", "a/+/{device}", False),
        ("a/{device}", "+/{device}", False),
        ("a/{device}/x", "a/b/{device}", True),
        ("#/{device}", "a/{device}", None),
    ],
)
def test_topics_that_meet_by_chance_alone_are_taken(tmp_path: Path, one: str, other: str, taken: bool | None) -> None:
    """Only where each would take a fixed level of the other for a device: Shelly beside Tasmota and Zigbee2MQTT."""
    entries = [f"[[subscription]]\ntopic = {topic!r}\nformat = 'native'\n" for topic in (one, other)]
    for text in ("".join(entries), "".join(reversed(entries))):
        path = write(tmp_path, text)
        if taken:
            assert len(load(path, FORMATS)) == 2
        else:
            with pytest.raises(OptionsError, match="overlap" if taken is False else "wildcard"):
                load(path, FORMATS)
