"""What is recorded of a simulated borough's bays, scored by the truth beside its ledger."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from borough.scoring.bays import BayScore, score_bays
from borough.simulate import Asked, register_bays, simulation_of, write_truth
from simulators import ledger
from simulators.bay_register import make_register
from simulators.ledger import LedgerWriter
from simulators.run import dry_run
from simulators.stream import EXPECTATIONS
from store import registry
from store.connect import connect
from store.times import instant
from tests.worlds.parking_record import LONDON, ParkingWorld
from tests.worlds.parking_simulated import FLEET

FAULTS = """
[faults]
gateway = { share = 0.5, hours = 40 }
missed_departure = 0.05
loss = 0.01
stuck = 0.05
out_of_order = { share = 0.02, seconds = 900 }
duplicate = 0.02
"""


def scored(url: str, folder: Path, faults: str = "") -> BayScore:
    """Simulate the borough, store what it says as its ledger says, record and score it."""
    fleet, path = folder / "borough.toml", folder / "borough.parquet"
    fleet.write_text(FLEET + faults)
    simulation = simulation_of(Asked(fleet, None, None, None, None, 1))
    with LedgerWriter(path) as writer:
        dry_run(simulation, writer, lambda _: None)
    write_truth(simulation, simulation.span[1], path)
    assert simulation.fleet is not None
    register = make_register(simulation.fleet, simulation.devices["parking-bay"])
    with connect(url) as connection:
        registry.upsert(connection, simulation.registered())
        plan = register_bays(connection, register, LONDON, "the test's fleet")
    assert len(plan.bays.new) == 60
    world = ParkingWorld(url)
    world.write([row for rows in ledger.read([path]) for row in _stored(rows)])
    world.update()
    with connect(url) as connection:
        found = score_bays(connection, [path], LONDON)
    assert found is not None
    return found


def _stored(rows: Any) -> list[tuple[str, datetime, int]]:
    occupied = rows.property == list(rows.properties).index("occupied")
    kept = np.flatnonzero(occupied & (rows.expect == EXPECTATIONS.index("stored")))
    return [
        (rows.devices[rows.device[row]], instant(int(rows.stored_time[row])), int(rows.stored_value[row]))
        for row in kept.tolist()
    ]


def test_perfect_sensors_score_without_a_fault(database: str, tmp_path: Path) -> None:
    score = scored(database, tmp_path)
    assert score.stays["true"] == score.stays["found"] > 1_000
    assert score.stays["altered"] == score.stays["missed"] == score.stays["invented"] == 0
    assert score.overstays["true"] == score.overstays["found"] > 50
    assert score.overstays["missed"] == score.overstays["invented"] == 0
    assert score.causes == {}
    assert score.swaps == 6
    assert score.error == 0.0
    assert score.quarters > 3 * 8 * 90


def test_each_fault_is_counted_where_it_belongs(database: str, tmp_path: Path) -> None:
    score = scored(database, tmp_path, FAULTS)
    assert score.unexplained == 0
    assert {"gateway", "missed_departure", "loss", "stuck"} <= set(score.causes)
    assert not {"duplicate", "out_of_order"} & set(score.causes), "what is said twice or late changes nothing"
    assert score.causes["missed_departure"].get("invented", 0) == 0
    assert score.causes["gateway"]["missed"] > 0, "nobody hears who comes and goes meanwhile"
    assert score.stays["found"] > 0.6 * score.stays["true"]
    assert score.overstays["found"] > 0.6 * score.overstays["true"]
    assert score.error == pytest.approx(0, abs=0.1)
