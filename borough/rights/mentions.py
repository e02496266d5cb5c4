"""Files that this program does not know: whether they name a household, and which are copies for its subject."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from devices.naming import Naming

#: Bytes of a file that are looked through at once.
_PIECE = 8 * 1024 * 1024
#: What a packed file is unpacked to at most [bytes]; of a larger one nobody can say what is in it.
_UNPACKED = 8 * 1024 * 1024 * 1024
#: Where a copy says whose it is: at its beginning.
_HEAD = 64 * 1024
_OURS = re.compile(rb'"program": ?"Borough Telemetry')
_WHOSE = re.compile(rb'"tenancy": ?\{\s*"id": ?(\d{1,18})\b')


def mentions(folders: Iterable[Path], naming: Naming, skipped: Iterable[Path] = ()) -> list[Path]:
    """Files in these folders, at any depth, that hold one of the words or are called by one, packed ones too."""
    left_out = set(skipped)
    found: set[Path] = set()
    for folder in folders:
        files = (path for path in folder.rglob("*") if not path.is_symlink() and path.is_file())
        found.update(path for path in files if path not in left_out and names(path, naming, folder))
    return sorted(found)


def names(path: Path, naming: Naming, folder: Path | None = None) -> bool:
    """Whether a file holds one of the words, or its path below ``folder`` does; also where it cannot be read."""
    called = path.name if folder is None else str(path.relative_to(folder))
    if naming.topic(called):
        return True
    try:
        return any(naming(piece) for piece in _pieces(path, naming.reach))
    except FileNotFoundError:
        return False
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        return True  # what cannot be read may hold anything: somebody must look


def copy_of(path: Path) -> int | None:
    """The tenancy that a file is a subject's copy of, as ``borough subject`` and the officer's page make it."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed, packed.open("everything.json") as file:
                head = file.read(_HEAD)
        else:
            with path.open("rb") as plain:
                head = plain.read(_HEAD)
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError):
        return None
    whose = _WHOSE.search(head)
    return int(whose[1]) if whose is not None and _OURS.search(head) else None


def _pieces(path: Path, reach: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        yield from _of(file, reach)
    if start[:2] == b"\x1f\x8b":
        with gzip.open(path) as unpacked:
            yield from _of(unpacked, reach, _UNPACKED)
    elif start[:2] == b"PK" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                yield member.filename.encode()
                with archive.open(member) as packed:
                    yield from _of(packed, reach, _UNPACKED)


def _of(file: IO[bytes] | gzip.GzipFile, reach: int, most: int | None = None) -> Iterator[bytes]:
    """A file in pieces that overlap by ``reach``. Raises EOFError for more than ``most`` bytes."""
    kept = b""
    total = 0
    while piece := file.read(_PIECE):
        total += len(piece)
        if most is not None and total > most:
            raise EOFError
        yield kept + piece
        kept = piece[-reach:]
