"""Rows whose headings are times of day: one row is one day of one device, a cell one of its intervals.

Such a file has many devices' days of one date, then the next date. In the order of time that is column by column, so
all rows of a date are read before the first of its observations is given out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import isnan, nan
from operator import itemgetter
from typing import Any, NamedTuple

from borough.errors import UsageError
from borough.replay.day_columns import DayColumns
from borough.replay.observation import Observation
from borough.replay.order import merged_runs
from borough.replay.row_reader import RowReader
from borough.replay.tables import Table
from devices.decoding import Rejection

#: Texts of dates, and of cells with their values, that are remembered, and how long those are [characters].
_DATES, _TEXTS, _LONGEST = 500, 20_000, 32
_NEVER = -(2**63)

_Values = dict[str, float]
_NOTHING: _Values = {}
#: A row in memory: its device, then either the one property of all its values and these (NaN where there is none), or
#: nothing of that and the values of each column.
_Held = tuple[int, str, "array[float]", Sequence[_Values]]
_NO_NUMBERS = array("d")


class _Day(NamedTuple):
    """One row. ``starts``: the instant of each column [us], None where its date has none such; ``own``: how many of
    its values no other row has."""

    first: int
    line: int
    device: int
    starts: Sequence[int | None]
    values: Sequence[_Values]
    own: int


class Room(NamedTuple):
    """What of one date is in memory at most: cells, and values that take memory of their own (no other cell shares
    them, and they are not all numbers of one property). More goes to a temporary file."""

    cells: int
    own: int


ROOM = Room(2_000_000, 100_000)


class DayRows:
    """The rows of one table, read by ``reader``."""

    def __init__(self, table: Table, days: DayColumns, reader: RowReader, room: Room = ROOM) -> None:
        mapping = reader.mapping
        self._room = room
        self._table = table
        self._reader = reader
        self._days = days
        self._names = days.names
        self._pivot = mapping.pivot[0] if mapping.pivot is not None else None
        self._units = [rule.unit_path[0] for rule in mapping.record.readings if rule.unit_path]
        #: by what stands beside the cells in their row: values by a cell's text
        self._known: dict[tuple[Any, ...], dict[str, _Values]] = {}
        self._texts = 0

    def by_row(self, limit: int | None = None) -> Iterator[tuple[int, Observation]]:
        """Every observation of the first ``limit`` rows (None: all) with its line, in the order of rows and columns."""
        for _, line, device, starts, found, _ in self._rows(limit):
            for start, values in zip(starts, found, strict=True):
                if values and start is not None:
                    yield line, Observation(start, device, values)

    def by_time(self, limit: int | None = None) -> Iterator[Observation]:
        """The same in the order of time, which is that of the rows' dates. Raises UsageError where it is not."""
        last = _NEVER
        for first, rows in groupby(self._rows(limit), key=itemgetter(0)):
            # what two runs hold is of one date, and all of it comes before what the next one has
            yield from merged_runs(self._runs(rows, last))
            last = first

    def _runs(self, rows: Iterable[_Day], last: int) -> Iterator[tuple[Iterable[Observation], bool]]:
        """The rows of one date as runs in the order of time, each with whether it is full."""
        held: list[_Held] = []
        starts: Sequence[int | None] = ()
        most, count = max(self._room.cells // len(self._names), 1), 0
        for first, line, device, starts, values, own in rows:
            if first < last:
                raise UsageError(
                    f"{self._table.path}, line {line}: is of an earlier day than a line above it; its mapping needs"
                    ' order = "any" instead of "time"'
                )
            packed = _packed(values) if own else None
            if packed is None:
                held.append((device, "", _NO_NUMBERS, values))
                count += own
            else:
                held.append((device, *packed, ()))
            if len(held) == most or count >= self._room.own:
                yield _by_column(starts, held), True
                held, count = [], 0
        yield _by_column(starts, held), False

    def _rows(self, limit: int | None) -> Iterator[_Day]:
        table, reader = self._table, self._reader
        text_of, fixed = reader.times.text(table.columns), reader.fixed(table.path)
        known: dict[str, list[int | None]] = {}
        for index, (line, row) in enumerate(table.rows(None)):
            if index == limit:
                return
            text = str(text_of(row))
            starts = known.get(text)
            if starts is None:
                try:
                    starts = self._days.on(reader.times.day(text))
                except Rejection as error:
                    reader.bad_time(table, line, row, error)
                    continue
                if len(known) >= _DATES:
                    known.clear()
                known[text] = starts
            device = fixed if fixed is not None else reader.device(row, table.path, line)
            if device is None:
                continue
            found, own = self._values(row, line)
            if None in starts:
                self._tell_missing(starts, found, line)
            if reader.derive is not None:
                found = self._derived(reader.derive, row, zip(starts, found, strict=True), device, line)
                own = len(found)
            first = min((start for start in starts if start is not None), default=None)
            if first is not None:
                yield _Day(first, line, device, starts, found, own)

    def _values(self, row: Mapping[str, Any], line: int) -> tuple[list[_Values], int]:
        """The values of each column, and how many were read for it: what stands in many cells is read once."""
        beside = {name: row.get(name) for name in self._units}
        key = "value" if self._pivot is None else str(row.get(self._pivot))
        known = self._known_beside(key, beside)
        found: list[_Values] = []
        own = 0
        for name in self._names:
            cell = row.get(name)
            # a number of Parquet or JSON may be equal to one of another type
            values = known.get(cell) if type(cell) is str else None
            if values is None:
                values = self._read(cell, name, key, beside, line, known)
                own += values is not _NOTHING
            found.append(values)
        return found, own

    def _known_beside(self, key: str, beside: Mapping[str, Any]) -> dict[str, _Values]:
        if self._texts >= _TEXTS or len(self._known) >= _TEXTS:
            self._known.clear()
            self._texts = 0
        words = (key, *beside.values())
        if any(type(word) is not str or len(word) > _LONGEST for word in words):
            return {}
        return self._known.setdefault(words, {})

    def _read(
        self, cell: Any, name: str, key: str, beside: Mapping[str, Any], line: int, known: dict[str, _Values]
    ) -> _Values:
        reader = self._reader
        is_text = type(cell) is str
        if cell is None or (is_text and cell in reader.mapping.blanks):
            return _NOTHING
        before = reader.unreadable.count
        values = reader.values({**beside, key: cell}, self._table.path, line, name)
        if is_text and len(cell) <= _LONGEST and reader.unreadable.count == before:
            known[cell] = values
            self._texts += 1
        return values

    def _tell_missing(self, starts: Sequence[int | None], found: Sequence[_Values], line: int) -> None:
        for name, start, values in zip(self._names, starts, found, strict=True):
            if start is None and any(values.values()):
                self._reader.unreadable.add(
                    self._table.path, line, "time", f"that day has no such time of day (column {name!r})"
                )

    def _derived(
        self,
        derive: Callable[..., _Values],
        row: Mapping[str, Any],
        found: Iterable[tuple[int | None, _Values]],
        device: int,
        line: int,
    ) -> list[_Values]:
        tell, name = self._reader.tell(self._table.path, line), self._reader.devices[device]
        return [
            derive(values, row, name, tell) if values and start is not None else _NOTHING for start, values in found
        ]


def _packed(found: Sequence[_Values]) -> tuple[str, array[float]] | None:
    """The values of a row in little memory: their property, which is the same for all cells of a row, and a number for
    each column; None where that would lose anything."""
    name = ""
    numbers = array("d")
    for values in found:
        if not values:
            numbers.append(nan)
            continue
        if len(values) > 1:
            return None
        ((key, number),) = values.items()
        if type(number) is not float or isnan(number):
            return None
        name = key
        numbers.append(number)
    return (name, numbers) if name else None


def _by_column(starts: Sequence[int | None], rows: Sequence[_Held]) -> Iterator[Observation]:
    """The observations of rows of one date in the order of time; of one time in the order of the rows."""
    columns = [(start, place) for place, start in enumerate(starts) if start is not None]
    for start, place in sorted(columns):
        for device, name, numbers, values in rows:
            if not name:
                found = values[place]
                if found:
                    yield Observation(start, device, found)
            elif not isnan(numbers[place]):
                yield Observation(start, device, {name: numbers[place]})
