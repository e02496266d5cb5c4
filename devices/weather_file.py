"""Temperatures of a place as a file: CSV in, means of local days out. Pure: lines in.

``day,celsius`` has a line for each local day, ``time,celsius`` one for each full hour; other columns are left alone. A
day of hours is their mean and needs 22 of them, on the days of the clock change too. A temperature that is left empty
is not known. A file is taken whole or not at all, so every problem is collected.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo

from devices.counts import counted
from devices.registry import Problem, RegistryError
from devices.text import visible

#: So many problems are told by their line.
TOLD = 100
#: Hours of a local day that its mean needs.
FEWEST_HOURS = 22
#: What has been measured on Earth [Cel], and a little more.
COLDEST, WARMEST = -90.0, 60.0
_YEARS = range(1900, 2200)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)\Z", re.ASCII)


class WeatherFile:
    """One file, read when it is made: ``days`` [Cel], and beside it what was not taken.

    Raises RegistryError for a file whose first line does not name its columns.
    """

    def __init__(self, lines: Iterable[str], zone: tzinfo) -> None:
        self.days: dict[date, float] = {}
        #: Lines that were read; of them those without a temperature; days of which too few hours are there.
        self.lines = self.empty = self.short = 0
        #: What is wrong; no more than `TOLD` of ``wrong`` are told.
        self.problems: list[Problem] = []
        self.wrong = 0
        self._zone = zone
        self._seen: dict[date | datetime, int] = {}
        self._hours: dict[date, list[float]] = {}
        reader = csv.reader(lines, strict=True)
        try:
            self._columns([cell.strip().lstrip("\ufeff").lower() for cell in next(reader, [])])
            line = 2
            for cells in reader:
                if cells:
                    self._take(cells, line)
                line = reader.line_num + 1
        except csv.Error as error:
            self._problem(max(reader.line_num, 1), f"is not CSV: {error}")
        except UnicodeDecodeError:
            # text is decoded in blocks: the line is the last that came whole
            self._problem(reader.line_num + 1, "or one soon after it is not UTF-8 text")
        for day, hours in self._hours.items():
            if len(hours) >= FEWEST_HOURS:
                self.days[day] = sum(hours) / len(hours)
            else:
                self.short += 1

    def _columns(self, header: Sequence[str]) -> None:
        self._width = len(header)
        self.hourly = "day" not in header
        when = "time" if self.hourly else "day"
        if when not in header or "celsius" not in header:
            said = "is empty" if not header else "names neither day,celsius nor time,celsius"
            raise RegistryError([Problem("line 1", f"{said}; see docs/reference/weather-file.md")])
        self._when, self._celsius = header.index(when), header.index("celsius")

    def _take(self, cells: Sequence[str], line: int) -> None:
        self.lines += 1
        if len(cells) != self._width:
            said = f"has {counted(len(cells), 'field')}, the first line names {counted(self._width, 'column')}"
            self._problem(line, said)
            return
        text, value = cells[self._when].strip(), cells[self._celsius].strip()
        try:
            when = self._hour(text) if self.hourly else self._day(text)
        except ValueError as error:
            self._problem(line, f"{visible(text)!r} {error}")
            return
        if when in self._seen:
            self._problem(line, f"{visible(text)!r} stands in line {self._seen[when]} already")
            return
        self._seen[when] = line
        if not value:
            self.empty += 1
            return
        celsius = float(value) if _NUMBER.match(value) else None
        if celsius is None or not COLDEST <= celsius <= WARMEST:
            self._problem(line, f"{visible(value)!r} is no temperature of {COLDEST:.0f} to {WARMEST:.0f} Celsius")
        elif isinstance(when, datetime):
            self._hours.setdefault(when.astimezone(self._zone).date(), []).append(celsius)
        else:
            self.days[when] = celsius

    @staticmethod
    def _day(text: str) -> date:
        try:
            found = date.fromisoformat(text)
        except ValueError:
            raise ValueError("is no day such as 2026-02-01") from None
        if found.year not in _YEARS:
            raise ValueError(f"is not in {_YEARS[0]} to {_YEARS[-1]}")
        return found

    @staticmethod
    def _hour(text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("is no time such as 2026-02-01T13:00Z") from None
        if found.year not in _YEARS:
            raise ValueError(f"is not in {_YEARS[0]} to {_YEARS[-1]}")
        if found.tzinfo is None:
            raise ValueError("has no offset: end it in Z or +01:00")
        found = found.astimezone(UTC)
        if found.minute or found.second or found.microsecond:
            raise ValueError("is no full hour")
        return found

    def _problem(self, line: int, text: str) -> None:
        self.wrong += 1
        if len(self.problems) < TOLD:
            self.problems.append(Problem(f"line {line}", text))
