"""What is seen of a peer from outside: its rates, its CPU, its memory, what it lost and what it stored twice."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Seen(NamedTuple):
    """What was seen of one queue: messages a second from the first commit on and from the start of the process, CPU a
    message with the start [us], the highest memory [bytes], messages that are missing, rows that are there twice."""

    flowing: float
    from_start: float
    cpu: float
    memory: int
    lost: int
    doubled: int


def flowing(commits: Sequence[tuple[float, int]]) -> float:
    """Messages a second between the first and the last commit [s, messages]; those of the first came before."""
    (first, before), (last, _) = commits[0], commits[-1]
    return (sum(count for _, count in commits) - before) / (last - first)


def cpu(pid: int) -> float:
    """CPU time of a process and all its threads so far [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
