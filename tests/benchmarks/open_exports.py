"""Exports of open data: how many readings a second become CSV and Parquet, beside PostgreSQL's own COPY of the same.

One connection and one state of the database, from the first question to the last byte in a file. COPY writes its file
on the server, nothing of it goes through a client; and it may have the rows in whatever order is best for it. Both take
turns, and the best of each counts, for the machine is shared. What the site sends is taken by curl.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analytics.tables.csv_text import csv_blocks
from analytics.tables.parquet import parquet_blocks
from devices.device import Device
from store import open_data, series
from store.arrays import SeriesBlock
from store.connect import connect
from store.copy import copy_readings
from store.open_data import OpenSeries
from store.times import instant, microseconds
from tests.benchmarks.memory import highest_memory
from tests.benchmarks.pages import serving
from tests.benchmarks.table import Table
from tests.benchmarks.world import World, wait_for_rest

DEVICES, PROPERTIES, READINGS = 50, ("no2", "pm2_5"), 40_000
#: Of one way; the best counts.
TURNS = 3
BEGIN = microseconds(datetime(2026, 1, 1, tzinfo=UTC))
END = BEGIN + READINGS * 60_000_000

Pieces = Callable[[Sequence[OpenSeries], Iterator[SeriesBlock]], Iterator[bytes]]


def export(world: World, table: Table) -> None:
    """CSV, Parquet and COPY of 4,000,000 readings of 100 series, one a minute, with one decimal."""
    with world.database([Device(f"{number:04}", "air-monitor", "native") for number in range(DEVICES)]) as url:
        rows = _fill(url)
        wait_for_rest()
        best = {"csv": 0.0, "parquet": 0.0, "copy": 0.0}
        with tempfile.TemporaryDirectory(prefix="borough-export-bench-") as folder:
            target = Path(folder, "export")
            base = highest_memory()
            for _ in range(TURNS):
                for name, made in (("csv", csv_blocks), ("parquet", parquet_blocks)):
                    best[name] = max(best[name], rows / _ours(url, target, made))
                best["copy"] = max(best["copy"], rows / _copy(url))
        table.add("export_csv", best["csv"], "rows/s")
        table.add("export_parquet", best["parquet"], "rows/s")
        table.add("export_copy", best["copy"], "rows/s")
        table.ratio("export_vs_copy", "export_csv", "export_copy")
        table.add("export_memory_growth", highest_memory() - base, "B")
        with serving(url) as port:
            _served(table, port, rows)


def _fill(url: str) -> int:
    rng = np.random.default_rng(16)
    times = BEGIN + np.arange(READINGS, dtype=np.int64) * 60_000_000
    with connect(url, autocommit=True) as connection:
        found = series.resolve(connection, [(f"{n:04}", name) for n in range(DEVICES) for name in PROPERTIES])
        for one in found:
            with connection.transaction():
                values = np.round(rng.normal(20, 8, READINGS), 1)
                copy_readings(connection, np.full(READINGS, one.series, np.int32), times, values)
        connection.execute("vacuum analyze public.reading")
    return len(found) * READINGS


def _ours(url: str, target: Path, made: Pieces) -> float:
    """Seconds from the connection to the last byte in the file."""
    begun = time.perf_counter()
    with open_data.one_state(url) as connection, target.open("wb") as file:
        asked = open_data.open_series(connection, "air-monitor", origin="real")
        for piece in made(asked, open_data.readings(connection, asked, BEGIN, END)):
            file.write(piece)
    return time.perf_counter() - begun


def _copy(url: str) -> float:
    """Seconds of COPY of the same rows: the series' number, its time and its value."""
    with connect(url, autocommit=True) as connection:
        folder = connection.execute("show data_directory").fetchone()
        assert folder is not None
        target = Path(str(folder[0]), "export-bench.csv")
        begun = time.perf_counter()
        connection.execute(
            "copy (select series_id, time, value from public.reading"
            f" where time >= '{instant(BEGIN)}' and time < '{instant(END)}')"
            f" to '{target}' (format csv)"
        )
        seconds = time.perf_counter() - begun
        target.unlink()
    return seconds


def _served(table: Table, port: int, rows: int) -> None:
    for ending in ("csv", "parquet"):
        path = f"/open-data/exports/air-monitor.{ending}?from=2026-01-01&to=2026-01-31"
        best = 0.0
        for _ in range(TURNS):
            begun = time.perf_counter()
            subprocess.run(["curl", "-sSf", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}"], check=True)
            best = max(best, rows / (time.perf_counter() - begun))
        table.add(f"export_{ending}_served", best, "rows/s")
