"""Balance: means and normalised differences by the plain formula, and a joint test that is right by chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from analytics.trial import balance
from analytics.trial.panel import UNKNOWN, Panel
from devices.trials import Arm
from tests.worlds.trials import world

PANEL = world(9, 400, 1, (-0.02, 0.0), missing=0.1).panel


def test_the_table_has_every_property_of_every_arm_by_the_plain_formula() -> None:
    table = balance.table(PANEL)
    assert list(dict.fromkeys(one.what for one in table))[:4] == [
        "prior use, year", "prior use, summer", "prior use, winter", "tenure: owned",
    ]  # fmt: skip
    assert len(table) == 2 * (3 + 3 + 3 + 10)
    one = next(one for one in table if one.what == "prior use, summer" and one.arm is Arm.COMPARISON)
    arm = PANEL.prior[(PANEL.arm == 2) & ~PANEL.filled[:, 1], 1]
    control = PANEL.prior[(PANEL.arm == 0) & ~PANEL.filled[:, 1], 1]
    assert one.homes == len(arm)
    assert one.mean == pytest.approx(arm.mean())
    assert one.control == pytest.approx(control.mean())
    spread = np.sqrt((np.var(arm, ddof=1) + np.var(control, ddof=1)) / 2)
    assert one.difference == pytest.approx((arm.mean() - control.mean()) / spread)
    share = next(one for one in table if one.what == "tenure: social" and one.arm is Arm.ZONE)
    assert share.mean == pytest.approx((PANEL.labels["tenure"][PANEL.arm == 1] == 1).mean())


def test_homes_of_which_it_is_not_known_do_not_count() -> None:
    tenure = PANEL.labels["tenure"].copy()
    tenure[PANEL.labels["deprivation"] == 0] = UNKNOWN
    table = balance.table(replace(PANEL, labels={**PANEL.labels, "tenure": tenure}))
    one = next(one for one in table if one.what == "tenure: owned" and one.arm is Arm.ZONE)
    assert one.homes == int(((tenure != UNKNOWN) & (PANEL.arm == 1)).sum())
    assert sum(
        one.mean or 0 for one in table if one.what.startswith("tenure") and one.arm is Arm.ZONE
    ) == pytest.approx(1)


def test_fewer_than_fifteen_homes_show_no_mean_and_equal_homes_no_difference() -> None:
    kept = PANEL.arm != 1
    kept[np.flatnonzero(PANEL.arm == 1)[:14]] = True
    few = [one for one in balance.table(PANEL.part(kept)) if one.arm is Arm.ZONE]
    assert {(one.mean, one.difference) for one in few} == {(None, None)}
    assert all(one.control is not None for one in few if one.what.startswith("prior use"))
    alike = replace(PANEL, prior=np.ones_like(PANEL.prior))
    assert balance.table(alike)[0][3:] == (1.0, 1.0, None)


def test_the_joint_test_is_every_draw_of_small_blocks() -> None:
    # three blocks of two homes: eight draws, each as likely; one property
    prior = np.repeat([[1.0], [2.0], [4.0], [8.0], [16.0], [31.0]], 3, axis=1)
    small = replace(
        world(1, 6, 1, missing=0.0).panel, arm=np.array([0, 1] * 3, np.int8), stratum=np.zeros(6, np.int32),
        block=np.repeat([0, 1, 2], 2).astype(np.int32), prior=prior, labels={}, names={},
    )  # fmt: skip
    gaps = [
        abs(sum(sign * gap for sign, gap in zip(signs, (1, 4, 15), strict=True)))
        for signs in product((1, -1), repeat=3)
    ]
    exact = sum(gap >= 20 for gap in gaps) / 8
    assert balance.joint(small, draws=4_000) == pytest.approx(exact, abs=4.5 * (exact * (1 - exact) / 4_000) ** 0.5)


def test_arms_that_were_chosen_by_use_are_found_and_drawn_ones_are_not() -> None:
    def low(panel: Panel) -> Panel:
        arm = np.digitize(panel.prior[:, 0], np.quantile(panel.prior[:, 0], [1 / 3, 2 / 3])).astype(np.int8)
        return replace(panel, arm=arm, stratum=np.zeros_like(panel.stratum), block=np.zeros_like(panel.block))

    assert balance.joint(low(PANEL), 199) == 1 / 200
    by_chance = [balance.joint(world(seed, 120, 1).panel, 99) or 0.0 for seed in range(40)]
    assert 0.25 < float(np.mean(by_chance)) < 0.75
    assert sum(p <= 0.1 for p in by_chance) <= 10


def test_the_joint_test_is_the_same_for_a_seed_and_says_where_there_is_none() -> None:
    assert balance.joint(PANEL, 50, seed=4) == balance.joint(PANEL, 50, seed=4)
    assert balance.joint(replace(PANEL, arm=np.zeros_like(PANEL.arm)), 5) is None
    assert balance.joint(replace(PANEL, block=np.arange(400, dtype=np.int32)), 5) is None
    alike = replace(PANEL, prior=np.ones_like(PANEL.prior), labels={}, names={})
    assert balance.joint(alike, 5) is None
    assert balance.joint(PANEL.part(np.zeros(400, np.bool_)), 5) is None
    with pytest.raises(ValueError, match="one draw or more, not 0"):
        balance.joint(PANEL, 0)
