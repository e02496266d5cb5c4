"""What a mapping file of tables says, as values. docs/reference/replay-mapping.md has the words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NoReturn

from devices.device import Origin
from devices.mapping import MappingError, RecordMapping, TimeRule

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
class TimeHeadings:
    """Columns whose headings are times of day, beside a column with the date.

    ``at``: what a heading says of its interval, its ``start``, its ``end`` or its ``number`` in the day, from 1.
    ``step`` [us]: the intervals' length, 0 where it is the headings' distance. ``like``: how their names look.
    """

    at: Literal["start", "end", "number"]
    step: int = 0
    like: str = "*"


@dataclass(frozen=True, slots=True)
class RowTime:
    """When a row is: by ``rules`` (those with patterns are tried in turn), or ``start`` + row * ``step``.

    ``columns``: their texts, joined by a blank each, are the time; of each the first name that is a column.
    ``stamp_end`` [us]: the time stands at the end of an interval of this length, and ours at its start (else 0).
    ``checks``: column -> what it must say of the row's start at ``start``'s offset, so that a missing row cannot shift
    all that follow. ``until``: the column with the end of a stay that begins at the time. With ``headings`` the rules
    read the date.
    """

    rules: tuple[TimeRule, ...] = ()
    columns: tuple[tuple[str, ...], ...] = ()
    stamp_end: int = 0
    headings: TimeHeadings | None = None
    until: str | None = None
    start: datetime | None = None
    step: timedelta = timedelta()
    checks: Mapping[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableLayout:
    """How a file's text becomes rows.

    ``skip``: lines before the headings; ``begins``: how the headings' line begins, if that is what is known.
    ``encoding``: of the text, empty for UTF-8 or what a byte-order mark says. ``nem12``: records instead of headings.
    """

    delimiter: str = ","
    skip: int = 0
    begins: tuple[str, ...] = ()
    encoding: str = ""
    nem12: bool = False


@dataclass(frozen=True, slots=True)
class Derived:
    """What becomes of a property's value after it was read.

    ``scale``: the value is a mean power [kW], times the first over the second it is the interval's energy [kWh].
    ``capacity``, ``capacity_attribute``: the value counts occupied spaces; those that are free are this column's, or
    this attribute of the device, less them. ``at_most``: the cell is a number, and the state holds up to this one.
    """

    scale: tuple[int, int] | None = None
    capacity: str | None = None
    capacity_attribute: str | None = None
    at_most: float | None = None


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
    #: Properties whose column may lack in a file.
    optional: frozenset[str]
    #: Property -> what becomes of its value.
    derived: Mapping[str, Derived]
    #: Cells that mean "not measured".
    blanks: frozenset[str]
    layout: TableLayout
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
