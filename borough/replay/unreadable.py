"""What of files could not be read: all of it is counted, the first of it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_TOLD = 5
#: Lines of one text that are told by number.
_LINES = 100


class Unreadable:
    """Cells and rows that the mapping cannot read. ``what``: at what, with the first text."""

    def __init__(self) -> None:
        self.count = 0
        self.lines: list[str] = []
        self.what: dict[str, str] = {}

    def add(self, path: Path, line: int, what: str, reason: str) -> None:
        """Count one; ``what`` is ``time``, ``device`` or a property."""
        self._tell(1, f"{path.name}, line {line}: {what}: {reason}", what)

    def add_lines(self, path: Path, lines: Sequence[int], what: str, reason: str) -> None:
        """Count rows that cannot be read for one reason, which is told once for all of them."""
        shown = ", ".join(map(str, lines[:_LINES])) + (", …" if len(lines) > _LINES else "")
        self._tell(len(lines), f"{path.name}, line{'s' if len(lines) > 1 else ''} {shown}: {what}: {reason}", what)

    def _tell(self, count: int, text: str, what: str) -> None:
        self.count += count
        self.what.setdefault(what, text)
        if len(self.lines) < _TOLD:
            self.lines.append(text)
