"""The columns that a mapping names, looked for in a file's headings before anything of it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import NoReturn

from borough.errors import UsageError
from borough.replay.day_columns import DayColumns
from borough.replay.table_mapping import TableMapping
from borough.replay.tables import Table
from devices.counts import counted

#: Headings that are told.
_TOLD = 12
#: Rows that are compared with the headings, and lines in which these are looked for.
_FOLLOWING = 20
_NUMBER = re.compile(r"[-+]?[\d.,: /-]*\d[\d.,: /TZ-]*\Z", re.ASCII)


def device_columns(mapping: TableMapping, table: Table, times: Sequence[str]) -> list[str]:
    """Where headings are devices: the columns that are devices. ``times``: those that hold its times."""
    other = {*(mapping.device.headings or ()), *times, *mapping.time.checks}
    return [name for name in table.columns if name not in other]


def day_columns(mapping: TableMapping, table: Table, times: Sequence[str]) -> DayColumns | None:
    """Where headings are times of day: those that are. Raises MappingError where there are none."""
    if mapping.time.headings is None:
        return None
    rule = mapping.device
    others = [*rule.columns, *rule.attribute_columns.values(), *times]
    others += [name for name in (rule.lon, rule.lat, rule.point) if name]
    others += [reading.unit_path[0] for reading in mapping.record.readings if reading.unit_path]
    others += [each.capacity for each in mapping.derived.values() if each.capacity]
    others += mapping.pivot[:1] if mapping.pivot else ()
    found = DayColumns(mapping.time.headings, mapping.time.rules[0].zone or "UTC", table.headings, others)
    if found.fault is not None:
        mapping.fail("time, headings", f"{table.path.name} {found.fault}")
    return found


def check_columns(mapping: TableMapping, table: Table, times: Sequence[str]) -> None:
    """Whether a table has what its mapping names. Raises MappingError, and UsageError for a heading that is twofold."""
    rule = mapping.device
    wanted: list[tuple[str, Sequence[str]]] = [("device", [name]) for name in rule.columns]
    wanted += [("device, attribute_columns", [name]) for name in rule.attribute_columns.values()]
    wanted += [(f"device, {key}", [name]) for key in ("lon", "lat", "point") if (name := getattr(rule, key))]
    wanted += [("device, headings", [name]) for name in sorted(rule.headings or ())]
    wanted += [("time, columns", names) for names in mapping.time.columns]
    wanted += [("time, until", [mapping.time.until])] if mapping.time.until else []
    wanted += [("time, check", [name]) for name in mapping.time.checks]
    if mapping.pivot is not None:
        wanted += [("pivot", [name]) for name in mapping.pivot if name]
    if mapping.record.time is not None and not mapping.time.columns:
        wanted.append(("time", [path[0] for path in mapping.record.time.paths]))
    lacking = 0
    by_column = mapping.pivot is None and rule.headings is None and mapping.time.headings is None
    for number, reading in enumerate(mapping.record.readings, 1):
        place = f"reading {number} ({reading.property})"
        names = [path[0] for path in reading.paths]
        if by_column and reading.property in mapping.optional and not set(names) & set(table.columns):
            _unmistakable(mapping, table, f"{place}, path", names)
            lacking += 1
            continue
        if by_column:
            wanted.append((f"{place}, path", names))
        derived = mapping.derived.get(reading.property)
        if derived is not None and derived.capacity:
            wanted.append((f"{place}, capacity", [derived.capacity]))
        if reading.unit_path:
            _unmistakable(mapping, table, f"{place}, unit_path", [reading.unit_path[0]])
    for key, alternatives in wanted:
        _unmistakable(mapping, table, key, alternatives)
        if not any(name in table.columns for name in alternatives):
            _missing(mapping, table, key, alternatives)
    if by_column and lacking == len(mapping.record.readings):
        _missing(
            mapping, table, "reading 1, path", [path[0] for each in mapping.record.readings for path in each.paths]
        )
    if rule.headings is not None:
        devices = device_columns(mapping, table, times)
        if not devices:
            mapping.fail("device, headings", f"{table.path.name} has no column that is a device")
        _unmistakable(mapping, table, "device, headings", [name for name in devices if name in table.headings.repeated])
    if rule.file is not None and not rule.file.search(table.path.name):
        mapping.fail("device, file", f"does not match the name {table.path.name}")


def _unmistakable(mapping: TableMapping, table: Table, key: str, names: Sequence[str]) -> None:
    """Refuse a heading that stands there more than once and is meant."""
    repeated = table.headings.repeated
    as_devices = key == "device, headings"
    for name in names:
        if name in table.columns and not (as_devices and name in repeated):
            continue
        heading = repeated[name].heading if name in repeated else name
        own = [column for column, each in repeated.items() if each.heading == heading]
        if own:
            what = (
                "give each a name of its own" if as_devices else f"name {' or '.join(map(repr, own[:_TOLD]))} instead"
            )
            raise UsageError(
                f"{table.path}, line {table.head}: the heading {heading[:100]!r} stands there"
                f" {'twice' if len(own) == 2 else f'{len(own)} times'}, and {mapping.where} ({key}) means one: {what}"
            )


def _missing(mapping: TableMapping, table: Table, key: str, names: Sequence[str]) -> NoReturn:
    what = f"{table.path.name} has no column {' or '.join(map(repr, names))}"
    if table.kind == "csv" and (line := _further_down(table, names)) is not None:
        mapping.fail(key, f"{what} in line {table.head}; where line {line} has the headings, say skip = {line - 1}")
    if table.kind == "csv" and not _are_headings(table):
        # what may be rows, or lines about a customer, is not repeated
        mapping.fail(
            key,
            f"{what} in line {table.head}, which is no line of headings: {counted(len(table.columns), 'cell')}."
            " Say with skip or begins where they are, and with delimiter what stands between them",
        )
    shown = ", ".join(repr(name) for name in table.columns[:_TOLD]) + (", …" if len(table.columns) > _TOLD else "")
    mapping.fail(key, f"{what}; it has {shown}")


def _further_down(table: Table, names: Sequence[str]) -> int | None:
    """The line near the top that has such a heading among its cells."""
    for line, cells in islice(table.lines(), 1, _FOLLOWING * 5):
        if len(cells) > 1 and any(cell.strip() in names for cell in cells):
            return line
    return None


def _are_headings(table: Table) -> bool:
    """Whether the first line is unlike those below it: as many cells, and words above numbers."""
    lines = table.lines()
    head = next(lines, (0, []))[1]
    below = [cells for _, cells in islice(lines, _FOLLOWING)]
    if not below:
        return True
    if any(len(cells) != len(head) for cells in below):
        return False
    return any(
        not _NUMBER.match(name.strip())
        and all(not row[place].strip() or _NUMBER.match(row[place].strip()) for row in below)
        and any(row[place].strip() for row in below)
        for place, name in enumerate(head)
    )
