"""How fast a fleet speaks: faults, encoding, ledger and broker from one process, nobody listening."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from simulators.connections import Broker, Connections
from simulators.fault_options import read_options
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from simulators.ledger import LedgerWriter
from simulators.run import Clock, Simulation, choose_wires, publish
from simulators.stream import Signals
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

_HOMES = 2_000
_FLEET = f"""
name = "publish"
start = 2026-01-05T00:00:00Z
days = 5
[smart-meter]
count = {_HOMES}
properties = ["import_interval"]
[faults]
loss = 0.01
duplicate = 0.01
"""


def publish_fleet(world: World, table: Table) -> None:
    """Half-hours of 2,000 meters for five days as native JSON, one reading a message, with a ledger.

    The signals are made beforehand: what they cost is `generate_meters`.
    """
    fleet = parse(_FLEET, "publish")
    span = (fleet.start_us, fleet.start_us + 5 * 86_400_000_000)
    day = 86_400_000_000
    made = {start: list(generate(fleet, start, start + day)) for start in range(*span, day)}

    def signals(start: int, _end: int) -> Iterator[Signals]:
        return iter(made[start])

    simulation = Simulation(
        signals, span, 1, devices_of(fleet), choose_wires({"smart-meter": "native"}, None),
        read_options(fleet.faults),
    )  # fmt: skip
    broker = Broker("127.0.0.1", world.mosquitto.port)
    with tempfile.TemporaryDirectory(prefix="borough-bench-") as folder, Connections(broker, 1) as connections:
        clock = Clock(span[0], time.time_ns() // 1_000, None)
        begun = time.monotonic()
        with LedgerWriter(Path(folder) / "ledger.parquet") as writer:
            lines = {"smart-meter": [0] * _HOMES}
            progress = publish(simulation, clock, connections, lines, writer, lambda _progress: None)
        seconds = time.monotonic() - begun
    if progress.messages < 470_000:
        raise RuntimeError(f"{progress.messages} messages were published, about 480,000 expected")
    table.add("publish", progress.messages / seconds, "messages/s")
