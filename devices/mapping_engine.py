"""The engine of mappings: from a record (a JSON object, a row of a file, one bare value) to what a decoder returns.

``compile_mapping`` turns a mapping into one function for all devices that are alike to it: a generated finder and a
list of judges for what it found. Devices share it; what is a device's own is its id.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.decoding import STATUS, Decoded, Flaw, Reason, Rejection
from devices.families import Property, properties_of
from devices.json_object import json_type
from devices.key_names import told
from devices.mapping import ANY, Path, Pivot, ReadingRule, RecordMapping
from devices.mapping_choice import rules_for
from devices.mapping_finder import MISSING, Found, Paths, Record, Several
from devices.mapping_time import time_reader
from devices.numbers import number_fault, number_reader
from devices.units import IDENTITY, Convert, conversion, conversions_to

#: (record, device id) -> what a decoder returns; an empty id is not compared.
ReadRecord = Callable[[Any, str], Decoded]

_Judge = Callable[[Any, Found], Any]

#: So many keys are named where a path has any key and several match.
_NAMED = 4


def compile_mapping(
    mapping: RecordMapping,
    family: str,
    model: str,
    zone: str | None,
    attributes: Sequence[tuple[str, str]] = (),
    ending: str = "",
    by_property: bool = False,
) -> ReadRecord:
    """Compile a mapping for the devices of one family, model and zone (their attribute ``zone``, or None).

    ``attributes``: those of the device that the mapping asks for; ``ending`` and ``by_property``: see
    ``devices.decoding.Binding``. Rules for properties that the family does not have are left out. The function returns
    ``STATUS``, or (time, values, None); it raises Rejection with DEVICE_MISMATCH, BAD_TIME, NO_CODEC or EMPTY. A wrong
    value or unit becomes a Flaw in its place.
    """

    def reader(rules: Sequence[ReadingRule]) -> ReadRecord:
        return _reader(
            mapping, rules_for(mapping, rules, dict(attributes), ending, by_property=by_property), family, zone
        )

    if mapping.variants is None and mapping.kinds is None:
        return reader(mapping.readings)
    variants, kinds = mapping.variants or {}, mapping.kinds or {}
    if model in variants:
        return reader((*mapping.readings, *variants[model]))
    readers = {name: reader((*mapping.readings, *rules)) for name, rules in variants.items()}
    by_kind = {name: reader((*mapping.readings, *rules)) for name, rules in kinds.items()}
    said = ", ".join(list(readers) + list(by_kind))

    def read(record: Any, device: str) -> Decoded:
        found = readers.get(_text_at(record, mapping.model_path)) or by_kind.get(_text_at(record, mapping.kind_path))
        if found is None:
            raise Rejection(
                Reason.NO_CODEC, f"no mapping for the device's model, nor does the message name one of {said}"
            )
        return found(record, device)

    return read


def _text_at(record: Any, path: Path | None) -> str:
    named = record
    for key in path or ():
        named = named.get(key) if isinstance(named, dict) else None
    return named if isinstance(named, str) else ""


def _reader(mapping: RecordMapping, rules: Sequence[ReadingRule], family: str, zone: str | None) -> ReadRecord:
    properties = properties_of(family)
    paths = Paths(mapping.any_key.besides)
    judges: dict[str, tuple[int, list[tuple[int, _Judge]], _Judge]] = {}
    for rule in rules:
        if rule.property in properties:
            judge = _judge(rule, properties[rule.property], paths, mapping)
            starred = [paths.place(path) for path in rule.paths if ANY in path]
            one_key = judge if len(starred) < 2 else _judge_keys(starred, judge)
            places = [(paths.place(path), one_key if ANY in path else judge) for path in rule.paths]
            if rule.property in judges:
                judges[rule.property][1].extend(places)
            else:
                judges[rule.property] = places[0][0], places[1:], places[0][1]
    asked = [(name, place, others, judge) for name, (place, others, judge) in judges.items()]
    statuses = [(paths.place(rule.path), rule.values) for rule in mapping.statuses if rule.path]
    identities = [paths.place(path) for path in mapping.identity]
    time = mapping.time
    times = [paths.place(path) for path in time.paths] if time is not None else []
    to_time = time_reader(time, zone) if time is not None else None
    find = _finding(paths, mapping.pivot)
    nothing = f"none of the readings that {mapping.name} gives a {family or 'device'}"
    measured = [at for _, place, others, _ in asked for at in (place, *(other for other, _ in others))]

    def read(record: Any, device: str) -> Decoded:
        found = find(record)
        for place, values in statuses:
            if found[place] is not MISSING and (values is None or found[place] in values):
                return STATUS
        if identities and device:
            _check_identity(device, [found[place] for place in identities])
        moment = None
        for place in times:
            moment = found[place]
            if moment is MISSING:
                moment = None
                continue
            # a null is a bad time, not a missing one: it does not get its arrival
            moment = "" if moment is None or to_time is None else to_time(moment)
            break
        readings = {}
        for name, place, others, first in asked:
            value, judge = found[place], first
            if value is MISSING or value is None:
                for other, judge in others:  # noqa: B007 - the one whose value is taken
                    value = found[other]
                    if value is not MISSING and value is not None:
                        break
                else:
                    continue
            value = judge(value, found)
            if value is not MISSING:
                readings[name] = value
        if not readings:
            if mapping.null_is_status and any(found[place] is None for place in measured):
                return STATUS
            if mapping.ignored and isinstance(record, dict) and _says_nothing(mapping, record):
                return STATUS
            raise Rejection(Reason.EMPTY, nothing)
        return moment, readings, None

    return read


def _says_nothing(mapping: RecordMapping, record: Record) -> bool:
    """Whether a record holds nothing but keys that are no measurement, and nulls where that is a status."""
    rest = [value for key, value in record.items() if not is_ignored(mapping, key)]
    return not rest or (mapping.null_is_status and all(map(_is_null, rest)))


def _is_null(value: Any, depth: int = 4) -> bool:
    """Whether a value is null, or an object of nothing else."""
    if isinstance(value, dict) and depth:
        return all(_is_null(item, depth - 1) for item in value.values())
    return value is None


def is_ignored(mapping: RecordMapping, key: str) -> bool:
    """Whether a key of the record is said to be no measurement."""
    return any(key.startswith(word[:-1]) if word[-1] == "*" else key == word for word in mapping.ignored)


def _finding(paths: Paths, pivot: Pivot | None) -> Callable[[Any], Found]:
    find, whole = paths.finder(), paths.places.get(())
    if pivot is not None:
        return lambda record: find(pivoted(pivot, record))
    if whole is None:
        return find

    def find_whole(record: Any) -> Found:
        found = find(record if isinstance(record, dict) else {})
        found[whole] = record
        return found

    return find_whole


def pivoted(pivot: Pivot, record: Record) -> Record:
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
    given = [name for name in names if name is not MISSING]
    wanted = device.casefold()
    if given and not any(isinstance(name, (str, int)) and str(name).casefold() == wanted for name in given):
        raise Rejection(Reason.DEVICE_MISMATCH, "the payload names another device than the topic")


def _judge(rule: ReadingRule, prop: Property, paths: Paths, mapping: RecordMapping) -> _Judge:
    """The function from what stands at a rule's path to the property's value, a Flaw, or MISSING."""
    judge = _judge_one(rule, prop, paths, mapping)
    if not rule.sum and not rule.plus and not rule.minus:
        return judge
    beside = [(paths.place(path), 1.0) for path in rule.plus] + [(paths.place(path), -1.0) for path in rule.minus]

    to_number = number_reader(mapping.decimal)

    def judge_sum(value: Any, found: Found) -> Any:
        terms = [(value, 1.0), *((found[place], sign) for place, sign in beside)]
        numbers: list[float] = []
        for term, sign in terms:
            if term is MISSING or term is None:
                continue
            parts = term if rule.sum and type(term) is list else [term]
            if len(terms) == 1 and parts is not term:
                return judge(value, found)
            for part in parts or [None]:
                number = to_number(part) if mapping.text_numbers and type(part) is str else part
                if type(number) is not int and type(number) is not float:
                    return Flaw(Reason.BAD_VALUE, _no_number(part, mapping) + " in a sum")
                try:
                    numbers.append(sign * number)
                except OverflowError:
                    return Flaw(Reason.BAD_VALUE, "a number beyond the range of a float")
        try:
            return judge(math.fsum(numbers), found)
        except OverflowError:
            return Flaw(Reason.BAD_VALUE, "a sum beyond the range of a float")

    return judge_sum


def _judge_keys(places: Sequence[int], judge: _Judge) -> _Judge:
    """The same where a rule has several paths with any key: one key may have it under several names, two may not."""

    def judge_keys(value: Any, found: Found) -> Any:
        keys: dict[str, None] = {}
        for place in places:
            there = found[place]
            if there is not MISSING and there is not None:
                keys.update(dict.fromkeys(there.keys if type(there) is Several else [found[-1][place]]))
        return judge(value if len(keys) < 2 else Several(list(keys)), found)

    return judge_keys


def _no_number(value: Any, mapping: RecordMapping) -> str:
    """Why a value is none that can be judged."""
    if type(value) is not Several:
        return f"a {json_type(value)} where a number is expected"
    names = ", ".join(map(told, value.keys[:_NAMED])) + (", …" if len(value.keys) > _NAMED else "")
    attribute = mapping.any_key.attribute
    hint = f": name one with the device's attribute {attribute}" if attribute is not None else ""
    return f"{len(value.keys)} keys have it ({names}){hint}"


def _judge_one(rule: ReadingRule, prop: Property, paths: Paths, mapping: RecordMapping) -> _Judge:
    text_numbers = mapping.text_numbers
    decimal = mapping.decimal
    if rule.values is not None:
        values = rule.values

        def judge_word(value: Any, _: Found) -> Any:
            if type(value) is Several:
                return Flaw(Reason.BAD_VALUE, _no_number(value, mapping))
            return MISSING if text_numbers and value == "" else _enumerated(value, values)

        return judge_word
    unit_place = paths.place(rule.unit_path) if rule.unit_path is not None else -1
    usual = conversion(rule.unit, prop.unit) if rule.unit is not None else IDENTITY
    known = conversions_to(prop.unit)
    special: dict[float, Any] = dict.fromkeys(rule.absent, MISSING)
    if rule.glitch is not None:
        special[rule.glitch[0]] = Flaw(Reason.BAD_VALUE, rule.glitch[1])
    state = prop.kind == "state"
    to_number = number_reader(decimal)
    bad_unit = Flaw(Reason.BAD_UNIT, f"the unit in the message does not convert to {prop.unit}")

    def judge(value: Any, found: Found) -> Any:
        kind = type(value)
        if kind is not float and kind is not int:
            if not text_numbers or kind is not str:
                if state and kind is bool:
                    return value
                return Flaw(Reason.BAD_VALUE, _no_number(value, mapping))
            if value == "":
                return MISSING  # an empty cell of a file
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
            elif unit is not MISSING and unit is not None:
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
