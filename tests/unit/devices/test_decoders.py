"""No decoder raises anything but Rejection, whatever comes; and the promises that hold for each of them."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import PACK, STATUS, Binding, Decode, Decoded, Flaw, Format, Reason, Rejection, Relative
from devices.families import FAMILIES
from devices.models import MODELS

#: Words that the formats look for, so that invented objects reach deep into them.
WORDS = [
    "time", "seq", "device_id", "occupied", "power", "import_register", "bn", "bt", "bu", "bv", "bver", "n", "u", "v",
    "vs", "vb", "vd", "s", "t", "x_", "electricitymeter", "gasmeter", "timestamp", "energy", "import", "export",
    "units", "cumulative", "cumulativevol", "value", "software", "end_device_ids", "uplink_message", "f_port", "f_cnt",
    "frm_payload", "decoded_payload", "settings", "received_at", "deviceInfo", "devEui", "fCnt", "fPort", "data",
    "object", "rco2", "pm02", "serialno", "esp8266id", "sensordatavalues", "value_type", "SDS_P1", "Time", "BME280",
    "Temperature", "TempUnit", "total_act_power", "battery", "state", "contact", "occupancy", "meter", "name",
    "total_m3", "total_energy_consumption_kwh",
]  # fmt: skip
TEXTS = [
    "",
    "m1",
    "m1:",
    "kWh",
    "C",
    "online",
    "AQ==",
    "multical302",
    "2026-02-01T00:30:00",
    "2026-02-01T00:30:00Z",
    "1e999",
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, 2, 3, 10, 26, 2**28, 1767225600]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(TEXTS),
    st.text(max_size=8),
)


def nested(keys: st.SearchStrategy[Any], leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6)),
        max_leaves=20,
    )


documents = nested(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), scalars)
cbor_documents = nested(
    st.one_of(st.integers(-7, 9), st.sampled_from(WORDS), st.booleans(), st.binary(max_size=2)),
    st.one_of(scalars, st.floats(), st.integers(), st.decimals(), st.binary(max_size=4)),
)

BINDINGS = [
    Binding(device, family, model, {"zone": zone})
    for device, family, model, zone in (
        ("m1", "smart-meter", "native", "Europe/London"),
        ("m1", "parking-bay", "bosch-tps110", "UTC"),
        ("m1", "parking-bay", "moko-lw009-ig", "nowhere"),
        ("m1", "air-monitor", "lorawan", "Europe/London"),
        ("m1", "movement-sensor", "zigbee2mqtt", ""),
        ("", "", "wmbusmeters", "../../etc/passwd"),
    )
]


def outcome(decode: Decode, payload: bytes) -> Decoded | Rejection:
    try:
        return decode(payload)
    except Rejection as rejection:
        return rejection


def check(format_: Format, payload: bytes) -> None:
    """Decode under each binding; whatever comes back must have the agreed shape."""
    for binding in BINDINGS:
        decoded = outcome(format_.bind(binding), payload)
        if isinstance(decoded, Rejection):
            assert isinstance(decoded.reason, Reason)
            assert decoded.detail
            continue
        time, values, sequence = decoded
        assert sequence is None or (type(sequence) is int and sequence >= 0)
        if decoded is STATUS:
            continue
        assert values, "nothing read is a rejection or STATUS, never an empty result"
        if time is PACK:
            for name, moment, _ in values:
                assert isinstance(name, str)
                assert moment is None or type(moment) in (int, float, Relative)
        else:
            assert all(isinstance(name, str) for name in values)


@pytest.mark.parametrize("name", FORMATS)
@given(payload=st.binary(max_size=200))
@example(payload=b"")
@example(payload=b"\x00")
@example(payload=b"[" * 100_000)
@example(payload=b'{"a":' * 100_000)
@example(payload=b"9" * 10_000)
@example(payload=b'"\\ud800"')
def test_arbitrary_bytes(name: str, payload: bytes) -> None:
    check(FORMATS[name], payload)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "senml-cbor"])
@given(document=documents)
def test_arbitrary_json(name: str, document: Any) -> None:
    check(FORMATS[name], orjson.dumps(document))


@given(document=cbor_documents)
def test_arbitrary_cbor(document: Any) -> None:
    check(FORMATS["senml-cbor"], cbor2.dumps(document))


@given(
    raw=st.binary(max_size=40),
    port=st.integers(0, 255),
    name=st.sampled_from(["bosch-tps110", "bosch-tpl110", "moko-lw009-ig"]),
)
def test_arbitrary_lorawan_bytes(raw: bytes, port: int, name: str) -> None:
    document = {
        "deviceInfo": {"devEui": "m1"},
        "time": "2026-01-01T00:00:00Z",
        "fPort": port,
        "data": b64encode(raw).decode(),
    }
    decode = FORMATS["chirpstack"].bind(Binding("m1", "parking-bay", name, {}))
    decoded = outcome(decode, orjson.dumps(document))
    if isinstance(decoded, Rejection):
        assert decoded.reason is Reason.UNREADABLE
        return
    _, values, _ = decoded
    assert values.keys() <= FAMILIES["parking-bay"].properties.keys()


def test_a_number_that_no_float_holds_costs_its_reading_alone() -> None:
    pack = [{-2: "m1:", 0: "power", 1: "kW", 2: 10**400}, {0: "power", 1: "kW", 2: 1}]
    decode = FORMATS["senml-cbor"].bind(Binding("m1", "smart-meter", "native", {}))
    time, readings, _ = decode(cbor2.dumps(pack))
    assert time is PACK
    assert readings[0][2] == Flaw(Reason.BAD_VALUE, "a number beyond the range of a float")
    assert readings[1] == ("power", None, 1000)


@pytest.mark.parametrize("time", [float("nan"), float("inf"), float("-inf")])
def test_a_cbor_time_that_is_no_number_costs_its_reading_alone(time: float) -> None:
    pack = [{-2: "m1:", 0: "power", 2: 1, 6: time}, {0: "power", 2: 2}]
    _, readings, _ = FORMATS["senml-cbor"].bind(Binding("m1", "smart-meter", "native", {}))(cbor2.dumps(pack))
    assert [value if not isinstance(value, Flaw) else value.reason for _, _, value in readings] == [Reason.BAD_TIME, 2]


def test_a_remembered_message_is_read_as_at_first() -> None:
    decode = FORMATS["glow"].bind(Binding("m1", "smart-meter", "glow", {}))
    one = b'{"gasmeter":{"timestamp":"2022-08-25T06:27:51Z","energy":{"import":{"cumulative":12491.78,"units":"kWh"}}}}'
    two, broken = one.replace(b"12491", b"12492"), one[:-1]
    read_one = ("2022-08-25T06:27:51Z", {"gas_register": 12491.78}, None)
    read_two = ("2022-08-25T06:27:51Z", {"gas_register": 12492.78}, None)
    assert [decode(payload) for payload in (one, one, two, two, one)] == [
        read_one,
        read_one,
        read_two,
        read_two,
        read_one,
    ]
    assert decode(one) is decode(one), "the second time it is remembered, not read"
    for _ in range(2):
        with pytest.raises(Rejection, match="unreadable"):
            decode(broken)
    assert decode(one) == read_one


@pytest.mark.parametrize("name", FORMATS)
def test_registration_list_names_each_format_by_its_own_name(name: str) -> None:
    assert FORMATS[name].name == name
    assert FORMATS[name].topics
    assert FORMATS[name].family is None or FORMATS[name].family in FAMILIES


def test_every_model_speaks_formats_that_exist_to_topics_that_they_take() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        taken = {topic for format_name in model.formats for topic in FORMATS[format_name].topics}
        assert set(model.topics) <= taken, name
        properties = {prop for family in FAMILIES.values() for prop in family.properties}
        assert set(model.keep) <= properties
        assert set(model.decoded.values()) <= properties


def test_every_format_is_spoken_by_a_model() -> None:
    assert {format_name for model in MODELS.values() for format_name in model.formats} == set(FORMATS)


def test_what_a_format_is_made_of_is_the_same_in_each_process() -> None:
    """An interrupted correction is gone on with by its decoders' version: it hung on the order of a set."""
    program = "from devices.decoders import FORMATS; print([(name, form.version) for name, form in FORMATS.items()])"
    told = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed, "PATH": ""}, cwd=Path(__file__).parents[3],
            check=True, capture_output=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }  # fmt: skip
    assert len(told) == 1


def test_the_list_of_formats_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/formats.md").read_text(encoding="utf-8")
    first = text.partition("\n## ")[0]
    listed = {line.split("`")[1]: line for line in first.splitlines() if line.startswith("| `")}
    assert set(listed) == set(FORMATS)
    for name, format_ in FORMATS.items():
        assert f"`{format_.topics[0]}`" in listed[name]
