"""How fast trials are estimated, and the same estimate by statsmodels beside it.

Seconds are those of the clock. Panels are made before it runs; what is measured is panel in, estimate out.
"""

from __future__ import annotations

import time
from math import inf

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

from analytics.trial import post_only
from analytics.trial.panel import Panel
from tests.benchmarks.table import Table
from tests.benchmarks.world import World
from tests.worlds.trials import world

TRIALS, HOMES, TIMES = 400, 20_000, 5
#: What statsmodels is asked.
FORMULA = "use ~ t + C(month) * (year + summer + winter)"


def trial_400(_world: World, table: Table) -> None:
    """400 trials of 20,000 homes and a year, each with a planted 2 %; their intervals are to hold it as they say."""
    seconds, held = 0.0, 0
    for seed in range(TRIALS):
        made = world(seed, HOMES)
        begun = time.perf_counter()
        (found,) = post_only.estimate(made.panel)
        seconds += time.perf_counter() - begun
        held += found.low <= made.truth[1] <= found.high
    table.add("trial_400", seconds, "s")
    if not 366 <= held <= 396:
        raise RuntimeError(f"of {TRIALS} intervals with 95 % {held} hold the truth")


def trial_vs_statsmodels(_world: World, table: Table) -> None:
    """One of these trials by both; statsmodels gets its table ready made."""
    panel = world(1, HOMES).panel
    rows = _rows(panel)
    begun = time.perf_counter()
    fit = smf.wls(FORMULA, data=rows, weights=rows.days).fit(
        cov_type="cluster", cov_kwds={"groups": rows.home.to_numpy()}
    )
    theirs = time.perf_counter() - begun
    ours = inf
    found = post_only.estimate(panel)[0]
    for _ in range(TIMES):
        begun = time.perf_counter()
        post_only.estimate(panel)
        ours = min(ours, time.perf_counter() - begun)
    apart = max(abs(found.effect / fit.params["t"] - 1), abs(found.error / fit.bse["t"] - 1))
    if apart > 1e-8:
        raise RuntimeError(f"statsmodels says {fit.params['t']} +- {fit.bse['t']}, we say {found}")
    table.add("trial_statsmodels", theirs, "s")
    table.add("trial", ours, "s")
    table.ratio("trial_vs_statsmodels", "trial_statsmodels", "trial")


def _rows(panel: Panel) -> pd.DataFrame:
    home, month = np.nonzero(panel.known)
    return pd.DataFrame({
        "home": home, "month": month, "t": (panel.arm[home] == 1).astype(float), "use": panel.use[home, month],
        "days": panel.days[home, month], "year": panel.prior[home, 0], "summer": panel.prior[home, 1],
        "winter": panel.prior[home, 2],
    })  # fmt: skip
