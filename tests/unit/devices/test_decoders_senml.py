"""SenML against a plain resolver written from RFC 8428, sections 4.1 to 4.6, for packs that are well formed."""

from __future__ import annotations

from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import PACK, Binding, Reason, Rejection, Relative

DEVICE = Binding("m1", "smart-meter", "native", {})
#: What one unit is in the property's own, from the definitions of the watt-hour, the joule and the litre.
FACTORS = {
    "import_register": {"kWh": 1, "Wh": 1e-3, "J": 1 / 3.6e6},
    "power": {"W": 1, "kW": 1e3},
    "water_volume_register": {"m3": 1, "l": 1e-3},
}
LABELS = {"bver": -1, "bn": -2, "bt": -3, "bu": -4, "bv": -5, "n": 0, "u": 1, "v": 2, "vb": 4, "t": 6}

numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6))
base_times = st.one_of(st.integers(2**28 + 10**6, 2 * 10**9), st.integers(-(10**4), 10**4), st.just(0))
offsets = st.one_of(st.integers(-(10**5), 10**5), st.floats(-1e5, 1e5))


@st.composite
def packs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Packs whose base fields come and go; units fit the property, so that every record resolves."""
    name = draw(st.sampled_from(sorted(FACTORS)))
    units = st.sampled_from(sorted(FACTORS[name]))
    pack = []
    for _ in range(draw(st.integers(1, 8))):
        record: dict[str, Any] = {"n": name}
        record.update(draw(st.fixed_dictionaries({}, optional={
            "bn": st.sampled_from(["m1:", "urn:dev:mac:m1:", ""]), "bt": base_times, "bu": units, "bv": numbers,
            "u": units, "t": offsets, "bver": st.just(10), "extension": st.integers(0, 99),
        })))  # fmt: skip
        record["v"] = draw(numbers)
        pack.append(record)
    return pack


def resolved(pack: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """(name, time, value) by the RFC: base fields hold until they are given again, missing ones are zero."""
    base: dict[str, Any] = {}
    result = []
    for record in pack:
        base |= {key: value for key, value in record.items() if key in ("bt", "bu", "bv")}
        unit = record.get("u", base.get("bu"))
        factor = FACTORS[record["n"]][unit] if unit is not None else 1
        time = base.get("bt", 0) + record.get("t", 0)
        result.append((record["n"], time, (base.get("bv", 0) + record["v"]) * factor))
    return result


def compare(pack: list[dict[str, Any]], decoded: Any) -> None:
    time, readings, sequence = decoded
    assert time is PACK
    assert sequence is None
    wanted = resolved(pack)
    assert len(readings) == len(wanted)
    for (name, moment, value), (wanted_name, wanted_moment, wanted_value) in zip(readings, wanted, strict=True):
        assert name == wanted_name
        assert value == pytest.approx(wanted_value, rel=1e-12, abs=1e-12)
        if wanted_moment == 0:
            assert moment is None
        elif wanted_moment < 2**28:
            assert type(moment) is Relative
            assert float(moment) == wanted_moment
        else:
            assert type(moment) is not Relative
            assert moment == wanted_moment


@given(pack=packs())
def test_json_resolves_as_the_rfc_says(pack: list[dict[str, Any]]) -> None:
    compare(pack, FORMATS["senml-json"].bind(DEVICE)(orjson.dumps(pack)))


@given(pack=packs())
def test_cbor_resolves_as_the_rfc_says(pack: list[dict[str, Any]]) -> None:
    numbered = [{LABELS.get(key, key): value for key, value in record.items()} for record in pack]
    compare(pack, FORMATS["senml-cbor"].bind(DEVICE)(cbor2.dumps(numbered)))


@pytest.mark.parametrize("name", ["", "m1:", "urn:dev:mac:m1:", "borough/m1:"])
def test_base_names_of_this_device(name: str) -> None:
    pack = [{"bn": name, "n": "power", "v": 1}]
    assert FORMATS["senml-json"].bind(DEVICE)(orjson.dumps(pack))[1] == [("power", None, 1)]


@pytest.mark.parametrize("tag", [4, 5])
@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(1, 4000), (4000, 1)])
def test_a_fraction_of_more_digits_than_a_measurement_has_is_not_read(
    tag: int, exponent_bits: int, mantissa_bits: int
) -> None:
    """To decimal and back takes time by the square of its length: seconds for a message of the limit's size."""
    payload = cbor2.dumps([{0: "power", 2: cbor2.CBORTag(tag, [2**exponent_bits, -(2**mantissa_bits)])}])
    with pytest.raises(Rejection) as caught:
        FORMATS["senml-cbor"].bind(DEVICE)(payload)
    assert caught.value.reason == Reason.UNREADABLE


@pytest.mark.parametrize(("tag", "pair", "value"), [(4, [-2, 2134], 21.34), (5, [-1, 43], 21.5), (4, [3, -7], -7000.0)])
def test_a_fraction_is_a_number(tag: int, pair: list[int], value: float) -> None:
    payload = cbor2.dumps([{0: "power", 2: cbor2.CBORTag(tag, pair)}])
    (_, ((_, _, found),), _) = FORMATS["senml-cbor"].bind(DEVICE)(payload)
    assert found == value


def test_tags_that_are_nothing_of_senml_are_not_worked_out() -> None:
    for tag in (35, 36):
        with pytest.raises(Rejection):
            FORMATS["senml-cbor"].bind(DEVICE)(cbor2.dumps([{0: "power", 2: cbor2.CBORTag(tag, "a: b")}]))
