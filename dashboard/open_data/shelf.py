"""The folder of snapshots: what was published, month by month, and what was withdrawn.

`borough publish` writes it (``borough/publishing``), the site and the doctor read it. A snapshot is a folder
``<dataset>/<month>.<revision>``, put in its place whole; ``manifest.json`` says what is in it. One that was withdrawn
has ``withdrawn.json`` beside that and none of its data any more. ``series.json`` is ours alone and never served.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

#: In a snapshot's folder.
MANIFEST, WITHDRAWN, SERIES = "manifest.json", "withdrawn.json", "series.json"
_FOLDER = re.compile(r"(\d{4})-(\d{2})\.(\d{1,4})", re.ASCII)
_DATASET = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)
#: A manifest is small; what is larger is none.
_LARGEST = 1 << 20


class File(msgspec.Struct, frozen=True):
    """A file of a snapshot: ``rows`` of data, None where it has none; ``sha256`` in hexadecimal."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    rows: int | None = None


class Changes(msgspec.Struct, frozen=True):
    """What a revision changed against the one before it: series that are new, gone, or have other readings."""

    series_added: int
    series_removed: int
    series_changed: int
    rows_before: int


class Manifest(msgspec.Struct, frozen=True):
    """What a snapshot says of itself. ``begin`` and ``end`` (not included) bound its readings."""

    dataset: str
    title: str
    month: str
    revision: int
    begin: datetime
    end: datetime
    made_at: datetime
    program: str
    publisher: str
    licence: str
    origin: str
    rows: int
    series: int
    devices: int
    files: tuple[File, ...]
    changes: Changes | None = None


class Withdrawal(msgspec.Struct, frozen=True):
    """Why a snapshot is public no more, and since when."""

    at: datetime
    reason: str


class Part(msgspec.Struct, frozen=True):
    """One series in a snapshot: how many readings, and a digest of their times and values."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One that is or was published."""

    folder: Path
    manifest: Manifest
    withdrawn: Withdrawal | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What names it: dataset, month and revision."""
        return self.manifest.dataset, self.manifest.month, self.manifest.revision

    @property
    def path(self) -> str:
        """Where the site has it."""
        return snapshot_path(*self.key)

    def file(self, name: str) -> File | None:
        """One of its files; None where it has none of this name, or has it no more."""
        if self.withdrawn is not None:
            return None
        return next((one for one in self.manifest.files if one.name == name), None)

    def contents(self) -> dict[int, Part]:
        """Its series by number. Raises OSError, ValueError where they cannot be read."""
        data = (self.folder / SERIES).read_bytes()
        return msgspec.json.decode(data, type=dict[int, Part])


@dataclass(frozen=True, slots=True)
class Shelf:
    """All snapshots, by dataset, month and revision; and what in the folder cannot be read, a line each."""

    snapshots: Sequence[Snapshot] = ()
    broken: Sequence[str] = field(default=())

    def of(self, dataset: str) -> list[Snapshot]:
        """Those of one dataset, the newest month first, of each the newest revision first."""
        found = [one for one in self.snapshots if one.manifest.dataset == dataset]
        return sorted(found, key=lambda one: (one.manifest.month, one.manifest.revision), reverse=True)

    def current(self, dataset: str) -> list[Snapshot]:
        """Of each month the newest revision that is still public, the newest month first."""
        newest: dict[str, Snapshot] = {}
        for one in self.of(dataset):
            if one.withdrawn is None:
                newest.setdefault(one.manifest.month, one)
        return list(newest.values())

    def find(self, dataset: str, month: str, revision: int) -> Snapshot | None:
        """One snapshot, also one that was withdrawn."""
        return next((one for one in self.snapshots if one.key == (dataset, month, revision)), None)


def snapshot_path(dataset: str, month: str, revision: int) -> str:
    """Where the site has a snapshot."""
    return f"/open-data/snapshots/{dataset}/{month}/{revision}"


def folder_name(month: str, revision: int) -> str:
    """How a snapshot's folder is called in that of its dataset."""
    return f"{month}.{revision}"


def month_and_revision(name: str) -> tuple[date, int] | None:
    """The month, by its first day, and the revision that a folder is called after; None for any other name."""
    found = _FOLDER.fullmatch(name)
    try:
        return None if found is None else (date(int(found[1]), int(found[2]), 1), int(found[3]))
    except ValueError:
        return None


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """When a month such as 2026-10 begins and ends (not included), UTC. Raises ValueError."""
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return datetime.combine(first, datetime.min.time(), UTC), datetime.combine(following, datetime.min.time(), UTC)


def read(folder: Path | None) -> Shelf:
    """Everything on the shelf; nothing where there is no folder. What cannot be read costs nothing but itself."""
    found: list[Snapshot] = []
    broken: list[str] = []
    for of_dataset in _inside(folder, broken) if folder is not None else ():
        if _DATASET.fullmatch(of_dataset.name) is None:
            continue
        for place in _inside(of_dataset, broken):
            if place.name.startswith("."):
                continue
            try:
                state = (place / MANIFEST).stat()
                manifest = _manifest(place, state.st_mtime_ns, state.st_size)
                found.append(Snapshot(place, manifest, _withdrawal(place)))
            except FileNotFoundError:
                broken.append(f"{of_dataset.name}/{place.name} has no {MANIFEST}")
            except (OSError, ValueError, msgspec.DecodeError) as error:
                broken.append(f"{of_dataset.name}/{place.name}: {error}")
    found.sort(key=lambda one: one.key)
    return Shelf(found, broken)


def _inside(folder: Path, broken: list[str]) -> list[Path]:
    """What is in a folder, nothing where it is none; ``broken`` gets a line where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        broken.append(f"{folder}: {error.strerror}")
        return []


def _withdrawal(place: Path) -> Withdrawal | None:
    """Why a snapshot was withdrawn, None where it was not. Looked up each time: the times of a folder can be as they
    were before, in the same step of the file system's clock or on a copy. Raises OSError, ValueError."""
    try:
        return msgspec.json.decode((place / WITHDRAWN).read_bytes(), type=Withdrawal)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=8_192)
def _manifest(place: Path, _changed: int, size: int) -> Manifest:
    """What a snapshot says of itself, read again when that file has changed. Raises OSError, ValueError."""
    if size > _LARGEST:
        raise ValueError(f"{MANIFEST} has {size} bytes")
    manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
    parts = _FOLDER.fullmatch(place.name)
    month_bounds(manifest.month)
    if parts is None or (place.parent.name, place.name) != (
        manifest.dataset,
        folder_name(manifest.month, manifest.revision),
    ):
        raise ValueError(f"{MANIFEST} is of {manifest.dataset}, {manifest.month}, revision {manifest.revision}")
    if any(Path(one.name).name != one.name or one.name.startswith(".") for one in manifest.files):
        raise ValueError(f"{MANIFEST} names a file outside its folder")
    return manifest


def encode(value: Any) -> bytes:
    """A document of the shelf as its file holds it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
