"""Mapping files of tables: where a CSV, NDJSON or Parquet file holds devices, times and properties.

The rules for readings and times are those of `devices.mapping`, read by the same code; what is added here is what a
table has and a message has not: devices in columns, files or headings, blanks, several columns that make a time, rows
that are numbered instead of dated. docs/reference/replay-mapping.md has every word.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any

from borough.replay import encodings
from borough.replay.reading_words import ReadingWords
from borough.replay.table_mapping import DeviceRule, RegisterFile, TableLayout, TableMapping
from borough.replay.time_words import TimeWords
from borough.replay.words import Words
from devices.device import Origin
from devices.families import FAMILIES
from devices.files import read_text
from devices.mapping import MappingError, RecordMapping
from devices.mapping_choice import needs_messages
from devices.mapping_reader import mapping_of
from devices.toml import TomlError, parse

_FILE_KEYS = {
    "name", "about", "files", "family", "format", "encoding", "skip", "begins", "delimiter", "decimal", "blanks",
    "order", "device", "time", "pivot", "reading", "restates",
}  # fmt: skip
_DEVICE_KEYS = {
    "id", "column", "columns", "file", "headings", "prefix", "attributes", "attribute_columns", "lon", "lat", "point",
    "register_file", "origin",
}  # fmt: skip


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


class _Reader(Words):
    """Turns parsed TOML into a TableMapping."""

    def mapping(self, document: dict[str, Any]) -> TableMapping:
        self.only("the file", document, _FILE_KEYS)
        family = self.one_text(document, "family", "family")
        if family is None or family not in FAMILIES:
            self.fail("family", f"{family!r} is none of {', '.join(FAMILIES)}")
        order = document.get("order", "any")
        if order not in ("any", "time"):
            self.fail("order", f"{order!r} is neither any nor time")
        restates = document.get("restates", False)
        if type(restates) is not bool:
            self.fail("restates", f"{restates!r} is neither true nor false")
        device = self._device(self.table(document, "device"))
        time, rules = TimeWords(self.where, self.text).read(self.table(document, "time"))
        if device.headings is not None and time.headings is not None:
            self.fail("time, headings", "headings are either devices or times of day")
        if time.until is not None and order == "time":
            self.fail("time, until", 'needs order = "any": ends of stays come between the begins of others')
        pivot = self._pivot(document["pivot"], wide=time.headings is not None) if "pivot" in document else None
        words = ReadingWords(self.where, self.text, family)
        one_for_all = ""
        if device.headings is not None:
            one_for_all = "where headings are devices"
        elif time.headings is not None and pivot is None:
            one_for_all = "where headings are times of day"
        readings = words.read(document.get("reading") or [], one_for_all=one_for_all)
        fixed = {
            "name": self.one_text(document, "name", "name") or self.fail("name", "is needed"),
            "topics": ["{device}"],
            "family": family,
            "text_numbers": True,
            "decimal": document.get("decimal", ""),
            "reading": readings,
        }
        records = [self._record({**fixed, "time": rule}) for rule in rules] or [self._record(fixed)]
        record = records[0]
        strange = [rule.property for rule in record.readings if rule.property not in FAMILIES[family].properties]
        if strange:
            self.fail("reading", f"a {family} has no property {strange[0]!r}")
        if words.interval is not None and "interval" not in device.attributes:
            device = replace(device, attributes={**device.attributes, "interval": words.interval})
        return TableMapping(
            name=record.name,
            where=self.where,
            family=family,
            files=self.texts(document, "files", "files"),
            device=device,
            time=replace(time, rules=tuple(each.time for each in records if each.time is not None)),
            record=record,
            pivot=pivot,
            optional=frozenset(words.optional),
            derived=words.derived,
            blanks=frozenset(("", *(text.strip() for text in self.texts(document, "blanks", "blanks")))),
            layout=self._layout(document),
            sorted=order == "time",
            restates=restates,
            text=self.text,
        )

    def _layout(self, document: dict[str, Any]) -> TableLayout:
        delimiter = self.one_text(document, "delimiter", "delimiter") or ","
        if len(delimiter) != 1:
            self.fail("delimiter", "is not one character")
        if delimiter in '"\r\n':
            self.fail("delimiter", "is a sign that CSV has for something else")
        skip = document.get("skip", 0)
        if isinstance(skip, bool) or not isinstance(skip, int) or skip < 0:
            self.fail("skip", "is no number of lines before the headings")
        begins = document.get("begins", [])
        texts = (begins,) if isinstance(begins, str) else self.texts(document, "begins", "begins")
        if skip and texts:
            self.fail("skip", "does not go with begins")
        encoding = self.one_text(document, "encoding", "encoding") or ""
        if encoding and not encodings.known(encoding):
            self.fail("encoding", f"{encoding!r} is no encoding of text, such as cp1252, latin-1 or utf-16-le")
        format_name = document.get("format", "csv")
        if format_name not in ("csv", "nem12"):
            self.fail("format", f"{format_name!r} is neither csv nor nem12")
        return TableLayout(
            delimiter=delimiter,
            skip=skip,
            begins=tuple(text.strip() for text in texts if text.strip()),
            encoding=encoding,
            nem12=format_name == "nem12",
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

    def _device(self, entry: dict[str, Any]) -> DeviceRule:
        self.only("device", entry, _DEVICE_KEYS)
        ways = [key for key in ("id", "column", "columns", "file", "headings") if key in entry]
        if len(ways) != 1:
            self.fail("device", "needs exactly one of id, column, columns, file, headings")
        column = self.heading(entry, "column", "device, column")
        pattern = self.one_text(entry, "file", "device, file")
        headings = None
        if "headings" in entry:
            other = entry["headings"]
            if not isinstance(other, dict) or set(other) - {"except"}:
                self.fail("device, headings", 'needs { except = ["<column>", …] }, the list may be empty')
            headings = frozenset(self.headings(other, "except", "device, headings"))
        return DeviceRule(
            id=self.one_text(entry, "id", "device, id"),
            columns=(column,) if column else self.headings(entry, "columns", "device, columns"),
            file=self._expression(pattern) if pattern else None,
            headings=headings,
            prefix=self.one_text(entry, "prefix", "device, prefix") or "",
            lon=self.heading(entry, "lon", "device, lon"),
            lat=self.heading(entry, "lat", "device, lat"),
            point=self.heading(entry, "point", "device, point"),
            attributes=self.pairs(entry, "attributes", "device, attributes"),
            attribute_columns=self.pairs(entry, "attribute_columns", "device, attribute_columns"),
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
        self.only(where, value, {"file", "id", "lon", "lat", "attributes"})
        return RegisterFile(
            file=self.one_text(value, "file", where) or self.fail(where, "needs file"),
            id=self.one_text(value, "id", where) or self.fail(where, "needs id"),
            lon=self.one_text(value, "lon", where),
            lat=self.one_text(value, "lat", where),
            attributes=self.pairs(value, "attributes", where),
        )

    def _pivot(self, value: Any, *, wide: bool) -> tuple[str, str]:
        """The columns of names and of values; where headings are times of day a row's cells are the values."""
        if wide:
            if not isinstance(value, dict) or set(value) != {"name"}:
                self.fail("pivot", 'needs name = "<column>" alone: the cells under the times of day are the values')
            return self.heading(value, "name", "pivot, name") or "", ""
        if not isinstance(value, dict) or set(value) != {"name", "value"}:
            self.fail("pivot", 'needs name = "<column>" and value = "<column>"')
        return self.heading(value, "name", "pivot, name") or "", self.heading(value, "value", "pivot, value") or ""
