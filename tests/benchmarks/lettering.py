"""How long letters take: from the comparisons in the database to the files, alone and merged."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from analytics.energy.prices import load
from analytics.periods import parse_period
from borough.delivery.letters.letter import Sender
from borough.delivery.letters.print_run import Order, make
from devices.homes import COMPARED
from store.connect import connect
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools.letters import fill

LETTERS = 1_000


def letters(world: World, table: Table) -> None:
    """1,000 letters about two fuels each, 40 in large print: single files, the print run, codes and notes."""
    sender = Sender(
        "Haverley Borough Council", ("Town Hall", "High Street", "Haverley", "HV1 2AB"), "0800 000 0000",
        "https://energy.haverley.gov.uk",
    )  # fmt: skip
    with world.database() as url, TemporaryDirectory() as folder:
        with connect(url) as connection:
            fill(connection, LETTERS)
        order = Order(parse_period("2026-W07"), COMPARED, Path(folder), sender, load())
        with connect(url, autocommit=True) as connection:
            begun = time.monotonic()
            made = make(connection, order, datetime(2026, 2, 26, tzinfo=UTC), lambda _done, _of: None)
            seconds = time.monotonic() - begun
        files = len(list(Path(made.folder).glob("*.pdf")))
    if (made.letters, files) != (LETTERS, LETTERS + 1):
        raise RuntimeError(f"{made.letters} letters and {files} files made, {LETTERS} and {LETTERS + 1} expected")
    table.add("letters", seconds, "s")
