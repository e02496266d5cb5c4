"""Quantiles of a histogram, against the sorted values that it was made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.pipeline.lags import quantile

BOUNDS = 0.001 * 2.0 ** (np.arange(63) / 2)


def histogram(values: list[float]) -> np.ndarray:
    return np.bincount(np.searchsorted(BOUNDS, values), minlength=64)


@given(st.lists(st.floats(0.0011, 2e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.99]))
def test_no_further_off_than_the_bin_is_wide(values: list[float], share: float) -> None:
    found = float(quantile(histogram(values), BOUNDS, share))
    true = float(np.quantile(values, share, method="inverted_cdf"))
    assert found / true == pytest.approx(1, rel=np.sqrt(2) - 1 + 1e-9) or true / found <= np.sqrt(2) + 1e-9


def test_of_nothing_nothing_is_known() -> None:
    assert np.isnan(quantile(np.zeros(64, np.int64), BOUNDS, 0.5))


def test_one_bin_and_both_ends() -> None:
    counts = np.zeros((3, 64), np.int64)
    counts[0, 0], counts[1, 10], counts[2, 63] = 5, 4, 3
    first, middle, last = quantile(counts, BOUNDS, 0.5).tolist()
    assert first == pytest.approx(BOUNDS[0] / 2)
    assert middle == pytest.approx(np.sqrt(BOUNDS[9] * BOUNDS[10]))
    assert last == BOUNDS[-1]


def test_shapes_go_through() -> None:
    counts = np.ones((2, 3, 64), np.int64)
    assert quantile(counts, BOUNDS, 0.99).shape == (2, 3)
    assert float(quantile(counts, BOUNDS, 0.99)[1, 2]) > float(quantile(counts, BOUNDS, 0.5)[1, 2])
