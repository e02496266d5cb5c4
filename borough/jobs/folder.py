"""The jobs' folder: uploads, and for each job its checkpoint, the parts of its ledger, its report."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from borough.errors import UsageError

#: What a job reads of the program's own begins so.
SHIPPED = "shipped:"
_FLEETS = Path(__file__).parents[2] / "simulators" / "fleets"
_UPLOADS, _RECORDINGS, _RUNS = "uploads", "recordings", "runs"
_LOCK, _LOOK = "lock", 0.2


class Given(Exception):
    """Somebody asked to stop while another process still had the job's files."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one job."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """How far it is."""
        return self.folder / "checkpoint.json"

    @property
    def ledger(self) -> Path:
        """The folder of its ledger's parts."""
        return self.folder / "ledger"

    @property
    def report(self) -> Path:
        """The page about its score."""
        return self.folder / "report.html"

    def clear(self) -> None:
        """Remove all but the lock: of a job that nobody ran yet it is another's, whose database is no more.

        Raises OSError.
        """
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != _LOCK:
                path.unlink()
        self.ledger.mkdir()

    @contextmanager
    def held(self, stopped: Callable[[], bool]) -> Iterator[None]:
        """The files for this process alone. One that has lost the job may not have noticed yet: it is waited for.

        Raises Given where ``stopped`` says so before; OSError.
        """
        self.ledger.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("ab") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if stopped():
                        raise Given from None
                    time.sleep(_LOOK)
                else:
                    break
            yield


@dataclass(frozen=True, slots=True)
class JobsFolder:
    """The folder of all jobs; the site and the workers share it. ``unused``: after which an upload goes that no job
    names."""

    root: Path
    unused: timedelta = timedelta(days=30)

    @property
    def uploads(self) -> Path:
        """Where files are put that jobs are to read, each in a folder of its own."""
        return self.root / _UPLOADS

    def run(self, job_id: int) -> RunFiles:
        """The files of a job."""
        return RunFiles(self.root / _RUNS / str(job_id))

    def resolve(self, name: str) -> Path:
        """The file that a job names. Raises UsageError where it is none of this folder or of the program's own."""
        if name.startswith(SHIPPED):
            own = name.removeprefix(SHIPPED)
            if own not in shipped():
                raise UsageError(f"file {name}: there is no such fleet file of the program's own; {_list(shipped())}")
            return _FLEETS / own
        path = (self.root / name).resolve()
        rooms = [(self.root / room).resolve() for room in (_UPLOADS, _RECORDINGS)]
        if not any(path.is_relative_to(room) for room in rooms):
            raise UsageError(f"file {name}: lies outside the folders of uploads and of recordings")
        if not path.is_file():
            raise UsageError(f"file {name}: is not there any more; ask for the job anew with its file")
        return path

    def own_words(self, text: str) -> str:
        """An error's text with files as a job names them: where they stand on this machine is nobody's on a page."""
        return text.replace(f"{_FLEETS}/", SHIPPED).replace(f"{self.root.resolve()}/", "").replace(f"{self.root}/", "")

    def add(self, path: Path) -> str:
        """Copy a file into the uploads; the name by which a job reads it. Raises OSError."""
        folder = self.uploads / secrets.token_hex(8)
        folder.mkdir(parents=True)
        try:
            shutil.copyfile(path, folder / path.name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return f"{_UPLOADS}/{folder.name}/{path.name}"

    def own(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a job with the file of its mapping: one of the program's by its name, or an upload.

        Raises UsageError for any other: whoever asks for a job may not have this machine's files read.
        """
        mapping = options.get("mapping")
        if not isinstance(mapping, str) or not _is_file(mapping):
            return dict(options)
        return {**options, "mapping": str(self.resolve(mapping))}

    def forget(self, names: Iterable[str]) -> None:
        """Remove uploads that no job reads after all."""
        for name in names:
            if name.startswith(f"{_UPLOADS}/"):
                shutil.rmtree(self.uploads / name.split("/")[1], ignore_errors=True)

    def tidy(self, jobs: Callable[[], Mapping[int, Iterable[str]]]) -> None:
        """Remove the files of jobs that are gone, and uploads that no job has named for as long as is ``unused``.

        ``jobs``: those that there are, by id, and the files that each reads; asked after the folder is looked at, for
        one that comes meanwhile is no job that is gone. Raises OSError, and what ``jobs`` raises.
        """
        runs = _folders(self.root / _RUNS)
        known = jobs()
        for folder in runs:
            if folder.name not in {str(number) for number in known}:
                shutil.rmtree(folder, ignore_errors=True)
        used = [name for files in known.values() for name in files]
        kept = {name.split("/")[1] for name in used if name.startswith(f"{_UPLOADS}/")}
        for folder in _folders(self.uploads):
            if folder.name not in kept and time.time() - _touched(folder) > self.unused.total_seconds():
                shutil.rmtree(folder, ignore_errors=True)


def shipped() -> list[str]:
    """The fleet files of the program's own, by name."""
    return sorted(path.name for path in _FLEETS.glob("*.toml"))


def _is_file(mapping: str) -> bool:
    """Whether a mapping is given as a file and not by its name."""
    return "/" in mapping or mapping.endswith(".toml")


def _list(names: list[str]) -> str:
    return f"one of {', '.join(names)}"


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()] if folder.is_dir() else []


def _touched(folder: Path) -> float:
    """When a folder or something in it was last written to [s]; now where it goes in this moment."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return time.time()
