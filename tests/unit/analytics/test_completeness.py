"""Completeness on arrays, against plain loops and at known limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.pipeline.completeness import DAY, balance, cells, disagrees, number_gaps
from devices.duration import duration

HALF_HOUR = 1_800_000_000
T0 = 1_772_323_200_000_000  # 2026-03-01


def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@given(st.sets(st.integers(0, 40), min_size=1), st.randoms())
def test_what_lacks_between_runs_is_what_was_never_seen(numbers: set[int], chance: object) -> None:
    """Runs are made from single numbers, each sent at second ``number``; a set says what lacks."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    chance.shuffle(runs)  # type: ignore[attr-defined]
    first, last = ints([run[0] for run in runs]), ints([run[1] for run in runs])
    found = number_gaps(first, last, first * 10, last * 10)
    assert found.missing.sum() == len(set(range(min(numbers), max(numbers))) - numbers)
    assert not found.restarted
    assert (found.before > found.after).all()


def test_a_counter_that_began_anew_shows_no_gap() -> None:
    found = number_gaps(ints([1000, 0]), ints([2000, 500]), ints([10, 30]), ints([20, 40]))
    assert len(found.missing) == 0
    assert found.restarted


@given(
    st.sets(st.integers(-10, 3 * DAY // HALF_HOUR + 10)),
    st.integers(0, 3 * DAY),
    st.sampled_from([HALF_HOUR, HALF_HOUR // 2, 7 * HALF_HOUR]),
)
def test_cells_by_day_as_a_loop_counts_them(halves: set[int], offset: int, step: int) -> None:
    times = ints(sorted(T0 + number * HALF_HOUR + number % 7 for number in halves))
    since = T0 + offset
    found = cells(times, since, T0, T0 + 3 * DAY, step)
    held = {time // step for time in times.tolist()}
    lowest = since // step if since > T0 or since % step == 0 else -(-T0 // step)
    for day in range(3):
        wanted = [
            cell
            for cell in range(T0 // step - 1, (T0 + 3 * DAY) // step + 1)
            if T0 + day * DAY <= cell * step < T0 + (day + 1) * DAY and (cell + 1) * step <= T0 + 3 * DAY
            and cell >= lowest
        ]  # fmt: skip
        assert found.expected[day] == len(wanted)
        assert found.present[day] == len(held & set(wanted))


def test_a_whole_day_of_half_hours_balances_and_a_lost_one_does_not() -> None:
    chance = np.random.default_rng(7)
    at = T0 + np.arange(2 * 48) * HALF_HOUR
    used = chance.uniform(0, 1, 96).round(3)
    registers_at = np.append(at, T0 + 2 * DAY)
    register = 5000 + np.concatenate(([0.0], np.cumsum(used)))
    whole = balance(registers_at, register, at, used, T0, T0 + 2 * DAY, HALF_HOUR)
    assert whole.intervals.tolist() == [48, 48]
    np.testing.assert_allclose(whole.register, [used[:48].sum(), used[48:].sum()])
    assert not disagrees(whole).any()
    kept = np.arange(96) != 60
    lossy = balance(registers_at, register, at[kept], used[kept], T0, T0 + 2 * DAY, HALF_HOUR)
    assert disagrees(lossy).tolist() == [False, True]
    assert lossy.register[1] - lossy.summed[1] == pytest.approx(used[60])


def test_without_two_registers_on_the_grid_nothing_is_said() -> None:
    found = balance(
        ints([T0 + 5, T0 + HALF_HOUR]), np.array([1.0, 2.0]), ints([]), np.array([]), T0, T0 + DAY, HALF_HOUR
    )
    assert np.isnan(found.register).all()
    assert not disagrees(found).any()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT30M", 1800), ("PT1H", 3600), ("P1D", 86_400), ("P1DT1H1M1S", 90_061), ("PT15M", 900), (" PT10S ", 10)],
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "P", "PT", "PT0M", "30M", "half an hour", "P1M"])
def test_no_durations(text: str) -> None:
    assert duration(text) is None
