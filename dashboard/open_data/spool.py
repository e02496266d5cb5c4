"""An export while it is made: written to a file without a name as fast as the database gives it, read from there as
slowly as its reader likes. So no reader holds a transaction open.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack


class Spool:
    """The bytes of ``pieces`` so far: ``size`` of them; ``whole``: that is all.

    For threads that take turns: `more` makes the next piece, anybody may `read` meanwhile. The file is gone with
    `close`, or with the process. Raises OSError where a temporary file cannot be made.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._after: list[Callable[[], object]] = []
        self._file = tempfile.TemporaryFile(prefix="borough-export-", buffering=0)  # noqa: SIM115  # see `close`
        self._hash = hashlib.sha256()
        self._running = threading.Lock()
        self._stop = self._over = False
        self.size = 0
        self.whole = False

    def more(self, least: int) -> None:
        """Make pieces until there are ``least`` bytes more, or no more at all.

        Raises what making them does, and OSError; then nothing more is made.
        """
        with self._running:
            goal = self.size + least
            try:
                while not (self._stop or self._over) and self.size < goal:
                    piece = next(self._pieces, None)
                    if piece is None:
                        self._end()
                        self.whole = True
                    else:
                        self._write(piece)
            except BaseException:
                self._end()
                raise

    def when_made(self, call: Callable[[], object]) -> None:
        """Have something done once when nothing more is made, however that ended: at once where it is so already."""
        with self._running:
            if self._over:
                call()
            else:
                self._after.append(call)

    def read(self, begin: int, count: int) -> bytes:
        """Bytes from ``begin`` on, no more than ``count``. Raises OSError."""
        return os.pread(self._file.fileno(), count, begin)

    @property
    def digest(self) -> str:
        """SHA-256 of what there is."""
        return self._hash.hexdigest()

    def give_up(self) -> None:
        """Nobody will ask for another piece: the one that is being made is the last."""
        self._stop = True

    def close(self) -> None:
        """Give back what making them holds, and the file."""
        self._stop = True
        with self._running:
            self._end()
            self._file.close()

    def _write(self, piece: bytes) -> None:
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]
        self._hash.update(piece)
        self.size += len(piece)

    def _end(self) -> None:
        """Close the iterator and then, in the order in which they came, do what is to be done after it: once."""
        self._over = True
        with ExitStack() as calls:
            while self._after:
                calls.callback(self._after.pop())
            close = getattr(self._pieces, "close", None)
            if close is not None:
                calls.callback(close)
        self._pieces = iter(())
