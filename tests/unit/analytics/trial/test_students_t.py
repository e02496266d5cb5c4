"""Student's t against scipy's."""

from __future__ import annotations

import math

import pytest

from analytics.trial import students_t


@pytest.mark.parametrize("df", [1.0, 2.0, 7.5, 40.0, 992.0, 19_992.0, math.inf])
def test_it_is_scipys(df: float) -> None:
    from scipy import stats

    for t in (0.0, 1e-3, 0.7, 1.96, 5.0, -30.0):
        assert students_t.probability(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9)
    for level in (0.01, 0.5, 0.95, 0.999):
        assert students_t.quantile(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-9)


def test_what_it_is_not_asked_for() -> None:
    assert math.isnan(students_t.probability(math.nan, 3.0))
    assert students_t.probability(math.inf, 3.0) == 0
    for df in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="degrees of freedom are above 0"):
            students_t.probability(1.0, df)
    with pytest.raises(ValueError, match="level of an interval"):
        students_t.quantile(1.0, 3.0)
