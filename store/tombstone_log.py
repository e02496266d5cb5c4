"""The log of tombstones: one JSON line each, beside the key and outside the database.

A database that is restored from an older backup knows nothing of later erasures; the log does (`borough erase
--again`). It holds marks and periods, no id and no name.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FIELDS = {"key", "kind", "mark", "from", "to", "family", "model", "gone"}


def append(path: Path, key: bytes, lines: Iterable[Mapping[str, str | bool | None]]) -> None:
    """Add lines at the end and wait until the disk has them. Raises OSError."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    text = "".join(json.dumps({"at": at, "key": key.hex(), **line}) + "\n" for line in lines)
    if not text:
        return
    made = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            text = "\n" + text  # a crash cut the line before us off
        view = memoryview(text.encode())
        while view:
            view = view[os.write(file, view) :]
        os.fsync(file)
    finally:
        os.close(file)
    if made:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(path: Path) -> list[dict[str, Any]]:
    """The log's lines in their order. A line that a crash cut off never came to be an erasure and is left out.

    Raises OSError; ValueError where a line is whole and no tombstone, with its number.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            if not line.endswith("}"):
                continue
            raise ValueError(f"{path}, line {number}: is no line of a log of tombstones") from None
        if not isinstance(value, dict) or not value.keys() >= _FIELDS:
            raise ValueError(f"{path}, line {number}: is no line of a log of tombstones")
        found.append(value)
    return found
