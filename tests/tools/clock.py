"""The clock of the host as one process sees it, which a test may turn while it runs."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class NoCompiler(Exception):
    """There is no C compiler on this machine to make the library with."""


class Clock:
    """A shifted clock in a folder. ``environment`` is for the process that shall see it; needs a C compiler."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise NoCompiler
        library = folder / "clock.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True, text=True)
        self._file = folder / "shift"
        self.turn(0)
        self.environment: Mapping[str, str] = {"LD_PRELOAD": str(library), "SHIFT_FILE": str(self._file)}

    def turn(self, seconds: int) -> None:
        """From now on the clock is so many seconds before (positive) or behind that of everybody else."""
        with self._file.open("r+b" if self._file.exists() else "w+b") as file:
            file.write(struct.pack("q", seconds))
