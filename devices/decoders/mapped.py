"""Plain JSON formats: a TOML mapping beside this file, read by the engine."""

from __future__ import annotations

from importlib.resources import files

from devices.decoding import Binding, Decode, Decoded, Format
from devices.json_object import parse_object
from devices.mapping import RecordMapping, read_mapping
from devices.mapping_engine import record_reader


def packaged_mapping(name: str) -> RecordMapping:
    """Read the mapping ``<name>.toml`` of this package. Raises MappingError where it is wrong."""
    file = files("devices.decoders").joinpath(f"{name}.toml")
    return read_mapping(file.read_text(encoding="utf-8"), f"{name}.toml")


def json_format(mapping: RecordMapping) -> Format:
    """The wire format of one JSON object a message that is read by a mapping."""

    def bind(binding: Binding) -> Decode:
        read = record_reader(mapping, binding)

        def decode(payload: bytes) -> Decoded:
            return read(parse_object(payload))

        return decode

    return Format(mapping.name, mapping.topics, bind, mapping.family)


def mapped(name: str) -> Format:
    """The format of the packaged mapping of that name."""
    return json_format(packaged_mapping(name))
