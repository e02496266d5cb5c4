"""SenML (RFC 8428) in JSON and CBOR: packs of records whose fields resolve against base fields.

What is decided here, where the RFC leaves it to the reader:

* The base name is empty or ends in ``<device-id>:`` (alone, or after ``:`` or ``/``), a record's name is the property.
* ``v`` (number) and ``vb`` (boolean) are readings; ``vs`` and ``vd`` cannot be one.
* A sum ``s`` is an integral of the value over time [unit·s] from a start that nobody states. No property of ours is
  one, so it is ignored beside a value, and a record with nothing else is a bad reading. Registers are sent as ``v``.
* A record that has neither name nor value sets base fields and is no reading.
* Versions 1 to 10, and 26 (RFC 9100: secondary units). An unknown field whose label ends in ``_`` must be understood,
  so the pack is rejected; any other unknown field is ignored.
* Times below 2**28 are relative to the arrival, 0 is the arrival itself.

A base field that is wrong rejects the message, because all later records hang on it; a wrong record itself alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from devices import cbor
from devices.decoding import PACK, Binding, Decode, Decoded, Flaw, Format, PackRecord, Reason, Rejection, Relative, Time
from devices.families import properties_of
from devices.scrub import senml_cbor_scrub, senml_json_scrub
from devices.units import IDENTITY, Convert, conversions_to

_ABSENT: Final = object()

#: Times from here on are absolute [s since the Unix epoch].
_ABSOLUTE: Final = 2**28
#: Times from here on are certainly none (the year 318857) [s].
_BEYOND: Final = 10**13

_VERSIONS: Final = frozenset((*range(1, 11), 26))


class _Labels(NamedTuple):
    """A field's label in one of the two representations."""

    bver: str | int
    bn: str | int
    bt: str | int
    bu: str | int
    bv: str | int
    bs: str | int
    n: str | int
    u: str | int
    v: str | int
    vs: str | int
    vb: str | int
    vd: str | int
    s: str | int
    t: str | int


_JSON = _Labels(*_Labels._fields)
_CBOR = _Labels(-1, -2, -3, -4, -5, -6, 0, 1, 2, 3, 4, 8, 5, 6)


class _Base(NamedTuple):
    """The base fields that hold for the records to come."""

    time: float = 0
    unit: str | None = None
    value: float = 0


@lru_cache(maxsize=64)
def _conversions(family: str) -> Mapping[tuple[str, str], Convert]:
    """(property, unit) -> conversion, of all that convert. Complete, so a hostile pack cannot make it grow."""
    return {
        (prop.name, unit): convert
        for prop in properties_of(family).values()
        for unit, convert in conversions_to(prop.unit, senml=True).items()
    }


def _is_number(value: Any) -> bool:
    return (type(value) is float and math.isfinite(value)) or type(value) is int


def _base(record: Mapping[Any, Any], index: int, old: _Base, label: _Labels, device: str) -> _Base:
    """The base fields from this record on. Raises Rejection where they are wrong, or not understood and must be."""
    for key in record:
        if type(key) is str and key[-1:] == "_" and key not in label:
            raise Rejection(Reason.UNREADABLE, f"record {index}: a field that must be understood is not known here")
    if type(version := record.get(label.bver, 10)) is not int or version not in _VERSIONS:
        raise Rejection(Reason.UNREADABLE, f"record {index}: bver is no SenML version that is read here (10)")
    if (name := record.get(label.bn, "")) != "" and not (type(name) is str and _names(name, device)):
        raise Rejection(
            Reason.DEVICE_MISMATCH, f"record {index}: bn is neither empty nor ends in the device's id and ':'"
        )
    time, unit, value = record.get(label.bt, old.time), record.get(label.bu, old.unit), record.get(label.bv, old.value)
    if not _is_number(time):
        raise Rejection(Reason.UNREADABLE, f"record {index}: bt is no number")
    if unit is not None and type(unit) is not str:
        raise Rejection(Reason.UNREADABLE, f"record {index}: bu is no text")
    if not _is_number(value):
        raise Rejection(Reason.UNREADABLE, f"record {index}: bv is no number")
    return _Base(time, unit, value)


def _names(base_name: str, device: str) -> bool:
    end = f"{device}:"
    return not device or base_name == end or base_name.endswith((f":{end}", f"/{end}"))


def _other_value(record: Mapping[Any, Any], label: _Labels) -> Any:
    """The reading of a record without ``v``: a boolean, or what is wrong."""
    if type(flag := record.get(label.vb)) is bool and label.vs not in record and label.vd not in record:
        return flag
    return Flaw(Reason.BAD_VALUE, "neither v (a number) nor vb (a boolean), or several values at once")


def _resolved_value(value: Any, base: float, convert: Convert) -> Any:
    """Value plus base value in the property's unit. What is no number stays, for the runner to say so."""
    if type(value) is not int and type(value) is not float:
        return value
    try:
        return convert(value + base)
    except OverflowError:
        return Flaw(Reason.BAD_VALUE, "a number beyond the range of a float")


def _odd_time(time: Any) -> Time:
    """A resolved time that is not plainly absolute; raises ValueError where it is none."""
    if not _is_number(time):
        raise ValueError
    if time == 0:
        return None
    return Relative(time) if time < _ABSOLUTE else time


def _resolver(label: _Labels, binding: Binding) -> Callable[[Any], Decoded]:
    device = binding.device_id
    conversions = _conversions(binding.family)
    properties = properties_of(binding.family)
    n, u, v, t = label.n, label.u, label.v, label.t

    def resolve(pack: Any) -> Decoded:  # noqa: PLR0912 one loop: a call per record would cost a tenth of the speed
        if type(pack) is not list:
            raise Rejection(Reason.UNREADABLE, "a SenML pack is an array of records")
        readings: list[PackRecord] = []
        append = readings.append
        base = _Base()
        base_time, base_unit, base_value = base
        for index, record in enumerate(pack):
            if type(record) is not dict:
                append(("", None, Flaw(Reason.BAD_VALUE, f"record {index} is no object")))
                continue
            get = record.get
            name, value, unit, offset = get(n), get(v, _ABSENT), get(u), get(t, _ABSENT)
            # More fields than these: base fields, other values, unknown ones. Most records have none.
            plain = 2 + (unit is not None) + (offset is not _ABSENT)
            if value is _ABSENT or len(record) != plain or name is None:
                base_time, base_unit, base_value = base = _base(record, index, base, label, device)
                if value is _ABSENT:
                    if name is None and label.vb not in record and label.vs not in record and label.vd not in record:
                        continue
                    value = _other_value(record, label)
                elif label.vb in record or label.vs in record or label.vd in record:
                    value = Flaw(Reason.BAD_VALUE, "several values at once")
            if type(name) is not str:
                append(("", None, Flaw(Reason.UNKNOWN_PROPERTY, f"record {index} has no name")))
                continue
            try:
                time = base_time if offset is _ABSENT else base_time + offset
                if not _ABSOLUTE <= time < _BEYOND:
                    time = _odd_time(time)
            except (TypeError, ValueError, OverflowError):
                append((name, None, Flaw(Reason.BAD_TIME, f"record {index}: t is no number")))
                continue
            if unit is None:
                unit = base_unit
            if unit is not None:
                convert = conversions.get((name, unit)) if type(unit) is str else None
                if convert is not None:
                    if convert is not IDENTITY or base_value:
                        value = _resolved_value(value, base_value, convert)
                elif name in properties:
                    value = Flaw(Reason.BAD_UNIT, f"the record's unit does not convert to {properties[name].unit}")
            elif base_value:
                value = _resolved_value(value, base_value, IDENTITY)
            append((name, time, value))
        if not readings:
            raise Rejection(Reason.EMPTY, "a pack without a reading")
        return PACK, readings, None

    return resolve


def _bind_json(binding: Binding) -> Decode:
    resolve, loads = _resolver(_JSON, binding), orjson.loads

    def decode(payload: bytes) -> Decoded:
        try:
            pack = loads(payload)
        except orjson.JSONDecodeError as error:
            raise Rejection(Reason.UNREADABLE, f"not valid JSON: {error}") from None
        return resolve(pack)

    return decode


def _bind_cbor(binding: Binding) -> Decode:
    resolve = _resolver(_CBOR, binding)

    def decode(payload: bytes) -> Decoded:
        try:
            pack = cbor.loads(payload)
        except cbor.ERRORS as error:
            raise Rejection(Reason.UNREADABLE, f"not valid CBOR: {type(error).__name__}") from None
        return resolve(pack)

    return decode


JSON = Format("senml-json", ("borough/{family}/{device}/senml",), _bind_json, scrub=senml_json_scrub)
CBOR = Format("senml-cbor", ("borough/{family}/{device}/senmlc",), _bind_cbor, scrub=senml_cbor_scrub)
