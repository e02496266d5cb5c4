"""The one CSV writer (RFC 4180). Tables for people are guarded against formulas, tables for programs say `machine`.

A spreadsheet computes a cell that begins with ``=``, ``+``, ``-`` or ``@``, and such a formula can send what the file
holds to whoever wrote it; people type the names of tariffs, and strangers those of properties and topics.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = object
Row = Sequence[Cell]

#: What begins a formula, and its full-width, small, raised and lowered forms, which some programs take for the same.
_BEGINS = "[=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a-\u207c\u208a-\u208c]"
#: What a program may strip before it looks: white space, control characters, and formatting (Unicode's Cf).
_STRIPPED = (
    "[\\s\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U00013438\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001-\U000e007f]*"
)
#: Places for a guard: at the beginning of a cell, and after a semicolon or tab inside it, where programs with another
#: separator cut (Excel in many countries, LibreOffice's import). A comma is safe between quotation marks.
_FORMULA = re.compile(f"\\A(?=[\t\r\n])|(?:\\A|(?<=[;\t]))(?={_STRIPPED}{_BEGINS})")
#: A whole number or decimal fraction as we write them: a spreadsheet takes it for this number and nothing else.
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?\Z", re.ASCII)


def guarded(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula.

    Text that begins like one, after white space too, gets an apostrophe before it, and so does what follows a semicolon
    or a tab inside the text. Numbers stay, and text that is a number and nothing else (``-5``) too; not ``+44 20``,
    which would lose its plus. A quotation mark before ``=`` needs no guard: it makes text of the cell.
    """
    if cell is None or isinstance(cell, int | float):
        return cell
    text = str(cell)
    return text if _NUMBER.match(text) else _FORMULA.sub("'", text)


class CsvTable:
    """CSV that grows row by row: `add` rows, `take` what is written so far."""

    def __init__(self, *, machine: bool = False, line_end: str = "\r\n") -> None:
        """``machine``: for a program, which reads back exactly what was given; nothing is guarded."""
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator=line_end)
        self._machine = machine

    def add(self, row: Row) -> None:
        """Write a row."""
        self._writer.writerow(row if self._machine else [guarded(cell) for cell in row])

    def take(self) -> str:
        """What was written since the last time."""
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text


def csv_text(head: Sequence[str] | None, rows: Iterable[Row], *, machine: bool = False, line_end: str = "\r\n") -> str:
    """A table with its heading, or without one where it goes on; ``machine`` as in `CsvTable`."""
    table = CsvTable(machine=machine, line_end=line_end)
    if head is not None:
        table.add(head)
    for row in rows:
        table.add(row)
    return table.take()
