"""Figures of several rounds: the median, and the least and the largest beside it, so that noise is seen."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tests.benchmarks.table import Table

ROUNDS = 5


def add(table: Table, name: str, values: Sequence[float], unit: str) -> None:
    """Add ``name``, ``name_min`` and ``name_max``."""
    table.add(name, statistics.median(values), unit)
    table.add(f"{name}_min", min(values), unit)
    table.add(f"{name}_max", max(values), unit)
