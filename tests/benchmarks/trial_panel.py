"""The panel of a trial of 20,000 homes over three years, from the database."""

from __future__ import annotations

import time
from datetime import date

import numpy as np

from analytics.trial import runner
from store import daily
from store.connect import connect
from store.daily import DailyUse
from tests.benchmarks.table import Table
from tests.benchmarks.world import World, wait_for_rest
from tests.worlds import trial_town
from tests.worlds.trial_town import SETTLED, ZONE

HOMES = 20_000
MONTHS = 36
TODAY = date(2026, 6, 17)


def trial_panel(world: World, table: Table) -> None:
    """Days to the panel, homes x months, with the year before: the best of three."""
    chance = np.random.default_rng(13)
    with world.database() as url, connect(url) as connection:
        town = trial_town.build(connection, TODAY, homes=HOMES)
        trial = trial_town.assigned(connection, town)
        homes = np.array([number for (number,) in connection.execute("select id from personal.home order by id")])
        for month in range(SETTLED, MONTHS):
            start, end = (runner.months_on(town.begins, month + further) for further in (0, 1))
            use = chance.integers(3_000, 20_000, (len(homes), (end - start).days))
            daily.write_days(connection, "electricity", DailyUse(homes, start, use, np.full(use.shape, 1440, np.int16)))
        connection.commit()
        connection.execute("analyze personal.daily_use")
        wait_for_rest()
        best = float("inf")
        for _ in range(3):
            begun = time.monotonic()
            panel = runner.panel(connection, trial, runner.months_on(town.begins, MONTHS), ZONE)
            best = min(best, time.monotonic() - begun)
            if panel.use.shape != (HOMES, MONTHS) or np.isnan(panel.use[:, SETTLED:]).any():
                raise RuntimeError("the panel is not what was written")
    table.add("trial_panel", best, "s")
