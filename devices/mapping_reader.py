"""Mapping files read and checked: TOML to the values of `devices.mapping`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from devices.families import FAMILIES, Property
from devices.mapping import (
    DEVICE_ZONE,
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
    "variant", "model_path", "identifiers",
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
        variants = self._variants(document.get("variant", []))
        readings = self._readings(document.get("reading", []), "reading")
        if not readings and not variants:
            self.fail("reading", "no [[reading]] at all")
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
            identifiers=self._texts(document, "identifiers", "identifiers"),
        )

    def _readings(self, value: Any, where: str) -> tuple[ReadingRule, ...]:
        return tuple(self._reading(entry, key) for key, entry in self._tables(value, where))

    def _reading(self, entry: dict[str, Any], where: str) -> ReadingRule:
        self._only(where, entry, {"property", "path", "paths", "unit", "unit_path", "values", "absent", "glitch"})
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
            paths=self._path_or_paths(entry, where),
            unit=unit,
            unit_path=self._path(entry["unit_path"], f"{where}, unit_path") if "unit_path" in entry else None,
            values=self._numbers(entry["values"], f"{where}, values") if "values" in entry else None,
            absent=tuple(self._number(item, f"{where}, absent") for item in self._list(entry, "absent", where)),
            glitch=self._glitch(entry["glitch"], f"{where}, glitch") if "glitch" in entry else None,
        )

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

    def _variants(self, value: Any) -> dict[str, tuple[ReadingRule, ...]]:
        variants: dict[str, tuple[ReadingRule, ...]] = {}
        for where, entry in self._tables(value, "variant"):
            self._only(where, entry, {"models", "reading"})
            for model in self._texts(entry, "models", f"{where}, models") or self.fail(where, "needs models"):
                if model in variants:
                    self.fail(f"{where}, models", f"{model!r} is in two variants")
                variants[model] = self._readings(entry.get("reading", []), f"{where}, reading")
        return variants

    def _time(self, value: Any) -> TimeRule:
        entry = self._table(value, "time")
        self._only("time", entry, {"path", "paths", "zone", "pattern", "epoch"})
        zone = self._text(entry, "zone", "time, zone")
        if zone is not None and zone != DEVICE_ZONE:
            try:
                ZoneInfo(zone)
            except (ValueError, OSError, KeyError):
                self.fail("time, zone", f"{zone!r} is no IANA time zone")
        epoch = entry.get("epoch")
        if epoch not in (None, "s", "ms"):
            self.fail("time, epoch", f"{epoch!r} is neither s nor ms")
        pattern = self._text(entry, "pattern", "time, pattern")
        if pattern is not None:
            self._check_pattern(pattern)
        if pattern is not None and zone is None and "%z" not in pattern:
            self.fail("time, pattern", "has no %z, so a zone is needed")
        return TimeRule(self._path_or_paths(entry, "time"), zone, pattern, epoch)

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

    def _flag(self, document: dict[str, Any], key: str) -> bool:
        value = document.get(key, False)
        if not isinstance(value, bool):
            self.fail(key, "neither true nor false")
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
