"""Encoders against messages that real devices sent: the same keys and kinds of values, whatever our decoders take.

The captured messages are those in which makers and users document these formats.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import cbor2
import numpy as np
import pytest

from devices.decoders import FORMATS
from devices.decoding import PACK, Binding
from devices.device import Device
from simulators.encode import WIRES, plan, stored_value
from simulators.readings import pack
from simulators.run import choose_wires
from simulators.stream import Stream

T0 = 1_769_904_000_000_000

ELECTRICITY = (
    '{"electricitymeter":{"timestamp":"2022-06-11T20:38:00Z","energy":{"export":{"cumulative":0.000,"units":"kWh"},'
    '"import":{"cumulative":6613.405,"day":13.252,"week":141.710,"month":293.598,"units":"kWh","mpan":"1234",'
    '"supplier":"ABC ENERGY","price":{"unitrate":0.04998,"standingcharge":0.24030}}},'
    '"power":{"value":0.951,"units":"kW"}}}'
)
GAS = (
    '{"gasmeter":{"timestamp":"2022-08-25T06:27:51Z","energy":{"import":{"cumulative":12491.78,"day":0.5,"week":14.334,'
    '"month":109.153,"units":"kWh","cumulativevol":1107.678,"cumulativevolunits":"m3","dayvol":0.5,"weekvol":14.334,'
    '"monthvol":109.153,"dayweekmonthvolunits":"kWh","mprn":"3342241002","supplier":"---",'
    '"price":{"unitrate":0.07344,"standingcharge":0.2722}}}}}'
)
AIRGRADIENT = (
    '{"wifi":-46,"serialno":"ecda3b1eaaaf","rco2":447,"pm01":3,"pm02":7,"pm10":8,"pm003Count":442,"atmp":25.87,'
    '"rhum":43,"tvocIndex":100,"noxIndex":1,"boot":6,"firmwareVersion":"3.0.10beta"}'
)
MOTION = '{"battery":100,"linkquality":165,"occupancy":true,"voltage":3025}'
CONTACT = '{"battery":100,"contact":false,"linkquality":87}'
STACK = (
    '{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"app1"},"dev_eui":"0004A30B001C0530"},'
    '"received_at":"2021-11-11T08:33:35.136100251Z","uplink_message":{"f_port":2,"f_cnt":191,"frm_payload":"Af8=",'
    '"rx_metadata":[{"gateway_ids":{"gateway_id":"wtc-ttn-0002"},"rssi":-60,"snr":8.5}],'
    '"settings":{"frequency":"868300000","time":"2021-11-11T08:33:34.909192Z"},'
    '"received_at":"2021-11-11T08:33:34.926321616Z"}}'
)


def shape(value: Any) -> Any:
    """Keys and kinds of values, without the values."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return type(value).__name__


def stream_of(family: str, wire: str, *messages: dict[str, float], size: int = 1) -> Stream:
    """A stream of one device that says each of these a minute after the other."""
    names = sorted({name for message in messages for name in message})
    rows = [
        (names.index(name), T0 + at * 60_000_000, value)
        for at, item in enumerate(messages)
        for name, value in item.items()
    ]
    prop, time, value = (np.array(column) for column in zip(*rows, strict=True))
    devices = [Device("d1", family, WIRES[wire].model)]
    signals = pack(family, devices, names, np.zeros(len(rows), int), prop, time, value.astype(float))
    return plan(signals, WIRES[wire], np.array([191]), size)


def said(stream: Stream, wire: str) -> list[tuple[str, bytes]]:
    return [message for message in WIRES[wire].encode(stream) if message is not None]


@pytest.mark.parametrize(
    ("family", "wire", "captured", "values", "topic"),
    [
        ("smart-meter", "glow", ELECTRICITY, {"import_register": 6613.405, "power": 951.0},
         "glow/d1/SENSOR/electricitymeter"),
        ("smart-meter", "glow", GAS, {"gas_register": 12491.78, "gas_volume_register": 1107.678},
         "glow/d1/SENSOR/gasmeter"),
        ("air-monitor", "airgradient", AIRGRADIENT,
         {"co2": 447, "pm1": 3, "pm2_5": 7, "pm10": 8, "temperature": 25.87, "humidity": 43, "tvoc_index": 100,
          "nox_index": 1}, "airgradient/readings/d1"),
        ("movement-sensor", "zigbee2mqtt", MOTION, {"motion": 1, "battery": 100}, "zigbee2mqtt/d1"),
        ("movement-sensor", "zigbee2mqtt", CONTACT, {"contact": 0, "battery": 100}, "zigbee2mqtt/d1"),
        ("parking-bay", "tts", STACK, {"occupied": 1, "temperature": -1}, "v3/borough-parking/devices/d1/up"),
    ],
)  # fmt: skip
def test_keys_and_kinds_are_those_of_a_captured_message(
    family: str, wire: str, captured: str, values: dict[str, float], topic: str
) -> None:
    ((found, payload),) = said(stream_of(family, wire, values), wire)
    assert found == topic
    wanted, got = shape(json.loads(captured)), shape(json.loads(payload))
    if wire == "tts":  # whole seconds, and a gateway of its own
        wanted["uplink_message"]["settings"] = got["uplink_message"]["settings"]
    assert got == wanted


def test_values_stand_where_the_captured_message_has_them() -> None:
    ((_, payload),) = said(stream_of("smart-meter", "glow", {"import_register": 6613.405, "power": 951.0}), "glow")
    meter = json.loads(payload)["electricitymeter"]
    assert meter["energy"]["import"]["cumulative"] == 6613.405
    assert meter["power"] == {"value": 0.951, "units": "kW"}
    assert meter["timestamp"] == "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("values", "port", "data"),
    [
        ({"occupied": 1, "temperature": -1}, 2, "01ff"),
        ({"occupied": 0, "temperature": 21.4}, 2, "0015"),
        ({"occupied": 1}, 1, "01"),
    ],
)
@pytest.mark.parametrize("wire", ["tts", "chirpstack"])
def test_bosch_bytes_are_those_of_its_maker(wire: str, values: dict[str, float], port: int, data: str) -> None:
    ((_, payload),) = said(stream_of("parking-bay", wire, values), wire)
    document = json.loads(payload)
    uplink = document["uplink_message"] if wire == "tts" else document
    assert (uplink["f_port"] if wire == "tts" else uplink["fPort"]) == port
    assert b64decode(uplink["frm_payload"] if wire == "tts" else uplink["data"]).hex() == data
    assert (uplink["f_cnt"] if wire == "tts" else uplink["fCnt"]) == 191


def test_native_is_flat_and_exact() -> None:
    stream = stream_of("smart-meter", "native", {"import_register": 0.1 + 0.2})
    assert said(stream, "native") == [
        (
            "borough/smart-meter/d1/reading",
            b'{"time":"2026-02-01T00:00:00Z","seq":191,"import_register":0.30000000000000004}',
        )
    ]


def test_senml_packs_follow_the_rfc() -> None:
    stream = stream_of("parking-bay", "senml-json", *[{"occupied": at % 2, "battery": 90.5} for at in range(3)], size=6)
    ((topic, payload),) = said(stream, "senml-json")
    assert topic == "borough/parking-bay/d1/senml"
    assert json.loads(payload) == [
        {"bn": "urn:dev:ops:d1:", "bt": T0 // 1_000_000, "n": "battery", "u": "%", "v": 90.5},
        {"n": "occupied", "vb": False},
        {"n": "battery", "u": "%", "v": 90.5, "t": 60},
        {"n": "occupied", "vb": True, "t": 60},
        {"n": "battery", "u": "%", "v": 90.5, "t": 120},
        {"n": "occupied", "vb": False, "t": 120},
    ]
    ((_, binary),) = said(stream, "senml-cbor")
    assert cbor2.loads(binary)[3] == {0: "occupied", 4: True, 6: 60}  # labels of RFC 8428, table 4


@pytest.mark.parametrize("wire", list(WIRES))
def test_decoders_read_what_the_ledger_says(wire: str) -> None:
    values: dict[str, dict[str, float]] = {
        "smart-meter": {"import_register": 6613.405, "power": 951.0},
        "parking-bay": {"occupied": 1, "temperature": -3},
        "air-monitor": {"pm2_5": 7, "temperature": 25.87},
        "movement-sensor": {"motion": 1, "battery": 88},
    }
    families = {"glow": "smart-meter", "airgradient": "air-monitor", "zigbee2mqtt": "movement-sensor"}
    family = families.get(wire, "parking-bay")
    stream = stream_of(family, wire, values[family])
    wanted = stored_value(WIRES[wire], stream.properties, stream.property, stream.value)
    ((_, payload),) = said(stream, wire)
    time, found, _ = FORMATS[wire].bind(Binding("d1", family, WIRES[wire].model, {}))(payload)
    got = {name: value for name, _, value in found} if time is PACK else found
    names = [stream.properties[number] for number in stream.property]
    assert {name: float(value) for name, value in got.items()} == dict(zip(names, wanted.tolist(), strict=True))


def test_what_a_format_cannot_say_is_left_out() -> None:
    stream = stream_of("smart-meter", "glow", {"import_interval": 0.2, "import_register": 0.0, "power": 12.34})
    assert [stream.properties[number] for number in stream.property] == ["power"]
    assert stream.stored_value.tolist() == [12.0]
    assert len(stream_of("parking-bay", "tts", {"battery": 90.0, "occupied": 0}, {"battery": 91.0}).value) == 1


def test_intervals_are_due_when_they_are_over() -> None:
    stream = stream_of("smart-meter", "native", {"import_interval": 0.2})
    assert (stream.due - stream.time).tolist() == [1_800_000_000]


def test_a_format_that_a_family_does_not_speak_is_refused() -> None:
    assert choose_wires({"smart-meter": "native"}, "vendor")["smart-meter"].name == "glow"
    for family, override in (("parking-bay", "glow"), ("parking-bay", "morse")):
        with pytest.raises(ValueError, match="format"):
            choose_wires({family: "native"}, override)
