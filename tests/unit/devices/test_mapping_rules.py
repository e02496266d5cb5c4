"""Any key, sums, bare values and topics in a mapping, against the same said plainly (tests/references/mapping.py)."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoders.mapped import json_format
from devices.decoding import STATUS, Binding, Flaw, Reason, Rejection
from devices.mapping_reader import read_mapping
from tests.references import mapping as plain

NAMES = ["A", "B", "C", "chip"]
FIELDS = ["t", "u"]
LEAF = st.none() | st.sampled_from([1, 2.5, -3]) | st.booleans()
SENSOR = st.dictionaries(st.sampled_from(FIELDS), LEAF, max_size=2) | LEAF
RECORD = st.dictionaries(st.sampled_from([*NAMES, "t"]), SENSOR, max_size=5)
PATH = st.lists(st.sampled_from([*NAMES[:2], *FIELDS, "*"]), min_size=1, max_size=3).filter(
    lambda path: path.count("*") <= 1
)
ATTRIBUTE = st.none() | st.lists(st.sampled_from([*NAMES, "gone"]), min_size=1, max_size=2).map(" , ".join)
NUMBER = st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6)
TERM = NUMBER | st.lists(NUMBER | st.booleans() | st.none(), max_size=3) | st.none() | st.just("7")


def toml(value: Any) -> str:
    return orjson.dumps(value).decode()


@given(record=RECORD, paths=st.lists(PATH, min_size=1, max_size=3, unique_by=tuple), attribute=ATTRIBUTE)
def test_any_key_is_one_key_or_said_to_be_several(record: Any, paths: list[list[str]], attribute: str | None) -> None:
    text = f"""
    name = "x"
    topics = ["x/{{device}}"]
    any_key = {{ attribute = "which", besides = ["chip"] }}
    [[reading]]
    property = "temperature"
    paths = {toml(paths)}
    """
    attributes = {} if attribute is None else {"which": attribute}
    decode = json_format(read_mapping(text, "x")).bind(Binding("d", "air-monitor", "x", attributes))
    expected = plain.value(record, paths, {"chip"}, attribute)
    if expected is plain.NOTHING:
        with pytest.raises(Rejection, match="empty"):
            decode(orjson.dumps(record))
        return
    found = decode(orjson.dumps(record))[1]["temperature"]
    if expected is plain.AMBIGUOUS:
        assert isinstance(found, Flaw)
        assert found.reason is Reason.BAD_VALUE
        assert "the device's attribute which" in found.detail
    elif isinstance(expected, (bool, dict)):
        assert isinstance(found, Flaw)
        assert "a number is expected" in found.detail
    else:
        assert found == expected


@given(value=TERM, beside=TERM, less=TERM)
def test_a_sum_is_the_sum_of_all_that_is_there(value: Any, beside: Any, less: Any) -> None:
    text = """
    name = "x"
    topics = ["x/{device}"]
    [[reading]]
    property = "power"
    path = "value"
    sum = true
    plus = ["beside"]
    minus = ["less"]
    """
    decode = json_format(read_mapping(text, "x")).bind(Binding("d", "smart-meter", "x", {}))
    payload = orjson.dumps({"value": value, "beside": beside, "less": less})
    if value is None:
        with pytest.raises(Rejection, match="empty"):
            decode(payload)
        return
    expected, found = plain.total([(value, 1), (beside, 1), (less, -1)]), decode(payload)[1]["power"]
    if expected is plain.WRONG:
        assert isinstance(found, Flaw)
        assert found.reason is Reason.BAD_VALUE
    else:
        assert math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)


LEVEL = st.sampled_from(["a", "b", "emeter", "total", "power"])


@given(ending=st.lists(LEVEL, max_size=3).map("/".join), topic=st.lists(LEVEL, min_size=1, max_size=2))
def test_a_rule_reads_the_topics_that_end_as_it_says(ending: str, topic: list[str]) -> None:
    text = f"""
    name = "x"
    topics = ["x/{{device}}/{{property}}"]
    [[reading]]
    property = "power"
    topic = "{"/".join(topic)}"
    path = []
    """
    binding = Binding("d", "smart-meter", "x", {}, ending, by_property=True)
    decoded = json_format(read_mapping(text, "x")).bind(binding)(b"7")
    if ending.split("/")[-len(topic) :] == topic:
        assert decoded == (None, {"power": 7}, None)
    else:
        assert decoded is STATUS


@pytest.mark.parametrize(
    ("payload", "read"),
    [
        (b"12.5", 12.5),
        (b" 12.5\n", 12.5),
        (b'"12.5"', None),
        (b"12,5", None),
        (b"nan", None),
        (b"1e999", None),
        (b"\xff", "unreadable"),
        (b"", "unreadable"),
        (b"{", "unreadable"),
        (b"x" * 300, "unreadable"),
        (b"null", "empty"),
        (b"[1]", None),
    ],
)
def test_a_bare_value_is_a_number_or_says_what_it_is(payload: bytes, read: float | str | None) -> None:
    text = 'name = "x"\ntopics = ["x/{device}"]\n[[reading]]\nproperty = "power"\npayload = "value"'
    decode = json_format(read_mapping(text, "x")).bind(Binding("d", "smart-meter", "x", {}))
    if isinstance(read, str):
        with pytest.raises(Rejection, match=read):
            decode(payload)
    elif read is None:
        assert decode(payload)[1]["power"].reason is Reason.BAD_VALUE
    else:
        assert decode(payload) == (None, {"power": read}, None)


@pytest.mark.parametrize(
    ("format_name", "payload", "status"),
    [
        ("tasmota", b"Online", True),
        ("tasmota", b"Offline", True),
        ("shelly", b"true", True),
        ("shelly", b"false\n", True),
        ("zigbee2mqtt", b"online", True),
        ("zigbee2mqtt", b'"offline"', True),
        ("zigbee2mqtt", b"Online!", False),
        ("zigbee2mqtt", b"", False),
        ("shelly", b"7", False),
        ("glow", b"online", False),
    ],
)
def test_a_bare_word_is_a_status_where_the_mapping_lists_it(format_name: str, payload: bytes, status: bool) -> None:
    decode = FORMATS[format_name].bind(Binding("d", "smart-meter", format_name, {}))
    if status:
        assert decode(payload) is STATUS
    else:
        with pytest.raises(Rejection, match="unreadable"):
            decode(payload)


def test_keys_of_a_household_are_not_told() -> None:
    payload = orjson.dumps({"Time": "2026-03-04T10:15:30Z", "1200000000002": {"Total_in": 1}, "MPAN": {"Total_in": 2}})
    decode = FORMATS["tasmota"].bind(Binding("d", "smart-meter", "tasmota", {}))
    detail = decode(payload)[1]["import_register"].detail
    assert "120000" not in detail
    assert "MPAN" not in detail
    assert detail.startswith("2 keys have it (…, …)")


def test_what_a_device_calls_its_registers_may_stand_in_several_attributes() -> None:
    payload = b'{"Time": "2026-03-04T10:15:30Z", "WP": {"warm": 12.5, "gas": 3.5, "kalt": 7.5}}'
    attributes = {"heat_key": "warm", "gas_key": "gas", "water_key": "kalt"}
    values = FORMATS["tasmota"].bind(Binding("d", "smart-meter", "tasmota", attributes))(payload)[1]
    assert values == {"heat_register": 12.5, "gas_volume_register": 3.5, "water_volume_register": 7.5}
