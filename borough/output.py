"""What commands print: JSON for programs, tables on a terminal, plain tab-separated lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Between two lines of progress where nobody watches, and where somebody does [s].
_SELDOM, _OFTEN = 10.0, 0.5

#: The option of every command that reports.
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]


def show_json(value: Any) -> None:
    """Print one JSON document; instants as RFC 3339."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows: a table on a terminal, elsewhere one line a row, fields separated by tabs, no heading."""
    if sys.stdout.isatty():
        table = Table(*columns)
        for row in rows:
            table.add_row(*(Text(said(cell)) for cell in row))
        Console().print(table)
        return
    for row in rows:
        say("\t".join(said(cell).replace("\t", " ").replace("\n", " ") for cell in row))


def say(text: str) -> None:
    """Print one plain line."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """Print one plain line on standard error: for people, never part of a result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class StatusLine:
    """How far a command is, on standard error: a line that is rewritten on a terminal, one now and then elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        #: When the last line was written, by `time.monotonic`.
        self.last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for another line; it counts as written then."""
        now = time.monotonic()
        if now - self.last < (_OFTEN if self._terminal else _SELDOM):
            return False
        self.last = now
        return True

    def write(self, line: str) -> None:
        """Write a line in the place of the one before."""
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        else:
            tell(line)

    def end(self) -> None:
        """Leave the line, so that what follows does not stand behind it."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def said(value: Any) -> str:
    """One value in a table's cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S") + "Z"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not written as JSON")
