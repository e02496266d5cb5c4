"""What the arms of a trial cost, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from analytics.trial.facts import costs
from devices.trials import Arm
from store.trials import THERE, Design, Members, Trial


def test_the_arm_that_is_stopped_after_a_year_costs_a_year() -> None:
    arms = (Arm.NOTHING, Arm.COMPARISON, Arm.COMPARISON_YEAR)
    design = Design("winter", "real", "electricity", arms, (1, 1, 1), date(2025, 1, 1), 18, 2.0, 0, (0, 400, 400))
    at = datetime(2024, 12, 1, tzinfo=UTC)
    trial = Trial(1, design, at, "s", "p", (), 6, "0" * 64, {}, (0, 0, 0), at, None)
    arm = np.array([0, 0, 1, 1, 2, 2], np.int32)
    none = np.zeros(6, np.int32)
    # the last home of each nudged arm left on 1 July 2025
    left = np.where(np.array([0, 0, 0, 1, 0, 1]) > 0, 20_270, THERE).astype(np.int32)
    members = Members(np.arange(6), none, arm, none, none, none, left, none)
    half, year, all_of_it = 181, 365, 365 + 181
    found = costs(trial, members, date(2026, 7, 1))
    assert found == pytest.approx([0, 4 * (all_of_it + half) / 365.25, 4 * (year + half) / 365.25])
