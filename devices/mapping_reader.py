"""Mapping files read and checked: TOML to the values of `devices.mapping`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from devices.families import FAMILIES, Property
from devices.mapping import (
    ANY,
    DEVICE_ZONE,
    AnyKey,
    MappingError,
    Path,
    Pivot,
    ReadingRule,
    RecordMapping,
    StatusRule,
    TimeRule,
)
from devices.numbers import Decimal
from devices.toml import TomlError, parse
from devices.units import UnitError, conversion

#: Keys in a path, at most.
_DEEPEST = 16

#: Those of strptime's directives that say a year (Python's documentation, "strftime() and strptime() Format Codes").
_YEAR = ("%Y", "%y", "%G", "%c", "%x")


def read_mapping(text: str, where: str) -> RecordMapping:
    """Read and check a mapping file's text; ``where`` is its name in errors. Raises MappingError."""
    try:
        document = parse(text)
    except TomlError as error:
        raise MappingError(f"{where}: {error}") from None
    return mapping_of(document, where)


def mapping_of(document: dict[str, Any], where: str) -> RecordMapping:
    """Check a mapping that is parsed already; ``where`` is its name in errors. Raises MappingError."""
    return _Reader(where).mapping(document)


_FILE_KEYS = {
    "name", "topics", "family", "time", "identity", "status", "pivot", "text_numbers", "decimal", "repeats", "reading",
    "variant", "model_path", "kind_path", "identifiers", "any_key", "null_is_status", "ignored", "no_devices",
}  # fmt: skip


_READING_KEYS = {
    "property", "path", "paths", "payload", "unit", "unit_path", "values", "absent", "glitch", "sum", "plus", "minus",
    "topic", "topics",
}  # fmt: skip


class _Reader:
    """Turns parsed TOML into a RecordMapping; holds the file's name for the errors."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, key: str, reason: str) -> NoReturn:
        raise MappingError(f"{self.where}: {key}: {reason}")

    def mapping(self, document: dict[str, Any]) -> RecordMapping:
        self._only("the file", document, _FILE_KEYS)
        family = self._text(document, "family", "family")
        if family is not None and family not in FAMILIES:
            self.fail("family", f"{family!r} is none of {', '.join(FAMILIES)}")
        name = self._text(document, "name", "name")
        topics = self._texts(document, "topics", "topics")
        if not name or not topics:
            self.fail("name, topics", "both are needed")
        variants, kinds = self._variants(document.get("variant", []))
        readings = self._readings(document.get("reading", []), "reading")
        if not readings and not variants and not kinds:
            self.fail("reading", "no [[reading]] at all")
        if kinds and "kind_path" not in document:
            self.fail("kind_path", "is needed where a variant has kinds")
        if "pivot" in document and any(() in rule.paths for rule in readings):
            self.fail("pivot", "a message that is one value has no list of named ones")
        return RecordMapping(
            name=name,
            topics=topics,
            family=family,
            readings=readings,
            time=self._time(document["time"]) if "time" in document else None,
            identity=self._paths(document["identity"], "identity") if "identity" in document else (),
            statuses=tuple(self._status(entry, at) for at, entry in self._tables(document.get("status", []), "status")),
            pivot=self._pivot(document["pivot"]) if "pivot" in document else None,
            text_numbers=self._flag(document, "text_numbers"),
            decimal=self._decimal(document.get("decimal", "")),
            repeats=self._flag(document, "repeats"),
            variants=variants or None,
            model_path=self._path(document["model_path"], "model_path") if "model_path" in document else None,
            kind_path=self._path(document["kind_path"], "kind_path") if "kind_path" in document else None,
            kinds=kinds or None,
            identifiers=self._texts(document, "identifiers", "identifiers"),
            any_key=self._any_key(document["any_key"]) if "any_key" in document else AnyKey(),
            null_is_status=self._flag(document, "null_is_status"),
            ignored=self._texts(document, "ignored", "ignored"),
            no_devices=self._texts(document, "no_devices", "no_devices"),
        )

    def _any_key(self, value: Any) -> AnyKey:
        entry = self._table(value, "any_key")
        self._only("any_key", entry, {"attribute", "besides"})
        return AnyKey(
            self._text(entry, "attribute", "any_key, attribute"),
            self._texts(entry, "besides", "any_key, besides"),
        )

    def _readings(self, value: Any, where: str) -> tuple[ReadingRule, ...]:
        return tuple(self._reading(entry, key) for key, entry in self._tables(value, where))

    def _reading(self, entry: dict[str, Any], where: str) -> ReadingRule:
        self._only(where, entry, _READING_KEYS)
        name = self._text(entry, "property", f"{where}, property") or ""
        properties = [family.properties[name] for family in FAMILIES.values() if name in family.properties]
        if not properties:
            self.fail(f"{where}, property", f"no family has a property {name!r}")
        where = f"{where} ({name})"
        unit = self._text(entry, "unit", f"{where}, unit")
        if unit is not None:
            self._check_unit(unit, properties, f"{where}, unit")
        return ReadingRule(
            property=name,
            paths=self._reading_paths(entry, where),
            unit=unit,
            unit_path=self._path(entry["unit_path"], f"{where}, unit_path") if "unit_path" in entry else None,
            values=self._numbers(entry["values"], f"{where}, values") if "values" in entry else None,
            absent=tuple(self._number(item, f"{where}, absent") for item in self._list(entry, "absent", where)),
            glitch=self._glitch(entry["glitch"], f"{where}, glitch") if "glitch" in entry else None,
            sum=self._flag(entry, "sum", f"{where}, sum"),
            plus=self._beside(entry, "plus", where),
            minus=self._beside(entry, "minus", where),
            topics=self._topics(entry, where),
        )

    def _reading_paths(self, entry: dict[str, Any], where: str) -> tuple[Path, ...]:
        """Paths of a reading; ``path = []`` and ``payload = "value"`` are the message itself."""
        if "payload" in entry:
            if entry["payload"] != "value" or "path" in entry or "paths" in entry:
                self.fail(f"{where}, payload", 'is "value", and then there is neither path nor paths')
            return ((),)
        return ((),) if entry.get("path") == [] and "paths" not in entry else self._path_or_paths(entry, where)

    def _beside(self, entry: dict[str, Any], key: str, where: str) -> tuple[Path, ...]:
        if key not in entry:
            return ()
        paths = self._paths(entry[key], f"{where}, {key}")
        if any(ANY in path for path in paths):
            self.fail(f"{where}, {key}", f"has no key {ANY}: it must be one value")
        return paths

    def _topics(self, entry: dict[str, Any], where: str) -> tuple[str, ...]:
        if "topic" in entry and "topics" in entry:
            self.fail(where, "needs either topic or topics")
        topic = self._text(entry, "topic", f"{where}, topic")
        topics = (topic,) if topic is not None else self._texts(entry, "topics", f"{where}, topics")
        for text in topics:
            if any(sign in text for sign in "+#{}") or "" in text.split("/"):
                self.fail(f"{where}, topic", f"{text!r} is no end of a topic, such as energy or emeter/total")
        return topics

    def _check_unit(self, unit: str, properties: Sequence[Property], where: str) -> None:
        for prop in properties:
            try:
                conversion(unit, prop.unit)
            except UnitError as error:
                self.fail(where, str(error))

    def _glitch(self, value: Any, where: str) -> tuple[float, str]:
        if not isinstance(value, dict) or set(value) != {"value", "because"} or not isinstance(value["because"], str):
            self.fail(where, 'needs { value = <number>, because = "<reason>" }')
        return self._number(value["value"], where), value["because"]

    def _variants(self, value: Any) -> tuple[dict[str, tuple[ReadingRule, ...]], dict[str, tuple[ReadingRule, ...]]]:
        """Readings by model and by kind."""
        found: dict[str, dict[str, tuple[ReadingRule, ...]]] = {"models": {}, "kinds": {}}
        for where, entry in self._tables(value, "variant"):
            self._only(where, entry, {"models", "kinds", "reading"})
            named = [(key, name) for key in found for name in self._texts(entry, key, f"{where}, {key}")]
            for key, name in named or self.fail(where, "needs models or kinds"):
                if name in found[key]:
                    self.fail(f"{where}, {key}", f"{name!r} is in two variants")
                found[key][name] = self._readings(entry.get("reading", []), f"{where}, reading")
        return found["models"], found["kinds"]

    def _time(self, value: Any) -> TimeRule:
        entry = self._table(value, "time")
        self._only("time", entry, {"path", "paths", "zone", "pattern", "epoch", "repeated"})
        zone = self._text(entry, "zone", "time, zone")
        if zone is not None and zone != DEVICE_ZONE:
            try:
                ZoneInfo(zone)
            except (ValueError, OSError, KeyError):
                self.fail("time, zone", f"{zone!r} is no IANA time zone")
        epoch = entry.get("epoch")
        if epoch not in (None, "s", "ms", "auto"):
            self.fail("time, epoch", f"{epoch!r} is none of s, ms and auto")
        repeated = entry.get("repeated")
        if repeated not in (None, "arrival"):
            self.fail("time, repeated", f"{repeated!r} is not arrival")
        pattern = self._text(entry, "pattern", "time, pattern")
        if pattern is not None:
            self._check_pattern(pattern)
        if pattern is not None and zone is None and "%z" not in pattern:
            self.fail("time, pattern", "has no %z, so a zone is needed")
        return TimeRule(self._path_or_paths(entry, "time"), zone, pattern, epoch, repeated is not None)

    def _check_pattern(self, pattern: str) -> None:
        """A pattern that strptime cannot use would fail at every message, and not always with a ValueError."""
        moment = datetime(2026, 10, 25, 13, 30, tzinfo=UTC)
        if not any(directive in pattern for directive in _YEAR):
            self.fail("time, pattern", "has no year: every time would be one of 1900")
        try:
            found = datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007 whether it can be read at all
        except (ValueError, re.error, IndexError, KeyError) as error:
            self.fail("time, pattern", f"is no pattern of strptime: {error}")
        if found.date() != moment.date():
            self.fail("time, pattern", f"has no whole date: {moment:%d %B %Y} would be {found:%d %B %Y}")

    def _status(self, entry: dict[str, Any], where: str) -> StatusRule:
        self._only(where, entry, {"path", "values"})
        values = self._texts(entry, "values", f"{where}, values") if "values" in entry else None
        if entry.get("path") == []:
            return StatusRule((), values or self.fail(where, "a message that is one word needs the words as values"))
        return StatusRule(self._path(entry.get("path"), f"{where}, path"), values)

    def _pivot(self, value: Any) -> Pivot:
        entry = self._table(value, "pivot")
        self._only("pivot", entry, {"path", "name", "value"})
        texts = [self._text(entry, key, f"pivot, {key}") or self.fail(f"pivot, {key}", "is needed")
                 for key in ("path", "name", "value")]  # fmt: skip
        return Pivot(*texts)

    def _path_or_paths(self, entry: dict[str, Any], where: str) -> tuple[Path, ...]:
        if ("path" in entry) == ("paths" in entry):
            self.fail(where, "needs either path or paths")
        if "path" in entry:
            return (self._path(entry["path"], f"{where}, path"),)
        return self._paths(entry["paths"], f"{where}, paths")

    def _paths(self, value: Any, where: str) -> tuple[Path, ...]:
        if not isinstance(value, list) or not value:
            self.fail(where, "is no list of paths")
        return tuple(self._path(item, where) for item in value)

    def _path(self, value: Any, where: str) -> Path:
        keys = [value] if isinstance(value, str) else value
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
            self.fail(where, "a path is a key or a list of keys")
        if len(keys) > _DEEPEST:
            self.fail(where, f"more than {_DEEPEST} keys")
        if keys.count(ANY) > 1:
            self.fail(where, f"has {ANY}, any key, more than once")
        return tuple(keys)

    def _only(self, where: str, entry: dict[str, Any], allowed: set[str]) -> None:
        unknown = sorted(entry.keys() - allowed)
        if unknown:
            self.fail(f"{where}, {unknown[0]}", f"unknown key; known are {', '.join(sorted(allowed))}")

    def _tables(self, value: Any, where: str) -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, list):
            self.fail(where, f"is no [[{where}]] table")
        return [(f"{where} {number}", self._table(entry, where)) for number, entry in enumerate(value, 1)]

    def _table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fail(where, "is no table")
        return value

    def _text(self, entry: dict[str, Any], key: str, where: str) -> str | None:
        value = entry.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            self.fail(where, "is no text")
        return value

    def _decimal(self, value: Any) -> Decimal:
        if value not in ("", ".", ","):
            self.fail("decimal", f"{value!r} is neither a comma nor a point")
        decimal: Decimal = value
        return decimal

    def _flag(self, document: dict[str, Any], key: str, where: str = "") -> bool:
        value = document.get(key, False)
        if not isinstance(value, bool):
            self.fail(where or key, "neither true nor false")
        return value

    def _texts(self, entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = self._list(entry, key, where)
        if not all(isinstance(item, str) and item for item in value):
            self.fail(where, "is no list of texts")
        return tuple(value)

    def _list(self, entry: dict[str, Any], key: str, where: str) -> list[Any]:
        value = entry.get(key, [])
        if not isinstance(value, list):
            self.fail(f"{where}, {key}", "is no list")
        return value

    def _numbers(self, value: Any, where: str) -> dict[str, float]:
        if not isinstance(value, dict) or not value:
            self.fail(where, "is no table of text = number")
        return {text: self._number(number, where) for text, number in value.items()}

    def _number(self, value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.fail(where, f"{value!r} is no number")
        return value
