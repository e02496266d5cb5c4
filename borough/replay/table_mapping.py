"""What a mapping file of tables says, as values. docs/reference/replay-mapping.md has the words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NoReturn

from devices.device import Origin
from devices.mapping import MappingError, RecordMapping

Check = Literal["hour", "hour_ending", "month"]


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A table beside the data that describes the devices: its name, the column with the id, further columns."""

    file: str
    id: str
    lon: str | None = None
    lat: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """Which device a row or cell belongs to: exactly one of ``id``, ``columns``, ``file`` and ``headings``.

    What an id may not hold becomes ``-``.
    """

    id: str | None = None
    #: Their texts, joined by ``-``.
    columns: tuple[str, ...] = ()
    #: The first group of this expression in the file's name.
    file: re.Pattern[str] | None = None
    #: Every column is a device, apart from these and from those of the time.
    headings: frozenset[str] | None = None
    #: Goes before the id.
    prefix: str = ""
    lon: str | None = None
    lat: str | None = None
    #: A column ``lat, lon``.
    point: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    #: Attribute -> column.
    attribute_columns: Mapping[str, str] = field(default_factory=dict)
    register_file: RegisterFile | None = None
    #: Homes of a model are simulated, whoever publishes them.
    origin: Origin = "real"


@dataclass(frozen=True, slots=True)
class RowTime:
    """When a row is: ``columns`` joined by a blank and read by the mapping's time rule, or ``start`` + row * ``step``.

    ``stamp_end`` [us]: the time stands at the end of an interval of this length, and ours at its start (else 0).
    ``checks``: column -> what it must say of the row's start at ``start``'s offset, so that a missing row cannot shift
    all that follow.
    """

    columns: tuple[str, ...] = ()
    stamp_end: int = 0
    start: datetime | None = None
    step: timedelta = timedelta()
    checks: Mapping[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableMapping:
    """One mapping file."""

    name: str
    where: str
    family: str
    files: tuple[str, ...]
    device: DeviceRule
    time: RowTime
    #: Holds the readings and the time rule.
    record: RecordMapping
    #: A column of names and the column of its values.
    pivot: tuple[str, str] | None
    #: Cells that mean "not measured".
    blanks: frozenset[str]
    delimiter: str
    #: Each file's rows come in the order of time.
    sorted: bool
    text: str = field(repr=False)
    #: Of two rows of one device and time the later one replaces the earlier.
    restates: bool = False

    def fail(self, key: str, reason: str) -> NoReturn:
        """Raise MappingError for a key whose fault shows only beside the data."""
        raise MappingError(placed(self.where, self.text, key, reason))


def placed(where: str, text: str, key: str, reason: str) -> str:
    """``file, line: key: reason``; without the line where the key is not in the file."""
    line = line_of(text, key)
    return f"{where}, line {line}: {key}: {reason}" if line else f"{where}: {key}: {reason}"


def line_of(text: str, key: str) -> int | None:
    """The line of a key such as ``time, zone`` or ``reading 2 (pm10), unit``: its own, else its table's, else None."""
    first, *rest = [part.strip() for part in re.sub(r" \([^)]*\)", "", key).split(",")]
    table, _, number = first.partition(" ")
    wanted, seen, inside, head = int(number) if number.isdigit() else 1, 0, False, None
    for count, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if match := re.match(r"\[+([A-Za-z_.]+)\]+", stripped):
            inside = match[1] == table or match[1] == f"{table}.{rest[0]}" if rest else match[1] == table
            if inside and match[1] == table:
                seen += 1
                inside = seen == wanted
            if inside:
                head = head or count
                if match[1] != table:
                    return count
            continue
        if inside and rest and re.match(rf"{re.escape(rest[0])}\s*[=.]", stripped):
            return count
        if not inside and head is None and not rest and re.match(rf"{re.escape(table)}\s*=", stripped):
            return count
    return head
