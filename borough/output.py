"""What commands print: JSON for programs, tables on a terminal, plain tab-separated lines elsewhere.

Names, topics, messages and files come from strangers, so whatever is written here is made visible first
(`devices.text`), and nothing else in the program writes to standard output or standard error: a test looks. Logs go
through `borough.logs`, which does the same.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Annotated, Any

import typer

from devices.text import visible, visible_json

#: Between two lines of progress where nobody watches, and where somebody does [s].
_SELDOM, _OFTEN = 10.0, 0.5

#: The option of every command that reports.
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]


def prepare() -> None:
    """Once at the start of the process: a sign that the terminal's encoding lacks is written as its escape, and the
    traceback of a fault of ours, which quotes whatever it stumbled over, is made visible like everything else."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a text stream of this process
    sys.excepthook = _fault
    threading.excepthook = lambda args: _fault(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _fault(args.exc_type, args.exc_value, args.exc_traceback)


def show_json(value: Any) -> None:
    """Print one JSON document; instants as RFC 3339. Signs that a terminal would act upon are JSON's escapes."""
    unicode = _unicode()
    encoder = json.JSONEncoder(default=_plain, ensure_ascii=not unicode, indent=2)
    for part in encoder.iterencode(value):
        sys.stdout.write(visible_json(part))
    sys.stdout.write("\n")


def show_json_pieces(pieces: Iterable[bytes]) -> None:
    """Print one JSON document that comes in pieces of whole words, as `show_json` would."""
    unicode = _unicode()
    for piece in pieces:
        sys.stdout.write(visible_json(piece.decode(), ascii_only=not unicode))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows: a table on a terminal, elsewhere the headings and one line a row, fields separated by tabs."""
    if not sys.stdout.isatty():
        say(*columns)
        for row in rows:
            say(*row)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # as Text and not as str, in which rich looks for its markup: [red], [link=…], and [m2] of a heading
    table = Table()
    for column in columns:
        table.add_column(Text(visible(column)))
    for row in rows:
        table.add_row(*(Text(visible(said(cell))) for cell in row))
    Console().print(table)


def say(*fields: object) -> None:
    """Print one line: a sentence, or fields separated by tabs."""
    sys.stdout.write("\t".join(visible(said(field)) for field in fields) + "\n")


def tell(text: str) -> None:
    """Print one line on standard error: for people, never part of a result."""
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def show_bytes(data: bytes) -> None:
    """Write what a program is to read, byte for byte. Only a person at a terminal gets it as visible text."""
    if sys.stdout.isatty():
        sys.stdout.write(visible(data.decode("utf-8", "backslashreplace"), lines=True))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    sys.stdout.flush()


def tell_fault() -> None:
    """Write the fault that is being handled, with its traceback, for whoever reads what we leave behind."""
    _fault(*sys.exc_info())


def agreed(question: str) -> None:
    """Ask the person at the terminal. Raises typer.Abort unless the answer is yes."""
    typer.confirm(visible(question), abort=True)


def flush() -> None:
    """Write out what is held back. Raises BrokenPipeError where nobody reads any more."""
    sys.stdout.flush()
    sys.stderr.flush()


def give_up() -> None:
    """Nobody reads standard output any more: what is still held goes nowhere, or Python would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
            sys.stderr.write(f"\r\x1b[K{visible(line)}")
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


def _unicode() -> bool:
    """Whether standard output takes every sign; a stream in memory names no encoding and does."""
    return (sys.stdout.encoding or "utf-8").lower().startswith("utf")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} is not written as JSON")


def _fault(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    for part in traceback.format_exception(kind, error, trace):
        # lines of the traceback's own begin so; any other quotes the exception's text, which is to stay one line
        own = part.startswith((" ", "\n", "Traceback"))
        sys.stderr.write(visible(part, lines=True) if own else visible(part.removesuffix("\n")) + "\n")
    sys.stderr.flush()
