"""What chance costs in a trial: the draw, re-randomisation beside ritest-python, twelve looks, and power.

Seconds are those of the clock: a trial is looked at by somebody who waits.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from analytics.trial.draw import draw
from analytics.trial.panel import Panel
from analytics.trial.power import power
from analytics.trial.prior_use import Summary
from analytics.trial.randomisation import test as randomise
from analytics.trial.sequential import intervals
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools import trial_judges
from tests.worlds.trials import world

HOMES = 20_000
#: Small enough to wait for ritest-python.
FEW, FEW_DRAWS = 400, 200


def trial_draw_100k(_world: World, table: Table) -> None:
    """The arms of 100,000 homes in 54 strata."""
    tenancy = np.arange(100_000, dtype=np.int64)
    begun = time.perf_counter()
    draw("2026-11-29", "bench", tenancy, tenancy % 54, (1, 1, 1))
    table.add("trial_draw_100k", time.perf_counter() - begun, "s")


def ri_10000(_world: World, table: Table) -> None:
    """10,000 re-randomisations of one trial of 20,000 homes and a year, the post-only effect made anew in each."""
    panel = world(5, HOMES).panel
    begun = time.perf_counter()
    (found,) = randomise(panel)
    table.add("ri_10000", time.perf_counter() - begun, "s")
    if found.draws != 10_000 or found.extreme:
        raise RuntimeError(f"of 10,000 draws none is as large as a planted 2 %, not {found.extreme} of {found.draws}")


def ri_vs_ritest(_world: World, table: Table) -> None:
    """The same trial by both: 400 homes, a year, 200 draws; skipped in words where ritest cannot be had."""
    panel = world(6, FEW, effects=(-0.01,)).panel
    begun = time.perf_counter()
    (ours,) = randomise(panel, draws=FEW_DRAWS)
    seconds = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as folder:
        try:
            python = trial_judges.make(Path(folder))
        except trial_judges.NoJudgesError as error:
            print(f"ri_vs_ritest: skipped: {error}", file=sys.stderr)
            return
        asked = {"randomisation": [_case(panel)], "bounds": [], "draws": FEW_DRAWS}
        (theirs,) = trial_judges.ask(python, asked)["randomisation"]
    if abs(ours.effect - theirs["effect"]) > 1e-8 or abs(ours.p - theirs["p"]) > 0.25:
        raise RuntimeError(f"ritest says {theirs}, we say {ours}")
    table.add("ri_200", seconds, "s")
    table.add("ri_200_ritest", theirs["seconds"], "s")
    table.ratio("ri_vs_ritest", "ri_200_ritest", "ri_200")


def trial_looks(_world: World, table: Table) -> None:
    """All twelve looks at a trial of 20,000 homes."""
    panel = world(7, HOMES).panel
    begun = time.perf_counter()
    looks = intervals(panel)
    table.add("trial_looks", time.perf_counter() - begun, "s")
    if len(looks) != panel.months:
        raise RuntimeError(f"{len(looks)} looks at {panel.months} months")


def trial_power(_world: World, table: Table) -> None:
    """The power of a trial of 20,000 homes: 1,000 simulations, and the least saving that is found."""
    begun = time.perf_counter()
    found = power(Summary(HOMES, 10.0, 6.0, 0.85), (1, 1), target=0.02)
    table.add("trial_power", time.perf_counter() - begun, "s")
    if found.smallest is None or not 0.01 < found.smallest < 0.015:
        raise RuntimeError(f"2.8 standard errors are 1.25 %, not {found.smallest}")


def _case(panel: Panel) -> dict[str, Any]:
    """A panel as the judges take it: blocks of all strata told apart by one number."""
    _, block = np.unique(np.column_stack((panel.stratum, panel.block)), axis=0, return_inverse=True)
    return {
        "arm": panel.arm.tolist(), "block": block.reshape(-1).tolist(), "prior": panel.prior.tolist(),
        "use": np.where(panel.known, panel.use, 0).tolist(), "days": panel.days.tolist(),
    }  # fmt: skip
