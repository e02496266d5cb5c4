"""What a message has and nobody reads, by the names of its keys alone."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import Binding
from devices.text import visible


def unread(format_name: str, message: Any, family: str = "smart-meter", **options: Any) -> list[str]:
    find = FORMATS[format_name].unread
    assert find is not None
    payload = message if isinstance(message, bytes) else orjson.dumps(message)
    attributes = options.pop("attributes", {})
    return list(find(Binding("d1", family, format_name, attributes, **options), payload))


@pytest.mark.parametrize(
    ("format_name", "message", "names"),
    [
        (
            "zigbee2mqtt",
            {"power": 5, "voltage": 230, "energy_t1": 7, "linkquality": 80, "state": "ON"},
            ["voltage", "energy_t1"],
        ),
        ("zigbee2mqtt", {"energy": 1, "produced_energy": 2}, []),
        (
            "tasmota",
            {"Time": "x", "ENERGY": {"Total": 1, "ExportActive": [1, 2], "Voltage": [1, 2]}},
            ["ENERGY.Voltage"],
        ),
        ("tasmota", {"Time": "x", "Switch1": "ON", "ESP32": {"Temperature": 50}}, []),
        ("tasmota", {"A": {"Temperature": 1, "DewPoint": 2, "Id": "0A"}}, ["A.DewPoint"]),
        ("shelly", {"apower": 5, "aenergy": {"total": 1, "by_minute": [1, 2]}, "output": True}, ["aenergy.by_minute"]),
        ("wmbusmeters", {"media": "heat", "meter": "x", "total_energy_consumption_kwh": 1, "t1_c": 50}, ["t1_c"]),
        ("shelly", b"[1]", []),
        ("shelly", b"true", []),
    ],
)
def test_numbers_and_truths_that_no_rule_reads_are_named(format_name: str, message: Any, names: list[str]) -> None:
    assert unread(format_name, message) == names


def test_values_that_are_named_in_a_list_are_named_too() -> None:
    values = [{"value_type": "SDS_P1", "value": "1.5"}, {"value_type": "noise_LAeq", "value": "55.1"}]
    assert unread("sensor-community", {"esp8266id": "1", "sensordatavalues": values}, "air-monitor") == ["noise_LAeq"]


def test_of_one_value_it_is_what_the_topic_calls_it() -> None:
    assert unread("zigbee2mqtt", b"230", ending="voltage", by_property=True) == ["voltage"]
    assert unread("zigbee2mqtt", b"5", ending="power", by_property=True) == []
    assert unread("zigbee2mqtt", b"5", ending="linkquality", by_property=True) == []
    assert unread("zigbee2mqtt", b"online", ending="availability", by_property=True) == []
    assert unread("zigbee2mqtt", b'{"installed_version": 7}', ending="update", by_property=True) == []


def test_a_sensor_that_the_device_does_not_name_is_unread() -> None:
    message = {"BME280-76": {"Temperature": 1}, "BME280-77": {"Temperature": 2}}
    attributes = {"sensor": "BME280-76"}
    assert unread("tasmota", message, "air-monitor", attributes=attributes) == ["BME280-77.Temperature"]


def test_a_household_s_numbers_are_not_told() -> None:
    found = unread("zigbee2mqtt", {"mpan": 1200000000002, "x1200000000002": 1, "a\x1bb": 2, "k" * 90: 3})
    assert found == ["…", "x…", "a\\x1bb", "k" * 40]


@pytest.mark.parametrize(
    ("format_name", "message"),
    [
        ("tts", {"uplink_message": {"decoded_payload": {"occupied": True, "rssi": 5, "note": "x", "volt": 3.1}}}),
        ("chirpstack", {"deviceInfo": {"devEui": "d1"}, "object": {"occupied": True, "rssi": 5, "volt": 3.1}}),
    ],
)
def test_what_a_network_server_decoded_and_nobody_takes(format_name: str, message: Any) -> None:
    assert unread(format_name, message, "parking-bay") == ["rssi", "volt"]
    assert unread(format_name, {"x": 1}, "parking-bay") == []


KEYS = st.text(min_size=1, max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from([name for name in FORMATS if FORMATS[name].unread]))
def test_whatever_comes_gives_few_short_names(message: dict[str, Any], format_name: str) -> None:
    found = unread(format_name, message)
    assert len(found) == len(set(found)) <= 50
    assert all(name and len(name) <= 100 and visible(name) == name for name in found)


def test_a_message_with_very_many_of_them_names_fifty() -> None:
    assert len(unread("zigbee2mqtt", {f"k{letter}{n}": math.pi for letter in "abcd" for n in range(99)})) == 50
