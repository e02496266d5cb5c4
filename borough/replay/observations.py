"""From the rows of tables to observations: device, instant, values in our units. The mapping engine reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.replay.column_checks import check_columns, day_columns, device_columns
from borough.replay.day_rows import DayRows
from borough.replay.observation import Observation
from borough.replay.order import in_time_order
from borough.replay.repeated_hour import UNTOLD, RepeatedHour, Told
from borough.replay.row_reader import RowReader
from borough.replay.row_times import Moment, Twofold
from borough.replay.stays import Left, end_of, stays
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from borough.replay.unreadable import Unreadable
from devices.decoding import Rejection

#: Rows of each file that are read before the first message, so that a wrong mapping is found in time.
_TRIAL = 500
_NEVER = -(2**63)


class TableSource:
    """The observations of some files by a mapping, in the order of time; the same files give the same order.

    ``devices`` are the ids met so far, ``unreadable`` what could not be read. Making one checks the mapping against
    the files (headings, and the first rows of each): raises MappingError or UsageError before anything is sent.
    """

    def __init__(self, mapping: TableMapping, paths: Sequence[Path]) -> None:
        self.mapping = mapping
        #: the length of a row's intervals, where the headings say it (ISO 8601)
        self.interval: str | None = None
        self._found = self._given = 0
        self._held_line = 0
        self._reader = RowReader(mapping, paths)
        self._tables = [Table(path, mapping.layout) for path in paths]
        self._days: dict[Path, DayRows] = {}
        for table in self._tables:
            times = self._reader.times.columns(table.columns)
            check_columns(mapping, table, times)
            days = day_columns(mapping, table, times)
            if days is not None:
                self._days[table.path] = DayRows(table, days, self._reader)
                self.interval = f"PT{days.step // 60_000_000}M"
            self._try(table)
        self._reader.unreadable = Unreadable()

    @property
    def devices(self) -> list[str]:
        """The ids met so far."""
        return self._reader.devices

    @property
    def unreadable(self) -> Unreadable:
        """What could not be read so far."""
        return self._reader.unreadable

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
            self._reader.unreadable = Unreadable(unreadable)
            days = self._days.get(table.path)
            if days is None:
                for observation in self._of_rows(table, None):
                    yield table.path, self._held_line or table.line, observation
                continue
            for line, observation in days.by_row():
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
        self._reader.unreadable = Unreadable()
        good: set[str] = set()
        for _, _, values in self._of_table(table, _TRIAL):
            good.update(("time", "device"), values)
        never = [text for what, text in self.unreadable.what.items() if what not in good]
        if never:
            raise UsageError(f"{self.mapping.where} does not fit {table.path}; nothing was sent:", never)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _of_table(self, table: Table, limit: int | None = None) -> Iterator[Observation]:
        days = self._days.get(table.path)
        if days is None:
            return self._of_rows(table, limit)
        if self.mapping.sorted:
            return days.by_time(limit)
        return (observation for _, observation in days.by_row(limit))

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
        text_of, moment = self._reader.times.text(table.columns), self._reader.times.moment
        is_counted = self.mapping.time.start is not None
        for index, (line, row) in enumerate(table.rows(self._parquet_columns(table))):
            if index == limit:
                return
            try:
                if is_counted:
                    time: Moment = self._reader.times.counted(row, index, f"{table.path}, line {line}")
                else:
                    time = moment(text_of(row))
            except Rejection as error:
                self._reader.bad_time(table, line, row, error)
                continue
            yield line, time, row

    def _of_headings(self, table: Table, rows: Iterator[tuple[int, Moment, dict[str, Any]]]) -> Iterator[_Said]:
        """Where headings are devices."""
        mapping, path, blanks = self.mapping, table.path, self.mapping.blanks
        names = device_columns(mapping, table, self._reader.times.columns(table.columns))
        devices = [(name, self._reader.number(name)) for name in names]
        derive = self._reader.derive
        for line, time, row in rows:
            for name, number in devices:
                cell = row.get(name)
                if cell is not None and not (type(cell) is str and cell in blanks):
                    values = self._reader.values({"value": cell}, path, line, name)
                    if derive is not None:
                        values = derive(values, row, self.devices[number], self._reader.tell(path, line))
                    if values:
                        yield line, time, number, values

    def _of_lines(self, table: Table, rows: Iterator[tuple[int, Moment, dict[str, Any]]]) -> Iterator[_Said]:
        """Where a row is of one device; a stay is said twice, its end with `Left` values."""
        mapping, path = self.mapping, table.path
        blanks, pivot, until = mapping.blanks, mapping.pivot, mapping.time.until
        fixed, device_of = self._reader.fixed(path), self._reader.device
        all_text = table.kind == "csv"
        derive = self._reader.derive
        for line, time, cells in rows:
            row = cells
            if pivot is not None:
                # lines of NDJSON need not have all keys
                row = {**row, str(row.get(pivot[0])): row.get(pivot[1])}
            texts = row.values() if all_text else [cell for cell in row.values() if type(cell) is str]
            if not blanks.isdisjoint(texts):
                row = {name: cell for name, cell in row.items() if type(cell) is not str or cell not in blanks}
            values = self._reader.values(row, path, line)
            if not values:
                continue
            device = fixed if fixed is not None else device_of(row, path, line)
            if device is None:
                continue
            if derive is not None:
                values = derive(values, row, self.devices[device], self._reader.tell(path, line))
            if values:
                yield line, time, device, values
            if until is not None and any(values.values()):
                end = end_of(row.get(until), time, until, self._reader.times.moment, self._reader.tell(path, line))
                if end is not None:
                    yield line, end, device, Left.of(values)

    def _parquet_columns(self, table: Table) -> list[str] | None:
        """Only what is mapped is read of a Parquet file; None for all."""
        rule, mapping = self.mapping.device, self.mapping
        if table.kind != "parquet" or rule.headings is not None or mapping.pivot is not None:
            return None
        wanted = {*rule.columns, *rule.attribute_columns.values(), *mapping.time.checks}
        wanted.update(self._reader.times.columns(table.columns))
        wanted.update(name for name in (rule.lon, rule.lat, rule.point, mapping.time.until) if name)
        wanted.update(path[0] for reading in mapping.record.readings for path in reading.paths)
        wanted.update(reading.unit_path[0] for reading in mapping.record.readings if reading.unit_path)
        wanted.update(each.capacity for each in mapping.derived.values() if each.capacity)
        return [name for name in table.columns if name in wanted]

    def _untold(self, path: Path, lines: Sequence[int]) -> None:
        self.unreadable.add_lines(path, lines, "time", UNTOLD)


#: Line, time, device, values.
_Said = tuple[int, Moment, int, dict[str, float]]
