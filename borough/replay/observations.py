"""From the rows of tables to observations: device, instant, values in our units. The mapping engine reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from borough.errors import UsageError
from borough.replay.order import in_time_order
from borough.replay.table_mapping import RowTime, TableMapping
from borough.replay.tables import Table
from devices.decoding import Flaw, Reason, Rejection
from devices.device import DEVICE_ID
from devices.mapping_engine import ReadRecord, compile_mapping
from devices.mapping_time import ToTime, time_reader
from ingest.instants import BAD, instant

_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Rows of each file that are read before the first message, so that a wrong mapping is found in time.
_TRIAL = 500
_TOLD = 5
_NOT_AN_ID = re.compile(r"[^A-Za-z0-9._:@-]+")
#: Different times of one text are remembered up to this many and this long; the files of one place share theirs.
_REMEMBERED, _TIME_TEXT = 100_000, 64
#: Devices of one replay, and how long an id is (`devices.device.DEVICE_ID`).
DEVICES, _LONGEST_ID = 200_000, 128


class Observation(NamedTuple):
    """What one device said at one time [us since the Unix epoch]. ``device`` indexes the source's ``devices``."""

    time: int
    device: int
    values: dict[str, float]


class Unreadable:
    """Cells and rows that the mapping cannot read: all are counted, the first few are told. ``what``: at what."""

    def __init__(self, told: Callable[[Path, int, str], None] = lambda *_: None) -> None:
        self.count = 0
        self.lines: list[str] = []
        self.what: dict[str, str] = {}
        self._told = told

    def add(self, path: Path, line: int, what: str, reason: str) -> None:
        """Count one; ``what`` is ``time``, ``device`` or a property."""
        self.count += 1
        self._told(path, line, f"{what}: cannot be read")
        text = f"{path.name}, line {line}: {what}: {reason}"
        self.what.setdefault(what, text)
        if len(self.lines) < _TOLD:
            self.lines.append(text)


class TableSource:
    """The observations of some files by a mapping, in the order of time; the same files give the same order.

    ``devices`` are the ids met so far, ``unreadable`` what could not be read. Making one checks the mapping against
    the files (headings, and the first rows of each): raises MappingError or UsageError before anything is sent.
    """

    def __init__(self, mapping: TableMapping, paths: Sequence[Path]) -> None:
        self.mapping = mapping
        self.devices: list[str] = []
        self.unreadable = Unreadable()
        self._found = self._given = 0
        self._numbers: dict[str, int] = {}
        self._times: dict[Any, int] = {}
        self._read: ReadRecord = compile_mapping(replace(mapping.record, time=None), mapping.family, "native", None)
        rule = mapping.record.time
        self._to_time: ToTime | None = None if rule is None else time_reader(rule, None)
        self._tables = [Table(path, mapping.delimiter) for path in paths]
        for table in self._tables:
            self._check_columns(table)
            self._try(table)
        self.unreadable = Unreadable()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(table.size for table in self._tables)

    @property
    def read(self) -> int:
        """Bytes read so far."""
        return sum(table.read for table in self._tables)

    def observations(self) -> Iterator[Observation]:
        """Every observation once, by time; of the same time in the order of the files and rows."""
        parts = [self._counted(self._of_table(table)) for table in self._tables]
        for observation in in_time_order(parts, is_sorted=self.mapping.sorted):
            self._given += 1
            yield observation

    def by_line(self, unreadable: Callable[[Path, int, str], None]) -> Iterator[tuple[Path, int, Observation]]:
        """Every observation with its file and line, in the order of the files and rows.

        ``unreadable`` is told file, line and reason of each row or cell that cannot be read.
        """
        for table in self._tables:
            self.unreadable = Unreadable(unreadable)
            for observation in self._of_table(table):
                yield table.path, table.line, observation

    @property
    def fraction(self) -> float:
        """How much of it was given out, 0 to 1: by bytes read, or by number where all was read to be sorted."""
        if self.mapping.sorted:
            return self.read / max(self.size, 1)
        return self._given / max(self._found, 1)

    def _counted(self, part: Iterator[Observation]) -> Iterator[Observation]:
        for observation in part:
            self._found += 1
            yield observation

    # -- before the first message ------------------------------------------------------------------------------------

    def _check_columns(self, table: Table) -> None:
        mapping, rule = self.mapping, self.mapping.device
        wanted: list[tuple[str, str]] = [("device", name) for name in rule.columns]
        wanted += [("device, attribute_columns", name) for name in rule.attribute_columns.values()]
        wanted += [(f"device, {key}", name) for key in ("lon", "lat", "point") if (name := getattr(rule, key))]
        wanted += [("device, headings", name) for name in sorted(rule.headings or ())]
        wanted += [("time, columns", name) for name in mapping.time.columns]
        wanted += [("time, check", name) for name in mapping.time.checks]
        if mapping.pivot is not None:
            wanted += [("pivot", name) for name in mapping.pivot]
        for key, name in wanted:
            if name not in table.columns:
                self._missing(table, key, [name])
        if mapping.record.time is not None and not mapping.time.columns:
            self._one_of(table, "time", [path[0] for path in mapping.record.time.paths])
        if mapping.pivot is None and rule.headings is None:
            for number, reading in enumerate(mapping.record.readings, 1):
                names = [path[0] for path in reading.paths]
                self._one_of(table, f"reading {number} ({reading.property}), path", names)
        if rule.headings is not None and not self._device_columns(table):
            mapping.fail("device, headings", f"{table.path.name} has no column that is a device")
        if rule.file is not None and not rule.file.search(table.path.name):
            mapping.fail("device, file", f"does not match the name {table.path.name}")

    def _one_of(self, table: Table, key: str, names: list[str]) -> None:
        if not any(name in table.columns for name in names):
            self._missing(table, key, names)

    def _missing(self, table: Table, key: str, names: list[str]) -> None:
        shown = ", ".join(repr(name) for name in table.columns[:12]) + (", …" if len(table.columns) > 12 else "")
        self.mapping.fail(key, f"{table.path.name} has no column {' or '.join(map(repr, names))}; it has {shown}")

    def _try(self, table: Table) -> None:
        """Read the first rows: a time, unit or value that never reads is a mistake of the mapping, not of a row."""
        self.unreadable = Unreadable()
        good: set[str] = set()
        for _, _, values in self._of_table(table, _TRIAL):
            good.update(("time", "device"), values)
        never = [text for what, text in self.unreadable.what.items() if what not in good]
        if never:
            raise UsageError(f"{self.mapping.where} does not fit {table.path}; nothing was sent:", never)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _device_columns(self, table: Table) -> list[str]:
        rule, time = self.mapping.device, self.mapping.time
        other = {*(rule.headings or ()), *time.columns, *time.checks}
        if self.mapping.record.time is not None:
            other.update(path[0] for path in self.mapping.record.time.paths)
        return [name for name in table.columns if name not in other]

    def _of_table(self, table: Table, limit: int | None = None) -> Iterator[Observation]:
        mapping = self.mapping
        rule, blanks, read, path = mapping.device, mapping.blanks, self._read, table.path
        fixed = None
        if rule.id is not None:
            fixed = self.number(rule.id)
        elif rule.file is not None and (match := rule.file.search(path.name)):
            fixed = self.number(match[1])
        wide = None if rule.headings is None else [(name, self.number(name)) for name in self._device_columns(table)]
        pivot = mapping.pivot
        for index, (line, cells) in enumerate(table.rows(self._parquet_columns(table))):
            row = cells
            if index == limit:
                return
            try:
                time = self._time(row, index)
            except Rejection as error:
                self.unreadable.add(path, line, "time", error.detail)
                continue
            if wide is not None:
                for name, number in wide:
                    cell = row.get(name)
                    if cell is not None and not (type(cell) is str and cell in blanks):
                        values = self._values(read, {"value": cell}, path, line)
                        if values:
                            yield Observation(time, number, values)
                continue
            if pivot is not None:
                # lines of NDJSON need not have all keys
                row = {**row, str(row.get(pivot[0])): row.get(pivot[1])}
            if not blanks.isdisjoint([cell for cell in row.values() if type(cell) is str]):
                row = {name: cell for name, cell in row.items() if type(cell) is not str or cell not in blanks}
            values = self._values(read, row, path, line)
            if values:
                device = fixed if fixed is not None else self._device(row, path, line)
                if device is not None:
                    yield Observation(time, device, values)

    def _parquet_columns(self, table: Table) -> list[str] | None:
        """Only what is mapped is read of a Parquet file; None for all."""
        rule, mapping = self.mapping.device, self.mapping
        if table.kind != "parquet" or rule.headings is not None or mapping.pivot is not None:
            return None
        wanted = {*rule.columns, *rule.attribute_columns.values(), *mapping.time.columns, *mapping.time.checks}
        wanted.update(name for name in (rule.lon, rule.lat, rule.point) if name)
        wanted.update(path[0] for reading in mapping.record.readings for path in reading.paths)
        wanted.update(reading.unit_path[0] for reading in mapping.record.readings if reading.unit_path)
        if mapping.record.time is not None:
            wanted.update(path[0] for path in mapping.record.time.paths)
        return [name for name in table.columns if name in wanted]

    def _values(self, read: ReadRecord, row: Mapping[str, Any], path: Path, line: int) -> dict[str, float]:
        try:
            _, values, _ = read(row, "")
        except Rejection:
            return {}  # nothing in it that is mapped: a row of blanks
        good: dict[str, float] = values
        for name, value in values.items():
            if type(value) is Flaw:
                self.unreadable.add(path, line, name, value.detail)
                good = {key: number for key, number in good.items() if key != name}
        return good

    def _device(self, row: Mapping[str, Any], path: Path, line: int) -> int | None:
        texts = [str(row.get(name, "")) for name in self.mapping.device.columns]
        if not all(texts):
            self.unreadable.add(path, line, "device", "its column is empty")
            return None
        name = "-".join(texts)
        found = self._numbers.get(name)
        if found is None:
            found_id = device_id(self.mapping.device.prefix, name)
            if len(name) > _LONGEST_ID or not DEVICE_ID.match(found_id):
                self.unreadable.add(path, line, "device", f"{name[:40]!r} makes no device id")
                return None
            found = self.number(name)
        return found

    def number(self, name: str) -> int:
        """The number of a device by the name that the file gives it. Raises UsageError where there are too many."""
        found = self._numbers.get(name)
        if found is None:
            if len(self.devices) >= DEVICES:
                raise UsageError(f"these files name more than {DEVICES} devices; replay them in parts")
            found = self._numbers[name] = len(self.devices)
            self.devices.append(device_id(self.mapping.device.prefix, name))
        return found

    def _time(self, row: Mapping[str, Any], index: int) -> int:
        """The instant of a row [us]. Raises Rejection."""
        rule = self.mapping.time
        if rule.start is not None:
            return _numbered(rule, row, index)
        assert self._to_time is not None
        assert self.mapping.record.time is not None
        text: Any
        if rule.columns:
            text = " ".join([str(row.get(name, "")).strip() for name in rule.columns])
        else:
            text = next((row[path[0]] for path in self.mapping.record.time.paths if row.get(path[0])), "")
        if type(text) is not str or len(text) > _TIME_TEXT:
            return self._instant(text) - rule.stamp_end
        found = self._times.get(text)
        if found is None:
            found = self._instant(text)
            if len(self._times) >= _REMEMBERED:
                self._times.clear()
            self._times[text] = found
        return found - rule.stamp_end

    def _instant(self, text: Any) -> int:
        assert self._to_time is not None
        found = instant(self._to_time(text))
        if found == BAD:
            raise Rejection(Reason.BAD_TIME, f"{str(text)[:40]!r} is no time, or one without offset and zone")
        return found


def _numbered(rule: RowTime, row: Mapping[str, Any], index: int) -> int:
    assert rule.start is not None
    try:
        moment = rule.start + rule.step * index
    except OverflowError:
        raise UsageError(f"row {index + 1} is beyond the calendar: the mapping's start and step do not fit") from None
    for column, word in rule.checks.items():
        due = {"hour": moment.hour, "hour_ending": moment.hour + 1, "month": moment.month}[word]
        if str(row.get(column, "")).strip() != str(due):
            # rows are counted: one that is missing would shift all that follow, so this ends the replay
            raise UsageError(f"row {index + 1} is {moment.isoformat()}, but its {column} is not {due}")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def device_id(prefix: str, name: str) -> str:
    """A device's id from what a file calls it."""
    return prefix + _NOT_AN_ID.sub("-", name.strip()).strip("-")
