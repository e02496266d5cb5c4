"""The demo's ledger: whole files, one after the other, so that it can be read while the demo runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from simulators.ledger import LedgerWriter, Rows

#: A file of the past is closed from so many rows on.
_ROWS = 500_000


class LedgerFolder:
    """Takes the place of one writer: a file is begun with the first rows and gets its name when it is closed.

    ``first``: the number of the first message; ``prefix`` of the files' names. ``written`` are this run's files.
    """

    def __init__(self, folder: Path, first: int, prefix: str = "") -> None:
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"{prefix}[0-9]*.part"):
            left.unlink()  # of a run that was killed: it has no end and cannot be read
        self._folder, self._prefix = folder, prefix
        self._file: LedgerWriter | None = None
        self._base, self._next = first, first
        self._count = 0
        self.written: list[Path] = []
        #: Meters of households that have left: what they send is not kept.
        self.left: frozenset[str] = frozenset()

    @property
    def next_message(self) -> int:
        """The number of the next message."""
        return self._next

    def begin(self) -> None:
        """Another simulation begins: its messages are numbered after those that are out."""
        self._base = self._next

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""
        if not len(rows):
            return
        rows = replace(rows, message=rows.message + self._base)
        self._next = max(self._next, int(rows.message.max()) + 1)
        if gone := [place for place, device in enumerate(rows.devices) if device in self.left]:
            rows = rows.take(~np.isin(rows.device, gone))
            if not len(rows):
                return
        if self._file is None:
            self.written.append(self._folder / f"{self._prefix}{int(rows.message.min()):010d}.parquet")
            self._file, self._count = LedgerWriter(self.written[-1]), 0
        self._file.append(rows)
        self._count += len(rows)

    def whole(self) -> None:
        """Close the file if it is large enough."""
        if self._count >= _ROWS:
            self.close()

    def close(self) -> None:
        """Close the file that is being written, if any; the next rows begin another."""
        if self._file is not None:
            file, self._file = self._file, None
            file.close()
