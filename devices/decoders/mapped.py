"""Plain JSON formats and bare values: a TOML mapping beside this file, read by the engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any

from devices.decoding import STATUS, Binding, Decode, Decoded, Format, Rejection
from devices.json_object import parse_object, parse_value
from devices.mapping import ReadingRule, RecordMapping
from devices.mapping_choice import all_rules, attribute_names, rules_for
from devices.mapping_engine import compile_mapping
from devices.mapping_reader import read_mapping
from devices.scrub import Scrub, json_scrub
from devices.unread import unread_names

#: The longest message that is remembered [bytes].
_REMEMBERED = 2048


def packaged_mapping(name: str) -> RecordMapping:
    """Read the mapping ``<name>.toml`` of this package. Raises MappingError where it is wrong."""
    file = files("devices.decoders").joinpath(f"{name}.toml")
    return read_mapping(file.read_text(encoding="utf-8"), f"{name}.toml")


def json_format(mapping: RecordMapping) -> Format:
    """The wire format of one JSON object or one bare value a message that is read by a mapping."""

    # shared by all devices that are alike; zones are IANA names or mistakes in a devices file, hence a bound
    compiled = lru_cache(maxsize=1024)(partial(compile_mapping, mapping))
    asked = sorted(attribute_names(mapping))
    words = {word for status in mapping.statuses if not status.path for word in status.values or ()}
    plain = {word.encode() for word in words}

    def bind(binding: Binding) -> Decode:
        rules = device_rules(mapping, binding)
        if binding.by_property and not rules:
            return _nothing  # one of a device's many values, and none of those that are read
        own = tuple((name, binding.attributes[name]) for name in asked if name in binding.attributes)
        read = compiled(
            binding.family, binding.model, binding.attributes.get("zone"), own, binding.ending, binding.by_property
        )
        device = binding.attributes.get("topic", binding.device_id)

        def decode(payload: bytes) -> Decoded:
            return read(parse_object(payload), device)

        def decode_object_or_word(payload: bytes) -> Decoded:
            try:
                record = parse_object(payload)
            except Rejection:
                if payload.strip().strip(b'"') in plain:
                    return STATUS
                raise
            return read(record, device)

        def decode_value(payload: bytes) -> Decoded:
            value = parse_value(payload)
            return STATUS if value.__class__ is str and value in words else read(value, device)

        chosen = decode_value if any(() in rule.paths for rule in rules) else decode_object_or_word if words else decode
        if mapping.time is not None and mapping.time.repeated_is_old:
            return _telling_old_times(chosen)
        return _remembering(chosen) if mapping.repeats else chosen

    return Format(
        mapping.name,
        mapping.topics,
        bind,
        mapping.family,
        _scrub(mapping),
        repr(mapping),
        no_devices=frozenset(mapping.no_devices),
        unread=lambda binding, payload: unread_names(mapping, device_rules(mapping, binding), binding, payload),
    )


def _scrub(mapping: RecordMapping) -> Scrub:
    """The scrubber of the mapping's messages. Of bare words those that it lists name nobody."""
    scrub = json_scrub(mapping.identifiers)
    every = all_rules(mapping)
    known = {word.encode() for status in mapping.statuses if not status.path for word in status.values or ()}
    known |= {word.encode() for rule in every if () in rule.paths for word in rule.values or ()}
    return (lambda payload: payload.strip() if payload.strip() in known else scrub(payload)) if known else scrub


def device_rules(mapping: RecordMapping, binding: Binding) -> Sequence[ReadingRule]:
    """All rules of a mapping that may read a message of a device."""
    return rules_for(mapping, all_rules(mapping), binding.attributes, binding.ending, by_property=binding.by_property)


def _nothing(_payload: bytes) -> Decoded:
    return STATUS


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
