"""Topic templates: which topics they take, channels, and names that stand in place of a device."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.device import Device
from devices.topics import Endings, account_of, filled, filter_of, name_flaw, name_with, names_within, pattern, takes

LEVEL = st.sampled_from(["a", "b", "c d", "é"])
FILTER = st.lists(LEVEL | st.just("+"), min_size=1, max_size=4).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"])])
)


def topics_of(topic_filter: str) -> set[str]:
    """Topics of at most five levels from a small alphabet that a filter takes: MQTT 5, section 4.7."""
    text = re.escape(topic_filter).replace(r"\+", "[^/]*").replace(r"/\#", "(?:/.*)?").replace("/#", "(?:/.*)?")
    words = ["a", "b", "c d", "é", "new"]
    found: set[str] = set()
    layer = [""]
    for _ in range(5):
        layer = [f"{before}/{word}" if before else word for before in layer for word in words]
        found.update(topic for topic in layer if re.fullmatch(text, topic))
    return found


@given(wide=FILTER, narrow=FILTER)
def test_a_filter_takes_another_where_it_takes_all_its_topics(wide: str, narrow: str) -> None:
    assert takes(wide, narrow) == (topics_of(narrow) <= topics_of(wide))


@pytest.mark.parametrize(
    ("ending", "channel", "rest"),
    [
        ("status/switch:0", "0", "status/switch"),
        ("status/em1data:1", "1", "status/em1data"),
        ("status/temperature:100", "100", "status/temperature"),
        ("status/sys", "", "status/sys"),
        ("status/switch:x", "", "status/switch:x"),
        ("", "", ""),
    ],
)
def test_a_channel_is_told_by_the_end_of_a_topic(ending: str, channel: str, rest: str) -> None:
    assert Endings(FORMATS["shelly"].topics).split(ending) == (channel, rest)


def test_a_channel_may_be_a_level() -> None:
    endings = Endings(FORMATS["shelly-gen1"].topics)
    assert endings.split("emeter/2/total") == ("2", "emeter/total")
    assert endings.split("sensor/lux") == ("", "sensor/lux")
    assert [name_with("x", channel) for channel in ("", "0", "2")] == ["x", "x", "x:2"]


@given(st.integers(0, 999), st.sampled_from(FORMATS["shelly"].topics), st.sampled_from(["shelly-a", "home/garage"]))
def test_what_a_device_may_write_is_what_leads_to_it(channel: int, template: str, name: str) -> None:
    called = name_with(name, str(channel))
    device = Device("d1", "smart-meter", "shelly", attributes={"topic": called})
    topic = filled(template, device)
    match = pattern(template.replace("{device}", name)).fullmatch(topic)
    assert match is not None
    assert match["channel"] == str(channel)
    assert takes(filter_of(template.replace("{device}", name)), topic)


def test_a_channel_speaks_by_the_account_of_its_device() -> None:
    shelly, native = FORMATS["shelly"].topics, FORMATS["native"].topics
    assert account_of(Device("s:1", "smart-meter", "shelly"), shelly) == "s"
    assert account_of(Device("s:1", "smart-meter", "native"), native) == "s:1"
    behind = Device("s:1", "smart-meter", "shelly", attributes={"gateway": "g"})
    assert account_of(behind, shelly) == "g"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a+b", "holds one of + # { }"),
        ("a/#", "holds one of + # { }"),
        ("{device}", "holds one of + # { }"),
        ("/a", "has an empty level"),
        ("a//b", "has an empty level"),
        ("a/", "has an empty level"),
        ("$SYS", "begins with $"),
        ("a\nb", "holds a control character"),
        ("a\0b", "holds a control character"),
        ("x" * 201, "is 201 letters long"),
    ],
)
def test_what_cannot_be_a_name(name: str, says: str) -> None:
    assert says in (name_flaw(name) or "")


@pytest.mark.parametrize("name", ["Power Monitor", "Kitchen/Floor Light", "Küche", "0x00158d0001a2b3c4", "a", "日本"])
def test_what_can_be_a_name(name: str) -> None:
    assert name_flaw(name) is None


def test_all_texts_of_a_topic_that_could_be_a_name() -> None:
    assert names_within("a/b/c") == ["a", "b", "c", "a/b", "b/c", "a/b/c"]
    assert names_within("/".join("abcdefghijklm")) == list("abcdefghijklm")
