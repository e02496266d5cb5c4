"""Where a run of letters is made before any of it counts: a folder of its own inside the period's folder.

A file is noted before it is written, there and, when the run is accepted, in its own place too. Acceptance is one
transaction: codes become valid and files are noted in their places; then they are moved. Killed before it, a run leaves
nothing that counts and the next one clears it away; killed after it, the next one ends the moving.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from borough.errors import Failure
from store import letters
from store.connect import Connection

MANIFEST = "manifest.csv"
NOT_MADE = "not-made.csv"
_FOLDER = ".making"
#: Files of an earlier run, whole or, of versions that wrote them here, half.
_OURS = re.compile(
    r"(\d{14}|message-\d+|print-run(-messages)?(-\d+)?)\.pdf\Z|\.(\d{14}|print-run(-\d+)?)\.pdf\.part\Z|not-made\.csv\Z"
)


class Staging:
    """The staging folder of a period's folder; ``at`` is the instant that its notes have."""

    def __init__(self, connection: Connection, folder: Path, now: datetime) -> None:
        self._connection = connection
        self.folder = folder
        self.path = folder / _FOLDER
        self.recover()
        self.at = letters.later_than(connection, f"{folder}/", now)
        self.path.mkdir(mode=0o700)

    def put(self, name: str, data: bytes) -> None:
        """Write a noted file that only we can read. Raises OSError."""
        with os.fdopen(os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)

    def remove(self, name: str) -> None:
        """Remove a file that will not be part of the run. Raises OSError."""
        (self.path / name).unlink(missing_ok=True)

    def place(self, names: Collection[str]) -> None:
        """Move the files of these names to their places, after the run was accepted. Raises OSError, psycopg.Error."""
        if MANIFEST in names:
            self._clear(names)
        # what is sent to the printer appears last
        for name in sorted(names, key=lambda name: (name == MANIFEST, name.startswith("print-run"), name)):
            # one that is not there was moved before a kill, or its household was erased just now
            with suppress(FileNotFoundError):
                (self.path / name).replace(self.folder / name)
        self._discard()

    def _discard(self) -> None:
        """Remove all that was made. Raises OSError, psycopg.Error."""
        if self.path.is_dir():
            for path in self.path.iterdir():
                path.unlink()
            self.path.rmdir()
        letters.unstage(self._connection, f"{self.path}/")

    def recover(self) -> None:
        """End what a broken run left: move what was accepted, remove what was not. Raises OSError, psycopg.Error."""
        noted, accepted = letters.staged(self._connection, f"{self.folder}/", f"{self.path}/")
        if accepted:
            self.place({Path(path).name for path in noted})
        else:
            self._discard()

    def _clear(self, keep: Collection[str]) -> None:
        """Remove letters of an earlier run whose households get none any more."""
        for path in self.folder.iterdir():
            if path.name not in keep and _OURS.match(path.name):
                path.unlink()


@contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """A folder that nobody else can look into, for one run at a time. Raises Failure where it cannot be had."""
    try:
        if not folder.parent.exists():
            folder.parent.mkdir(mode=0o700, parents=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Failure(f"{folder}: {error.strerror}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder.resolve()
    except BlockingIOError:
        raise Failure(f"{folder}: another borough letters is making letters there") from None
    finally:
        os.close(held)
