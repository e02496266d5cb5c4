"""What of files could not be read: all of it is counted, the first of it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

_TOLD = 5
#: Lines of one text that are told by number.
_LINES = 100


class Unreadable:
    """Cells and rows that the mapping cannot read. ``what``: at what, with the first text.

    ``told`` is given file, line and reason of each.
    """

    def __init__(self, told: Callable[[Path, int, str], None] = lambda *_: None) -> None:
        self._told = told
        self.count = 0
        self.lines: list[str] = []
        self.what: dict[str, str] = {}

    def add(self, path: Path, line: int, what: str, reason: str) -> None:
        """Count one; ``what`` is ``time``, ``device`` or a property."""
        self._told(path, line, f"{what}: cannot be read")
        self._tell(1, f"{path.name}, line {line}: {what}: {reason}", what)

    def add_lines(self, path: Path, lines: Sequence[int], what: str, reason: str) -> None:
        """Count rows that cannot be read for one reason, which is told once for all of them."""
        for line in lines:
            self._told(path, line, f"{what}: {reason}")
        shown = ", ".join(map(str, lines[:_LINES])) + (", …" if len(lines) > _LINES else "")
        self._tell(len(lines), f"{path.name}, line{'s' if len(lines) > 1 else ''} {shown}: {what}: {reason}", what)

    def _tell(self, count: int, text: str, what: str) -> None:
        self.count += count
        self.what.setdefault(what, text)
        if len(self.lines) < _TOLD:
            self.lines.append(text)
