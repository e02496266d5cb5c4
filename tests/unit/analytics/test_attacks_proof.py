"""The property behind the cells: while the same homes count, what five residents pool tells nobody's use.

Homes that enter every figure alike cannot be told apart: exchange what two of them used, in all periods, and no page
of the five changes. Shown of the sets themselves, and of the pages that the real modules make.
"""

from __future__ import annotations

import numpy as np
import pytest

from analytics.neighbours.comparison import compare
from analytics.neighbours.differencing import round_cell_totals
from analytics.neighbours.disclosure import disclose
from tests.worlds.estate import COLLUDERS, Estates, make_estates

SMALLEST_CLASS = 15
#: Estates of one cell of 20 homes up to a dozen cells.
ESTATES = {size: make_estates(11, estates=25, week=60_000, size=size) for size in ((20, 48), (50, 130), (150, 400))}


def colluders(made: Estates, rng: np.random.Generator) -> list[np.ndarray]:
    """Fives to try: of the smallest cell, of one cell of each estate, of five cells of an estate, of anywhere."""
    cell = made.cells.cell
    smallest = np.flatnonzero(cell == np.argmin(made.cells.size))
    found = [smallest[:COLLUDERS], *made.colluders]
    for estate in range(len(made.target)):
        mine = np.flatnonzero(made.homes.group == estate)
        _, one_each = np.unique(cell[mine], return_index=True)
        found += [mine[one_each[:COLLUDERS]], rng.choice(mine, COLLUDERS, replace=False)]
    return found


def sees(made: Estates, home: int, counts: np.ndarray) -> np.ndarray:
    """Which homes are in a home's average, (homes,): told by the comparison itself, a home at a time by its use."""
    use = np.where(counts, 1, 0).astype(np.int64)
    cells = np.unique(made.cells.cell[made.homes.group == made.homes.group[home]])
    seen = np.zeros(len(use), bool)
    for cell in cells.tolist():
        marked = np.where(counts & (made.cells.cell == cell), 1_000, use)
        if compare(made.cells, made.joined, marked, counts).largest[home] == 1_000:
            seen |= made.cells.cell == cell
    seen[home] = False
    return np.asarray(seen & counts)


@pytest.mark.parametrize("size", ESTATES)
def test_the_others_fall_into_classes_of_fifteen_or_more(size: tuple[int, int]) -> None:
    made, rng = ESTATES[size], np.random.default_rng(1)
    tried = 0
    for five in colluders(made, rng)[:: 2 if size[1] > 200 else 1]:
        # some homes do not count in any period
        counts = rng.random(len(made.daily)) > rng.choice([0.0, 0.1, 0.3])
        counts[five] = True
        patterns = np.stack([sees(made, int(home), counts) for home in five], axis=1)
        others = counts & patterns.any(axis=1)
        others[five] = False
        if not others.any():
            continue  # no cell of these has 20 homes that count: no figures
        _, number = np.unique(patterns[others], axis=0, return_counts=True)
        within = np.unique(np.column_stack((patterns[others], made.cells.cell[others])), axis=0, return_counts=True)[1]
        assert number.min() >= SMALLEST_CLASS
        # and each cell is one of them, or part of one
        assert within.min() >= SMALLEST_CLASS
        tried += 1
    assert tried > 20


@pytest.mark.parametrize("size", ESTATES)
def test_exchanging_what_others_of_a_cell_used_changes_no_page(size: tuple[int, int]) -> None:
    made, rng = ESTATES[size], np.random.default_rng(2)
    five = made.colluders.ravel()  # five of every estate
    others = np.ones(len(made.daily), bool)
    others[five] = False
    daily = made.daily.copy()
    for cell in range(len(made.cells.size)):
        of = np.flatnonzero((made.cells.cell == cell) & others)
        daily[of] = daily[rng.permutation(of)]
    assert (daily != made.daily).any(axis=1).mean() > 0.5
    counts = np.ones(len(daily), bool)
    # weeks, four weeks that follow each other, a month: all periods of a quarter have the same sets
    for start, end in [*((7 * week, 7 * week + 7) for week in range(8)), (0, 28), (7, 35), (14, 42), (2, 33)]:
        pages = []
        for use in (made.daily[:, start:end].sum(axis=1), daily[:, start:end].sum(axis=1)):
            exact = compare(made.cells, made.joined, use, counts)
            for compared in (exact, round_cell_totals(made.cells, made.joined, use, counts, exact)):
                shown = disclose(use, compared)
                pages.append([figure[five] for figure in (*_figures(exact), *_figures(shown))])
        for before, after in zip(pages[: len(pages) // 2], pages[len(pages) // 2 :], strict=True):
            for one, other in zip(before, after, strict=True):
                assert (one == other).all()


def test_a_home_of_another_cell_does_change_pages() -> None:
    """The exchange of the test above is no idle one: across cells, pages change."""
    made = ESTATES[150, 400]
    use = made.daily[:, :7].sum(axis=1)
    counts = np.ones(len(use), bool)
    before = compare(made.cells, made.joined, use, counts)
    mixed = use.copy()
    for estate in range(len(made.target)):
        of = np.flatnonzero(made.homes.group == estate)
        mixed[of] = use[np.roll(of, len(of) // 2)]
    mixed[made.colluders] = use[made.colluders]
    after = compare(made.cells, made.joined, mixed, counts)
    assert (before.total[made.colluders] != after.total[made.colluders]).mean() > 0.9


def _figures(made: object) -> list[np.ndarray]:
    names = [name for name in type(made).__slots__ if name not in ("cell", "counts")]  # type: ignore[attr-defined]
    return [getattr(made, name) for name in names]
