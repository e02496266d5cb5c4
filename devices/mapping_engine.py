"""The engine of mappings: from a record (a JSON object, a row of a file) to what a decoder returns.

``compile_mapping`` turns a mapping into one function for all devices of a family, model and zone: a generated finder,
one nested look-up a path, and a list of judges for what it found. Devices share it; what is a device's own is its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from devices.decoding import STATUS, Decoded, Flaw, Reason, Rejection
from devices.families import Property, properties_of
from devices.json_object import json_type
from devices.mapping import Path, Pivot, ReadingRule, RecordMapping
from devices.mapping_time import time_reader
from devices.numbers import Decimal, number_fault, number_reader
from devices.units import IDENTITY, Convert, conversion, conversions_to

Record = Mapping[str, Any]

#: (record, device id) -> what a decoder returns; an empty id is not compared.
ReadRecord = Callable[[Record, str], Decoded]

_MISSING: Final = object()
_Found = list[Any]
_Judge = Callable[[Any, _Found], Any]


class _Paths:
    """Numbers the paths of a mapping, and makes the function that finds them all in a record."""

    def __init__(self) -> None:
        self.places: dict[Path, int] = {}

    def place(self, path: Path) -> int:
        return self.places.setdefault(path, len(self.places))

    def finder(self) -> Callable[[Record], _Found]:
        """A function from a record to the values by place, ``_MISSING`` where a path leads nowhere.

        Its text is generated (as ``dataclasses`` does): walking a tree of paths for each message takes four times as
        long, and displays speak every six seconds. Keys enter the text by ``repr`` only.
        """
        names = [f"p{number}" for number in range(len(self.places))]
        lines = ["def find(n0):"]
        lines += [f" {' = '.join(names)} = missing"] if names else []
        self._look(lines, (), 0)
        lines.append(f" return [{', '.join(names)}]")
        namespace: dict[str, Any] = {"missing": _MISSING}
        exec("\n".join(lines), namespace)  # noqa: S102 nothing of a message is in the text
        find: Callable[[Record], _Found] = namespace["find"]
        return find

    def _look(self, lines: list[str], prefix: Path, depth: int) -> None:
        """Add the look-ups in the object at ``prefix``, which the text calls n<depth>."""
        indent = " " * (depth + 1)
        below = [path for path in self.places if path[:depth] == prefix and len(path) > depth]
        wanted = [path for path in below if len(path) == depth + 1]
        lines += [f"{indent}p{self.places[path]} = n{depth}.get({path[depth]!r}, missing)" for path in wanted]
        for key in dict.fromkeys(path[depth] for path in below if len(path) > depth + 1):
            lines.append(f"{indent}n{depth + 1} = n{depth}.get({key!r})")
            lines.append(f"{indent}if type(n{depth + 1}) is dict:")
            self._look(lines, (*prefix, key), depth + 1)


def compile_mapping(mapping: RecordMapping, family: str, model: str, zone: str | None) -> ReadRecord:
    """Compile a mapping for the devices of one family, model and zone (their attribute ``zone``, or None).

    Rules for properties that the family does not have are left out. The function returns ``STATUS``, or
    (time, values, None); it raises Rejection with DEVICE_MISMATCH, BAD_TIME, NO_CODEC or EMPTY. A wrong value or unit
    becomes a Flaw in its place.
    """
    if mapping.variants is None:
        return _reader(mapping, mapping.readings, family, zone)
    if model in mapping.variants:
        return _reader(mapping, (*mapping.readings, *mapping.variants[model]), family, zone)
    readers = {
        name: _reader(mapping, (*mapping.readings, *rules), family, zone) for name, rules in mapping.variants.items()
    }
    path = mapping.model_path or ()

    def read(record: Record, device: str) -> Decoded:
        named: Any = record
        for key in path:
            named = named.get(key) if isinstance(named, dict) else None
        reader = readers.get(named) if isinstance(named, str) else None
        if reader is None:
            raise Rejection(
                Reason.NO_CODEC,
                f"no mapping for the device's model, nor does the message name one of {', '.join(readers)}",
            )
        return reader(record, device)

    return read


def _reader(mapping: RecordMapping, rules: tuple[ReadingRule, ...], family: str, zone: str | None) -> ReadRecord:
    properties = properties_of(family)
    paths = _Paths()
    judges = []
    for rule in rules:
        if rule.property in properties:
            place, *others = [paths.place(path) for path in rule.paths]
            judge = _judge(rule, properties[rule.property], paths, mapping.text_numbers, mapping.decimal)
            judges.append((rule.property, place, others, judge))
    statuses = [(paths.place(rule.path), rule.values) for rule in mapping.statuses]
    identities = [paths.place(path) for path in mapping.identity]
    time = mapping.time
    times = [paths.place(path) for path in time.paths] if time is not None else []
    to_time = time_reader(time, zone) if time is not None else None
    find = paths.finder()
    pivot = mapping.pivot
    nothing = f"none of the readings that {mapping.name} gives a {family or 'device'}"

    def read(record: Record, device: str) -> Decoded:
        found = find(record if pivot is None else _pivoted(pivot, record))
        for place, values in statuses:
            if found[place] is not _MISSING and (values is None or found[place] in values):
                return STATUS
        if identities and device:
            _check_identity(device, [found[place] for place in identities])
        moment = None
        for place in times:
            moment = found[place]
            if moment is _MISSING:
                moment = None
                continue
            # a null is a bad time, not a missing one: it does not get its arrival
            moment = "" if moment is None or to_time is None else to_time(moment)
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
    """The record with the entries of its list as keys of its own; entries of a wrong shape are passed over."""
    entries = record.get(pivot.path)
    if not isinstance(entries, list):
        return record
    return {
        **record,
        **{
            entry[pivot.name]: entry[pivot.value]
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get(pivot.name), str) and pivot.value in entry
        },
    }


def _check_identity(device: str, names: list[Any]) -> None:
    given = [name for name in names if name is not _MISSING]
    wanted = device.casefold()
    if given and not any(isinstance(name, (str, int)) and str(name).casefold() == wanted for name in given):
        raise Rejection(Reason.DEVICE_MISMATCH, "the payload names another device than the topic")


def _judge(rule: ReadingRule, prop: Property, paths: _Paths, text_numbers: bool, decimal: Decimal) -> _Judge:
    """The function from what stands at a rule's path to the property's value, a Flaw, or _MISSING."""
    if rule.values is not None:
        values = rule.values
        return lambda value, _: _MISSING if text_numbers and value == "" else _enumerated(value, values)
    unit_place = paths.place(rule.unit_path) if rule.unit_path is not None else -1
    usual = conversion(rule.unit, prop.unit) if rule.unit is not None else IDENTITY
    known = conversions_to(prop.unit)
    special: dict[float, Any] = dict.fromkeys(rule.absent, _MISSING)
    if rule.glitch is not None:
        special[rule.glitch[0]] = Flaw(Reason.BAD_VALUE, rule.glitch[1])
    state = prop.kind == "state"
    to_number = number_reader(decimal)
    bad_unit = Flaw(Reason.BAD_UNIT, f"the unit in the message does not convert to {prop.unit}")

    def judge(value: Any, found: _Found) -> Any:
        kind = type(value)
        if kind is not float and kind is not int:
            if not text_numbers or kind is not str:
                if state and kind is bool:
                    return value
                return Flaw(Reason.BAD_VALUE, f"a {json_type(value)} where a number is expected")
            if value == "":
                return _MISSING  # an empty cell of a file
            number = to_number(value)
            if number is None:
                return Flaw(Reason.BAD_VALUE, number_fault(value, decimal))
            value = number
        if special and value in special:
            return special[value]
        convert = usual
        if unit_place >= 0:
            unit = found[unit_place]
            if type(unit) is str and unit in known:
                convert = known[unit]
            elif unit is not _MISSING and unit is not None:
                return bad_unit
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
