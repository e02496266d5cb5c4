"""Disks: what is free where readings, archive and backups lie, and for how many days at the present rate.

Readings of the last seven days (the account) times what a reading takes in the row store. Compression and retention
give some of it back, which is left out: the days are those that are there at the least.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from borough.doctor.finding import Finding, ill, well
from borough.doctor.server import NAMES
from borough.settings.settings import Settings, variable
from devices.counts import counted
from store import doctor as asked
from store.connect import Connection
from store.doctor import Growth
from store.tier import tier

#: Days left, at which there is no time to plan, and at which there still is.
_SHORT, _SOON = 7.0, 30.0
#: What must be free whatever the rate: PostgreSQL stops where its log finds no room [bytes], and of the whole.
_LEAST, _SHARE = 512 << 20, 0.05
#: A reading in the row store with its index, measured [bytes]; what the estimate rests on while there are few rows.
BYTES_A_READING, _ENOUGH_ROWS = 98.0, 10_000
_WEEK = timedelta(days=7)


class Room(NamedTuple):
    """A disk: free and total [bytes]."""

    free: int
    total: int


def of_database(connection: Connection, now: datetime) -> Iterator[Finding]:
    """The disk of the database's data where it is this machine's. Raises psycopg.Error."""
    rate = daily(asked.growth(connection, tier(connection), now - _WEEK), now)
    size = asked.server(connection).size
    said = f"the database has {_bytes(size)} and grows by {_bytes(rate)} a day"
    folder = _here(connection)
    if folder is None:
        yield well("disk", f"{said}; its disk cannot be seen from here")
        return
    yield judge("the database's data", _room(folder), rate, said)


def of_folders(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The disks of the archive, of the backups and of jobs."""
    for field in ("archive", "backup_folder", "jobs_folder"):
        path: Path | None = getattr(settings, field)
        if path is None or not path.is_dir():
            continue
        rate = _grown(path, now) / _WEEK.days
        yield judge(variable(field), _room(path), rate, f"{path} grows by {_bytes(rate)} a day")


def judge(what: str, room: Room, rate: float, said: str) -> Finding:
    """What is to be said of a disk with so much room that fills at ``rate`` [bytes a day]."""
    days = room.free / rate if rate > 0 else None
    left = f"; {_bytes(room.free)} of {_bytes(room.total)} are free"
    if days is not None:
        left += f", which is {counted(int(days), 'day')}" if days < 3_650 else ", which is years"
    text = f"{what}: {said}{left}"
    if room.free < _LEAST or (days is not None and days < _SHORT):
        return ill("disk-full", text)
    if room.free < _SHARE * room.total or (days is not None and days < _SOON):
        return ill("disk-filling", text)
    return well("disk", text)


def daily(growth: Growth, now: datetime) -> float:
    """How much readings take a day [bytes], by those of the last seven days or of a younger account."""
    if growth.first is None:
        return 0.0
    days = min(max((now - growth.first) / timedelta(days=1), 1.0), float(_WEEK.days))
    each = growth.size / growth.rows if growth.rows >= _ENOUGH_ROWS else BYTES_A_READING
    return growth.stored / days * each


def _here(connection: Connection) -> Path | None:
    """The data folder of the server, where it runs on this machine: the process that serves us is one of ours."""
    folder = asked.settings(connection, NAMES).get("data_directory")
    if folder is None:
        return None
    try:
        name = Path(f"/proc/{asked.server(connection).pid}/comm").read_text(encoding="utf-8").strip()
        return Path(folder) if name == "postgres" and Path(folder).exists() else None
    except OSError:
        return None


def _room(folder: Path) -> Room:
    usage = shutil.disk_usage(folder)
    return Room(usage.free, usage.total)


def _grown(folder: Path, now: datetime) -> int:
    """Bytes of the files below a folder that were last written in the last seven days."""
    since = (now - _WEEK).timestamp()
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                state = (Path(place) / name).stat()
            except OSError:  # it went meanwhile
                continue
            if state.st_mtime >= since:
                total += state.st_size
    return total


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
