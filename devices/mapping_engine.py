"""The engine of mappings: from a record (a JSON object, a row of a file) to what a decoder returns.

``record_reader`` compiles a mapping for one device once; its function then walks each record once along a tree of all
the mapping's paths, so a subtree that is absent costs one look-up, and judges what it found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from devices.decoding import STATUS, Binding, Decoded, Flaw, Reason, Rejection
from devices.families import Property, properties_of
from devices.json_object import json_type
from devices.mapping import Path, Pivot, ReadingRule, RecordMapping
from devices.mapping_time import number_of, time_reader
from devices.units import IDENTITY, Convert, conversion, conversions_to

Record = Mapping[str, Any]
ReadRecord = Callable[[Record], Decoded]

_MISSING: Final = object()
_Found = list[Any]
_Judge = Callable[[Any, _Found], Any]


class _Level(NamedTuple):
    """One level of the tree of paths: keys whose values are wanted (with their place), keys that lead further."""

    leaves: tuple[tuple[str, int], ...]
    branches: tuple[tuple[str, Any], ...]


class _Paths:
    """Numbers the paths of a mapping and makes the tree that finds them."""

    def __init__(self) -> None:
        self.places: dict[Path, int] = {}

    def place(self, path: Path) -> int:
        return self.places.setdefault(path, len(self.places))

    def level(self, prefix: Path = ()) -> _Level:
        depth = len(prefix)
        below = [path for path in self.places if path[:depth] == prefix and len(path) > depth]
        onward = dict.fromkeys(path[depth] for path in below if len(path) > depth + 1)
        return _Level(
            tuple((path[depth], self.places[path]) for path in below if len(path) == depth + 1),
            tuple((key, self.level((*prefix, key))) for key in onward),
        )


def _find(level: _Level, record: Record, found: _Found) -> None:
    leaves, branches = level
    for key, place in leaves:
        if key in record:
            found[place] = record[key]
    for key, below in branches:
        if key in record and type(record[key]) is dict:
            _find(below, record[key], found)


def record_reader(mapping: RecordMapping, binding: Binding) -> ReadRecord:
    """Compile a mapping for one device.

    Rules for properties that the device's family does not have are left out. The function returns ``STATUS``, or
    (time, values, None); it raises Rejection with DEVICE_MISMATCH, BAD_TIME, NO_CODEC or EMPTY. A wrong value or unit
    becomes a Flaw in its place.
    """
    if mapping.variants is None:
        return _reader(mapping, mapping.readings, binding)
    readers = {
        model: _reader(mapping, (*mapping.readings, *rules), binding) for model, rules in mapping.variants.items()
    }
    registered = readers.get(binding.model)
    if registered is not None:
        return registered
    path = mapping.model_path or ()

    def read(record: Record) -> Decoded:
        model: Any = record
        for key in path:
            model = model.get(key) if isinstance(model, dict) else None
        reader = readers.get(model) if isinstance(model, str) else None
        if reader is None:
            raise Rejection(
                Reason.NO_CODEC,
                f"no mapping for the device's model, nor does the message name one of {', '.join(readers)}",
            )
        return reader(record)

    return read


def _reader(mapping: RecordMapping, rules: tuple[ReadingRule, ...], binding: Binding) -> ReadRecord:
    properties = properties_of(binding.family)
    paths = _Paths()
    judges = []
    for rule in rules:
        if rule.property in properties:
            place, *others = [paths.place(path) for path in rule.paths]
            judge = _judge(rule, properties[rule.property], paths, mapping.text_numbers)
            judges.append((rule.property, place, others, judge))
    statuses = [(paths.place(rule.path), rule.values) for rule in mapping.statuses]
    identities = [paths.place(path) for path in mapping.identity]
    time = mapping.time
    times = [paths.place(path) for path in time.paths] if time is not None else []
    to_time = time_reader(time, binding.attributes.get("zone")) if time is not None else None
    level = paths.level()
    blank = [_MISSING] * len(paths.places)
    device = binding.device_id.casefold()
    pivot = mapping.pivot
    nothing = f"none of the readings that {mapping.name} gives a {binding.family or 'device'}"

    def read(record: Record) -> Decoded:
        found = blank.copy()
        _find(level, record, found)
        if pivot is not None:
            _find(level, _pivoted(pivot, record), found)
        for place, values in statuses:
            if found[place] is not _MISSING and (values is None or found[place] in values):
                return STATUS
        if identities and device:
            _check_identity(device, [found[place] for place in identities])
        moment = None
        for place in times:
            if found[place] is not _MISSING:
                # a null is a bad time, not a missing one: it does not get its arrival
                moment = "" if found[place] is None or to_time is None else to_time(found[place])
                break
        readings = {}
        for name, place, others, judge in judges:
            value = found[place]
            if value is _MISSING or value is None:
                for other in others:
                    value = found[other]
                    if value is not _MISSING and value is not None:
                        break
                else:
                    continue
            value = judge(value, found)
            if value is not _MISSING:
                readings[name] = value
        if not readings:
            raise Rejection(Reason.EMPTY, nothing)
        return moment, readings, None

    return read


def _pivoted(pivot: Pivot, record: Record) -> Record:
    entries = record.get(pivot.path)
    if not isinstance(entries, list):
        return {}
    return {
        entry[pivot.name]: entry[pivot.value]
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get(pivot.name), str) and pivot.value in entry
    }


def _check_identity(device: str, names: list[Any]) -> None:
    given = [name for name in names if name is not _MISSING]
    if given and not any(isinstance(name, (str, int)) and str(name).casefold() == device for name in given):
        raise Rejection(Reason.DEVICE_MISMATCH, "the payload names another device than the topic")


def _judge(rule: ReadingRule, prop: Property, paths: _Paths, text_numbers: bool) -> _Judge:
    """The function from what stands at a rule's path to the property's value, a Flaw, or _MISSING."""
    unit_place = paths.place(rule.unit_path) if rule.unit_path is not None else -1
    usual = conversion(rule.unit, prop.unit) if rule.unit is not None else IDENTITY
    known = conversions_to(prop.unit)
    values, absent, glitch = rule.values, rule.absent, rule.glitch
    state = prop.kind == "state"

    def judge(value: Any, found: _Found) -> Any:
        if text_numbers and value == "":
            return _MISSING  # an empty cell of a file
        if values is not None:
            return _enumerated(value, values)
        if text_numbers and type(value) is str:
            value = number_of(value)
            if value is None:
                return Flaw(Reason.BAD_VALUE, "a text that is no number")
        kind = type(value)
        if kind is not float and kind is not int and not (state and kind is bool):
            return Flaw(Reason.BAD_VALUE, f"a {json_type(value)} where a number is expected")
        if value in absent:
            return _MISSING
        if glitch is not None and value == glitch[0]:
            return Flaw(Reason.BAD_VALUE, glitch[1])
        convert = usual
        if unit_place >= 0:
            unit = found[unit_place]
            if type(unit) is str and unit in known:
                convert = known[unit]
            elif unit is not _MISSING and unit is not None:
                return Flaw(Reason.BAD_UNIT, f"the unit in the message does not convert to {prop.unit}")
        return value if convert is IDENTITY else _converted(value, convert)

    return judge


def _converted(value: float, convert: Convert) -> Any:
    try:
        return convert(value)
    except OverflowError:
        return Flaw(Reason.BAD_VALUE, "a number beyond the range of a float")


def _enumerated(value: Any, values: Mapping[str, float]) -> Any:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
    if isinstance(text, (str, int, float)) and (number := values.get(str(text))) is not None:
        return number
    return Flaw(Reason.BAD_VALUE, "a value that the mapping does not list")
