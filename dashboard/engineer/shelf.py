"""Uploads on disk: each in a folder of its own below the jobs' folder, named by us, with what is known of it beside it.

One is received at a time, under a lock of the file system: so what is there is counted exactly, and whatever stands
there unfinished while the lock is free is of nobody and goes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path

from dashboard.replays import Checked, Limits
from devices.text import flaw

log = logging.getLogger(__name__)

#: Below the jobs' folder; the begin of what a job calls its files.
ROOM = "uploads"
_LOCK, _COMING, _ABOUT = ".lock", ".coming-", "upload.json"
_ID = re.compile(r"[0-9a-f]{16}")
#: Signs of a name that we keep of what a browser says, and how many of them.
_NO_SIGN, _LONGEST = re.compile(r"[^A-Za-z0-9_-]+"), 60
#: Endings that we give ourselves.
_ENDINGS = re.compile(r"(\.(btr|csv|ndjson|jsonl|json|txt|parquet|toml|gz|zst))+\Z", re.IGNORECASE)


class Refused(Exception):
    """An upload is not taken. The text says why and what to do. ``status``: of the answer."""

    def __init__(self, status: int, text: str, problems: Collection[str] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file. ``name``: as it was called where it came from; ``file``: as a job calls it; ``by``: an account's id."""

    id: str
    name: str
    file: str
    size: int
    sha256: str
    at: datetime
    by: int | None
    checked: Checked


class Shelf:
    """All uploads of an installation, below its jobs' folder. Whatever touches the disk raises OSError."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder / ROOM
        self.limits = limits

    def all(self) -> list[Upload]:
        """The uploads, the newest first."""
        found = [self.find(name) for name in self._names()]
        return sorted((one for one in found if one is not None), key=lambda one: one.at, reverse=True)

    def find(self, upload_id: str) -> Upload | None:
        """One upload; None where there is none, or where what is known of it was cut off or is of another version."""
        if not _ID.fullmatch(upload_id):
            return None
        try:
            known = json.loads((self.folder / upload_id / _ABOUT).read_bytes())
            return Upload(
                **{**known, "at": datetime.fromisoformat(known["at"]), "checked": Checked(**known["checked"])},
            )
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            log.warning("upload %s: its %s cannot be read (%s)", upload_id, _ABOUT, type(error).__name__)
            return None

    def path(self, upload: Upload) -> Path:
        """Where its bytes stand."""
        return self.folder.parent / upload.file

    def size(self) -> int:
        """Bytes of all of them."""
        return sum(_size(self.folder / name) for name in self._names())

    def remove(self, upload_id: str) -> None:
        """Forget an upload; nothing happens where there is none."""
        if _ID.fullmatch(upload_id):
            shutil.rmtree(self.folder / upload_id, ignore_errors=True)

    def sweep(self, used: Collection[str], now: datetime) -> int:
        """Remove those that are older than the limit and that no job reads (``used``: as jobs call files); how many."""
        before = now - timedelta(days=self.limits.days)
        old = [one for one in self.all() if one.at < before and one.file not in used]
        for one in old:
            self.remove(one.id)
        return len(old)

    @contextmanager
    def receiving(self) -> Iterator[Incoming]:
        """Room for one upload; what was not kept of it at the end is gone. Raises Refused where there is none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(409, "Another upload is under way. Try again when it is done.") from None
            # of a process that was killed in the middle
            for left in self.folder.glob(f"{_COMING}*"):
                shutil.rmtree(left)
            # those that a command asked for have no page here on which they could be removed
            if len(self.all()) >= self.limits.files:
                raise Refused(
                    409, f"There are {self.limits.files} uploads, as many as are kept. Remove one that is not needed."
                )
            coming = self.folder / f"{_COMING}{secrets.token_hex(8)}"
            coming.mkdir(mode=0o700)
            try:
                with (coming / "data").open("xb", buffering=0) as file:
                    yield Incoming(self, coming, file, self.size())
            finally:
                shutil.rmtree(coming, ignore_errors=True)

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self.folder.iterdir() if _ID.fullmatch(path.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []  # nothing has been kept yet; that it could be is tried when something comes


class Incoming:
    """One upload that is being received. ``beside`` [bytes]: what all others have."""

    def __init__(self, shelf: Shelf, folder: Path, file: FileIO, beside: int) -> None:
        self._shelf = shelf
        self._folder = folder
        self._file = file
        self._beside = beside
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def path(self) -> Path:
        """Where its bytes stand until it is kept."""
        return self._folder / "data"

    def room(self, more: int) -> None:
        """Whether there is room for so many bytes more. Raises Refused."""
        limits, size = self._shelf.limits, self.size + more
        if size > limits.size:
            raise Refused(413, f"The file has more than {amount(limits.size)}, as much as is taken.")
        if self._beside + size > limits.total:
            raise Refused(
                413, f"Uploads have {amount(limits.total)} together, and this one would be more. Remove one first."
            )
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize - more < limits.free:
            raise Refused(507, f"The disk has no room for it: {amount(limits.free)} of it are kept free.")

    def write(self, data: bytes) -> None:
        """The next bytes. Raises Refused."""
        self.room(len(data))
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._hash.update(data)
        self.size += len(data)

    def name(self, shown: str, suffix: str) -> None:
        """Give it the name that a replay needs: what we keep of ``shown``, and the ending that its bytes ask for."""
        os.fsync(self._file.fileno())
        named = self._folder / safe_name(shown, suffix)
        (self._folder / "data").rename(named)
        self._named = named

    @property
    def named(self) -> Path:
        """Where it stands since it has its name."""
        return self._named

    def keep(self, shown: str, by: int | None, checked: Checked) -> Upload:
        """Keep it under an id of its own."""
        upload_id = secrets.token_hex(8)
        made = Upload(
            upload_id,
            shown,
            f"{ROOM}/{upload_id}/{self._named.name}",
            self.size,
            self._hash.hexdigest(),
            datetime.now(UTC),
            by,
            checked,
        )
        about = asdict(made) | {"at": made.at.isoformat()}
        with (self._folder / _ABOUT).open("w", encoding="utf-8") as file:
            json.dump(about, file)
            file.flush()
            os.fsync(file.fileno())
        self._folder.rename(self._shelf.folder / upload_id)
        return made


def _size(folder: Path) -> int:
    """Bytes of the files of a folder; 0 where somebody removes it at this moment."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir())
    except FileNotFoundError:
        return 0


def safe_name(shown: str, suffix: str) -> str:
    """A name of ours that says still what ``shown`` said: letters, digits, _ and -, and no ending but ``suffix``."""
    stem = _ENDINGS.sub("", shown)
    return (_NO_SIGN.sub("-", stem).strip("-")[:_LONGEST] or "upload") + suffix


def shown_name(said: str) -> str:
    """What a browser says of a file's name, as a page may show it: one line, and no folders."""
    name = re.split(r"[/\\]", said)[-1].strip()[:120]
    return name if name and flaw(name) is None else "upload"


def amount(size: int) -> str:
    """Bytes in words."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
