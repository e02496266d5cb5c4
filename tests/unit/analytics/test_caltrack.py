"""CalTRACK daily against eemeter's figures, and against least squares of each candidate, one home at a time."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.periods import day_edges
from analytics.weather.caltrack import BOTH, COOLING, HEATING, INTERCEPT, Models, fit, predict
from analytics.weather.degree_days import BASES, above, below, celsius
from tests.tools import eemeter_peer

CASES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "references" / "caltrack" / "homes.json").read_text())
KINDS = {None: -1, "intercept_only": INTERCEPT, "hdd_only": HEATING, "cdd_only": COOLING, "cdd_hdd": BOTH}
DAYS = np.arange(365)
WARMTH = 11.5 - 7.5 * np.cos(2 * np.pi * (DAYS - 20) / 365) + 2.5 * np.sin(DAYS * 1.7) + 0.013


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if one is None else one for one in values])


def hours() -> np.ndarray:
    edges = day_edges(date.fromisoformat(CASES["first"]), len(CASES["temperature"]), ZoneInfo(CASES["zone"]))
    return np.diff(edges) / 3.6e9


def agree(ours: Models, case: dict[str, Any], theirs: dict[str, Any]) -> None:
    """One home's model is eemeter's, whose coefficients are of degrees Fahrenheit."""
    assert ours.kind[0] == KINDS[theirs["kind"]]
    if theirs["kind"] is None:
        assert np.isnan(ours.intercept[0])
        return
    warmth = numbers(CASES["temperature"])
    of_known = (warmth * 1.8 + 32)[np.isfinite(warmth) & np.isfinite(numbers(case["use"]))]
    coldest, warmest = of_known.min(), of_known.max()
    for mine, name in ((ours.heating[0], "heating"), (ours.cooling[0], "cooling")):
        beyond = [base >= warmest if name == "heating" else base <= coldest for base in (mine, theirs[name] or np.nan)]
        if theirs[name] is None:
            assert np.isnan(mine)
        elif beyond[1]:
            # beyond all days each base gives the same line: ours is the first, eemeter's any of them
            assert beyond[0]
        else:
            assert mine == theirs[name]
    slopes = (theirs["b_h"] * 1.8, theirs["b_c"] * 1.8)
    np.testing.assert_allclose((ours.b_h[0], ours.b_c[0]), slopes, rtol=1e-9)
    np.testing.assert_allclose(ours.r2[0], theirs["r2"], rtol=1e-9, atol=1e-12)
    bases = (np.array([np.nan if theirs[name] is None else float(theirs[name])]) for name in ("heating", "cooling"))
    heating, cooling = bases
    reference = ours._replace(
        heating=heating,
        cooling=cooling,
        intercept=np.array([theirs["intercept"]]),
        b_h=np.array([slopes[0]]),
        b_c=np.array([slopes[1]]),
    )
    np.testing.assert_allclose(predict(ours, celsius(of_known)), predict(reference, celsius(of_known)), rtol=1e-9)


@pytest.mark.parametrize("case", CASES["homes"], ids=lambda case: case["name"])
def test_the_figures_of_eemeter(case: dict[str, Any]) -> None:
    use = numbers(case["use"])[None]
    agree(fit(use, numbers(CASES["temperature"]), hours(), cooling=case["cooling"]), case, case["model"])


def test_homes_together_are_as_each_alone() -> None:
    # with gaps of their own the sums are those of masks, alone they are shared
    cases = [case for case in CASES["homes"] if case["cooling"]]
    use = np.array([numbers(case["use"]) for case in cases] * 40)
    together = fit(use, numbers(CASES["temperature"]), hours())
    for place, case in enumerate(cases):
        agree(Models._make(column[[place + 39 * len(cases)]] for column in together), case, case["model"])


def test_the_days_of_the_clock_change_count_as_24_hours() -> None:
    use = np.full((1, 365), 4.8)
    spring, autumn = 29, 239
    long = hours()
    assert (long[spring], long[autumn]) == (23, 25)
    use[0, spring], use[0, autumn] = 4.8 * 23 / 24, 4.8 * 25 / 24
    model = fit(use, numbers(CASES["temperature"]), long)
    assert model.kind[0] == INTERCEPT
    assert predict(model, WARMTH, long)[0, [0, spring, autumn]] == pytest.approx([4.8, 4.6, 5.0])


def by_least_squares(use: np.ndarray, warmth: np.ndarray, cooling: bool) -> tuple[int, float, float, float]:
    """Kind, bases and adjusted R2 by a loop over all candidates."""
    known = np.isfinite(use) & np.isfinite(warmth)
    y, found = use[known], (INTERCEPT, np.nan, np.nan, 0.0)
    heats, cools = below(warmth[known], BASES) * 1.8, above(warmth[known], BASES) * 1.8
    some: list[tuple[int, tuple[float, ...], tuple[np.ndarray, ...]]] = [
        (HEATING, (h,), (heats[i],)) for i, h in enumerate(BASES)
    ]
    if cooling:
        some += [(COOLING, (c,), (cools[i],)) for i, c in enumerate(BASES)]
        some += [
            (BOTH, (h, c), (heats[i], cools[j])) for j, c in enumerate(BASES) for i, h in enumerate(BASES) if h <= c
        ]
    for kind, bases, columns in some:
        if any((one > 0).sum() < 10 or one.sum() < 20 for one in columns):
            continue
        design = np.column_stack([np.ones(len(y)), *columns])
        beta, _, rank, _ = np.linalg.lstsq(design, y, rcond=1e-10)
        if rank < design.shape[1] or (beta < -1e-9).any():
            continue
        left = ((y - design @ beta) ** 2).sum() / ((y - y.mean()) ** 2).sum()
        r2 = 1 - (len(y) - 1) / (len(y) - design.shape[1]) * left
        if r2 > found[3] + 1e-12:
            found = (kind, bases[0] if kind != COOLING else np.nan, bases[-1] if kind != HEATING else np.nan, r2)
    return found


def agrees_with_the_loop(use: np.ndarray, warmth: np.ndarray, cooling: bool = True) -> int:
    """The kind of model that both find."""
    model = fit(use[None], warmth, cooling=cooling)
    kind, heating, cooling_base, r2 = by_least_squares(use, warmth, cooling)
    assert model.kind[0] == kind
    assert model.r2[0] == pytest.approx(r2, rel=1e-9, abs=1e-11)
    np.testing.assert_equal((model.heating[0], model.cooling[0]), (heating, cooling_base))
    return kind


def test_no_intercept_below_zero_and_bases_may_be_equal() -> None:
    warmth = WARMTH[::4] + 4
    cold, hot = below(warmth, np.array([60.0]))[0] * 1.8, above(warmth, np.array([60.0]))[0] * 1.8
    # a curve that turns up: the best line of all begins below zero
    assert agrees_with_the_loop(0.1 * cold**2, warmth, cooling=False) == HEATING
    assert agrees_with_the_loop(0.1 * cold**2 + 0.1 * hot**2, warmth) == BOTH
    # nothing on mild days, and people's ups and downs: the best pair of all begins below zero
    far = np.where(cold + hot < 2, 0.0, cold + hot)
    for step in range(1, 6):
        agrees_with_the_loop(far * (1 + 0.7 * np.sin(step * np.arange(len(far)))), warmth)
    assert agrees_with_the_loop(5 + cold + hot, warmth) == BOTH
    both = fit((5 + cold + hot)[None], warmth)
    assert (both.heating[0], both.cooling[0]) == (60, 60)


@settings(max_examples=5, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), base=st.floats(48, 66), heat=st.floats(0, 3), cool=st.floats(0, 2),
    gaps=st.sampled_from((0.0, 0.3, 0.9)), warm=st.booleans(), cooling=st.booleans(),
)  # fmt: skip
def test_the_choice_of_a_loop_over_all_candidates(
    seed: int, base: float, heat: float, cool: float, gaps: float, warm: bool, cooling: bool
) -> None:
    rng = np.random.default_rng(seed)
    days = np.arange(0, 365, 4)  # a quarter of the year's days: the loop is slow
    warmth = WARMTH[days] + (9 if warm else 0) + rng.normal(0, 1, len(days))
    use = 5 + heat * below(warmth, np.array([base]))[0] + cool * above(warmth, np.array([base + 5]))[0]
    use = use * rng.uniform(0.5, 1.5, len(days))
    use[rng.random(len(days)) < gaps] = np.nan
    use[0] = 5.0
    agrees_with_the_loop(use, warmth, cooling)


def test_a_base_needs_ten_days_and_twenty_degree_days() -> None:
    warmth = np.full(100, 33.0)  # above all bases
    warmth[:9] = 0.0
    use = np.where(warmth < 5, 30.0, 5.0) + np.sin(np.arange(100))
    assert fit(use[None], warmth, cooling=False).kind[0] == INTERCEPT
    warmth[9], use[9] = 0.0, 30.0
    assert fit(use[None], warmth, cooling=False).kind[0] == HEATING
    # the same days so near below the only bases that they reach that their total is too low
    near = np.full(100, (90 + 0.5 - 32) / 1.8)
    near[:12] = (90 - 1.6 - 32) / 1.8
    heats = np.where(near < near.max(), 30.0, 5.0) + 0.01 * np.sin(np.arange(100))
    assert fit(heats[None], near, cooling=False).kind[0] == INTERCEPT
    near[:12] = (90 - 1.7 - 32) / 1.8
    assert fit(heats[None], near, cooling=False).kind[0] == HEATING


def test_a_home_that_follows_a_line_gives_it_back() -> None:
    use = np.stack([6 + 0.5 * below(WARMTH, np.array([59.0]))[0], np.full(365, 3.0), np.full(365, np.nan)])
    model = fit(use, WARMTH)
    assert model.kind.tolist() == [HEATING, INTERCEPT, -1]
    assert (model.heating[0], model.b_h[0], model.intercept[0]) == (59, pytest.approx(0.5), pytest.approx(6))
    assert model.days.tolist() == [365, 365, 0]
    assert model.error[:2] == pytest.approx([0, 0], abs=1e-12)
    assert np.isnan(predict(model, WARMTH)[2]).all()
    np.testing.assert_allclose(predict(model, WARMTH)[:2], use[:2])


def test_a_day_without_a_temperature_is_a_day_that_is_missing() -> None:
    rng = np.random.default_rng(3)
    use = (6 + 0.5 * below(WARMTH, np.array([59.0])))[0] * rng.uniform(0.8, 1.2, 365)
    warmth, gap = WARMTH.copy(), use.copy()
    warmth[40:60], gap[40:60] = np.nan, np.nan
    one, other = fit(use[None], warmth), fit(gap[None], WARMTH)
    for name in ("heating", "cooling", "intercept", "b_h", "b_c", "r2", "days", "error"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
    assert np.isnan(predict(one, warmth)[0, 45])


def test_no_homes_and_no_days() -> None:
    assert fit(np.empty((0, 365)), WARMTH).kind.shape == (0,)
    assert fit(np.empty((3, 0)), np.empty(0)).kind.tolist() == [-1, -1, -1]
    with pytest.raises(ValueError, match="wants a temperature"):
        fit(np.zeros((2, 3)), WARMTH)


@pytest.mark.soak
def test_eemeter_itself_says_the_same(tmp_path: Path) -> None:
    try:
        python = eemeter_peer.make(tmp_path)
    except eemeter_peer.NoEemeterError as error:
        pytest.skip(str(error))
    for cooling in (True, False):
        cases = [case for case in CASES["homes"] if case["cooling"] == cooling]
        found = eemeter_peer.ask(python, [case["use"] for case in cases], CASES["temperature"],
                            first=CASES["first"], zone=CASES["zone"], cooling=cooling)  # fmt: skip
        for case, model in zip(cases, found.models, strict=True):
            agree(fit(numbers(case["use"])[None], numbers(CASES["temperature"]), hours(), cooling=cooling), case, model)
