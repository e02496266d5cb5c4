"""Postcodes and areas as the Office for National Statistics publishes them: CSV in, places out.

The ONS Postcode Directory, the National Statistics Postcode Lookup, and the lists of areas with their centroids
(built-up areas, wards, parishes and the like), each as it comes. Pure: lines in. A directory has millions of them:
never more than a part is held.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from devices.counts import counted
from devices.lengths import NAME, refusal
from devices.registry import Problem, RegistryError

Kind = Literal["postcode", "area"]

#: Lines that are read before they are given on.
_PART = 20_000
#: So many problems are told by their line.
TOLD = 100
#: What a postcode may be called in the first line; the first that is there counts.
_POSTCODE = ("pcds", "pcd", "pcd7", "pcd8", "pcd2")
_LAT, _LONG = ("lat", "latitude"), ("long", "lon", "longitude")
#: An area's name, such as BUA24NM, WD25NM or PAR23NM; its Welsh one ends in NMW.
_AREA = re.compile(r"[a-z]{2,7}\d{2}nm\Z")
_CODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}\Z")
_OUTWARD = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\Z")
#: A directory's latitude of what has no place, beside a longitude of 0.
_NOWHERE = 99.0


class Place(NamedTuple):
    """A postcode (capitals, without blanks) or an area, and its middle [degrees, WGS 84]."""

    name: str
    lon: float
    lat: float


@dataclass(slots=True)
class Part:
    """Some of a file: ``places``, and ``ended``: postcodes that are no more."""

    places: list[Place] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


class PlacesFile:
    """One file, read once through `parts`; then the counts are whole.

    ``kind`` is known when it is made. Raises RegistryError for a file whose first line is none of those.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._reader = csv.reader(lines, strict=True)
        self.kind: Kind = "postcode"
        #: Lines that were read, and of them those of postcodes that have ended, and those without a place.
        self.lines = self.ended = self.unplaced = 0
        #: What is wrong; no more than `TOLD` of ``wrong`` are told.
        self.problems: list[Problem] = []
        self.wrong = 0
        try:
            header = [cell.strip().lstrip("\ufeff").lower() for cell in next(self._reader, [])]
        except csv.Error as error:
            raise RegistryError([Problem("line 1", f"is not CSV: {error}")]) from None
        self._columns(header)

    def _columns(self, header: Sequence[str]) -> None:
        names = {name: place for place, name in reversed(list(enumerate(header)))}
        found = [next((names[one] for one in some if one in names), None) for some in (_POSTCODE, _LAT, _LONG)]
        self._name, self._lat, self._long = found
        self._end, self._width = names.get("doterm"), len(header)
        if self._name is None:
            self.kind = "area"
            self._name = next((place for place, name in enumerate(header) if _AREA.match(name)), None)
        wants = {"a postcode (pcds) or an area (such as BUA24NM)": self._name, "LAT": self._lat, "LONG": self._long}
        if missing := [name for name, place in wants.items() if place is None]:
            said = "is empty" if not header else f"does not name {', nor '.join(missing)}"
            raise RegistryError([Problem("line 1", f"{said}; see docs/reference/places-file.md")])

    def parts(self) -> Iterator[Part]:
        """The file, part by part."""
        part = Part()
        line = 2
        try:
            for cells in self._reader:
                if cells:
                    self._take(cells, line, part)
                line = self._reader.line_num + 1
                if len(part.places) + len(part.ended) >= _PART:
                    yield part
                    part = Part()
        except csv.Error as error:
            self._problem(self._reader.line_num, f"is not CSV: {error}")
        except UnicodeDecodeError:
            # text is decoded in blocks: the line is the last that came whole
            self._problem(self._reader.line_num + 1, "or one soon after it is not UTF-8 text")
        yield part

    def _take(self, cells: Sequence[str], line: int, part: Part) -> None:
        assert self._name is not None
        assert self._lat is not None
        assert self._long is not None
        self.lines += 1
        if len(cells) != self._width:
            said = f"has {counted(len(cells), 'field')}, the first line names {counted(self._width, 'column')}"
            self._problem(line, said)
            return
        name = cells[self._name].strip()
        if self.kind == "postcode":
            name = plain_postcode(name)
            if _CODE.match(name) is None:
                self._problem(line, f"{cells[self._name]!r} is no postcode")
                return
            if self._end is not None and cells[self._end].strip():
                self.ended += 1
                part.ended.append(name)
                return
        elif not name or (wrong := refusal(name, NAME)) is not None:
            self._problem(line, f"the area's name {'is missing' if not name else wrong}")
            return
        lat, lon = cells[self._lat].strip(), cells[self._long].strip()
        try:
            place = Place(name, float(lon), float(lat)) if lat or lon else None
        except ValueError:
            self._problem(line, f"{lat!r}, {lon!r} are no latitude and longitude")
            return
        if place is None or place.lat > _NOWHERE:
            self.unplaced += 1
        elif not (-90 <= place.lat <= 90 and -180 <= place.lon <= 180):
            self._problem(line, f"{lat}, {lon} is no place on Earth")
        else:
            part.places.append(place)

    def _problem(self, line: int, text: str) -> None:
        self.wrong += 1
        if len(self.problems) < TOLD:
            self.problems.append(Problem(f"line {line}", text))


def plain_postcode(text: str) -> str:
    """A postcode as it is stored: capitals, no blanks."""
    return "".join(text.split()).upper()


def is_postcode(text: str) -> bool:
    """Whether a text is a whole postcode, however it is spelt."""
    return _CODE.match(plain_postcode(text)) is not None


def is_outward(text: str) -> bool:
    """Whether a text is the first half of a postcode."""
    return _OUTWARD.match(text.strip().upper()) is not None
