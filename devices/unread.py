"""What a message has that looks like a reading and that no rule of its mapping reads: names alone, never values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from devices.decoding import Binding, Rejection
from devices.json_object import bare_value, parse_object
from devices.key_names import told, told_path
from devices.mapping import ANY, Path, ReadingRule, RecordMapping
from devices.mapping_engine import is_ignored, pivoted
from devices.mapping_time import number_of

#: So many names of one message are told, down to so many objects inside each other.
_NAMES, _DEEPEST = 50, 6


def unread_names(
    mapping: RecordMapping, rules: Sequence[ReadingRule], binding: Binding, payload: bytes
) -> Sequence[str]:
    """The keys, with dots between them, under which a number, a list of numbers or a truth stands and nobody reads it.

    ``rules``: those that may read a message of this device. Of one value on a topic it is what the topic calls it.
    """
    if binding.by_property:
        word = binding.ending.rpartition("/")[2]
        if rules or not word or is_ignored(mapping, word):
            return []
        return [told(word)] if isinstance(bare_value(payload), (bool, int, float)) else []
    try:
        record: Any = parse_object(payload)
    except Rejection:
        return []
    if mapping.pivot is not None:
        record = {key: value for key, value in pivoted(mapping.pivot, record).items() if key != mapping.pivot.path}
    time = mapping.time.paths if mapping.time is not None else ()
    known = [*(path for rule in rules for path in (*rule.paths, *rule.plus, *rule.minus)), *time, *mapping.identity]
    found: dict[str, None] = {}
    for path in _leaves(mapping, record, (), text_numbers=mapping.text_numbers):
        if not is_ignored(mapping, path[0]) and not any(_is_at(mapping, path, one) for one in known):
            found[told_path(path)] = None
            if len(found) >= _NAMES:
                break
    return list(found)


def _leaves(mapping: RecordMapping, value: Any, path: Path, *, text_numbers: bool) -> Iterator[Path]:
    """The paths of all that looks like a measurement."""
    if isinstance(value, dict):
        if len(path) < _DEEPEST:
            for key, inner in value.items():
                yield from _leaves(mapping, inner, (*path, key), text_numbers=text_numbers)
    elif path and (
        isinstance(value, (bool, int, float))
        or (isinstance(value, list) and value and all(type(item) in (int, float) for item in value))
        or (text_numbers and isinstance(value, str) and number_of(value) is not None)
    ):
        yield path


def _is_at(mapping: RecordMapping, path: Path, rule: Path) -> bool:
    return len(path) == len(rule) and all(
        key == wanted or (wanted == ANY and key not in mapping.any_key.besides)
        for key, wanted in zip(path, rule, strict=True)
    )
