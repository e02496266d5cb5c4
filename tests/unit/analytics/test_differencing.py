"""Rounded totals of cells and revisions: against plain loops, at limits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.neighbours.comparison import compare
from analytics.neighbours.differencing import members, round_cell_totals, rounded_total, step, unchanged
from analytics.neighbours.disclosure import disclose
from tests.worlds.estate import Estates, make_estates

MADE = make_estates(21, estates=12, week=40_000, size=(20, 300), weeks=1)


def plain_step(total: int, number: int) -> int:
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power * number >= 2 * total:
                return digit * power
        power *= 10


@given(st.integers(0, 10**12), st.integers(1, 49))
def test_a_step_is_the_first_of_1_2_5_that_two_homes_fit_in(total: int, number: int) -> None:
    totals, numbers = np.array([total]), np.array([number])
    by = int(step(totals, numbers)[0])
    assert by == plain_step(total, number)
    # half up
    nearest = (Fraction(total, by) + Fraction(1, 2)).__floor__() * by
    assert int(rounded_total(totals, numbers)[0]) == nearest
    assert 2 * abs(nearest - total) <= by


@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.8, 0.5]))
def test_veiled_totals_are_those_of_a_plain_loop(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    use = rng.integers(0, 200_000, len(MADE.daily))
    counts = rng.random(len(use)) < share
    exact = compare(MADE.cells, MADE.joined, use, counts)
    found = round_cell_totals(MADE.cells, MADE.joined, use, counts, exact)
    homes_of = [np.flatnonzero(counts & (MADE.cells.cell == cell)) for cell in range(len(MADE.cells.size))]
    for home in rng.choice(len(use), 40, replace=False).tolist():
        cell = int(MADE.cells.cell[home])
        if not counts[home] or cell < 0 or not exact.n[home]:
            assert found.total[home] == 0
            continue
        offsets = MADE.joined.offsets
        total, slack = 0, 0
        for part in [cell, *MADE.joined.cells[offsets[cell] : offsets[cell + 1]].tolist()]:
            mine = homes_of[part]
            if len(mine) >= 20:
                by = plain_step(int(use[mine].sum()), len(mine))
                total += (2 * int(use[mine].sum()) + by) // (2 * by) * by
                slack += by
        inside = len(homes_of[cell]) >= 20
        assert found.total[home] == total - (int(use[home]) if inside else 0)
        assert 2 * abs(int(found.total[home]) - int(exact.total[home])) <= slack
        assert found.lowest_total[home] <= exact.lowest_total[home]
    for name in ("n", "largest", "lowest_n", "lowest_largest", "less"):
        assert (getattr(found, name) == getattr(exact, name)).all()


def test_one_cell_has_one_total_whatever_its_residents_take_out() -> None:
    """Own use goes out of the rounded total: nobody sees another side of it."""
    use = MADE.daily.sum(axis=1)
    counts = np.ones(len(use), bool)
    found = round_cell_totals(MADE.cells, MADE.joined, use, counts, compare(MADE.cells, MADE.joined, use, counts))
    for cell in range(len(MADE.cells.size)):
        mine = MADE.cells.cell == cell
        assert len(np.unique(found.total[mine] + use[mine])) == 1


def test_the_average_moves_by_about_a_percent_and_the_state_hardly() -> None:
    print()
    for size, most, states in (((130, 260), 0.02, 0.98), ((45, 75), 0.03, 0.97)):
        for week in (13_000.0, 24_500.0, 50_000.0, 92_000.0):
            made = make_estates(3, estates=300, week=week, size=size, weeks=1)
            use, counts = made.daily.sum(axis=1), np.ones(len(made.daily), bool)
            exact = compare(made.cells, made.joined, use, counts)
            found = round_cell_totals(made.cells, made.joined, use, counts, exact)
            off = found.total / exact.total - 1
            same = disclose(use, found).state == disclose(use, exact).state
            print(
                f"{size} homes, {week / 1000:g} kWh: {np.sqrt((off**2).mean()):.1%} rms, {abs(off).max():.1%} at most, "
                f"same state {same.mean():.1%}"
            )
            assert np.sqrt((off**2).mean()) < most
            assert same.mean() > states


def test_the_lowest_fifth_never_uses_more_than_all() -> None:
    for use in (np.full(len(MADE.daily), 61_234), np.zeros(len(MADE.daily), np.int64)):
        counts = np.ones(len(use), bool)
        shown = disclose(
            use, round_cell_totals(MADE.cells, MADE.joined, use, counts, compare(MADE.cells, MADE.joined, use, counts))
        )
        both = shown.efficient >= 0
        assert both.any() or not use.any()
        assert (shown.efficient[both] <= shown.average[both]).all()
        assert (abs(shown.average[shown.average > 0] / max(use[0], 1) - 1) < 0.13).all()


def members_of(made: Estates, counts: np.ndarray) -> np.ndarray:
    return members(made.cells, counts, made.homes.id)


def test_members_tell_whether_the_same_homes_count() -> None:
    rng = np.random.default_rng(4)
    counts = rng.random(len(MADE.daily)) < 0.9
    before = members_of(MADE, counts)
    assert (before == members_of(MADE, counts.copy())).all()
    for home in rng.choice(len(counts), 30, replace=False).tolist():
        cell = MADE.cells.cell[home]
        flipped = counts.copy()
        flipped[home] ^= True
        apart = np.flatnonzero(before != members_of(MADE, flipped))
        assert apart.tolist() == ([cell] if cell >= 0 else [])
        # one came for another that went: the same number of homes, not the same homes
        other = np.flatnonzero((MADE.cells.cell == cell) & (counts != counts[home]))
        if len(other):
            flipped[other[0]] ^= True
            assert before[cell] != members_of(MADE, flipped)[cell]


def test_figures_are_revised_where_no_cell_of_the_set_changed() -> None:
    counts = np.ones(len(MADE.daily), bool)
    before = members_of(MADE, counts)
    assert unchanged(MADE.joined, before, before).all()
    counts[MADE.target[3]] = False
    changed = MADE.cells.cell[MADE.target[3]]
    may = unchanged(MADE.joined, before, members_of(MADE, counts))
    offsets = MADE.joined.offsets
    for cell in range(len(MADE.cells.size)):
        assert may[cell] == (changed not in [cell, *MADE.joined.cells[offsets[cell] : offsets[cell + 1]]])
