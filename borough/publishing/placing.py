"""The folder of snapshots as it is written: whole or not at all, whenever the power goes.

A snapshot is made in a folder whose name begins with a dot, every file of it is written through to the disk, and then
it is renamed into its place; nobody but us looks at names with a dot. A withdrawal says so first and deletes then, and
what it did not come to delete the next run deletes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.open_data.shelf import MANIFEST, SERIES, WITHDRAWN, File, Snapshot, Withdrawal, encode

_MAKING = ".making-"
#: What is published is anybody's to read.
_FOLDER, _FILE = 0o755, 0o644


def ready(folder: Path) -> None:
    """Have a folder there, and its files to be read by the site, whatever the mask of who publishes. Raises OSError."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """A folder to make a snapshot in; gone with the block, unless `put` has taken it. Raises OSError."""
    ready(folder)
    place = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def clear(folder: Path) -> None:
    """Delete what runs that were killed left. Nobody else may be publishing. Raises OSError."""
    for place in folder.glob(f"{_MAKING}*"):
        _delete(place)


def write(place: Path, name: str, media_type: str, pieces: Iterable[bytes]) -> File:
    """Write a file of a snapshot, through to the disk; its length and hash. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with (place / name).open("xb") as file:
        os.fchmod(file.fileno(), _FILE)
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return File(name, media_type, size, digest.hexdigest())


def put(place: Path, folder: Path, dataset: str, name: str) -> Path:
    """Put a snapshot that is made into its place among its dataset's. Raises OSError, also where one is there."""
    place.chmod(_FOLDER)
    _sync(place)
    of_dataset = folder / dataset
    if not of_dataset.is_dir():
        ready(of_dataset)
        _sync(folder)
    there = of_dataset / name
    place.rename(there)
    _sync(of_dataset)
    return there


def withdraw(snapshot: Snapshot, withdrawal: Withdrawal) -> None:
    """Have a snapshot published no more: its data go, what it said of itself stays. Raises OSError."""
    if not (snapshot.folder / WITHDRAWN).exists():
        number, name = tempfile.mkstemp(prefix=_MAKING, dir=snapshot.folder)
        with os.fdopen(number, "wb") as file:
            file.write(encode(withdrawal))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_FILE)
        Path(name).rename(snapshot.folder / WITHDRAWN)
        _sync(snapshot.folder)
    delete_data(snapshot)


def delete_data(snapshot: Snapshot) -> None:
    """Delete the data of a snapshot that is withdrawn, as far as they are still there. Raises OSError."""
    for path in list(snapshot.folder.iterdir()):
        if path.name not in (MANIFEST, WITHDRAWN):
            _delete(path)
    _sync(snapshot.folder)


def _delete(path: Path) -> None:
    """Delete a file, a link but not what it leads to, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def flaw(snapshot: Snapshot, *, hashes: bool = True) -> str | None:
    """What is wrong with the files of a snapshot that is public, None where nothing is.

    ``hashes``: read every byte of them. Else lengths alone.
    """
    for file in snapshot.manifest.files:
        path = snapshot.folder / file.name
        try:
            size = path.stat().st_size
            if size != file.bytes:
                return f"{file.name} has {size} bytes, and was published with {file.bytes}"
            if hashes and _hash(path) != file.sha256:
                return f"{file.name} has another hash than it was published with"
        except OSError as error:
            return f"{file.name}: {error.strerror}"
    try:
        snapshot.contents()
    except OSError as error:
        return f"{SERIES}: {error.strerror}"
    except ValueError:
        return f"{SERIES} cannot be read"
    return None


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
