"""How fast fleets are made: the meters' readings, without faults, bytes or broker."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from simulators.clock import DAY_US
from simulators.fleet_file import load
from simulators.generate import devices_of, generate
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

_FLEET = Path(__file__).parents[2] / "simulators" / "fleets" / "meters-100k.toml"
#: Homes of the 100,000 that are measured: a tenth for a whole year. Time is proportional to homes and days.
HOMES = 10_000
DAYS = 365


def generate_meters(_world: World, table: Table) -> None:
    """A year of half-hours of 10,000 meters as signals, weather and heating included."""
    fleet = load(_FLEET)
    assert fleet.meters is not None
    fleet = replace(fleet, meters=replace(fleet.meters, count=HOMES, planted={}))
    devices = devices_of(fleet)  # made beforehand, as for any number of spans
    begun, values = time.monotonic(), 0
    for piece in generate(fleet, fleet.start_us, fleet.start_us + DAYS * DAY_US, devices):
        values += len(piece.value)
    seconds = time.monotonic() - begun
    if values != HOMES * DAYS * 48:
        raise RuntimeError(f"{values} values made, {HOMES * DAYS * 48} expected")
    table.add("generate_meters", values / seconds, "values/s")
