"""A command in a process of its own, with what it said and the most memory that it ever had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.tools.program import WITH_US, environment

_RUN = """
import sys
from borough.cli import run
status = run(sys.argv[2:])
for line in open("/proc/self/status"):
    if line.startswith("VmHWM:"):
        open(sys.argv[1], "w").write(line.split()[1])
sys.exit(status)
"""


class Ended(NamedTuple):
    """``peak``: the process's own high-water mark [MB]."""

    status: int
    out: str
    err: str
    peak: float


def confined(folder: Path, arguments: Sequence[str], settings: Mapping[str, str] | None = None) -> Ended:
    """Run ``borough`` with these arguments to its end."""
    peak = folder / "peak"
    peak.unlink(missing_ok=True)
    done = subprocess.run(
        [*WITH_US, sys.executable, "-c", _RUN, str(peak), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        env=environment(settings or {}),
    )
    assert peak.exists(), f"it ended with {done.returncode}: {done.stderr[-3000:]}"
    return Ended(done.returncode, done.stdout, done.stderr, int(peak.read_text()) / 1024)
