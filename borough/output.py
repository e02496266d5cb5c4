"""What commands print: JSON for programs, tables on a terminal, plain tab-separated lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

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
