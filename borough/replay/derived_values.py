"""Values that follow from what a cell says: energy from a mean power, free spaces from occupied ones, states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from borough.replay.device_rows import described
from borough.replay.table_mapping import TableMapping
from devices.numbers import number_reader

#: Takes a property and why its value cannot be had.
Tell = Callable[[str, str], None]


class DerivedValues:
    """The rules of one mapping; with ``paths`` the files beside them that describe the devices."""

    def __init__(self, mapping: TableMapping, paths: Sequence[Path]) -> None:
        self._rules = mapping.derived
        self._blanks = mapping.blanks
        self._to_number = number_reader(mapping.record.decimal)
        self._plain = number_reader("")
        rule = mapping.device
        self._fixed = rule.attributes
        self._columns = dict(rule.attribute_columns)
        self._described: Mapping[str, Mapping[str, Any]] = {}
        if rule.register_file is not None and any(each.capacity_attribute for each in self._rules.values()):
            self._columns |= rule.register_file.attributes
            self._described = described(rule.register_file, rule.prefix, paths)

    def of(self, values: dict[str, float], row: Mapping[str, Any], device: str, tell: Tell) -> dict[str, float]:
        """The values with those that are derived in their place; one that cannot be had is told and left out."""
        found = dict(values)
        for name, rule in self._rules.items():
            if name not in values:
                continue
            if rule.scale is not None:
                up, down = rule.scale
                found[name] = values[name] * up / down
                continue
            if rule.at_most is not None:
                found[name] = float(values[name] <= rule.at_most)
                continue
            capacity = self._capacity(rule.capacity, rule.capacity_attribute, row, device)
            if capacity is None:
                where = f"column {rule.capacity!r}" if rule.capacity else f"attribute {rule.capacity_attribute!r}"
                tell(name, f"occupied spaces without a capacity that is a number ({where})")
                del found[name]
            else:
                found[name] = capacity - values[name]
        return found

    def _capacity(self, column: str | None, attribute: str | None, row: Mapping[str, Any], device: str) -> float | None:
        cell: Any
        if column is not None:
            cell = row.get(column)
        else:
            name = attribute or ""
            cell = self._described.get(device, row).get(self._columns.get(name, ""), self._fixed.get(name))
        if isinstance(cell, str):
            return self._to_number(cell) if column is not None else self._plain(cell)
        return cell if isinstance(cell, (int, float)) and not isinstance(cell, bool) else None
