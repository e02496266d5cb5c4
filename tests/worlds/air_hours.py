"""Hours and readings of air for tests, as exact fractions and as the arrays that ours takes; edges come often."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from store.batch import Float64, Int64
from tests.references import air as reference
from tests.references.air import Mean, Reading

#: What lies on one side of a rounding or the other, or exactly there.
BESIDE = tuple(Fraction(text) for text in ("0.5", "0.4999995", "0.49999949", "0.4999", "0.49999951", "0.51", "-0.4"))


def decimals(low: int, high: int, places: int = 1) -> st.SearchStrategy[Fraction]:
    """Numbers of so many decimals."""
    scale = 10**places
    return st.integers(low * scale, high * scale).map(lambda number: Fraction(number, scale))


def bounds(pollutant: str) -> st.SearchStrategy[Fraction]:
    """Means beside the bounds of a pollutant's bands."""
    table = st.sampled_from([int(bound) for bound in reference.TABLE[pollutant].split()])
    return st.builds(lambda bound, beside: bound + beside, table, st.sampled_from(BESIDE))


@st.composite
def hours(draw: st.DrawFn, pollutant: str, window: int, length: int = 40) -> list[Mean]:
    """Hours with gaps, among them windows whose mean lies beside a bound."""
    found: list[Mean] = []
    value = st.one_of(st.none(), decimals(-3, 300), decimals(0, 120, 3))
    while len(found) < length:
        if draw(st.booleans()):
            target = draw(bounds(pollutant))
            apart = st.lists(st.one_of(st.none(), decimals(-9, 9)), min_size=window - 1, max_size=window - 1)
            some = [None if one is None else target + one for one in draw(apart)]
            there = [one for one in some if one is not None]
            found += [*some, target * (len(there) + 1) - sum(there)]
        else:
            found += draw(st.lists(value, max_size=6)) or [None]
    return found


def array(hours: Sequence[Mean]) -> Float64:
    """Hours as ours takes them."""
    return np.array([np.nan if hour is None else float(hour) for hour in hours])


def arrays(series: Sequence[Sequence[Reading]]) -> tuple[Int64, Float64, Int64]:
    """Readings of series: times, values, offsets."""
    flat = [reading for readings in series for reading in readings]
    offsets = np.cumsum([0, *(len(readings) for readings in series)]).astype(np.int64)
    return np.array([time for time, _ in flat], np.int64), np.array([float(value) for _, value in flat]), offsets


def assert_means(ours: Float64, theirs: Sequence[Mean]) -> None:
    """The same means are missing, and the others differ by what binary numbers cannot hold."""
    wanted = array(theirs)
    assert np.array_equal(np.isnan(ours), np.isnan(wanted))
    assert np.nanmax(np.abs(ours - wanted), initial=0) <= 1e-11 * max(1.0, float(np.nanmax(np.abs(wanted), initial=0)))
