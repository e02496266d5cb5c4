"""The demo's one folder: where it is, that it is ours, that one demo at a time uses it, and its removal."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from borough.errors import Failure, UsageError

#: Made first, removed last: says that the folder is a demo's, and holds the process id of the one that runs.
_LOCK = "borough-demo.lock"


def default_folder() -> Path:
    """Where the demo keeps its state unless told otherwise: PostgreSQL runs as `nobody` where root starts it, and
    `nobody` does not get into root's home."""
    if os.geteuid() == 0:
        return Path(f"/var/tmp/borough-demo-{os.geteuid()}")  # noqa: S108 - owner and mode are looked at in _take
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "borough-demo"


class DemoState:
    """The folder, held by this process from ``with`` to its end.

    Raises UsageError for a folder that is not a demo's, Failure where another demo runs in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - a symbolic link must be seen as one
        self._lock = -1

    def __enter__(self) -> Self:
        self._take()
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(lock, 20).decode().strip()
            os.close(lock)
            raise Failure(
                f"a demo is already running in {self.folder} (process {pid or 'unknown'}): end it with Ctrl-C, or give"
                " this one a folder of its own with --state"
            ) from None
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        self._lock = lock
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def _take(self) -> None:
        if self.folder.is_dir() and not (self.folder / _LOCK).exists() and any(self.folder.iterdir()):
            raise UsageError(f"{self.folder} is not empty and no demo made it; choose another folder with --state")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UsageError(f"{self.folder} is no folder; choose another with --state") from None
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be made: {error.strerror}; choose another with --state") from None
        seen = self.folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid() or seen.st_mode & 0o022:
            raise UsageError(f"{self.folder} is not a folder that only you can write; choose another with --state")
        # as root, `nobody` must get through to the database's folder
        self.folder.chmod(0o755 if os.geteuid() == 0 else 0o700)


def reset(folder: Path) -> bool:
    """End the demo that runs in ``folder``, if any, and remove the folder; whether there was one.

    Raises UsageError for a folder that no demo made, Failure where the old demo does not end.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100
    if not folder.exists():
        return False
    if folder.is_symlink() or not (folder / _LOCK).is_file():
        raise UsageError(f"{folder} was not made by a demo and is left as it is")
    _end_running(folder)
    with DemoState(folder):
        # a demo that was killed leaves its database shutting down for a moment
        await_database(folder / "postgres")
        # the lock's own file last: while it stands nobody takes what is left for a folder of his own
        for entry in folder.iterdir():
            if entry.name != _LOCK:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        (folder / _LOCK).unlink()
        folder.rmdir()
    return True


def _end_running(folder: Path, timeout: float = 60.0) -> None:
    """Ask the demo that holds the lock to end, and wait for the lock: the kernel frees it when the process is gone."""
    until = time.monotonic() + timeout
    asked = 0
    with (folder / _LOCK).open("r+") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                pid = int(lock.read().strip() or 0)
            else:
                return  # closing the file lets it go
            if pid and pid != asked:
                asked = pid
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass  # it has just ended, and the lock with it
            if time.monotonic() > until:
                raise Failure(f"the demo that runs in {folder} (process {pid or 'unknown'}) does not end")
            time.sleep(0.05)


def await_database(data: Path, timeout: float = 20.0) -> None:
    """Wait until no PostgreSQL uses the data folder any more; a killed demo's server ends by itself.

    Raises Failure where it does not.
    """
    until = time.monotonic() + timeout
    while (pid := _postmaster(data)) is not None:
        if time.monotonic() > until:
            raise Failure(f"PostgreSQL of an earlier demo (process {pid}) still uses {data}")
        time.sleep(0.05)


def _postmaster(data: Path) -> int | None:
    """Process id of the server whose data folder this is; a stale pid file names a process of something else."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return pid if os.fsencode(data) in command else None
