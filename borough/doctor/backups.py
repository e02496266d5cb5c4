"""Backups: how old the newest is, whether it looks whole, and whether any is kept longer than it may be.

What makes backups is not ours; what it leaves are files in a folder, by whose times and sizes they are judged. A folder
within counts as one backup: pg_basebackup and its like make such.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from borough.doctor.finding import Finding, ill, well
from borough.settings.settings import Settings, variable
from devices.counts import counted

#: A backup may be kept so long: what is erased must be gone everywhere by then [days].
KEPT = 35
#: Of the one before; a database does not lose half of itself over night.
_SHRUNK = 0.5


class Backup(NamedTuple):
    """One backup: name, when it was last written, size [bytes]."""

    name: str
    at: datetime
    size: int


def backups(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Findings about the folder of backups."""
    folder = settings.backup_folder
    if folder is None:
        yield ill("backups-unset", f"{variable('backup_folder')} is not set: nobody knows how old the last backup is")
        return
    try:
        found = _within(folder)
    except OSError as error:
        yield ill("backups-none", f"{folder} cannot be looked into: {error.strerror}")
        return
    key = settings.tombstone_key_file
    if key is not None and _is_below(key, folder):
        yield ill("backups-key", f"{key}, the key of the tombstones, lies beside the backups")
    yield from judge(found, folder, now, settings.backup_hours)


def judge(found: Sequence[Backup], folder: Path, now: datetime, hours: int) -> Iterator[Finding]:
    """What is to be said of backups, of which the newest should be no older than so many hours."""
    if not found:
        yield ill("backups-none", f"there is none in {folder}")
        return
    *earlier, newest = sorted(found, key=lambda item: item.at)
    age = now - newest.at
    said = f"{newest.name} of {newest.at:%Y-%m-%d %H:%M}Z"
    faults = []
    if age > timedelta(hours=hours):
        faults.append(
            ill(
                "backups-old",
                f"the newest is {said}, {counted(age // timedelta(hours=1), 'hour')} old; allowed: {hours}",
            )
        )
    if newest.size == 0:
        faults.append(ill("backups-empty", f"the newest, {said}, is empty"))
    elif earlier and newest.size < _SHRUNK * earlier[-1].size:
        faults.append(
            ill("backups-small", f"the newest, {said}, has {newest.size} bytes, the one before it {earlier[-1].size}")
        )
    old = [item for item in found if now - item.at > timedelta(days=KEPT)]
    if old:
        faults.append(
            ill("backups-kept", f"{counted(len(old), 'backup is', 'backups are')} older than {counted(KEPT, 'day')}")
        )
    if not faults:
        yield well("backups", f"the newest is {said}, {newest.size} bytes")
    yield from faults


def _within(folder: Path) -> list[Backup]:
    """The backups of a folder, or the one that a path names. Raises OSError."""
    if not folder.is_dir():
        return [_backup(folder)]
    found = []
    for path in sorted(folder.iterdir()):
        if not path.name.startswith("."):
            with suppress(FileNotFoundError):  # rotated away meanwhile, or a link that leads nowhere
                found.append(_backup(path))
    return found


def _backup(path: Path) -> Backup:
    if not path.is_dir():
        state = path.stat()
        return Backup(path.name, datetime.fromtimestamp(state.st_mtime, UTC), state.st_size)
    states = []
    for place, _, names in os.walk(path):
        for name in names:
            with suppress(FileNotFoundError):  # a link that leads nowhere takes nothing from the rest
                states.append((Path(place) / name).stat())
    newest = max((state.st_mtime for state in states), default=path.stat().st_mtime)
    return Backup(path.name, datetime.fromtimestamp(newest, UTC), sum(state.st_size for state in states))


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
