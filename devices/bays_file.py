"""The bays file: bays and what holds in them, from rows and back to rows (docs/reference/bays-file.md).

Pure. A file is taken whole or not at all, so every problem in it is collected and told at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, get_args

from devices.bays import BAY_ID, KINDS, Bay, EventDay, Permit, Restriction, SensorLink, Suspension
from devices.bays_geometry import flaw
from devices.bays_hours import COLUMNS, contradictions, hours_cells, hours_said, ordered, restrictions_of
from devices.cells import Cells
from devices.csv_table import csv_text
from devices.device import Origin
from devices.lengths import ATTRIBUTE, ATTRIBUTE_NAME, STREET, ZONE, refusal
from devices.registry import Problem, RegistryError, Row, csv_rows
from devices.text import visible

REQUIRED = ("id", "street", "zone", "kind", "lon", "lat")
OPTIONAL = ("spaces", "off_street", "length", "class", "uprn", "origin", "from", "to", "geometry", *COLUMNS)
#: Hours of one bay at most: no sign has so many.
_HOURS = 64
#: Longest text of a geometry [characters].
_GEOMETRY = 10_000
_TEXTS = {"street": STREET, "zone": ZONE}

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Among:
    """Bays that a line means together: those of a zone, of a street, of a street in a zone, of a D-TRO's provision."""

    zone: str | None = None
    street: str | None = None
    #: The attribute ``dtro_provision``, or the id of the bay that is alone in it.
    provision: str | None = None


@dataclass(frozen=True, slots=True)
class Given(Generic[Item]):
    """What a file says at a place of it (``line 3``, ``feature 2``).

    ``removed``: that it is to be forgotten. ``among``: the item, whose ``bay`` is empty, is of all bays of these.
    ``classed``: of a bay, that it says whether that is a household's.
    """

    where: str
    item: Item
    removed: bool = False
    among: Among | None = None
    classed: bool = False


@dataclass(frozen=True, slots=True)
class BaysFile:
    """What a file says. ``shapeless``, ``homeless``: bays whose geometry, and whose household, it leaves as it is;
    ``left_out``: a sentence for each thing that it says and our words cannot hold."""

    bays: Sequence[Given[Bay]] = ()
    sensors: Sequence[Given[SensorLink]] = ()
    suspensions: Sequence[Given[Suspension]] = ()
    permits: Sequence[Given[Permit]] = ()
    events: Sequence[Given[EventDay]] = ()
    shapeless: frozenset[str] = frozenset()
    homeless: frozenset[str] = frozenset()
    left_out: Sequence[str] = ()


def read_bays(data: bytes) -> BaysFile:
    """Read a bays CSV (UTF-8), one line a bay, or several that differ in their hours alone and become one.

    One without any geometry says nothing of them, and one without any UPRN nothing of households.

    Raises RegistryError with every problem and its line.
    """
    rows = csv_rows(data, REQUIRED, bad_name)
    bays = bays_of(rows)
    return BaysFile(bays=bays, shapeless=unsaid("geometry", rows, bays), homeless=unsaid("uprn", rows, bays))


def unsaid(name: str, rows: Iterable[Row | Problem], bays: Iterable[Given[Bay]]) -> frozenset[str]:
    """Ids of the bays of a file of which no row has that column; none where one has."""
    if any(name in row.cells for row in rows if isinstance(row, Row)):
        return frozenset()
    return frozenset(one.item.id for one in bays)


def bays_of(rows: Iterable[Row | Problem]) -> list[Given[Bay]]:
    """Bays of rows in the columns of the CSV; a Problem among them stands for a row that could not be read.

    Raises RegistryError with every problem, hours of one bay that hold at once among them.
    """
    bays: list[Given[Bay]] = []
    problems: list[Problem] = []
    places: dict[str, int] = {}
    hours: dict[str, list[tuple[str, Restriction]]] = {}
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        reader = _Cells(row)
        bay = reader.bay()
        problems += [Problem(row.where, text) for text in reader.wrong]
        if bay is None:
            continue
        place = places.setdefault(bay.id, len(bays))
        if place == len(bays):
            bays.append(Given(row.where, bay, classed="class" in row.cells))
        elif problem := _further(bays[place], bay):
            problems.append(Problem(row.where, problem))
            continue
        hours.setdefault(bay.id, []).extend((row.where, one) for one in bay.restrictions)
    for bay_id, lines in hours.items():
        problems += _clashes(lines)
        given = bays[places[bay_id]]
        bays[places[bay_id]] = replace(
            given, item=replace(given.item, restrictions=ordered(one for _, one in lines))
        )  # fmt: skip
    problems += _swapped(bays)
    if problems:
        raise RegistryError(problems)
    return bays


def _further(first: Given[Bay], line: Bay) -> str | None:
    """Why a further line of a bay adds no hours to its first one; None where it does."""
    said = f"bay {line.id} is already given in {first.where}"
    other = [
        name for name in Bay.__slots__ if name != "restrictions" and getattr(line, name) != getattr(first.item, name)
    ]
    if other:
        return f"{said}, and more than its hours differ: {', '.join(other)}"
    return None if line.restrictions and first.item.restrictions else f"{said}; a further line gives further hours"


def _clashes(lines: Sequence[tuple[str, Restriction]]) -> list[Problem]:
    if len(lines) > _HOURS:
        return [Problem(lines[_HOURS][0], f"the bay has hours on more than {_HOURS} lines")]
    return [
        Problem(
            lines[second][0],
            f"its hours ({hours_said(lines[second][1])}) hold at the same time as those of {lines[first][0]}"
            f" ({hours_said(lines[first][1])}); a bay has one rule at a time",
        )
        for first, second in contradictions([one for _, one in lines])
    ]


def _swapped(bays: Sequence[Given[Bay]]) -> list[Problem]:
    """Bays that would lie in Britain if their longitude were their latitude."""
    return [
        Problem(
            given.where, f"lon {given.item.lon:g}, lat {given.item.lat:g}: longitude and latitude are swapped, it seems"
        )
        for given in bays
        if not _in_britain(given.item.lon, given.item.lat) and _in_britain(given.item.lat, given.item.lon)
    ]


def _in_britain(lon: float, lat: float) -> bool:
    return -9 <= lon <= 2.5 and 49.5 <= lat <= 61


class _Cells(Cells):
    """One bay's row."""

    def __init__(self, row: Row) -> None:
        texts = {name: ATTRIBUTE for name in row.cells if name not in REQUIRED and name not in OPTIONAL}
        super().__init__(row, REQUIRED, _TEXTS | texts, free=("geometry",))

    def bay(self) -> Bay | None:
        bay_id = self.cells.get("id")
        if bay_id is not None and not BAY_ID.match(bay_id):
            self.wrong.append(f"id {bay_id[:140]!r} is no id: letters, digits and . _ : @ - only, at most 128")
        kind = self.word("kind", KINDS)
        lon, lat = self.number("lon", -180, 180), self.number("lat", -90, 90)
        length, spaces = self.number("length", 0.5, 1_000), self.whole("spaces", 1, 10_000)
        off_street, origin = self.yes("off_street"), self.word("origin", get_args(Origin))
        personal = self.word("class", ("open", "personal")) == "personal"
        uprn = self.uprn()
        if uprn is not None and not personal:
            self.wrong.append("uprn is given, but class is not personal; a bay of one home is personal")
        from_day, to_day = self.day("from"), self.day("to")
        if from_day and to_day and to_day <= from_day:
            self.wrong.append(f"to {to_day} is not after from {from_day}; it is the first day without the bay")
        restrictions = restrictions_of(self)
        shape = self._geometry()
        if self.wrong or bay_id is None or kind is None or lon is None or lat is None:
            return None
        return Bay(
            id=bay_id,
            street=self.cells["street"],
            zone=self.cells["zone"],
            kind=kind,
            lon=lon,
            lat=lat,
            spaces=spaces or 1,
            off_street=bool(off_street),
            length=length,
            geometry=shape,
            personal=personal,
            uprn=uprn,
            origin="simulated" if origin == "simulated" else "real",
            from_day=from_day,
            to_day=to_day,
            restrictions=restrictions,
            attributes={
                name: cell for name, cell in self.cells.items() if name not in REQUIRED and name not in OPTIONAL
            },
        )

    def _geometry(self) -> Mapping[str, Any] | None:
        text = self.cells.get("geometry")
        if text is None:
            return None
        if len(text) > _GEOMETRY:
            self.wrong.append(f"geometry is {len(text):,} letters long; at most {_GEOMETRY:,} are taken")
            return None
        try:
            shape = json.loads(text)
        except (ValueError, RecursionError):
            shape = None  # told below
        wrong = "is no GeoJSON geometry" if not isinstance(shape, dict) else flaw(shape)
        if wrong is not None:
            self.wrong.append(f"geometry {wrong}")
            return None
        # a point says no more than lon and lat do
        return None if shape["type"] == "Point" else {name: shape[name] for name in ("type", "coordinates")}


def bad_name(name: str) -> str | None:
    """What is wrong with a column's name."""
    if name == "restrictions":
        return "'restrictions' is no column of this file; each line has the hours of one"
    text = refusal(name, ATTRIBUTE_NAME)
    return None if text is None else f"the name {visible(name[:ATTRIBUTE_NAME])!r} {text}"


def write_bays(bays: Iterable[Bay]) -> str:
    """Write bays as CSV for programs, a line for each of their hours: `read_bays` reads it back to the same."""
    bays = list(bays)
    attributes = sorted({name for bay in bays for name in bay.attributes})
    names = [*REQUIRED, *OPTIONAL, *attributes]
    if not any(bay.geometry for bay in bays):
        names.remove("geometry")
    rows = (
        {**cells_of(bay), **(hours_cells(one) if one else {})} for bay in bays for one in (bay.restrictions or (None,))
    )
    return csv_text(names, ([row.get(name, "") for name in names] for row in rows), machine=True)


def cells_of(bay: Bay) -> dict[str, str]:
    """A bay's columns as text, without its hours and what is as if it were left out."""
    values = {
        "id": bay.id,
        "street": bay.street,
        "zone": bay.zone,
        "kind": bay.kind,
        "lon": repr(bay.lon),
        "lat": repr(bay.lat),
        "spaces": None if bay.spaces == 1 else bay.spaces,
        "off_street": "yes" if bay.off_street else None,
        "length": bay.length,
        "class": "personal" if bay.personal else None,
        "uprn": bay.uprn,
        "origin": None if bay.origin == "real" else bay.origin,
        "from": bay.from_day,
        "to": bay.to_day,
        "geometry": None if bay.geometry is None else json.dumps(bay.geometry, separators=(",", ":")),
        **bay.attributes,
    }
    return {name: str(value) for name, value in values.items() if value is not None}
