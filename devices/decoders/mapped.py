"""Plain JSON formats: a TOML mapping beside this file, read by the engine."""

from __future__ import annotations

from functools import lru_cache, partial
from importlib.resources import files
from typing import Any

from devices.decoding import STATUS, Binding, Decode, Decoded, Format
from devices.json_object import parse_object
from devices.mapping import RecordMapping
from devices.mapping_engine import compile_mapping
from devices.mapping_reader import read_mapping
from devices.scrub import json_scrub

#: The longest message that is remembered [bytes].
_REMEMBERED = 2048


def packaged_mapping(name: str) -> RecordMapping:
    """Read the mapping ``<name>.toml`` of this package. Raises MappingError where it is wrong."""
    file = files("devices.decoders").joinpath(f"{name}.toml")
    return read_mapping(file.read_text(encoding="utf-8"), f"{name}.toml")


def json_format(mapping: RecordMapping) -> Format:
    """The wire format of one JSON object a message that is read by a mapping."""

    # shared by all devices that are alike; zones are IANA names or mistakes in a devices file, hence a bound
    compiled = lru_cache(maxsize=1024)(partial(compile_mapping, mapping))

    def bind(binding: Binding) -> Decode:
        read = compiled(binding.family, binding.model, binding.attributes.get("zone"))
        device = binding.device_id

        def decode(payload: bytes) -> Decoded:
            return read(parse_object(payload), device)

        if mapping.time is not None and mapping.time.repeated_is_old:
            return _telling_old_times(decode)
        return _remembering(decode) if mapping.repeats else decode

    return Format(mapping.name, mapping.topics, bind, mapping.family, json_scrub(mapping.identifiers), repr(mapping))


def _remembering(decode: Decode) -> Decode:
    """The decoder with a memory of one message: the bytes that came last give the very same result again."""
    last: bytes | None = None
    result: Decoded = STATUS

    def again(payload: bytes) -> Decoded:
        nonlocal last, result
        if payload == last:
            return result
        result = decode(payload)
        # held once a topic, so what is large is not worth its memory
        last = payload if len(payload) <= _REMEMBERED else None
        return result

    return again


def _telling_old_times(decode: Decode) -> Decode:
    """The decoder with a memory of one message: a time that comes again with other values is that message's.

    A gateway sends the time at which it last heard the device also with what it found out by itself since (Zigbee2MQTT
    ends a motion after a while): that is as old as its arrival. Of equal messages each keeps the time.
    """
    last: tuple[Any, Any] = (None, None)

    def told(payload: bytes) -> Decoded:
        nonlocal last
        decoded = decode(payload)
        time, values, sequence = decoded
        if time is None:
            return decoded
        if time != last[0]:
            last = time, values
        elif any(name not in last[1] or last[1][name] != value for name, value in values.items()):
            return None, values, sequence
        return decoded

    return told


def mapped(name: str) -> Format:
    """The format of the packaged mapping of that name."""
    return json_format(packaged_mapping(name))
