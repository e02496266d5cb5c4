"""Hostile requests of one seed: some hundreds here, more in a soak; `make fuzz` sends 20,000."""

from __future__ import annotations

import pytest

from tests.fuzz import pages
from tests.tools.servers import Cluster


def _faults(timescale: Cluster, seed: int, count: int) -> str:
    return "\n".join(pages.against(timescale, seed, count, print))


def test_no_request_breaks_a_page(timescale: Cluster) -> None:
    """Every route in every role once, of which the seed makes the rest."""
    assert _faults(timescale, 9, 750) == ""


@pytest.mark.soak
def test_no_request_breaks_a_page_for_long(timescale: Cluster) -> None:
    for seed in range(10):
        assert _faults(timescale, seed, 20_000) == ""
