"""Everyday work costs no more when a borough has ten times the readings behind it.

``BOROUGH_SOAK_GROWTH`` names the sizes in millions of readings (``10,30`` by default: a few minutes);
``BOROUGH_SOAK_FIGURES`` says where all rounds are kept, for the drawing (``python -m tests.benchmarks.drawings``). On
the server that ``BOROUGH_TEST_DATABASE_URL`` names, which is on this machine then and serves nobody else, or our own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks import growth, growth_town
from tests.tools.servers import Cluster

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SIZES = [int(size) for size in (os.environ.get("BOROUGH_SOAK_GROWTH") or "10,30").split(",")]
#: How much more each piece of work may cost in the largest town than in the smallest.
BOUND = 1.3
#: What is known to cost more, and why: docs/explanation/growth.md.
KNOWN = {"export_first": 1.5}
#: Bytes of a reading in the columnstore, and of one in rows, which those of the last two weeks are.
COLUMN, ROW = 10, 110


def test_growth(timescale: Cluster) -> None:
    found = growth.measure(timescale, SIZES)
    print(found.text())
    if figures := os.environ.get("BOROUGH_SOAK_FIGURES"):
        found.save(Path(figures))
    dearer = {name: round(found.ratio(name, max(SIZES)), 2) for name in growth.WORKS}
    assert {name: ratio for name, ratio in dearer.items() if ratio > KNOWN.get(name, BOUND)} == {}
    if found.tier == "community":
        rows = growth_town.SERIES * 14 * 48
        assert all(found.bytes[size] < COLUMN * found.sizes[size] + ROW * rows for size in SIZES if size >= 100)
