"""One line of a file that people made, read cell by cell: numbers, days, words, each told where it cannot be taken."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from devices.lengths import refusal
from devices.registry import Row
from devices.uprn import is_uprn, plain

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\Z", re.ASCII)
#: A whole number without a sign: as many digits as any of ours has.
_WHOLE = re.compile(r"\d{1,15}\Z", re.ASCII)
#: No other cell is longer: numbers, words, lists.
_CELL = 10_000
#: Days of our time and not of a slip of the hand, whose neighbours are days too.
_DAY = re.compile(r"(1[89]|2[01])\d\d-\d\d-\d\d\Z", re.ASCII)
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class Cells:
    """The cells of one line; ``wrong`` collects what cannot be taken.

    ``texts`` are columns that are shown to people as they are, with how long they may be; ``free`` ones are looked at
    by the reader itself. A cell that is refused is left out: the rest of the line is read all the same, so that
    whoever mends it learns of everything at once.
    """

    def __init__(
        self, row: Row, required: Sequence[str], texts: Mapping[str, int], *, free: Collection[str] = ()
    ) -> None:
        self.where = row.where
        refused = {
            name: text
            for name, cell in row.cells.items()
            if name not in free and (text := refusal(cell, texts.get(name, _CELL), lines=name not in texts))
        }
        self.wrong = [f"{name} {text}" for name, text in refused.items()]
        self.wrong += [f"has no {name}" for name in required if name not in row.cells]
        self.cells = {name: cell for name, cell in row.cells.items() if name not in refused}

    def uprn(self) -> str | None:
        """The UPRN, without leading zeros; None: left out, or told as wrong. The same below."""
        cell = self.cells.get("uprn")
        if cell is None or is_uprn(cell):
            return None if cell is None else plain(cell)
        self.wrong.append("uprn is not a number of up to 12 digits")
        return None

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number between two others, both allowed."""
        cell = self.cells.get(name)
        if cell is None:
            return None
        if not _NUMBER.match(cell) or not low <= float(cell) <= high:
            self.wrong.append(f"{name} {cell!r} is not a number from {low:g} to {high:g}")
            return None
        return float(cell)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number."""
        cell = self.cells.get(name)
        if cell is None:
            return None
        if not _WHOLE.match(cell) or not low <= int(cell) <= high:
            self.wrong.append(f"{name} {cell!r} is not a whole number from {low} to {high}")
            return None
        return int(cell)

    def day(self, name: str) -> date | None:
        """A date."""
        cell = self.cells.get(name)
        if cell is None:
            return None
        try:
            if _DAY.match(cell):
                return date.fromisoformat(cell)
        except ValueError:
            pass  # said below, as for any other text
        self.wrong.append(f"{name} {cell!r} is no date such as 2026-04-01")
        return None

    def word(self, name: str, words: Sequence[str]) -> str | None:
        """One of some words."""
        cell = self.cells.get(name)
        if cell is None or cell in words:
            return cell
        self.wrong.append(f"{name} {cell!r} is not one of {', '.join(words)}")
        return None

    def yes(self, name: str) -> bool | None:
        """Yes or no."""
        cell = self.cells.get(name)
        if cell is None:
            return None
        if cell.lower() not in _YES:
            self.wrong.append(f"{name} {cell!r} is neither yes nor no")
            return None
        return _YES[cell.lower()]
