"""A task over five boroughs against five single runs in turn; comparisons in groups of cells against all at once."""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analytics.neighbours import comparison
from analytics.neighbours.cell_groups import compare_group, groups_of, put_together
from tests.benchmarks import neighbours, rounds
from tests.benchmarks.rounds import ROUNDS
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools.program import environment
from tests.worlds.boroughs import boroughs, street

NAMES = ("ashdown", "birchfield", "cedars", "downs", "elms")
_PROCESSES = 2
_GROUPS = 16
_FIGURES = ("n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less")


def fleet_5(world: World, table: Table) -> None:
    """``analyse`` of five boroughs of 60 homes and five weeks, nothing of it analysed yet; each way in turn.

    Wall time and the processor time of the commands and all that they begin: on a busy machine only the second says
    anything. The median of the rounds.
    """
    found: dict[str, list[tuple[float, float]]] = {"fleet_5_in_turn": [], "fleet_5": []}
    with street(world.cluster) as first:
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder, boroughs(world.cluster, Path(folder), NAMES, first) as made:
                began = _clock()
                for name in NAMES:
                    _command(["analyse"], {"BOROUGH_DATABASE_URL": made.url(name)})
                found["fleet_5_in_turn"].append(_since(began))
            with tempfile.TemporaryDirectory() as folder, boroughs(world.cluster, Path(folder), NAMES, first) as made:
                began = _clock()
                _command(["fleet", "run", str(made.file), "--processes", str(_PROCESSES), "--", "analyse"], {})
                found["fleet_5"].append(_since(began))
    for name, runs in found.items():
        rounds.add(table, name, [wall for wall, _ in runs], "s")
        rounds.add(table, f"{name}_cpu", [cpu for _, cpu in runs], "s")
    table.ratio("fleet_5 / fleet_5_in_turn", "fleet_5", "fleet_5_in_turn")
    table.ratio("fleet_5_cpu / fleet_5_in_turn_cpu", "fleet_5_cpu", "fleet_5_in_turn_cpu")


def cell_groups_1m(_world: World, table: Table) -> None:
    """Processor time of the comparison of a million homes: at once; in groups; and what the groups cost beside it.

    Dividing, packing as they are sent, and putting together is done by who sends; the groups are computed by workers.
    The median of the rounds.
    """
    made = neighbours.borough(1_000_000)
    cells, joined = neighbours.sets(made)
    found: dict[str, list[float]] = {name: [] for name in ("compare_1m_cpu", "cell_groups_1m_cpu", "cell_groups_sent")}
    for _ in range(ROUNDS):
        began = time.process_time()
        whole = comparison.compare(cells, joined, made.use, made.counts)
        found["compare_1m_cpu"].append(time.process_time() - began)
        began = time.process_time()
        parts = list(groups_of(cells, joined, made.use, made.counts, _GROUPS))
        for _, group in parts:
            pickle.dumps(group, protocol=5)
        sent = time.process_time() - began
        began = time.process_time()
        figures = [compare_group(group) for _, group in parts]
        found["cell_groups_1m_cpu"].append(time.process_time() - began)
        began = time.process_time()
        merged = put_together(
            cells, made.counts, [(place, one) for (place, _), one in zip(parts, figures, strict=True)]
        )
        found["cell_groups_sent"].append(sent + time.process_time() - began)
        if not all(np.array_equal(getattr(merged, name), getattr(whole, name)) for name in _FIGURES):
            raise RuntimeError("groups of cells say otherwise than all at once")
    for name, values in found.items():
        rounds.add(table, name, values, "s")


def _command(words: Sequence[str], settings: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "borough", *words], env=environment(settings), stdout=subprocess.DEVNULL
    )
    if done.returncode:
        raise RuntimeError(f"borough {' '.join(words[:2])} ended with status {done.returncode}")


def _clock() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), used.ru_utime + used.ru_stime


def _since(began: tuple[float, float]) -> tuple[float, float]:
    """Seconds and processor time of ended children [s] since."""
    wall, cpu = _clock()
    return wall - began[0], cpu - began[1]
