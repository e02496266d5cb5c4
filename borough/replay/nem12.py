"""NEM12, the interval data of the Australian market (AEMO, "Meter Data File Format Specification NEM12 & NEM13").

Records instead of rows: 100 head, 200 a stream of a meter with its unit and interval length, 300 the values of one day,
400 the quality of some of them, 900 the end. Times are those of the market, ten hours before UTC all year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from devices.counts import counted

#: What each row has.
COLUMNS = ("nmi", "suffix", "register", "meter", "unit", "interval", "quality", "time", "value")
_MINUTES = {"5": 5, "15": 15, "30": 30}
_UNITS = {"kwh": "kWh", "wh": "Wh", "mwh": "MWh"}
_RECORDS = ("100", "200", "300", "400", "500", "900")


class Nem12Error(ValueError):
    """A record is not as the specification has it. The text says what, never what stands in it."""


def rows(records: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """One row an interval that has a value, of records with their lines; ``time`` is the interval's start.

    Intervals of quality N (null) have none. ``quality`` is the first letter (A, E, F, S). Raises Nem12Error.
    """
    stream: dict[str, str] | None = None
    day: _Day | None = None
    ended = False
    for line, record in records:
        cells = [cell.strip() for cell in record]
        kind = cells[0]
        if kind not in _RECORDS:
            raise Nem12Error("begins with none of the records 100, 200, 300, 400, 500, 900")
        if kind == "100" and cells[1:2] != ["NEM12"]:
            raise Nem12Error("is the head of another format than NEM12")
        if kind == "400" and day is not None:
            day.judge(cells)
            continue
        if day is not None:
            yield from day.rows()
            day = None
        if kind == "200":
            stream = _stream(cells)
        elif kind == "300":
            if stream is None:
                raise Nem12Error("a record 300 stands before the first 200")
            day = _Day(line, cells, stream)
        elif kind == "400":
            raise Nem12Error("a record 400 stands behind no 300")
        ended = kind == "900"
    if day is not None:
        yield from day.rows()
    if not ended:
        raise Nem12Error("has no record 900 at its end: the file was cut off")


def _stream(cells: list[str]) -> dict[str, str]:
    if len(cells) < 9:
        raise Nem12Error(f"a record 200 has {counted(len(cells), 'cell')}; 9 are needed")
    if cells[8] not in _MINUTES:
        raise Nem12Error("the interval length of a record 200 (its cell 9) is none of 5, 15, 30 minutes")
    return {
        "nmi": cells[1], "register": cells[3], "suffix": cells[4], "meter": cells[6], "interval": f"PT{cells[8]}M",
        "unit": _UNITS.get(cells[7].lower(), cells[7]),
    }  # fmt: skip


class _Day:
    """The values of a record 300 and what records 400 say of them."""

    def __init__(self, line: int, cells: list[str], stream: dict[str, str]) -> None:
        self._line = line
        self._stream = stream
        self._step = _MINUTES[stream["interval"][2:-1]]
        count = 1440 // self._step
        if len(cells) < count + 3:
            raise Nem12Error(f"a record 300 has {counted(len(cells), 'cell')}; {count + 3} are needed at least")
        try:
            self._date = datetime.strptime(cells[1], "%Y%m%d").date()  # noqa: DTZ007 the market's, see `rows`
        except ValueError:
            raise Nem12Error("the date of a record 300 (its cell 2) is none") from None
        self._values = cells[2 : count + 2]
        self._quality = [cells[count + 2][:1]] * count

    def judge(self, cells: list[str]) -> None:
        """A record 400: the quality of the intervals from its second to its third cell, counted from 1."""
        try:
            first, last = int(cells[1]), int(cells[2])
            quality = cells[3][:1]
        except (ValueError, IndexError):
            raise Nem12Error("a record 400 needs two numbers of intervals and a quality") from None
        if not 1 <= first <= last <= len(self._values):
            raise Nem12Error(f"the intervals of a record 400 are not within 1 to {len(self._values)}")
        self._quality[first - 1 : last] = [quality] * (last - first + 1)

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Those that have a value."""
        for number, (value, quality) in enumerate(zip(self._values, self._quality, strict=True)):
            if value and quality != "N":
                hour, minute = divmod(number * self._step, 60)
                time = f"{self._date}T{hour:02}:{minute:02}:00+10:00"
                yield self._line, {**self._stream, "quality": quality, "time": time, "value": value}
