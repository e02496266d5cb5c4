"""What of a mapping one device is read by: its attributes filled in, the rules of its topic, the keys it names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from devices.mapping import ANY, AnyKey, Path, ReadingRule, RecordMapping

#: An attribute's text in a key of a path.
_FILLED = re.compile(r"\{([a-z][a-z_]*)\}")


def all_rules(mapping: RecordMapping) -> list[ReadingRule]:
    """The rules for all devices, of whatever model or kind."""
    rules = list(mapping.readings)
    for group in (mapping.variants, mapping.kinds):
        for more in (group or {}).values():
            rules += more
    return rules


def attribute_names(mapping: RecordMapping) -> frozenset[str]:
    """The attributes of a device that the mapping asks for, besides its zone."""
    rules = all_rules(mapping)
    paths = [path for rule in rules for path in (*rule.paths, *rule.plus, *rule.minus)]
    named = {name for path in paths for key in path for name in _FILLED.findall(key)}
    return frozenset(named if mapping.any_key.attribute is None else {*named, mapping.any_key.attribute})


def needs_messages(rule: ReadingRule) -> bool:
    """Whether a rule says what only messages have: topics, any key, attributes, lists, values beside it."""
    return bool(rule.topics or rule.sum or rule.plus or rule.minus) or any(
        not path or ANY in path or any(map(_FILLED.search, path)) for path in rule.paths
    )


def rules_for(
    mapping: RecordMapping,
    rules: Sequence[ReadingRule],
    attributes: Mapping[str, str],
    ending: str,
    *,
    by_property: bool,
) -> tuple[ReadingRule, ...]:
    """The rules that apply to a device with these attributes, on a topic that ends so."""
    chosen = []
    for rule in rules:
        if not _on_topic(rule, ending, by_property=by_property):
            continue
        paths = [filled for path in rule.paths if (filled := _filled(path, attributes)) is not None]
        paths = _named(paths, mapping.any_key, attributes)
        if paths:
            plus = tuple(filled for path in rule.plus if (filled := _filled(path, attributes)) is not None)
            minus = tuple(filled for path in rule.minus if (filled := _filled(path, attributes)) is not None)
            chosen.append(replace(rule, paths=tuple(dict.fromkeys(paths)), plus=plus, minus=minus))
    return tuple(chosen)


def _on_topic(rule: ReadingRule, ending: str, *, by_property: bool) -> bool:
    if not rule.topics:
        # our own name of a property needs no word in the mapping; an object's rules are not for a topic of one value
        return not by_property or (() in rule.paths and ending.rpartition("/")[2] == rule.property)
    return any(ending == text or ending.endswith(f"/{text}") for text in rule.topics)


def _filled(path: Path, attributes: Mapping[str, str]) -> Path | None:
    """The path with the device's attributes in it; None where it lacks one."""
    if not any("{" in key and _FILLED.search(key) for key in path):
        return path
    if any(name not in attributes for key in path for name in _FILLED.findall(key)):
        return None
    return tuple(_FILLED.sub(lambda found: attributes[found[1]], key) for key in path)


def _named(paths: Sequence[Path], any_key: AnyKey, attributes: Mapping[str, str]) -> list[Path]:
    """The paths with the keys that the device names in place of any key, in its order; its other keys do not count."""
    text = attributes.get(any_key.attribute) if any_key.attribute is not None else None
    depths = {path.index(ANY) for path in paths if ANY in path}
    if text is None or not depths:
        return list(paths)
    found = []
    for name in (part.strip() for part in text.split(",")):
        for path in paths:
            if ANY in path:
                found.append(tuple(name if key == ANY else key for key in path))
            elif any(len(path) > depth and path[depth] == name for depth in depths):
                found.append(path)
    return found
