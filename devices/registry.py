"""The registry as a file: devices read from CSV and written back, and what a file would change.

Pure: bytes in, devices out. A file is taken whole or not at all, so every problem in it is collected and told at once.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from devices.counts import counted
from devices.csv_table import csv_text
from devices.device import Device
from devices.duration import duration
from devices.families import FAMILIES
from devices.lengths import ATTRIBUTE, ATTRIBUTE_NAME, refusal
from devices.text import visible
from devices.topics import name_flaw

#: Columns with a meaning of their own; any other column is an attribute.
REQUIRED = ("device_id", "family", "model", "lon", "lat")
OPTIONAL = ("origin", "class")
#: Words that no attribute may have as its name, since a file could not say which of the two is meant.
RESERVED = frozenset((*REQUIRED, *OPTIONAL, "retired"))

#: What attributes of air monitors may say: what an hour is named by, and what the index may be read as.
OF_MONITORS = {"hour_label": ("begin", "end"), "class_of_instrument": ("indicative", "reference")}
_HOUR = 3_600_000_000

#: Most columns of a devices file.
_COLUMNS = 1_000

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a devices file. ``where`` says the place: ``line 3``, ``feature 2 (device b7)``."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class RegistryError(ValueError):
    """A devices file cannot be taken. ``problems`` are all that is wrong with it, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """One device as a file gives it: ``cells`` is every column or property as text, blank ones left out."""

    where: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Differences:
    """What importing ``wanted`` into a registry would do. ``missing`` are in service, but not in the file: they stay
    as they are (retiring a device is a decision of its own)."""

    new: Sequence[Device]
    changed: Sequence[tuple[Device, Device]]
    unchanged: Sequence[Device]
    missing: Sequence[Device]


def read_csv(data: bytes, models: Collection[str], personal: Collection[str] = ()) -> list[Device]:
    """Read a devices CSV (UTF-8, with or without byte-order mark, any line ends).

    The first line names the columns: ``device_id,family,model,lon,lat``, optionally ``origin`` and ``class``; each
    further column is an attribute of that name. ``personal`` as in `devices_of`. Raises RegistryError with every
    problem and its line number.
    """
    return devices_of(csv_rows(data, REQUIRED, _bad_attribute_name), models, personal)


def csv_rows(data: bytes, required: Sequence[str], bad_name: Callable[[str], str | None]) -> list[Row | Problem]:
    """The rows of a CSV file (UTF-8, RFC 4180) by the names of its first line; blank cells and lines are left out.

    ``required`` columns must be there; ``bad_name`` says what is wrong with a column's name. A row that has more or
    fewer fields is a Problem. Raises RegistryError for a file that is none, or whose first line is wrong.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RegistryError([Problem(f"line {line}", "is not UTF-8 text; save the file as 'CSV UTF-8'")]) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row | Problem] = []
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            where, line = f"line {line}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                _check_header(header, where, required, bad_name)
            elif len(cells) != len(header):
                rows.append(
                    Problem(
                        where,
                        f"has {counted(len(cells), 'field')}, the first line names {counted(len(header), 'column')}",
                    )
                )
            else:
                stripped = ((name, cell.strip()) for name, cell in zip(header, cells, strict=True))
                rows.append(Row(where, {name: cell for name, cell in stripped if cell}))
    except csv.Error as error:
        raise RegistryError([Problem(f"line {reader.line_num}", f"is not CSV: {error}")]) from None
    if header is None:
        raise RegistryError([Problem("", f"is empty; the first line must name the columns {','.join(required)}")])
    return rows


def _check_header(
    header: Sequence[str], where: str, required: Sequence[str], bad_name: Callable[[str], str | None]
) -> None:
    problems = []
    if len(header) > _COLUMNS:
        raise RegistryError([Problem(where, f"names {len(header)} columns; {_COLUMNS} are read at most")])
    absent = [name for name in required if name not in header]
    if absent:
        hint = "; fields are separated by commas, not semicolons" if len(header) == 1 and ";" in header[0] else ""
        problems.append(Problem(where, f"does not name the column {', '.join(absent)}{hint}"))
    problems += [Problem(where, f"names the column {name!r} twice") for name in _repeated(header) if name]
    if "" in header:
        problems.append(Problem(where, f"column {header.index('') + 1} has no name"))
    problems += [Problem(where, text) for name in header if (text := bad_name(name))]
    if problems:
        raise RegistryError(problems)


def devices_of(rows: Iterable[Row | Problem], models: Collection[str], personal: Collection[str] = ()) -> list[Device]:
    """Make devices of rows; a Problem among them stands for a row that could not be read.

    ``personal``: ids of devices that are registered as personal; of these one becomes open only where its row says so.
    Raises RegistryError with every problem, among them ids that come twice.
    """
    problems: list[Problem] = []
    first: dict[str, str] = {}
    devices = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        device, wrong = _device(row.cells, models)
        problems += [Problem(row.where, text) for text in wrong]
        device_id = row.cells.get("device_id")
        if device is not None and device_id in personal and not device.personal and "class" not in row.cells:
            problems.append(
                Problem(row.where, f"device {device_id} is registered as personal; say its class: personal, or open")
            )
        if device_id is not None and first.setdefault(device_id, row.where) != row.where:
            problems.append(Problem(row.where, f"device {device_id} is already given in {first[device_id]}"))
        elif device is not None:
            devices.append(device)
    problems += shared_names(devices)
    if problems:
        raise RegistryError(problems)
    return devices


def shared_names(devices: Iterable[Device], registered: Iterable[Device] = ()) -> list[Problem]:
    """Devices that the broker's topics would not tell apart: one's attribute ``topic`` is another's, or its id.

    ``registered``: what is there already; of those that are retired only the id counts.
    """
    wanted = {device.id: device for device in devices}
    others = [device for device in registered if device.id not in wanted]
    owners = {device.id: device.id for device in (*wanted.values(), *others)}
    owners.update(
        (device.topic, device.id) for device in others if not device.retired and device.topic not in owners
    )  # fmt: skip
    return [
        Problem(f"device {device.id}", f"its topic is also that of device {owner}")
        for device in wanted.values()
        if device.topic != device.id and (owner := owners.setdefault(device.topic, device.id)) != device.id
    ]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= 100_000


def make_device(cells: Mapping[str, str], models: Collection[str]) -> Device:
    """One device of text cells, as ``borough devices add`` gives them. Raises RegistryError."""
    (device,) = devices_of([Row("", {name: cell.strip() for name, cell in cells.items() if cell.strip()})], models)
    return device


def _device(cells: Mapping[str, str], models: Collection[str]) -> tuple[Device | None, list[str]]:
    """The device of one row, or None and why not."""
    wrong = [f"has no {name}" for name in ("device_id", "family", "model") if name not in cells]
    wrong += [text for name in cells if name not in RESERVED and (text := _bad_attribute_name(name))]
    refused = {name: text for name, cell in cells.items() if (text := refusal(cell, ATTRIBUTE, lines=True))}
    wrong += [f"{visible(name[:ATTRIBUTE_NAME])} {text}" for name, text in refused.items()]
    cells = {name: cell for name, cell in cells.items() if name not in refused}
    # the rest of the row is read all the same: whoever mends it learns of everything at once
    family, model = cells.get("family", ""), cells.get("model", "")
    if model and model not in models:
        wrong.append(f"unknown model {model!r}; one of {', '.join(sorted(models))}")
    place: dict[str, float | None] = {}
    for name in ("lon", "lat"):
        place[name] = None
        if (cell := cells.get(name)) is not None:
            if _NUMBER.match(cell):
                place[name] = float(cell)
            else:
                wrong.append(f"{name} {cell!r} is not a number (degrees with a decimal point)")
    personal, problem = _personal(cells.get("class"), family)
    if problem:
        wrong.append(problem)
    origin: Any = cells.get("origin", "real")
    attributes = {name: cell for name, cell in cells.items() if name not in RESERVED}
    if "interval" in attributes and duration(attributes["interval"]) is None:
        wrong.append(f"interval {attributes['interval']!r} is no length of time such as PT30M")
    if "zone" in attributes and attributes["zone"] not in _zones():
        wrong.append(f"zone {attributes['zone']!r} is no time zone such as Europe/London")
    if "topic" in attributes and (text := name_flaw(attributes["topic"])) is not None:
        wrong.append(f"topic {text}")
    if "capacity" in attributes and not _is_count(attributes["capacity"]):
        wrong.append(f"capacity {attributes['capacity']!r} is no whole number of spaces")
    if family == "air-monitor":
        wrong += _of_monitors(attributes)
    try:
        device = Device(
            cells.get("device_id", ""),
            family,
            model,
            place["lon"],
            place["lat"],
            origin,
            personal,
            attributes=attributes,
        )
    except ValueError as error:
        return None, wrong or [str(error)]
    return (None, wrong) if wrong else (device, [])


def _of_monitors(attributes: Mapping[str, str]) -> list[str]:
    """What is wrong with attributes that only air monitors have."""
    wrong = [
        f"{name} {attributes[name]!r} is neither {first} nor {second}"
        for name, (first, second) in OF_MONITORS.items()
        if name in attributes and attributes[name] not in (first, second)
    ]
    if attributes.get("hour_label") == "end" and duration(attributes.get("interval")) != _HOUR:
        wrong.append("hour_label end is of a monitor that sends hours: it needs the interval PT1H")
    return wrong


def _personal(given: str | None, family: str) -> tuple[bool, str | None]:
    """Whether a device is personal: its family's default, or stricter where the file says so."""
    default = family in FAMILIES and FAMILIES[family].personal
    if given in (None, "personal"):
        return given == "personal" or default, None
    if given != "open":
        return default, f"class {given!r} is neither open nor personal"
    if default:
        return default, f"class open is not possible: a {family} is personal, and a device can only be stricter"
    return False, None


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _bad_attribute_name(name: str) -> str | None:
    if name == "retired":
        return "'retired' is no column of this file; retire a device with: borough devices retire ID"
    text = refusal(name, ATTRIBUTE_NAME)
    return None if text is None else f"the name {visible(name[:ATTRIBUTE_NAME])!r} {text}"


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def write_csv(devices: Iterable[Device]) -> str:
    """Write devices as CSV for programs: ``read_csv`` reads it back to the same devices. Retired ones are left out."""
    devices = [device for device in devices if not device.retired]
    names = sorted({name for device in devices for name in device.attributes})
    return csv_text([*REQUIRED, *OPTIONAL, *names], (_row(device, names) for device in devices), machine=True)


def _row(device: Device, names: Sequence[str]) -> list[str]:
    cells = cells_of(device)
    place = ["" if value is None else repr(value) for value in (device.lon, device.lat)]
    return [
        *(cells.get(name, "") for name in REQUIRED[:3]),
        *place,
        device.origin,
        cells["class"],
        *(device.attributes.get(name, "") for name in names),
    ]


def cells_of(device: Device) -> dict[str, str]:
    """A device's columns as text, without its place."""
    return {
        "device_id": device.id,
        "family": device.family,
        "model": device.model,
        "origin": device.origin,
        "class": "personal" if device.personal else "open",
        **device.attributes,
    }


def differences(registered: Iterable[Device], wanted: Sequence[Device]) -> Differences:
    """What a file would change in a registry, each list in the order of its source."""
    known = {device.id: device for device in registered}
    ids = {device.id for device in wanted}
    return Differences(
        new=[device for device in wanted if device.id not in known],
        changed=[(known[device.id], device) for device in wanted if device.id in known and known[device.id] != device],
        unchanged=[device for device in wanted if known.get(device.id) == device],
        missing=[device for device in known.values() if device.id not in ids and not device.retired],
    )


def changes(old: Device, new: Device) -> list[str]:
    """The differences of one device in words, one a field or attribute: ``model: native -> glow``."""
    names = [field.name for field in fields(Device) if field.name != "attributes"]
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in names]
    pairs += [
        (name, old.attributes.get(name), new.attributes.get(name))
        for name in sorted({*old.attributes, *new.attributes})
    ]
    return [f"{name}: {_said(before)} -> {_said(after)}" for name, before, after in pairs if before != after]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
