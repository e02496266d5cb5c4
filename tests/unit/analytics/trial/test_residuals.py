"""What month and prior use leave over, against least squares month by month."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.trial.residuals import Months, pair
from tests.worlds.trials import world


def by_least_squares(prior: np.ndarray, weight: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Residuals (homes, months), and the rank of each month's regression."""
    left, rank = np.zeros_like(values), []
    for month in range(values.shape[1]):
        there = weight[:, month] > 0
        root = np.sqrt(weight[there, month])
        columns = np.column_stack((np.ones(there.sum()), prior[there]))
        slopes, _, of, _ = np.linalg.lstsq(root[:, None] * columns, root * values[there, month], rcond=1e-9)
        left[there, month] = values[there, month] - columns @ slopes
        rank.append(int(of))
    return left, rank


@given(st.integers(0, 2**32), st.integers(6, 40), st.sampled_from(["plain", "one is two others", "all the same"]))
def test_they_are_those_of_least_squares(seed: int, homes: int, kind: str) -> None:
    chance = np.random.default_rng(seed)
    prior = chance.lognormal(2, 0.5, (homes, 3))
    if kind == "one is two others":
        prior[:, 0] = prior[:, 1] + prior[:, 2]
    elif kind == "all the same":
        prior[:] = prior[0]
    weight = chance.integers(1, 31, (homes, 3)) * (chance.random((homes, 3)) < 0.9)
    weight[:6] = 30  # as many as a regression needs, so that its rank is not a matter of rounding
    values = chance.normal(10, 5, (homes, 3))
    months = Months(prior, weight.astype(np.float64))
    left, rank = by_least_squares(prior, weight, values)
    assert months.residual(values) == pytest.approx(left, abs=1e-7)
    assert months.rank.tolist() == rank


def test_columns_explain_what_the_regressions_explain() -> None:
    of = pair(world(41, 200, 4, gaps=0.2).panel, 1)
    arm = of.treated.astype(np.float64)
    explained = (of.weight * arm[:, None]).sum() - of.square.sum()
    assert ((arm @ of.months.columns()) ** 2).sum() == pytest.approx(explained, rel=1e-10)


def test_a_month_without_any_home_has_no_column() -> None:
    of = Months(np.ones((4, 3)), np.array([[1.0, 0.0]] * 4))
    assert of.rank.tolist() == [1, 0]
    assert of.residual(np.full((4, 2), 3.0)) == pytest.approx(np.zeros((4, 2)))


def test_no_homes_leave_nothing() -> None:
    assert Months(np.zeros((0, 3)), np.zeros((0, 2))).residual(np.zeros((0, 2))).shape == (0, 2)


def test_a_pair_is_the_arm_and_the_control_alone() -> None:
    panel = world(42, 300, 3, effects=(-0.02, -0.03)).panel
    of = pair(panel, 2)
    assert (panel.arm[of.homes] == np.where(of.treated, 2, 0)).all()
    changed = replace(panel, use=np.where((panel.arm == 1)[:, None], 99.0, panel.use))
    assert (pair(changed, 2).use == of.use).all()
    for place in (0, 3):
        with pytest.raises(ValueError, match="arms 1 to 2 beside the control"):
            pair(panel, place)
