"""Exact figures of every home against a plain loop over its neighbours, and what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours import comparison
from analytics.neighbours.cells import Bools, Cells, HomeSet, Int64, make_cells
from analytics.neighbours.comparison import Compared, compare, neighbours_of
from analytics.neighbours.joining import join
from tests.examples import examples
from tests.references import homes as reference

SEEDS = st.integers(0, 2**32)
FIGURES = ("n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less")


def some_use(seed: int, count: int, kind: str) -> Int64:
    """Uses [Wh] of a kind that makes trouble."""
    rng = np.random.default_rng(seed)
    use: dict[str, Int64] = {
        "usual": rng.gamma(4, 2_500, count).astype(np.int64) * 7,
        "ties": rng.integers(0, 4, count) * 1_000,
        "equal": np.full(count, 63_000),
        "zeros": np.zeros(count, np.int64),
        "huge": rng.integers(0, 10**9, count, endpoint=True) * 31,
    }
    return use[kind]


KINDS = st.sampled_from(["usual", "ties", "equal", "zeros", "huge"])


@settings(max_examples=examples(60))
@given(SEEDS, st.integers(0, 500), st.sampled_from([0.5, 0.8, 1.0]), KINDS, st.sampled_from([1, 500]))
def test_every_home_has_the_figures_of_the_plain_loop(
    seed: int, count: int, share: float, kind: str, coarse: int
) -> None:
    homes, use = reference.some_homes(seed, count, coarse=coarse), some_use(seed, count, kind)
    counts = np.random.default_rng(seed + 1).random(count) < share
    cells = make_cells(homes)
    joined = join(cells)
    found = compare(cells, joined, use, counts)
    plain = reference.make_cells(reference.homes_of(homes))
    plain_joined = reference.join(plain)
    counting = set(homes.id[counts].tolist())
    uses = dict(zip(homes.id.tolist(), use.tolist(), strict=True))
    for place in range(count):
        home = int(homes.id[place])
        neighbours = reference.set_of(plain, plain_joined, counting, home)
        if counts[place]:
            members = homes.id[neighbours_of(cells, joined, counts, place)].tolist()
            assert sorted(neighbours or []) == sorted(members)
        figures = tuple(int(getattr(found, name)[place]) for name in FIGURES)
        if neighbours is None or not counts[place]:
            assert figures == (0,) * 7
            continue
        exact = reference.compare_one(uses, neighbours, uses[home])
        lowest = exact.lowest
        assert figures == (
            exact.n, exact.total, exact.largest, len(lowest), sum(lowest), max(lowest, default=0), exact.less,
        )  # fmt: skip
        if exact.average is not None:
            assert found.total[place] / found.n[place] == pytest.approx(float(exact.average), rel=1e-9)


def borough(seed: int, count: int) -> tuple[HomeSet, Int64, Bools]:
    homes = reference.some_homes(seed, count, coarse=5)
    return homes, some_use(seed, count, "usual"), np.random.default_rng(seed).random(count) < 0.9


@settings(max_examples=examples(25))
@given(SEEDS, st.integers(100, 600))
def test_order_and_place_do_not_matter(seed: int, count: int) -> None:
    homes, use, counts = borough(seed, count)
    order = np.random.default_rng(seed + 1).permutation(count)
    other = HomeSet(
        homes.id[order], homes.group[order], homes.x[order] - 512, homes.y[order] + 65_536, homes.area[order]
    )
    cells, moved = make_cells(homes), make_cells(other)
    found = compare(cells, join(cells), use, counts)
    again = compare(moved, join(moved), use[order], counts[order])
    for name in FIGURES:
        assert (getattr(again, name) == getattr(found, name)[order]).all()


@settings(max_examples=examples(25))
@given(SEEDS, st.integers(100, 600), st.integers(0, 10**11))
def test_one_outlier_changes_the_sets_it_is_in_and_no_other(seed: int, count: int, value: int) -> None:
    homes, use, counts = borough(seed, count)
    cells = make_cells(homes)
    joined = join(cells)
    outlier = int(np.argmax(counts))
    changed = use.copy()
    changed[outlier] = value
    found, again = compare(cells, joined, use, counts), compare(cells, joined, changed, counts)
    touched = np.array([outlier in neighbours_of(cells, joined, counts, place) for place in range(count)])
    differs = again.total != found.total
    assert (differs == (touched & counts & (value != use[outlier]))).all()
    for name in set(FIGURES) - {"less"}:
        assert (getattr(again, name) == getattr(found, name))[~touched].all()
    touched[outlier] = True  # how many use less than the outlier itself
    assert (again.less == found.less)[~touched].all()


def one_estate(count: int) -> Cells:
    """So many homes side by side in one group: their cells."""
    return make_cells(
        HomeSet(
            np.arange(count) + 10**13, np.zeros(count, np.int64), np.arange(0.0, 8 * count, 8), np.zeros(count),
            np.full(count, 70.0),
        )
    )  # fmt: skip


def figures(found: Compared, home: int) -> dict[str, int]:
    return {name: int(getattr(found, name)[home]) for name in FIGURES}


def test_known_figures() -> None:
    """100 homes using 0, 1, 2 … 99 kWh: 99 neighbours each."""
    cells = one_estate(100)
    found = compare(cells, join(cells), np.arange(100) * 1_000, np.ones(100, bool))
    assert figures(found, 0) == {
        "n": 99, "total": 4_950_000, "largest": 99_000, "lowest_n": 19, "lowest_total": 190_000,
        "lowest_largest": 19_000, "less": 0,
    }  # fmt: skip
    assert figures(found, 99) == {
        "n": 99, "total": 4_851_000, "largest": 98_000, "lowest_n": 19, "lowest_total": 171_000,
        "lowest_largest": 18_000, "less": 99,
    }  # fmt: skip


def test_a_cell_with_fewer_than_20_that_count_is_in_no_set_not_even_its_own() -> None:
    cells = one_estate(100)
    joined, use, counts = join(cells), np.full(100, 5_000), np.ones(100, bool)
    first = np.flatnonzero(cells.cell == 0)
    counts[first[:5]] = False
    twenty = compare(cells, joined, use, counts)
    assert twenty.n[first].tolist() == [0] * 5 + [94] * 20
    assert twenty.n[cells.cell == 1].tolist() == [94] * 25
    counts[first[5]] = False
    nineteen = compare(cells, joined, use, counts)
    assert nineteen.n[first].tolist() == [0] * 6 + [75] * 19  # the three other cells
    assert nineteen.n[cells.cell == 1].tolist() == [74] * 25
    counts[:] = False
    assert not compare(cells, joined, use, counts).n.any()


def test_a_group_without_a_cell_and_a_lone_cell() -> None:
    few, lone = one_estate(19), one_estate(20)
    found = compare(few, join(few), np.full(19, 5), np.ones(19, bool))
    assert (found.cell == -1).all()
    assert not found.n.any()
    assert (compare(lone, join(lone), np.full(20, 5), np.ones(20, bool)).n == 19).all()


def test_how_many_cells_are_compared_together_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    homes, use, counts = borough(11, 3_000)
    cells = make_cells(homes)
    joined = join(cells)
    whole = compare(cells, joined, use, counts)
    monkeypatch.setattr(comparison, "_CHUNK", 3)
    parts = compare(cells, joined, use, counts)
    for name in FIGURES:
        assert (getattr(whole, name) == getattr(parts, name)).all()


def test_a_use_that_is_none_must_not_count() -> None:
    cells = one_estate(30)
    use = np.full(30, 5)
    use[3] = -1
    with pytest.raises(ValueError, match="negative"):
        compare(cells, join(cells), use, np.ones(30, bool))
    counts = np.arange(30) != 3
    assert (compare(cells, join(cells), use, counts).n == np.where(counts, 28, 0)).all()


def test_nothing_given_is_changed() -> None:
    homes, use, counts = borough(2, 300)
    kept = replace(homes, area=homes.area.copy()), use.copy(), counts.copy()
    cells = make_cells(homes)
    compare(cells, join(cells), use, counts)
    assert np.array_equal(homes.area, kept[0].area, equal_nan=True)
    assert (use == kept[1]).all()
    assert (counts == kept[2]).all()
