"""Lin's regression: what estimatr and clubSandwich said of the same panels, and its limits."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.trial import lin, panel_csv
from tests.worlds.trials import world

JUDGED = Path(__file__).parents[3] / "references" / "trial_estimates"
with (JUDGED / "lin.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']} {row['arm']} {row['way']}")
def test_r_says_the_same(row: dict[str, str]) -> None:
    panel = panel_csv.read((JUDGED / f"{row['case']}.csv").read_text())
    found = next(one for one in lin.estimate(panel) if one.arm == row["arm"])
    for name in ("effect", "error", "low", "high", "p", "df"):
        if row[name]:
            assert getattr(found, name) == pytest.approx(float(row[name]), rel=1e-8), name


def test_all_cases_were_judged_both_ways() -> None:
    assert len({(row["case"], row["arm"]) for row in ROWS}) * 2 == len(ROWS) == 8


def test_mean_use_is_weighted_by_known_days() -> None:
    panel = world(1, 10, 2).panel
    panel = replace(panel, use=panel.use.copy(), days=panel.days.copy())
    panel.use[0], panel.days[0] = (2.0, 5.0), (10.0, 20.0)
    panel.use[1], panel.days[1] = (2.0, np.nan), (10.0, 12.0)
    panel.use[2], panel.days[2] = (3.0, 4.0), (0.0, 0.0)
    assert lin.mean_use(panel)[:2] == pytest.approx([4.0, 2.0])
    assert np.isnan(lin.mean_use(panel)[2])


def test_a_home_that_decides_its_own_fit_is_told() -> None:
    panel = world(1, 40, 2).panel
    prior = np.ones_like(panel.prior)
    prior[np.flatnonzero(panel.arm == 1)[0]] = 9.0
    with pytest.raises(ValueError, match="a home of arm comparison has a prior use like no other there"):
        lin.estimate(replace(panel, prior=prior))


def test_fewer_homes_than_unknowns_are_told() -> None:
    panel = world(1, 40, 2).panel
    chosen = panel.arm == 0
    chosen[np.flatnonzero(panel.arm == 1)[:3]] = True
    with pytest.raises(ValueError, match="arm comparison has 3 homes for 3 unknowns"):
        lin.estimate(panel.part(chosen))


def test_a_prior_use_that_all_share_is_left_out() -> None:
    panel = world(2, 200, 3).panel
    plain = replace(panel, prior=np.ones_like(panel.prior))
    (found,) = lin.estimate(plain)
    use, arm = lin.mean_use(plain), plain.arm == 1
    assert found.effect == pytest.approx(use[arm].mean() - use[~arm].mean())
    assert found.error == pytest.approx(
        np.sqrt(use[arm].var(ddof=1) / arm.sum() + use[~arm].var(ddof=1) / (~arm).sum())
    )
