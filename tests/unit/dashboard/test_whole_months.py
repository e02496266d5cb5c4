"""Whether enough days of a month are known to call it whole."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.resident.household import is_whole


@pytest.mark.parametrize(
    ("known", "length", "coverage", "whole"),
    [
        (27, 30, 0.9, True), (26, 30, 0.9, False), (28, 31, 0.9, True), (27, 31, 0.9, False), (30, 30, 1.0, True),
        (29, 30, 1.0, False), (0, 30, 0.01, False), (1, 30, 0.01, True),
    ],
)  # fmt: skip
def test_how_many_days_make_a_month(known: int, length: int, coverage: float, whole: bool) -> None:
    assert is_whole(np.arange(length) < known, length, coverage) is whole
    assert not is_whole(np.ones(length - 1, np.bool_), length, 0.5)
