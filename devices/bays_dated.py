"""What changes at bays from day to day, a CSV each: sensors, suspensions, permits, event days.

Pure, and told like the bays file. Times are local unless they say an offset; of the hour that the clocks repeat, and of
the one that they leave out, only times with an offset are taken.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from devices import iso_time
from devices.bays import BAY_ID, EventDay, Permit, Register, SensorLink, Suspension
from devices.bays_file import Among, BaysFile, Given
from devices.cells import Cells
from devices.csv_table import csv_text
from devices.device import DEVICE_ID
from devices.lengths import REASON, STREET, ZONE
from devices.registry import Problem, RegistryError, Row, csv_rows

_TEXTS = {"reason": REASON, "kind": REASON, "name": REASON, "zone": ZONE, "street": STREET}
#: Bytes in which the headings are looked for.
_HEADINGS = 100_000
_ANY = ("bay", "zone", "street")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of dated file: ``least`` are the headings that tell it from the others."""

    least: Sequence[str]
    required: Sequence[str]
    optional: Sequence[str]
    item: Callable[[_Cells], Any]


class _Cells(Cells):
    """One line; times of it are of a place's clock."""

    def __init__(self, row: Row, required: Sequence[str], zone: tzinfo) -> None:
        super().__init__(row, required, _TEXTS)
        self._zone = zone
        self.removed = bool(self.yes("remove"))
        self.among: Among | None = None

    def bay(self) -> str | None:
        """The bay's id."""
        bay = self.cells.get("bay")
        if bay is None or BAY_ID.match(bay):
            return bay
        self.wrong.append(f"bay {bay[:140]!r} is no id of a bay")
        return None

    def bays(self) -> str | None:
        """The bay's id; an empty one where a zone or a street is given in its place."""
        zone, street = self.cells.get("zone"), self.cells.get("street")
        if "bay" in self.cells:
            if zone or street:
                self.wrong.append("a bay is given and a zone or street too; one of the two says which are meant")
            return self.bay()
        if zone or street:
            self.among = Among(zone, street)
            return ""
        self.wrong.append("has no bay, zone or street")
        return None

    def instant(self, name: str, *, ends: bool = False) -> datetime | None:
        """An instant as `local_instant` reads it."""
        text = self.cells.get(name)
        if text is None:
            return None
        try:
            return local_instant(text, self._zone, ends=ends)
        except ValueError as error:
            self.wrong.append(f"{name} {error}")
            return None

    def span(self) -> tuple[datetime, datetime] | None:
        """From when to when, both given."""
        start, end = self.instant("from"), self.instant("to", ends=True)
        if start is None or end is None:
            return None
        if end <= start:
            self.wrong.append(f"to {self.cells['to']} is not after from {self.cells['from']}")
            return None
        return start, end


def local_instant(text: str, zone: tzinfo, *, ends: bool = False) -> datetime:
    """The instant, UTC, of a local time, a time with an offset, or a day, which is its beginning.

    ``ends``: a day alone is refused, for people mean its end as often as its beginning. Raises ValueError in words that
    follow the name of what says it.
    """
    moment = _moment(text)
    if moment is None:
        raise ValueError(f"{text[:60]!r} is no time such as 2026-04-01 08:30, local, or with an offset")
    wall, offset, whole_day = moment
    if ends and whole_day:
        raise ValueError(
            f"{text} does not say when on that day; to the end of it is {text} 24:00, to its beginning {text} 00:00"
        )
    if offset is not None:
        return (wall - timedelta(seconds=offset)).replace(tzinfo=UTC)
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    shift = (first.utcoffset() or timedelta()) - (second.utcoffset() or timedelta())
    if shift:
        what = "comes twice, when the clocks go back" if shift > timedelta() else "is left out by the clocks"
        raise ValueError(f"{text} {what}; say which instant with an offset, such as {text}+01:00")
    return first.astimezone(UTC)


def _moment(text: str) -> tuple[datetime, int | None, bool] | None:
    """Wall clock, its offset [s] or None, and whether a day alone was said; None: no time of our centuries."""
    # 08:24:00 ends so too, and is a time of its own
    day, late = text.removesuffix("24:00"), text.endswith("24:00") and text[-6:-5] != ":"
    try:
        if late or len(text) == 10:
            found = date.fromisoformat(day.rstrip("T ")) + timedelta(1 if late else 0)
            moment: tuple[datetime, int | None] | None = (datetime.combine(found, time()), None)
        else:
            moment = iso_time.read(text)
    except (ValueError, OverflowError):
        return None
    if moment is None or not 1900 <= moment[0].year < 2200:
        return None
    return moment[0], moment[1], len(text) == 10


def _sensor(cells: _Cells) -> SensorLink | None:
    bay, device, start = cells.bay(), cells.cells.get("device"), cells.instant("from")
    end = cells.instant("to", ends=True)
    if device is not None and not DEVICE_ID.match(device):
        cells.wrong.append(f"device {device[:140]!r} is no device id")
    if start and end and end <= start:
        cells.wrong.append(f"to {cells.cells['to']} is not after from {cells.cells['from']}")
    return None if not bay or not device or start is None else SensorLink(bay, device, start, end)


def _suspension(cells: _Cells) -> Suspension | None:
    bay, span, reason = cells.bays(), cells.span(), cells.cells.get("reason")
    return None if bay is None or span is None or reason is None else Suspension(bay, *span, reason)


def _permit(cells: _Cells) -> Permit | None:
    bay, span, kind = cells.bays(), cells.span(), cells.cells.get("kind")
    return None if bay is None or span is None or kind is None else Permit(bay, *span, kind)


def _event(cells: _Cells) -> EventDay | None:
    zone, day, name = cells.cells.get("zone"), cells.day("day"), cells.cells.get("name")
    return None if zone is None or day is None or name is None else EventDay(zone, day, name)


#: By the name of the list of `BaysFile` that they fill, in the order in which headings are held against them.
KINDS: Mapping[str, Kind] = {
    "sensors": Kind(("device",), ("bay", "device", "from"), ("to", "remove"), _sensor),
    "suspensions": Kind(("reason",), ("from", "to", "reason"), (*_ANY, "remove"), _suspension),
    "events": Kind(("day",), ("zone", "day", "name"), ("remove",), _event),
    "permits": Kind(("kind", "from"), ("from", "to", "kind"), (*_ANY, "remove"), _permit),
}


def kind_of(data: bytes) -> str | None:
    """What a CSV is by its headings: ``bays`` or one of `KINDS`; None: by these it is none of them."""
    lines = io.StringIO(data[:_HEADINGS].decode("utf-8-sig", "replace"), newline="")
    try:
        first = next((cells for cells in csv.reader(lines) if any(cells)), [])
    except csv.Error:
        return None
    names = {cell.strip() for cell in first}
    if "id" in names:
        return "bays"
    found = next((what for what, kind in KINDS.items() if names.issuperset(kind.least)), None)
    # without its dates a permit is one all the same, and is told what it lacks; a bay without its id has a place
    return "permits" if found is None and "kind" in names and not names & {"lon", "lat"} else found


def read_dated(what: str, data: bytes, zone: tzinfo) -> BaysFile:
    """Read a dated CSV (UTF-8) of one of `KINDS`; ``zone`` is the place's clock.

    Raises RegistryError with every problem and its line.
    """
    kind = KINDS[what]

    def bad_name(name: str) -> str | None:
        if not name or name in kind.required or name in kind.optional:
            return None
        return f"names the column {name[:80]!r}, which a file of {what} does not have; see docs/reference/bays-file.md"

    found: list[Given[Any]] = []
    problems: list[Problem] = []
    for row in csv_rows(data, kind.required, bad_name):
        if isinstance(row, Problem):
            problems.append(row)
            continue
        cells = _Cells(row, kind.required, zone)
        item = kind.item(cells)
        problems += [Problem(row.where, text) for text in cells.wrong]
        if item is not None:
            found.append(Given(row.where, item, cells.removed, cells.among))
    if problems:
        raise RegistryError(problems)
    lists: dict[str, Any] = {what: found}
    return BaysFile(**lists)


def write_dated(what: str, register: Register, zone: tzinfo) -> str:
    """Write one list of a register as CSV for programs: `read_dated` reads it back to the same."""
    columns, row = _WRITTEN[what]
    items: Iterable[Any] = getattr(register, what)
    return csv_text(columns, (row(item, zone) for item in items), machine=True)


def _local(moment: datetime | None, zone: tzinfo) -> str:
    """Local time with its offset, which is right in the repeated hour too."""
    return "" if moment is None else moment.astimezone(zone).isoformat(" ")


_WRITTEN: Mapping[str, tuple[Sequence[str], Callable[[Any, tzinfo], Sequence[str]]]] = {
    "sensors": (
        ("bay", "device", "from", "to"),
        lambda one, zone: (one.bay, one.device, _local(one.start, zone), _local(one.end, zone)),
    ),
    "suspensions": (
        ("bay", "from", "to", "reason"),
        lambda one, zone: (one.bay, _local(one.start, zone), _local(one.end, zone), one.reason),
    ),
    "permits": (
        ("bay", "from", "to", "kind"),
        lambda one, zone: (one.bay, _local(one.start, zone), _local(one.end, zone), one.kind),
    ),
    "events": (("zone", "day", "name"), lambda one, _zone: (one.zone, str(one.day), one.name)),
}
