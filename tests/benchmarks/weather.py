"""CalTRACK daily: models of a borough's homes, and eemeter, its reference implementation, beside them."""

from __future__ import annotations

import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.weather.caltrack import BOTH, COOLING, HEATING, INTERCEPT, Models, fit
from analytics.weather.degree_days import above, below
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.tools import eemeter_peer

HOMES, DAYS = 100_000, 365
SEED = 20_261_129
#: Homes that eemeter is asked for; each takes it seconds.
ASKED = 4
_GAPS = 0.05
_KINDS = {"intercept_only": INTERCEPT, "hdd_only": HEATING, "cdd_only": COOLING, "cdd_hdd": BOTH}

Float64 = NDArray[np.float64]


class _Fitted(NamedTuple):
    """Use and temperature that were given, the models, and the seconds."""

    use: Float64
    temperature: Float64
    models: Models
    seconds: float


@cache
def _fitted() -> _Fitted:
    """All homes: heated with a slope and a base of their own, some cooled, one day in twenty missing."""
    random = np.random.default_rng(SEED)
    day = np.arange(DAYS)
    temperature = 11.5 - 8 * np.cos(2 * np.pi * (day - 20) / DAYS) + random.normal(0, 2.5, DAYS)
    use = np.empty((HOMES, DAYS))
    for low in range(0, HOMES, 1_000):
        part = use[low : low + 1_000]
        heat, cool = random.uniform(0, 3, (len(part), 1)), random.uniform(0, 2, (len(part), 1))
        cool[random.random(len(part)) < 0.8] = 0
        base = random.uniform(54, 64, len(part))
        part[:] = 6 + heat * below(temperature, base) + cool * above(temperature, base + 8)
        part *= random.uniform(0.6, 1.4, part.shape)
        part[random.random(part.shape) < _GAPS] = np.nan
    begun = time.perf_counter()
    models = fit(use, temperature)
    return _Fitted(use[:ASKED].copy(), temperature, models, time.perf_counter() - begun)


def caltrack_100k(_world: World, table: Table) -> None:
    """A year of 100,000 homes, each with gaps of its own: all candidates of each."""
    found = _fitted()
    if (found.models.kind < 0).any() or found.models.days.max() == DAYS:
        raise RuntimeError("these homes are not what was meant")
    table.add("caltrack_100k", found.seconds, "s")


def caltrack_vs_eemeter(_world: World, table: Table) -> None:
    """The first of these homes by eemeter 2.10.11, in an environment of its own; the same models, by the home."""
    found = _fitted()
    with tempfile.TemporaryDirectory() as folder:
        try:
            python = eemeter_peer.make(Path(folder))
        except eemeter_peer.NoEemeterError as error:
            print(f"caltrack_vs_eemeter: {error}", file=sys.stderr)
            return
        homes = [[None if np.isnan(value) else value for value in row] for row in found.use.tolist()]
        asked = eemeter_peer.ask(python, homes, found.temperature.tolist(), first="2025-01-01", zone="UTC")
    for place, model in enumerate(asked.models):
        ours = found.models
        same = np.allclose(
            (ours.intercept[place], ours.b_h[place], ours.b_c[place], ours.r2[place]),
            (model["intercept"], 1.8 * model["b_h"], 1.8 * model["b_c"], model["r2"]),
            rtol=1e-9,
        )
        if ours.kind[place] != _KINDS[model["kind"]] or not same:
            raise RuntimeError(f"eemeter has another model of home {place}")
    table.add("caltrack_eemeter", asked.seconds / ASKED, "s/home")
    table.add("caltrack_ours", found.seconds / HOMES, "s/home")
    table.ratio("caltrack_vs_eemeter", "caltrack_eemeter", "caltrack_ours")
