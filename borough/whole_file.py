"""A file that an officer asked for, put in its place whole: nobody reads half of it, an old one stays until then."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path


def write(path: Path, text: str, *, private: bool = False) -> None:
    """Write a regular file, readable by its owner alone where it is ``private``.

    A folder is refused as it stands. A device or a pipe is written to, and neither replaced nor given other rights; a
    link stays and what it leads to is written. Raises OSError.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    # an open file by its number, as /dev/stdout is, must not be replaced behind whoever opened it
    if path.exists() and (not path.is_file() or path.is_relative_to("/dev") or path.is_relative_to("/proc")):
        path.write_text(text, encoding="utf-8", newline="")
        return
    there = path.resolve()
    number, name = tempfile.mkstemp(dir=there.parent, prefix=".part-")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).chmod(0o600 if private else 0o644)
        Path(name).replace(there)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
