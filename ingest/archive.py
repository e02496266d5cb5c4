"""The archive: accepted messages as they came, without a household's identifiers, for corrections later.

Written by the writer's thread of a built batch and before the transaction, so a message is in the archive before it
is acknowledged; one that is redelivered after a crash stands there twice, which a correction does not mind
(docs/decisions/003-corrections.md). What cannot be archived is counted and logged, and its readings go on.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from devices.scrub import without_identifiers
from ingest.archive_files import OPEN, PERSONAL, Frame, FrameEncoder, devices_file
from ingest.build_batch import BuiltBatch
from ingest.metrics import Metrics
from ingest.routes import Route
from ingest.series_cache import FAMILY_NAMES

log = logging.getLogger(__name__)

_DAY = 86_400_000_000
#: So long nothing is tried after an error: a full disk would get a new file with every batch.
_PAUSE_SECONDS = 5.0


class Archive:
    """The archive of one collector's session (``name``). For one thread.

    Raises OSError where the folders cannot be made or written.
    """

    def __init__(self, folder: Path, name: str, metrics: Metrics) -> None:
        self._folder = folder
        self._name = name
        self._metrics = metrics
        self._files: dict[tuple[bool, int], _File] = {}
        self._pause_until = 0.0
        make_folders(folder)

    def write(self, built: BuiltBatch) -> None:
        """Archive the accepted messages of a batch. Never raises for what the disk does."""
        accepted = np.flatnonzero(built.accepted)
        if not len(accepted):
            return
        routes = built.pending.routes
        count = len(routes)
        family = np.fromiter((route.family for route in routes), np.int64, count)
        personal = np.fromiter((route.personal for route in routes), np.int64, count)
        key = (built.arrivals // _DAY * 256 + family * 2 + personal)[accepted]
        for group in np.unique(key).tolist():
            rows = accepted[key == group].tolist()
            self._write_group(built, rows, bool(group % 2), group % 256 // 2, group // 256)

    def close(self) -> None:
        """Bring what was written to the disk and close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write_group(self, built: BuiltBatch, rows: list[int], personal: bool, family: int, day: int) -> None:
        if time.monotonic() < self._pause_until:
            self._metrics.archive_missed += len(rows)
            return
        pending = built.pending
        payloads = [pending.payloads[row] for row in rows]
        if personal:
            rows, payloads = self._scrubbed([pending.routes[row] for row in rows], rows, payloads)
            if not rows:
                return
        frame = Frame(
            [pending.topics[row] for row in rows],
            payloads,
            [pending.routes[row].device_id or "" for row in rows],
            built.arrivals[rows],
        )
        key = (personal, family)
        try:
            file = self._files.get(key)
            if file is None or file.day != day or not file.take():
                file = self._begin(key, day)
            file.write(frame)
        except OSError as error:
            self._failed(key, len(rows), error)
        else:
            self._metrics.archive_messages += len(rows)
            self._metrics.archive_failing = False

    def _scrubbed(self, routes: list[Route], rows: list[int], payloads: list[bytes]) -> tuple[list[int], list[bytes]]:
        kept, clean = [], []
        for route, row, payload in zip(routes, rows, payloads, strict=True):
            left = without_identifiers(payload, route.scrub)
            if left is None:
                log.warning("a message of a household's device is not archived: its identifiers cannot be removed")
                self._metrics.archive_missed += 1
            else:
                clean.append(left)
                kept.append(row)
        return kept, clean

    def _begin(self, key: tuple[bool, int], day: int) -> _File:
        old = self._files.pop(key, None)
        if old is not None:
            old.close()
        personal, family = key
        file = self._files[key] = _File(self._folder, personal, FAMILY_NAMES[family], day, self._name)
        return file

    def _failed(self, key: tuple[bool, int], messages: int, error: OSError) -> None:
        """The file may end in half a frame: leave it, a reader stops there; the next try begins another."""
        file = self._files.pop(key, None)
        if file is not None:
            file.abandon()
        if not self._metrics.archive_failing:
            log.error("messages are not archived until it works again, their readings are stored: %s", error)
        self._metrics.archive_failing = True
        self._metrics.archive_missed += messages
        self._metrics.archive_errors += 1
        self._pause_until = time.monotonic() + _PAUSE_SECONDS


def make_folders(folder: Path) -> None:
    """Make the archive's folders, the one for households closed to others. Raises OSError."""
    (folder / OPEN).mkdir(parents=True, exist_ok=True)
    (folder / PERSONAL).mkdir(mode=0o700, exist_ok=True)
    (folder / PERSONAL).chmod(0o700)
    for name in (OPEN, PERSONAL):
        if not os.access(folder / name, os.W_OK | os.X_OK):
            raise PermissionError(13, "cannot be written", str(folder / name))


class _File:
    """One open file: frames, and the list of its devices beside it."""

    def __init__(self, folder: Path, personal: bool, family: str, day: int, name: str) -> None:
        self.day = day
        self._encoder = FrameEncoder()
        self._devices: set[str] = set()
        self._written = False
        text = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
        place = folder / (PERSONAL if personal else OPEN) / family / text
        place.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if personal else 0o644
        number = sum(1 for _ in place.glob(f"{name}-*.frames"))
        while True:
            self.path = place / f"{name}-{number:04}.frames"
            try:
                self._frames = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, mode)
                break
            except FileExistsError:
                number += 1
        try:
            self._list = os.open(devices_file(self.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode)
            fcntl.flock(self._frames, fcntl.LOCK_EX)
        except OSError:
            os.close(self._frames)
            raise

    def take(self) -> bool:
        """Lock the file for one frame; False where somebody writes it anew, or did: another must be begun."""
        try:
            fcntl.flock(self._frames, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return os.fstat(self._frames).st_nlink > 0

    def write(self, frame: Frame) -> None:
        """Add a frame and let go of the lock. Raises OSError, and the file must not be written to again."""
        new = set(frame.devices) - self._devices
        if new:
            # first the names: a frame whose devices nobody knows could not be forgotten
            _write_all(self._list, "".join(f"{device}\n" for device in sorted(new)).encode())
            self._devices |= new
        _write_all(self._frames, self._encoder.encode(frame))
        self._written = True
        fcntl.flock(self._frames, fcntl.LOCK_UN)

    def close(self) -> None:
        """Bring it to the disk and close it."""
        try:
            os.fsync(self._frames)
        except OSError as error:
            log.error("archive file %s may not be on the disk: %s", self.path, error)
        os.close(self._frames)
        os.close(self._list)

    def abandon(self) -> None:
        """Close it after an error; a file without a whole frame goes."""
        os.close(self._frames)
        os.close(self._list)
        if not self._written:
            self.path.unlink(missing_ok=True)
            devices_file(self.path).unlink(missing_ok=True)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def day_of(microseconds: int) -> date:
    """The UTC day of an instant [us since the Unix epoch]."""
    return datetime.fromtimestamp(microseconds // _DAY * 86_400, UTC).date()
