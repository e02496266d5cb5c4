"""What an effect is worth, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import inf, nan

import numpy as np
import pytest

from analytics.energy.prices import load
from analytics.trial import money
from analytics.trial.estimate import Estimate
from analytics.trial.money import Interval
from devices.trials import Arm
from tests.worlds.trials import world

SAVES = Estimate("post-only", Arm.COMPARISON, -0.2, 0.05, -0.3, -0.1, 1e-4, 100, 1200, inf)
DAY = date(2026, 8, 1)


def test_percent_kwh_pounds_and_tonnes_with_what_they_rest_on() -> None:
    found = money.worth(SAVES, 8.0, load(), "electricity", DAY)
    assert found.percent == pytest.approx((-2.5, -3.75, -1.25))
    assert found.kwh_year == pytest.approx((-73.0485, -109.57275, -36.52425))
    # 26.11 p/kWh and 0.177 kg/kWh (the newest known factor, of 2025)
    assert found.pounds == pytest.approx((-73.0485 * 0.2611, -109.57275 * 0.2611, -36.52425 * 0.2611))
    assert found.tonnes == pytest.approx((-73.0485 * 1.77e-4, -109.57275 * 1.77e-4, -36.52425 * 1.77e-4))
    assert found.price
    assert found.price.name == "price cap of July to September 2026"
    assert found.factor
    assert found.factor.year == 2025


def test_what_has_no_price_or_no_mean_has_no_figure() -> None:
    network = money.worth(SAVES, 8.0, load(), "heat", DAY)
    assert (network.pounds, network.price) == (None, None)
    assert (network.tonnes is None) == (network.factor is None)
    assert money.worth(SAVES, 8.0, load(), "electricity", date(2040, 1, 1)).pounds is None
    for mean in (0.0, nan):
        assert money.worth(SAVES, mean, load(), "gas", DAY).percent is None


def test_cost_of_a_kwh_saved() -> None:
    found = money.value(SAVES, 10_000, 500.0)
    assert found.saved == pytest.approx((2_000, 1_000, 3_000))
    assert found.per_kwh == pytest.approx((0.25, 500 / 3_000, 0.5))
    assert money.value(SAVES, 10_000, None).per_kwh is None
    assert money.value(SAVES, 10_000, 0.0).per_kwh == Interval(0.0, 0.0, 0.0)
    unsure = SAVES._replace(high=0.01)
    assert money.value(unsure, 10_000, 500.0).per_kwh is None
    assert money.value(unsure, 10_000, 500.0).saved.low == pytest.approx(-100)
    for cost in (-1.0, nan, inf):
        with pytest.raises(ValueError, match="a cost is a number of pounds from 0 on"):
            money.value(SAVES, 10_000, cost)


def test_home_days_are_the_known_ones_of_the_arm() -> None:
    panel = world(1, 40, 2).panel
    use, days = np.full_like(panel.use, 3.0), np.full_like(panel.days, 30.0)
    first = np.flatnonzero(panel.arm == 1)[0]
    use[first, 0] = np.nan
    assert money.home_days(replace(panel, use=use, days=days), 1) == 30 * (2 * int((panel.arm == 1).sum()) - 1)
