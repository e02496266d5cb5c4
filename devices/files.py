"""Files from outside that are read whole: up to a size, whatever is behind the name."""

from __future__ import annotations

import errno
from pathlib import Path

#: A file of rows (devices, homes), and a file that people write by hand [bytes].
ROWS, WRITTEN = 64 << 20, 1 << 20


def read_bytes(path: Path, largest: int = ROWS) -> bytes:
    """A file's bytes. Raises OSError, also where it has more than ``largest``."""
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(errno.EFBIG, f"is larger than {largest} bytes", str(path))
    return data


def read_text(path: Path) -> str:
    """The text of a file that people write. Raises OSError, UnicodeDecodeError."""
    return read_bytes(path, WRITTEN).decode("utf-8").replace("\r\n", "\n")
