"""Numbers of homes that nobody is told are not got by subtraction either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.trial import balance
from analytics.trial.power import power
from analytics.trial.prior_use import Summary
from analytics.trial.untold import untold
from tests.unit.analytics.trial.test_trial_report import made, panel


@given(st.lists(st.integers(0, 60), max_size=8))
def test_what_is_kept_back_is_not_the_sum_less_the_others(counts: list[int]) -> None:
    kept = untold(counts)
    hidden = [count for count, one in zip(counts, kept, strict=True) if one]
    assert all(one for count, one in zip(counts, kept, strict=True) if 0 < count < 15)
    if hidden and sum(count > 0 for count in counts) > 1:
        assert len(hidden) > 1
    if hidden:
        assert sum(hidden) >= min(15, sum(counts))
        assert all(hidden)
    if all(count == 0 or count >= 15 for count in counts):
        assert not any(kept)


def test_a_share_of_homes_is_a_number_of_them() -> None:
    of = panel((60, 40, 40))
    tenure = np.zeros(140, np.int16)
    tenure[[*range(20, 40), *range(60, 63), *range(70, 90), 100, *range(110, 130)]] = 1
    tenure[[*range(20), *range(63, 66)]] = 2
    labels, names = {"tenure": tenure}, {"tenure": ["owner", "social rent", "other"]}
    found = {(one.what, str(one.arm)): one for one in balance.table(replace(of, labels=labels, names=names))}
    zone = [found[f"tenure: {word}", "zone"] for word in names["tenure"]]
    # 14, 23 and 3 homes: the third part cannot be got from the second
    assert [one.mean for one in zone] == [None, pytest.approx(23 / 40), None]
    assert [one.control for one in zone] == [pytest.approx(20 / 60)] * 3
    assert [one.difference is None for one in zone] == [True, False, True]


def test_parts_of_too_few_homes_have_no_number_in_any_form() -> None:
    of = panel((60, 40, 40))
    tenure = np.zeros(140, np.int16)
    tenure[[*range(20, 41), 60, 61]] = 1
    tenure[[*range(20), *range(70, 86), *range(100, 116)]] = 2
    found = made(replace(of, labels={"tenure": tenure}, names={"tenure": ["owner", "social rent", "other"]}))
    told = {(one.group, one.arm): one.homes for one in found.subgroups if one.label == "tenure"}
    assert (told["social rent", "zone"], told["social rent", "comparison-year"]) == (None, None)
    assert sum(told[word, "zone"] is None for word in ("owner", "social rent", "other")) == 2
    assert [one.homes for one in found.subgroups if one.why] == [None] * 2


def test_homes_that_were_erased_are_not_those_drawn_less_those_that_are_there() -> None:
    found = made(assigned=(60, 41, 40), erased=(0, 1, 0))
    assert (found.drawn, found.homes) == (141, None)
    assert made(assigned=(60, 60, 40), erased=(0, 20, 0)).homes == 140


def test_what_a_power_calculation_cannot_do_tells_no_small_number() -> None:
    with pytest.raises(ValueError, match=r"^fewer than 15 homes cannot make") as told:
        power(Summary(7, 8.0, 3.0), (1, 1), 12, (0.02,), simulations=100)
    assert not {"7", "3"} & set(str(told.value).split())
