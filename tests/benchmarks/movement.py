"""How fast quiet spells are found: 100,000 sensors over 90 days, homes streamed as the record reads them.

``python -m tests.benchmarks.movement`` is the measured process: it prints a JSON line with seconds, readings, spells
and its highest resident memory [bytes].
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from analytics.movement import spells, usual
from analytics.movement.arrays import DAY, DOOR, ROOMS, Readings, Sensors, Spans
from analytics.movement.clock import day_number, kinds
from simulators.fleet_file import parse
from simulators.generate import devices_of, generate
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.table import Table
from tests.benchmarks.world import World

SENSORS: Final = 100_000
DAYS: Final = 90
#: Homes at once, as many as the record's runner takes, and how many different ones are simulated: the others have the
#: same days at other seconds.
PART: Final = 50
SIMULATED: Final = 150
#: What a home of four rooms says a day, by the simulation of a hundred homes: fewer would make the figure too good.
LEAST: Final = 250
_LONDON: Final = ZoneInfo("Europe/London")
_FLEET: Final = """
start = 2026-01-19T00:00:00Z
[movement-sensor]
count = {homes}
properties = ["motion", "contact"]
visitors = 2
pets = 0.2
night_visits = 1
"""


def movement_100k(_world: World, table: Table) -> None:
    """Quiet spells, their half-hours and what is usual, of 100,000 sensors over 90 days; the memory of that process."""
    command = [sys.executable, "-m", "tests.benchmarks.movement"]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    table.add("movement_100k", found["seconds"], "s")
    table.add("movement_100k_readings", found["readings"], "readings")
    table.add("movement_100k_memory", found["peak"], "bytes")


def main() -> None:
    """Measure in this process; the readings of a part are made before its time is taken."""
    fleet = parse(_FLEET.format(homes=SIMULATED), "bench.toml", seed=1)
    start, end = fleet.start_us, fleet.start_us + DAYS * DAY
    devices = devices_of(fleet)["movement-sensor"]
    each = len(devices) // SIMULATED
    rooms = [DOOR if one.attributes["room"] == "door" else ROOMS.index(one.attributes["room"]) for one in devices]
    columns = [(piece.device, piece.time, piece.value) for piece in generate(fleet, start, end)]
    device, instant, value = (np.concatenate(column) for column in zip(*columns, strict=True))
    del columns
    order = np.argsort(device, kind="stable")
    device, instant, value = device[order], instant[order], value[order]
    if len(instant) < LEAST * SIMULATED * DAYS:
        raise RuntimeError("these homes are too quiet to say anything")
    edges = np.searchsorted(device, np.arange(len(devices) + 1))
    del device, order
    parts = []
    for low in range(0, len(devices), PART * each):
        own = edges[low : low + PART * each + 1]
        rows = slice(int(own[0]), int(own[-1]))
        parts.append(Readings(own - own[0], instant[rows], value[rows]))
    sensors = Sensors(np.repeat(np.arange(PART), each), np.array(rooms[: PART * each]))
    none = np.empty(0, np.int64)
    nothing = Spans(none, none, none)
    first = day_number(date(2026, 1, 19))
    kind = kinds(first + np.arange(DAYS), ())
    taken, readings, count, longest = 0.0, 0, 0, 0
    for turn in range(SENSORS // (PART * each)):
        # other homes: the same lives, each some seconds later
        part = parts[turn % len(parts)]
        moved = part._replace(time=part.time + turn * 1_000_003)
        begun = time.process_time()
        found = spells.find(sensors, moved, PART, start, end)
        of_days = (found, nothing, PART, first, DAYS, _LONDON)
        (quiet, away), lasted = usual.longest(*of_days), usual.lasted(*of_days)
        last = slice(-usual.DAYS, None)
        learned = usual.learn(quiet[:, last], away[:, last], lasted[:, last], kind[last])
        taken += time.process_time() - begun
        readings += len(moved.time)
        count += len(found.home)
        longest = max(longest, int(learned.limit.max()))
    print(json.dumps({"seconds": taken, "readings": readings, "spells": count, "peak": highest_memory()}))


if __name__ == "__main__":
    main()
