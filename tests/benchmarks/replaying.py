"""How fast a table is replayed into the broker, from the file to the PUBACK, and how much memory that takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.table import Table
from tests.benchmarks.world import World

_HOMES, _ROWS = 50, 4_000
_MAPPING = """
name = "homes"
family = "smart-meter"
order = "time"
[device]
headings = { except = [] }
[time]
path = "at"
[[reading]]
property = "import_interval"
"""
# the command itself, and then its highest memory on a line of its own
_RUN = """
import sys
from borough.cli import run
status = run(sys.argv[1:])
from tests.benchmarks.memory import highest_memory
print(highest_memory())
sys.exit(status)
"""


def replay(world: World, table: Table) -> None:
    """A table of 200,000 cells, flat out with a ledger and a checkpoint, into a broker whose queue takes it all.

    The memory is that of a table three times as long: files are streamed.
    """
    with tempfile.TemporaryDirectory(prefix="borough-bench-") as name:
        folder = Path(name)
        (folder / "homes.toml").write_text(_MAPPING)
        session = world.queue([])
        small = _measure(world, folder, _ROWS)
        large = _measure(world, folder, 3 * _ROWS)
        world.drop_session(session)
    table.add("replay", _ROWS * _HOMES / small[0], "messages/s")
    table.add("replay_memory", large[1], "bytes")


def _measure(world: World, folder: Path, rows: int) -> tuple[float, int]:
    """Seconds from the first message to the last PUBACK, and the process's highest memory [bytes]."""
    path = folder / f"homes-{rows}.csv"
    with path.open("w") as file:
        file.write("at," + ",".join(f"h{home}" for home in range(_HOMES)) + "\n")
        for row in range(rows):
            day, half = divmod(row, 48)
            date = f"{2001 + day // 336:04}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02}"
            at = f"{date}T{half // 2:02}:{half % 2 * 30:02}:00Z"
            file.write(at + "".join(f",{(row * 7 + home) % 3000 / 1000}" for home in range(_HOMES)) + "\n")
    arguments = [
        path,
        "--mapping",
        folder / "homes.toml",
        "--ledger",
        folder / "l.parquet",
        "--checkpoint",
        folder / "c",
    ]
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "replay", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "BOROUGH_MQTT_URL": world.mosquitto.url},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the replay ended with {done.returncode}: {done.stderr}{done.stdout}")
    text, _, memory = done.stdout.strip().rpartition("\n")
    said = json.loads(text)
    if said["messages"] != rows * _HOMES or said["unheard"]:
        raise RuntimeError(f"the replay sent {said['messages']} messages of {rows * _HOMES}")
    return float(said["seconds"]), int(memory)
