"""The highest resident memory of a process.

Not getrusage: what it says of a process includes the one that started it, from before it became a program of its own.
"""

from __future__ import annotations

from pathlib import Path


def highest_memory(process: int | str = "self") -> int:
    """Highest resident memory of a process so far [bytes]."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
