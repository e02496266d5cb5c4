"""From the rows of tables to observations: device, instant, values in our units. The mapping engine reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from borough.errors import UsageError
from borough.replay.column_checks import check_columns, day_columns, device_columns
from borough.replay.day_columns import DayColumns
from borough.replay.derived_values import DerivedValues
from borough.replay.device_rows import device_id
from borough.replay.order import in_time_order
from borough.replay.repeated_hour import UNTOLD, RepeatedHour, Told
from borough.replay.row_times import Moment, RowTimes, Twofold
from borough.replay.stays import Left, end_of, stays
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from borough.replay.unreadable import Unreadable
from devices.decoding import Flaw, Rejection
from devices.device import DEVICE_ID
from devices.mapping_engine import ReadRecord, compile_mapping

#: Rows of each file that are read before the first message, so that a wrong mapping is found in time.
_TRIAL = 500
#: Devices of one replay, and how long an id is (`devices.device.DEVICE_ID`).
DEVICES, _LONGEST_ID = 200_000, 128
_NEVER = -(2**63)


class Observation(NamedTuple):
    """What one device said at one time [us since the Unix epoch]. ``device`` indexes the source's ``devices``."""

    time: int
    device: int
    values: dict[str, float]


class TableSource:
    """The observations of some files by a mapping, in the order of time; the same files give the same order.

    ``devices`` are the ids met so far, ``unreadable`` what could not be read. Making one checks the mapping against
    the files (headings, and the first rows of each): raises MappingError or UsageError before anything is sent.
    """

    def __init__(self, mapping: TableMapping, paths: Sequence[Path]) -> None:
        self.mapping = mapping
        self.devices: list[str] = []
        self.unreadable = Unreadable()
        #: the length of a row's intervals, where the headings say it (ISO 8601)
        self.interval: str | None = None
        self._found = self._given = 0
        self._held_line = 0
        self._numbers: dict[str, int] = {}
        self._read: ReadRecord = compile_mapping(replace(mapping.record, time=None), mapping.family, "native", None)
        self._times = RowTimes(mapping)
        self._derive = DerivedValues(mapping, paths)
        self._columns = {
            rule.property: " or ".join(repr(path[0]) for path in rule.paths) for rule in mapping.record.readings
        }
        self._tables = [Table(path, mapping.layout) for path in paths]
        self._days: dict[Path, DayColumns] = {}
        for table in self._tables:
            times = self._times.columns(table.columns)
            check_columns(mapping, table, times)
            days = day_columns(mapping, table, times)
            if days is not None:
                self._days[table.path] = days
                self.interval = f"PT{days.step // 60_000_000}M"
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
        parts: list[Iterator[Observation]] = [self._of_table(table) for table in self._tables]
        if not self.mapping.sorted:
            parts = [self._counted(part) for part in parts]
        merged = in_time_order(parts, is_sorted=self.mapping.sorted)
        for observation in merged if self.mapping.time.until is None else stays(merged):
            self._given += 1
            yield observation

    def by_line(self, unreadable: Callable[[Path, int, str], None]) -> Iterator[tuple[Path, int, Observation]]:
        """Every observation with its file and line, in the order of the files and, but for the hour that the clocks
        repeat, of their rows.

        ``unreadable`` is told file, line and reason of each row or cell that cannot be read.
        """
        for table in self._tables:
            self.unreadable = Unreadable(unreadable)
            days = self._days.get(table.path)
            if days is None:
                for observation in self._of_rows(table, None):
                    yield table.path, self._held_line or table.line, observation
                continue
            for _, line, row, starts in self._dated(table, days, None):
                for observation in self._of_day(table, line, row, starts):
                    yield table.path, line, observation

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

    def _of_table(self, table: Table, limit: int | None = None) -> Iterator[Observation]:
        days = self._days.get(table.path)
        if days is not None:
            return self._of_days(table, days, limit)
        return self._of_rows(table, limit)

    def _of_rows(self, table: Table, limit: int | None) -> Iterator[Observation]:
        mapping, path = self.mapping, table.path
        in_order, until = mapping.sorted, mapping.time.until
        hour = RepeatedHour(str(path), partial(self._untold, path), in_order=in_order)
        waiting = hour.waiting
        last, last_device = _NEVER, -1
        for line, time, device, values in self._said(table, limit):
            if time.__class__ is Twofold:
                assert isinstance(time, Twofold)
                before = last if last_device == device else None
                ends = until is not None and type(values) is Left
                yield from self._held(hour.add(line, device, time, values, before, ends=ends))
                continue
            assert isinstance(time, int)
            if waiting:
                for observation in self._held(hour.before(device, time)):
                    last = observation.time
                    yield observation
            if in_order and time < last:
                raise UsageError(
                    f"{path}, line {line}: is earlier than a line above it; its mapping needs order = "
                    '"any" instead of "time"'
                )
            last, last_device = time, device
            yield Observation(time, device, values)
        yield from self._held(hour.rest())

    def _held(self, rows: Iterable[Told]) -> Iterator[Observation]:
        """Rows that were held back, whose line is not the table's last one."""
        for time, device, values, ends, self._held_line in rows:
            yield Observation(time, device, Left.of(values) if ends else values)
        self._held_line = 0

    def _said(self, table: Table, limit: int | None) -> Iterator[_Said]:
        """Line, time, device and values of each row."""
        rows = self._timed(table, limit)
        if self.mapping.device.headings is not None:
            return self._of_headings(table, rows)
        return self._of_lines(table, rows)

    def _timed(self, table: Table, limit: int | None) -> Iterator[tuple[int, Moment, dict[str, Any]]]:
        text_of, moment = self._times.text(table.columns), self._times.moment
        is_counted = self.mapping.time.start is not None
        for index, (line, row) in enumerate(table.rows(self._parquet_columns(table))):
            if index == limit:
                return
            try:
                if is_counted:
                    time: Moment = self._times.counted(row, index, f"{table.path}, line {line}")
                else:
                    time = moment(text_of(row))
            except Rejection as error:
                self._bad_time(table, line, row, error)
                continue
            yield line, time, row

    def _of_headings(self, table: Table, rows: Iterator[tuple[int, Moment, dict[str, Any]]]) -> Iterator[_Said]:
        """Where headings are devices."""
        mapping, path, blanks, read = self.mapping, table.path, self.mapping.blanks, self._read
        names = device_columns(mapping, table, self._times.columns(table.columns))
        devices = [(name, self.number(name)) for name in names]
        derive = self._derive.of if mapping.derived else None
        for line, time, row in rows:
            for name, number in devices:
                cell = row.get(name)
                if cell is not None and not (type(cell) is str and cell in blanks):
                    values = self._values(read, {"value": cell}, path, line, name)
                    if derive is not None:
                        values = derive(values, row, self.devices[number], self._tell(path, line))
                    if values:
                        yield line, time, number, values

    def _of_lines(self, table: Table, rows: Iterator[tuple[int, Moment, dict[str, Any]]]) -> Iterator[_Said]:
        """Where a row is of one device; a stay is said twice, its end with `Left` values."""
        mapping, path = self.mapping, table.path
        blanks, read, pivot, until = mapping.blanks, self._read, mapping.pivot, mapping.time.until
        fixed, device_of = self._fixed(path), self._device
        all_text = table.kind == "csv"
        derive = self._derive.of if mapping.derived else None
        for line, time, cells in rows:
            row = cells
            if pivot is not None:
                # lines of NDJSON need not have all keys
                row = {**row, str(row.get(pivot[0])): row.get(pivot[1])}
            texts = row.values() if all_text else [cell for cell in row.values() if type(cell) is str]
            if not blanks.isdisjoint(texts):
                row = {name: cell for name, cell in row.items() if type(cell) is not str or cell not in blanks}
            values = self._values(read, row, path, line)
            if not values:
                continue
            device = fixed if fixed is not None else device_of(row, path, line)
            if device is None:
                continue
            if derive is not None:
                values = derive(values, row, self.devices[device], self._tell(path, line))
            if values:
                yield line, time, device, values
            if until is not None and any(values.values()):
                end = end_of(row.get(until), time, until, self._times.moment, self._tell(path, line))
                if end is not None:
                    yield line, end, device, Left.of(values)

    def _of_days(self, table: Table, days: DayColumns, limit: int | None) -> Iterator[Observation]:
        """Where headings are times of day: one row is one day of one device."""
        rows = self._dated(table, days, limit)
        if not self.mapping.sorted:
            for _, line, row, starts in rows:
                yield from self._of_day(table, line, row, starts)
            return
        last = _NEVER
        # the rows of one day are those of many devices, and all of one day comes before what is in the next
        for day, group in groupby(rows, key=itemgetter(0)):
            yield from in_time_order([self._of_one_day(table, group, last)], is_sorted=False)
            last = day

    def _of_one_day(self, table: Table, rows: Iterable[_Dated], last: int) -> Iterator[Observation]:
        for day, line, row, starts in rows:
            if day < last:
                raise UsageError(
                    f"{table.path}, line {line}: is of an earlier day than a line above it; its mapping needs order = "
                    '"any" instead of "time"'
                )
            yield from self._of_day(table, line, row, starts)

    def _dated(self, table: Table, days: DayColumns, limit: int | None) -> Iterator[_Dated]:
        text_of = self._times.text(table.columns)
        known: dict[Any, list[tuple[str, int | None]]] = {}
        for index, (line, row) in enumerate(table.rows(None)):
            if index == limit:
                return
            text = str(text_of(row))
            starts = known.get(text)
            if starts is None:
                try:
                    starts = days.on(self._times.day(text))
                except Rejection as error:
                    self._bad_time(table, line, row, error)
                    continue
                if len(known) >= _TRIAL:
                    known.clear()
                known[text] = starts
            yield min((start for _, start in starts if start is not None), default=0), line, row, starts

    def _of_day(
        self, table: Table, line: int, row: dict[str, Any], starts: Sequence[tuple[str, int | None]]
    ) -> Iterator[Observation]:
        mapping, path, blanks, read = self.mapping, table.path, self.mapping.blanks, self._read
        device = self._fixed(path)
        if device is None:
            device = self._device(row, path, line)
        if device is None:
            return
        derive = self._derive.of if mapping.derived else None
        key = "value" if mapping.pivot is None else str(row.get(mapping.pivot[0]))
        beside = {rule.unit_path[0]: row.get(rule.unit_path[0]) for rule in mapping.record.readings if rule.unit_path}
        for name, start in starts:
            cell = row.get(name)
            if cell is None or (type(cell) is str and cell in blanks):
                continue
            record = {**beside, key: cell} if beside else {key: cell}
            values = self._values(read, record, path, line, name)
            if start is None:
                if any(values.values()):
                    self.unreadable.add(path, line, "time", f"that day has no such time of day (column {name!r})")
                continue
            if derive is not None:
                values = derive(values, row, self.devices[device], self._tell(path, line))
            if values:
                yield Observation(start, device, values)

    def _parquet_columns(self, table: Table) -> list[str] | None:
        """Only what is mapped is read of a Parquet file; None for all."""
        rule, mapping = self.mapping.device, self.mapping
        if table.kind != "parquet" or rule.headings is not None or mapping.pivot is not None:
            return None
        wanted = {*rule.columns, *rule.attribute_columns.values(), *mapping.time.checks}
        wanted.update(self._times.columns(table.columns))
        wanted.update(name for name in (rule.lon, rule.lat, rule.point, mapping.time.until) if name)
        wanted.update(path[0] for reading in mapping.record.readings for path in reading.paths)
        wanted.update(reading.unit_path[0] for reading in mapping.record.readings if reading.unit_path)
        wanted.update(each.capacity for each in mapping.derived.values() if each.capacity)
        return [name for name in table.columns if name in wanted]

    def _values(
        self, read: ReadRecord, row: Mapping[str, Any], path: Path, line: int, column: str = ""
    ) -> dict[str, float]:
        try:
            _, values, _ = read(row, "")
        except Rejection:
            return {}  # nothing in it that is mapped: a row of blanks
        good: dict[str, float] = values
        for name, value in values.items():
            if type(value) is Flaw:
                where = repr(column) if column else self._columns[name]
                self.unreadable.add(path, line, name, f"{value.detail} (column {where})")
                good = {key: number for key, number in good.items() if key != name}
        return good

    # -- times and devices ---------------------------------------------------------------------------------------------

    def _bad_time(self, table: Table, line: int, row: Mapping[str, Any], error: Rejection) -> None:
        """Count a row whose time cannot be read, unless the row is blank altogether."""
        if any(cell is not None and cell != "" for cell in row.values()):
            names = self._times.columns(table.columns)
            where = f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
            self.unreadable.add(table.path, line, "time", f"{error.detail} ({where})")

    def _untold(self, path: Path, lines: Sequence[int]) -> None:
        self.unreadable.add_lines(path, lines, "time", UNTOLD)

    def _tell(self, path: Path, line: int) -> Callable[[str, str], None]:
        return partial(self.unreadable.add, path, line)

    def _fixed(self, path: Path) -> int | None:
        """The device of all rows of a file, where the mapping or the file's name says it."""
        rule = self.mapping.device
        if rule.id is not None:
            return self.number(rule.id)
        match = rule.file.search(path.name) if rule.file is not None else None
        return self.number(match[1]) if match else None

    def _device(self, row: Mapping[str, Any], path: Path, line: int) -> int | None:
        columns = self.mapping.device.columns
        texts = [str(row.get(name, "")) for name in columns]
        name = texts[0] if len(texts) == 1 else "-".join(texts)
        found = self._numbers.get(name) if all(texts) else None
        if found is None:
            found_id = device_id(self.mapping.device.prefix, name)
            fault = None
            if not all(texts):
                fault = "its column is empty"
            elif len(name) > _LONGEST_ID or not DEVICE_ID.match(found_id):
                fault = f"a text of {len(name)} signs makes no device id"
            if fault is not None:
                self.unreadable.add(path, line, "device", f"{fault} (column {', '.join(map(repr, columns))})")
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


#: Line, time, device, values.
_Said = tuple[int, Moment, int, dict[str, float]]
#: The first instant of its day, its line, a row, and its columns with their instants.
_Dated = tuple[int, int, dict[str, Any], list[tuple[str, int | None]]]
