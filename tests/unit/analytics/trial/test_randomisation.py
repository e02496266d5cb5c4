"""Randomisation inference: the same p as ritest, the same effect as the regression, and p that is uniform by chance."""

from __future__ import annotations

import json
import resource
from dataclasses import replace
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.trial.panel import Panel
from analytics.trial.randomisation import interval
from analytics.trial.randomisation import test as randomise
from analytics.trial.redraw import Redraw
from tests.tools import trial_judges
from tests.worlds.trials import world

JUDGED: list[dict[str, Any]] = json.loads(trial_judges.CASES.read_text())["randomisation"]


def small(uses: list[float], arm: list[int], block: list[int]) -> Panel:
    """Homes with one month, a day each, and nothing known of before."""
    homes = len(uses)
    return trial_judges.panel({
        "arm": arm, "block": block, "prior": [[1.0, 1.0, 1.0]] * homes,
        "use": [[use] for use in uses], "days": [[1.0]] * homes,
    })  # fmt: skip


def agree(ours: float, draws: int, theirs: float, others: int) -> bool:
    """Whether two shares of so many draws differ by no more than 4.5 standard errors of chance, and one draw."""
    share = (ours * draws + theirs * others) / (draws + others)
    return abs(ours - theirs) <= 4.5 * sqrt(share * (1 - share) * (1 / draws + 1 / others)) + 1 / draws


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case["name"])
def test_ritest_says_the_same(case: dict[str, Any]) -> None:
    (found,) = randomise(trial_judges.panel(case), seed=5)
    judge = case["judge"]
    assert found.effect == pytest.approx(judge["effect"], rel=1e-9)
    assert agree(found.p, found.draws, judge["p"], judge["draws"])


@pytest.mark.soak  # an environment is made from the registry
def test_ritest_says_it_still(tmp_path: Path) -> None:
    try:
        python = trial_judges.make(tmp_path)
    except trial_judges.NoJudgesError as error:
        pytest.skip(str(error))
    for case, judge in zip(
        JUDGED,
        trial_judges.ask(python, {"randomisation": JUDGED, "draws": 20_000, "bounds": []})["randomisation"],
        strict=True,
    ):
        (found,) = randomise(trial_judges.panel(case), seed=6)
        assert found.effect == pytest.approx(judge["effect"], rel=1e-9), case["name"]
        assert agree(found.p, found.draws, judge["p"], judge["draws"]), case["name"]


def test_all_draws_of_four_pairs_by_hand() -> None:
    uses, block = [5.0, 9.0, 4.0, 7.5, 6.0, 6.5, 8.0, 8.1], [0, 0, 1, 1, 2, 2, 3, 3]
    panel = small(uses, [1, 0, 1, 0, 1, 0, 0, 1], block)
    by_pair = np.array(uses).reshape(4, 2) @ [1, -1]
    every = [abs(float(np.mean(by_pair * signs))) for signs in product((1, -1), repeat=4)]
    observed = float(np.mean(by_pair * [1, 1, 1, -1]))
    exact = np.mean([effect >= abs(observed) - 1e-12 for effect in every])
    (found,) = randomise(panel, draws=20_000)
    assert found.effect == pytest.approx(observed)
    assert found.p == pytest.approx(exact, abs=0.016)
    assert found.p == (found.extreme + 1) / 20_001  # the draw that was made is one of them


def test_blocks_of_two_strata_are_two_though_they_have_one_number() -> None:
    panel = replace(small([5.0, 9.0, 45.0, 47.0], [1, 0, 1, 0], [0] * 4), stratum=np.array([0, 0, 1, 1], np.int32))
    # differences of -3, -1, 1 and 3 on average: of four draws two are as large; all six of one block would be otherwise
    (found,) = randomise(panel, draws=4_000)
    assert found.p == pytest.approx(0.5, abs=0.036)


def test_no_draw_can_be_more_extreme_than_alike_ones() -> None:
    """Where all draws give the same but for rounding, each is as large as the observed one."""
    (found,) = randomise(small([0.1, 0.7] * 6, [1, 0] * 6, [0] * 12), draws=500)
    (alike,) = randomise(small([0.3] * 12, [1, 0] * 6, [0] * 12), draws=500)
    assert alike.p == 1.0
    assert found.p < 0.05


def test_homes_of_other_arms_stay_where_they_are() -> None:
    panel = world(21, 600, 3, effects=(-0.02, -0.03), shares=(1, 1, 1)).panel
    whole = randomise(panel, draws=400)
    assert [found.arm for found in whole] == list(panel.arms[1:])
    # whatever the third arm did
    third = panel.arm == 2
    changed = replace(panel, use=np.where(third[:, None], 50 * panel.use, panel.use))
    assert randomise(changed, draws=400)[0] == whole[0]


def test_p_is_uniform_where_nothing_was_done() -> None:
    found = [randomise(world(seed, 120, 2, effects=(0.0,)).panel, draws=199)[0].p for seed in range(150)]
    counts, _ = np.histogram(found, np.linspace(0, 1, 6))
    # chi-squared with 4 degrees of freedom: above 23.5 once in 10,000
    assert ((counts - 30) ** 2 / 30).sum() < 23.5


def test_the_same_seed_gives_the_same_and_another_does_not() -> None:
    panel = world(22, 200, 2).panel
    assert randomise(panel, draws=300, seed=4) == randomise(panel, draws=300, seed=4)
    assert randomise(panel, draws=300, seed=4) != randomise(panel, draws=300, seed=5)


def test_an_arm_that_cannot_be_tested_has_no_result() -> None:
    assert randomise(small([1.0, 2.0], [1, 0], [0, 1]), draws=10) == []  # nobody can change places
    assert randomise(small([1.0, 2.0], [0, 0], [0, 0]), draws=10) == []  # nobody in the arm
    with pytest.raises(ValueError, match="one draw or more"):
        randomise(small([1.0, 2.0], [1, 0], [0, 0]), draws=0)


def test_a_home_with_nothing_known_keeps_its_place_in_the_block() -> None:
    """Its neighbour of the block can be drawn into its place: then one home fewer is observed in the arm."""
    panel = small([5.0, 9.0, 4.0, 0.0], [1, 0, 1, 0], [0, 0, 1, 1])
    panel.days[3], panel.use[3] = 0, np.nan
    (found,) = randomise(panel, draws=4_000)
    # draws (arm of homes 0 to 2): 1 0 1: -4.5; 0 1 1: 1.5; 1 0 0: -1.5; 0 1 0: 4.5
    assert found.effect == pytest.approx(-4.5)
    assert found.p == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize(("extreme", "draws"), [(0, 10_000), (1, 50), (499, 10_000), (30, 30)])
def test_the_interval_of_p_is_wilsons(extreme: int, draws: int) -> None:
    from statsmodels.stats.proportion import proportion_confint

    assert interval(extreme, draws) == pytest.approx(proportion_confint(extreme, draws, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(
    ("block", "treated"),
    [
        ([0, 0, 0, 1, 1, 1, 1, 2], [1, 0, 0, 1, 1, 0, 0, 1]),  # tables
        ([0] * 16, [1, 0] * 8),  # 12,870 choices: one by one
    ],
)
def test_each_draw_keeps_the_blocks_and_every_choice_is_as_likely(block: list[int], treated: list[int]) -> None:
    redraw = Redraw(np.array(treated, bool), np.array(block))
    drawn = np.concatenate([chunk.copy() for chunk in redraw.draws(20_000, np.random.default_rng(1))])
    assert drawn.shape == (20_000, len(block))
    of = np.array(block)[redraw.order]
    for number in set(block):
        inside, some = of == number, float(np.array(treated)[np.array(block) == number].sum())
        assert (drawn[:, inside].sum(axis=1) == some).all()
        share = some / inside.sum()
        assert np.abs(drawn[:, inside].mean(axis=0) - share).max() <= 4.5 * sqrt(share * (1 - share) / 20_000)
        # two homes of a block are both in the arm as often as drawing without replacement has it
        if inside.sum() > 2:
            both = some * (some - 1) / (inside.sum() * (inside.sum() - 1))
            first, last = drawn[:, inside][:, 0], drawn[:, inside][:, -1]
            assert abs((first * last).mean() - both) <= 4.5 * sqrt(both * (1 - both) / 20_000)


@pytest.mark.soak
def test_ten_thousand_draws_of_20_000_homes_need_less_than_a_gigabyte() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found,) = randomise(world(5, 20_000).panel)
    assert found.draws == 10_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # KiB
