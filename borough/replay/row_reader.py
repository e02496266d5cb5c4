"""What one row of a table says: its device and its values. What of it cannot be read is counted and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from borough.errors import UsageError
from borough.replay.derived_values import DerivedValues
from borough.replay.device_rows import device_id
from borough.replay.row_times import RowTimes
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from borough.replay.unreadable import Unreadable
from devices.decoding import Flaw, Rejection
from devices.device import DEVICE_ID
from devices.mapping_engine import ReadRecord, compile_mapping

#: Devices of one replay, and how long an id is (`devices.device.DEVICE_ID`).
DEVICES, _LONGEST_ID = 200_000, 128


class RowReader:
    """Reads the rows of some files by one mapping.

    ``devices`` are the ids met so far, ``unreadable`` takes what cannot be read. ``times`` reads their times;
    ``derive`` is None where no value follows from another.
    """

    def __init__(self, mapping: TableMapping, paths: Sequence[Path]) -> None:
        self.mapping = mapping
        self.devices: list[str] = []
        self.unreadable = Unreadable()
        self.times = RowTimes(mapping)
        self.derive = DerivedValues(mapping, paths).of if mapping.derived else None
        self._numbers: dict[str, int] = {}
        self._read: ReadRecord = compile_mapping(replace(mapping.record, time=None), mapping.family, "native", None)
        self._columns = {
            rule.property: " or ".join(repr(path[0]) for path in rule.paths) for rule in mapping.record.readings
        }

    def values(self, row: Mapping[str, Any], path: Path, line: int, column: str = "") -> dict[str, float]:
        """The values in a row, or in a cell of ``column``, by property; none where it has nothing that is mapped."""
        try:
            _, values, _ = self._read(row, "")
        except Rejection:
            return {}  # nothing in it that is mapped: a row of blanks
        good: dict[str, float] = values
        for name, value in values.items():
            if type(value) is Flaw:
                where = repr(column) if column else self._columns[name]
                self.unreadable.add(path, line, name, f"{value.detail} (column {where})")
                good = {key: number for key, number in good.items() if key != name}
        return good

    def tell(self, path: Path, line: int) -> Callable[[str, str], None]:
        """A function that takes what of this row cannot be read, and why."""
        return partial(self.unreadable.add, path, line)

    def bad_time(self, table: Table, line: int, row: Mapping[str, Any], error: Rejection) -> None:
        """Count a row whose time cannot be read, unless the row is blank altogether."""
        if any(cell is not None and cell != "" for cell in row.values()):
            names = self.times.columns(table.columns)
            where = f"column{'s' if len(names) > 1 else ''} {', '.join(map(repr, names))}"
            self.unreadable.add(table.path, line, "time", f"{error.detail} ({where})")

    # -- devices -----------------------------------------------------------------------------------------------------

    def fixed(self, path: Path) -> int | None:
        """The device of all rows of a file, where the mapping or the file's name says it."""
        rule = self.mapping.device
        if rule.id is not None:
            return self.number(rule.id)
        match = rule.file.search(path.name) if rule.file is not None else None
        return self.number(match[1]) if match else None

    def device(self, row: Mapping[str, Any], path: Path, line: int) -> int | None:
        """The device that a row names; None, and counted, where that makes no id."""
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
