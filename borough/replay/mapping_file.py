"""Mapping files of tables: where a CSV, NDJSON or Parquet file holds devices, times and properties.

The rules for readings and times are those of `devices.mapping`, read by the same code; what is added here is what a
table has and a message has not: devices in columns, files or headings, blanks, several columns that make a time, rows
that are numbered instead of dated. docs/reference/replay-mapping.md has every word.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from borough.replay.table_mapping import DeviceRule, RegisterFile, RowTime, TableMapping, placed
from devices.device import Origin
from devices.duration import duration
from devices.families import FAMILIES
from devices.files import read_text
from devices.mapping import MappingError, RecordMapping
from devices.mapping_choice import needs_messages
from devices.mapping_reader import mapping_of
from devices.toml import TomlError, parse

_FILE_KEYS = {
    "name", "about", "files", "family", "blanks", "delimiter", "order", "device", "time", "pivot", "reading",
    "restates",
}  # fmt: skip
_DEVICE_KEYS = {
    "id", "column", "columns", "file", "headings", "prefix", "attributes", "attribute_columns", "lon", "lat", "point",
    "register_file", "origin",
}  # fmt: skip
_TIME_KEYS = {"path", "paths", "columns", "zone", "pattern", "epoch", "stamp", "start", "step", "check"}
_CHECKS = ("hour", "hour_ending", "month")


def packaged() -> dict[str, str]:
    """The mappings that come with the program: name -> text."""
    folder = files("simulators").joinpath("mappings")
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def find_mapping(name: str, data: Path) -> TableMapping:
    """The mapping of that file or packaged name; for an empty name the packaged one that is made for ``data``.

    Raises MappingError.
    """
    known = packaged()
    if name in known:
        return read_table_mapping(known[name], f"{name}.toml")
    if name:
        try:
            return read_table_mapping(read_text(Path(name)), name)
        except UnicodeDecodeError:
            raise MappingError(f"{name}: is not UTF-8 text") from None
        except OSError as error:
            raise MappingError(f"{name}: {error.strerror}; packaged mappings are {', '.join(known)}") from None
    for title, text in known.items():
        mapping = read_table_mapping(text, f"{title}.toml")
        if any(fnmatch(data.name, pattern) for pattern in mapping.files):
            return mapping
    raise MappingError(f"{data}: no packaged mapping is made for such a file; name one with --mapping")


def read_table_mapping(text: str, where: str) -> TableMapping:
    """Read and check a mapping file's text. Raises MappingError with file, line, key and reason."""
    try:
        document = parse(text)
    except TomlError as error:
        raise MappingError(f"{where}: {error}") from None
    return _Reader(where, text).mapping(document)


class _Reader:
    """Turns parsed TOML into a TableMapping; holds the text for the lines in errors."""

    def __init__(self, where: str, text: str) -> None:
        self.where = where
        self.text = text

    def fail(self, key: str, reason: str) -> NoReturn:
        raise MappingError(placed(self.where, self.text, key, reason))

    def mapping(self, document: dict[str, Any]) -> TableMapping:
        self._only("the file", document, _FILE_KEYS)
        family = self._text(document, "family", "family")
        if family is None or family not in FAMILIES:
            self.fail("family", f"{family!r} is none of {', '.join(FAMILIES)}")
        order = document.get("order", "any")
        if order not in ("any", "time"):
            self.fail("order", f"{order!r} is neither any nor time")
        restates = document.get("restates", False)
        if type(restates) is not bool:
            self.fail("restates", f"{restates!r} is neither true nor false")
        delimiter = self._text(document, "delimiter", "delimiter") or ","
        if len(delimiter) != 1:
            self.fail("delimiter", "is not one character")
        device = self._device(self._table(document, "device"))
        time, rule = self._time(self._table(document, "time"))
        readings = document.get("reading")
        if device.headings is not None:
            readings = self._one_for_all(readings)
        record = self._record(
            {
                "name": self._text(document, "name", "name") or self.fail("name", "is needed"),
                "topics": ["{device}"],
                "family": family,
                "text_numbers": True,
                "reading": readings or [],
                **({"time": rule} if rule is not None else {}),
            }
        )
        strange = [rule.property for rule in record.readings if rule.property not in FAMILIES[family].properties]
        if strange:
            self.fail("reading", f"a {family} has no property {strange[0]!r}")
        return TableMapping(
            name=record.name,
            where=self.where,
            family=family,
            files=self._texts(document, "files", "files"),
            device=device,
            time=time,
            record=record,
            pivot=self._pivot(document["pivot"]) if "pivot" in document else None,
            blanks=frozenset(("", *self._texts(document, "blanks", "blanks"))),
            delimiter=delimiter,
            sorted=order == "time",
            restates=restates,
            text=self.text,
        )

    def _record(self, document: dict[str, Any]) -> RecordMapping:
        try:
            record = mapping_of(document, "")
        except MappingError as error:
            _, key, reason = str(error).split(": ", 2)
        else:
            if any(map(needs_messages, record.readings)):
                self.fail("reading", "topic, *, {attribute}, sum, plus and minus are for messages; a table has columns")
            return record
        return self.fail(key, reason)

    def _one_for_all(self, readings: Any) -> list[dict[str, Any]]:
        """In a table whose headings are devices one rule reads every cell, so it names no column."""
        if not isinstance(readings, list) or len(readings) != 1 or not isinstance(readings[0], dict):
            self.fail("reading", "where headings are devices there is exactly one [[reading]]")
        if "path" in readings[0] or "paths" in readings[0]:
            self.fail("reading", "where headings are devices the reading names no path")
        return [{**readings[0], "path": "value"}]

    def _device(self, entry: dict[str, Any]) -> DeviceRule:
        self._only("device", entry, _DEVICE_KEYS)
        ways = [key for key in ("id", "column", "columns", "file", "headings") if key in entry]
        if len(ways) != 1:
            self.fail("device", "needs exactly one of id, column, columns, file, headings")
        column = self._text(entry, "column", "device, column")
        pattern = self._text(entry, "file", "device, file")
        headings = None
        if "headings" in entry:
            other = entry["headings"]
            if not isinstance(other, dict) or set(other) - {"except"}:
                self.fail("device, headings", 'needs { except = ["<column>", …] }, the list may be empty')
            headings = frozenset(self._texts(other, "except", "device, headings"))
        return DeviceRule(
            id=self._text(entry, "id", "device, id"),
            columns=(column,) if column else self._texts(entry, "columns", "device, columns"),
            file=self._expression(pattern) if pattern else None,
            headings=headings,
            prefix=self._text(entry, "prefix", "device, prefix") or "",
            lon=self._text(entry, "lon", "device, lon"),
            lat=self._text(entry, "lat", "device, lat"),
            point=self._text(entry, "point", "device, point"),
            attributes=self._pairs(entry, "attributes", "device, attributes"),
            attribute_columns=self._pairs(entry, "attribute_columns", "device, attribute_columns"),
            register_file=self._register_file(entry.get("register_file")),
            origin=self._origin(entry.get("origin", "real")),
        )

    def _origin(self, value: Any) -> Origin:
        if value not in ("real", "simulated"):
            self.fail("device, origin", f"{value!r} is neither real nor simulated")
        origin: Origin = value
        return origin

    def _expression(self, text: str) -> re.Pattern[str]:
        try:
            pattern = re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            self.fail("device, file", f"is no regular expression: {error}")
        if pattern.groups != 1:
            self.fail("device, file", "needs exactly one group, which is the device's name")
        return pattern

    def _register_file(self, value: Any) -> RegisterFile | None:
        if value is None:
            return None
        where = "device, register_file"
        if not isinstance(value, dict):
            self.fail(where, "is no table")
        self._only(where, value, {"file", "id", "lon", "lat", "attributes"})
        return RegisterFile(
            file=self._text(value, "file", where) or self.fail(where, "needs file"),
            id=self._text(value, "id", where) or self.fail(where, "needs id"),
            lon=self._text(value, "lon", where),
            lat=self._text(value, "lat", where),
            attributes=self._pairs(value, "attributes", where),
        )

    def _time(self, entry: dict[str, Any]) -> tuple[RowTime, dict[str, Any] | None]:
        """The time of a row, and the rule for its text (None where rows are numbered)."""
        self._only("time", entry, _TIME_KEYS)
        if ("start" in entry) != ("step" in entry) or ("check" in entry and "start" not in entry):
            self.fail("time", "start and step go together, and check with them")
        stamp = self._text(entry, "stamp", "time, stamp") or "start"
        length = timedelta()
        if stamp != "start":
            word, _, duration = stamp.partition(" ")
            if word != "end":
                self.fail("time, stamp", 'is "start", or "end" and the interval\'s length: "end PT1H"')
            length = self._duration(duration, "time, stamp")
        if "start" in entry:
            if len(ways := sorted(entry.keys() - {"start", "step", "check"})) != 0:
                self.fail(f"time, {ways[0]}", "does not go with start and step")
            return self._numbered(entry), None
        columns = self._texts(entry, "columns", "time, columns")
        rule: dict[str, Any] = {
            key: entry[key] for key in ("path", "paths", "zone", "pattern", "epoch") if key in entry
        }
        if columns:
            if "path" in rule or "paths" in rule:
                self.fail("time, columns", "does not go with path or paths")
            if "pattern" not in rule:
                self.fail("time, columns", "needs a pattern; the columns' texts are joined by one blank each")
            rule["path"] = "time"
        return RowTime(columns=columns, stamp_end=length // timedelta(microseconds=1)), rule

    def _numbered(self, entry: dict[str, Any]) -> RowTime:
        start = entry["start"]
        if isinstance(start, str):
            try:
                start = datetime.fromisoformat(start)
            except ValueError:
                self.fail("time, start", f"{start!r} is no date and time")
        if not isinstance(start, datetime) or start.tzinfo is None:
            self.fail("time, start", "needs date, time and offset: 2016-07-31T23:00:00-08:00")
        checks = self._pairs(entry, "check", "time, check")
        for column, word in checks.items():
            if word not in _CHECKS:
                self.fail("time, check", f"{column} = {word!r} is none of {', '.join(_CHECKS)}")
        step = self._duration(entry["step"], "time, step")
        return RowTime(start=start, step=step, checks=checks)  # type: ignore[arg-type]

    def _duration(self, value: Any, where: str) -> timedelta:
        length = duration(value) if isinstance(value, str) else None
        if length is None:
            self.fail(where, f"{value!r} is no length of time such as PT30M")
        return timedelta(microseconds=length)

    def _pivot(self, value: Any) -> tuple[str, str]:
        if not isinstance(value, dict) or set(value) != {"name", "value"}:
            self.fail("pivot", 'needs name = "<column>" and value = "<column>"')
        return self._text(value, "name", "pivot, name") or "", self._text(value, "value", "pivot, value") or ""

    def _only(self, where: str, entry: dict[str, Any], allowed: set[str]) -> None:
        unknown = sorted(entry.keys() - allowed)
        if unknown:
            key = unknown[0] if where == "the file" else f"{where}, {unknown[0]}"
            self.fail(key, f"unknown key; known are {', '.join(sorted(allowed))}")

    def _table(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        value = document.get(key)
        if not isinstance(value, dict):
            self.fail(key, f"a table [{key}] is needed")
        return value

    def _text(self, entry: dict[str, Any], key: str, where: str) -> str | None:
        value = entry.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            self.fail(where, "is no text")
        return value

    def _texts(self, entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(where, "is no list of texts")
        return tuple(value)

    def _pairs(self, entry: dict[str, Any], key: str, where: str) -> dict[str, str]:
        value = entry.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self.fail(where, "is no table of name = text")
        return value
