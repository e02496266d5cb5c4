"""Difference in differences: what pyfixest said, what statsmodels says with a dummy for each home, and its limits."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.trial import differences, panel_csv
from analytics.trial.panel import Panel
from tests.references import trial_by_statsmodels
from tests.worlds.trials import world

JUDGED = Path(__file__).parents[3] / "references" / "trial_estimates"
with (JUDGED / "differences.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']} {row['arm']}")
def test_pyfixest_says_the_same(row: dict[str, str]) -> None:
    panel = panel_csv.read((JUDGED / f"{row['case']}.csv").read_text())
    found = next(one for one in differences.estimate(panel) if one.arm == row["arm"])
    assert (found.effect, found.error) == pytest.approx((float(row["effect"]), float(row["error"])), rel=1e-8)


def halves() -> tuple[Panel, Panel]:
    """Three months before and three in the trial, of the same homes; of the last month next to nothing is known."""
    panel = world(6, 70, 6, (-0.2,), gaps=0.2).panel
    days = panel.days.copy()
    days[:, 5] = (np.arange(70) < 8) * (days[:, 5] > 0)
    panel = replace(panel, days=days)
    everybody, first = np.ones(panel.homes, np.bool_), np.arange(6) < 3
    return panel.part(everybody, first), panel.part(everybody, ~first)


def test_months_before_count_each_as_statsmodels_has_it() -> None:
    import pandas as pd

    before, panel = halves()
    (found,) = differences.estimate(panel, before=before)
    rows = [
        (home, int(part.month[month]), part.use[home, month], part.days[home, month], float(after and part.arm[home]))
        for home in range(panel.homes)
        if before.known[home].any() and panel.known[home].any()
        for after, part in ((False, before), (True, panel))
        for month in range(3)
        if part.known[home, month]
    ]
    judge = trial_by_statsmodels.differences(pd.DataFrame(rows, columns=["home", "period", "use", "days", "d"]))
    assert (found.effect, found.error) == pytest.approx((judge.effect, judge.error), rel=1e-8)
    assert found.observations == len(rows)


def test_what_a_home_always_used_has_no_part() -> None:
    before, panel = halves()
    always = np.linspace(0, 50, panel.homes)[:, None]
    (one,) = differences.estimate(panel, before=before)
    (other,) = differences.estimate(
        replace(panel, use=panel.use + always), before=replace(before, use=before.use + always)
    )
    assert one[2:7] == pytest.approx(other[2:7], rel=1e-9)


def test_the_truth_of_a_whole_panel_is_the_difference_of_differences() -> None:
    panel = world(7, 300, 4, gaps=0.0, missing=0.0).panel
    panel = replace(panel, days=np.full_like(panel.days, 30.0))
    (found,) = differences.estimate(panel)
    change = panel.use.mean(axis=1) - panel.prior[:, 0]
    assert found.effect == pytest.approx(change[panel.arm == 1].mean() - change[panel.arm == 0].mean(), rel=1e-10)


def test_limits_are_told_in_words() -> None:
    panel = world(4, 60, 3).panel
    cases = {
        "has no home with a known use.* before the trial and in it": replace(panel, days=np.zeros_like(panel.days)),
        "control, nothing, has no home": panel.part(panel.arm == 1),
        "arm comparison has no home": replace(panel, filled=panel.filled | (panel.arm == 1)[:, None]),
        "nothing is left to find an error by": replace(
            panel, use=np.full_like(panel.use, 3.0), prior=np.full_like(panel.prior, 3.0)
        ),
        "no month of the trial has homes of it and of the control": replace(
            panel, days=panel.days * ((panel.arm == 1)[:, None] == (np.arange(3) == 1))
        ),
    }
    for words, limit in cases.items():
        assert differences.why_not(limit, 1)
        with pytest.raises(ValueError, match=words):
            differences.estimate(limit)
    before, after = halves()
    with pytest.raises(ValueError, match="go on into the trial"):
        differences.estimate(before, before=after)
    with pytest.raises(ValueError, match="of other homes"):
        differences.estimate(after, before=before.part(before.arm == 0))
