"""How fast a table is replayed into the broker, from the file to the PUBACK, and how much memory that takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
#: Meters and days of the same half-hours in two shapes: a row a half-hour, and a row a day.
_METERS, _DAYS = 1_000, 10
_SHAPES = {
    "long": '[time]\npath = "time"\n[[reading]]\nproperty = "import_interval"\npath = "kwh"\n',
    "wide": '[time]\npath = "date"\nzone = "UTC"\nheadings = "start"\n[[reading]]\nproperty = "import_interval"\n',
}
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


def shapes(_: World, table: Table) -> None:
    """480,000 half-hours as a row each and as 48 columns: read, checked and made into messages that are not sent.

    From the start of the command to its end; of both the same.
    """
    with tempfile.TemporaryDirectory(prefix="borough-bench-") as name:
        folder = Path(name)
        clocks = [f"{half // 2:02}:{half % 2 * 30:02}" for half in range(48)]
        with (folder / "long.csv").open("w") as long, (folder / "wide.csv").open("w") as wide:
            long.write("meter,time,kwh\n")
            wide.write(f"meter,date,{','.join(clocks)}\n")
            for day in range(1, _DAYS + 1):
                for meter in range(_METERS):
                    cells = (f"{(day * 7 + meter * 31 + half) % 3_000 / 1_000}" for half in range(48))
                    wide.write(f"m{meter},2026-02-{day:02},{','.join(cells)}\n")
                for half, clock in enumerate(clocks):
                    long.writelines(
                        f"m{meter},2026-02-{day:02}T{clock}:00Z,{(day * 7 + meter * 31 + half) % 3_000 / 1_000}\n"
                        for meter in range(_METERS)
                    )
        for shape, rest in _SHAPES.items():
            mapping = folder / f"{shape}.toml"
            mapping.write_text(
                f'name = "{shape}"\nfamily = "smart-meter"\norder = "time"\n[device]\ncolumn = "meter"\n{rest}'
            )
            begun = time.perf_counter()
            said = _run([folder / f"{shape}.csv", "--mapping", mapping, "--dry-run"], {})[0]
            seconds = time.perf_counter() - begun
            if said["messages"] != _METERS * _DAYS * 48:
                raise RuntimeError(f"of the {shape} table {said['messages']} messages were made")
            table.add(f"replay_{shape}", said["messages"] / seconds, "messages/s")


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
    said, memory = _run(arguments, {"BOROUGH_MQTT_URL": world.mosquitto.url})
    if said["messages"] != rows * _HOMES or said["unheard"]:
        raise RuntimeError(f"the replay sent {said['messages']} messages of {rows * _HOMES}")
    return float(said["seconds"]), memory


def _run(arguments: Sequence[object], environment: Mapping[str, str]) -> tuple[dict[str, Any], int]:
    """What the command says, and its highest memory [bytes]."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "replay", *map(str, arguments), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the replay ended with {done.returncode}: {done.stderr}{done.stdout}")
    text, _, memory = done.stdout.strip().rpartition("\n")
    return json.loads(text), int(memory)
