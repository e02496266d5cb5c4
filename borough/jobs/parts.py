"""A job's ledger in parts: each whole file stays, so that it can be scored while the job runs and when it goes on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from simulators.ledger import LedgerWriter, Rows

#: A part is ended after so much time, more of it the longer the job has run [s], or so many rows.
_SOONEST, _LATEST, _SHARE = 2.0, 60.0, 0.02
_ROWS = 1_000_000


class Parts:
    """Takes the place of one ledger's writer. The first ``count`` parts are whole already; what is there beside them
    was begun by a process that was killed, and is removed. Raises OSError.
    """

    def __init__(self, folder: Path, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self.whole = [self._path(number) for number in range(count)]
        kept = set(self.whole)
        for path in folder.iterdir():
            if path not in kept:
                path.unlink()
        self._writer: LedgerWriter | None = None
        self._rows = 0
        self._begun = self._cut = clock()

    @property
    def due(self) -> bool:
        """Whether this part has lasted long enough."""
        now = self._clock()
        lasts = min(_LATEST, max(_SOONEST, _SHARE * (now - self._begun)))
        return self._rows >= _ROWS or now - self._cut >= lasts

    def append(self, rows: Rows) -> None:
        """Add rows at the end. Raises OSError."""
        if len(rows):
            if self._writer is None:
                self._writer = LedgerWriter(self._path(len(self.whole)))
            self._writer.append(rows)
            self._rows += len(rows)

    def cut(self) -> int:
        """End the part, if anything is in it, and wait until it is on disk; how many are whole. Raises OSError."""
        self._cut = self._clock()
        if self._writer is not None:
            writer, self._writer, self._rows = self._writer, None, 0
            writer.close()
            path = self._path(len(self.whole))
            file = os.open(path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
            # another list: whoever scores the one before is not disturbed
            self.whole = [*self.whole, path]
        return len(self.whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.cut()
        elif self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(kind, error, trace)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.parquet"


def whole_parts(folder: Path, count: int) -> list[Path]:
    """The first parts of a ledger."""
    return [folder / f"{number:06d}.parquet" for number in range(count)]
