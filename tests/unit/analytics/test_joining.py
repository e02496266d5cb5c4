"""Which cells join, against a plain search of all cells, and at the limits of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours import joining as neighbours
from analytics.neighbours.cells import Cells, make_cells
from analytics.neighbours.joining import STEPS, Joined, join
from tests.examples import examples
from tests.references import homes as reference

SEEDS = st.integers(0, 2**32)


def made(
    x: Sequence[float], *, size: int | Sequence[int] = 25, area: float | Sequence[float] = 80.0, group: int = 0
) -> Cells:
    """Cells along a line [m], without homes."""
    count = len(x)
    return Cells(
        np.empty(0, np.int32),
        np.full(count, group, np.int64),
        np.broadcast_to(np.asarray(size, np.int64), count).copy(),
        np.asarray(x, np.float64),
        np.zeros(count),
        np.broadcast_to(np.asarray(area, np.float64), count).copy(),
    )


def joins(joined: Joined, cell: int) -> list[int]:
    found: list[int] = joined.cells[joined.offsets[cell] : joined.offsets[cell + 1]].tolist()
    return found


def assert_equal(found: Joined, expected: list[reference.Neighbours]) -> None:
    assert [joins(found, cell) for cell in range(len(expected))] == [one.cells for one in expected]
    assert [STEPS[code] for code in found.step] == [one.step for one in expected]
    assert found.reach.tolist() == [one.reach for one in expected]


@settings(max_examples=examples(40))
@given(
    SEEDS, st.integers(0, 900), st.sampled_from([1, 50, 1000]), st.integers(1, 4), st.sampled_from([0, 3000, 30_000])
)
def test_the_cells_that_join_are_those_of_the_plain_search(
    seed: int, count: int, coarse: int, groups: int, width: int
) -> None:
    homes = reference.some_homes(seed, count, coarse=coarse, groups=groups, width=width)
    expected = reference.join(reference.make_cells(reference.homes_of(homes)))
    assert_equal(join(make_cells(homes)), expected)


@settings(max_examples=examples(40))
@given(SEEDS, st.integers(1, 150), st.sampled_from([1, 250, 1000]), st.sampled_from([500, 4000, 40_000]))
def test_many_cells_and_many_ties(seed: int, count: int, coarse: int, width: int) -> None:
    """Cells of any size and place, as a grid makes them: equal distances all around."""
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.uniform(0, width, (2, count)) / coarse) * coarse
    area, size = rng.choice([40.0, 46.0, 52.0, 57.5, 80.0, 92.0, 104.0], count), rng.integers(20, 50, count)
    cells = Cells(np.empty(0, np.int32), np.sort(rng.integers(0, 3, count)), size, x, y, area)
    plain = [
        reference.Cell(
            int(cells.group[i]), [reference.Home(0, 0, 0, 0, 0.0)] * int(size[i]),
            round(x[i] * 1000), round(y[i] * 1000), float(area[i]),
        )
        for i in range(count)
    ]  # fmt: skip
    assert_equal(join(cells), reference.join(plain))


def test_how_many_pairs_are_looked_at_together_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = make_cells(reference.some_homes(4, 4_000, coarse=5, width=9_000))
    whole = join(cells)
    monkeypatch.setattr(neighbours, "_PAIRS", 7)
    parts = join(cells)
    assert (whole.cells == parts.cells).all()
    assert (whole.offsets == parts.offsets).all()
    assert (whole.step == parts.step).all()
    assert (whole.reach == parts.reach).all()


@settings(max_examples=examples(30))
@given(SEEDS, st.integers(100, 900), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_a_translation_changes_nothing(seed: int, count: int, east: int, north: int) -> None:
    homes = reference.some_homes(seed, count, coarse=10)
    found, moved = join(make_cells(homes)), join(make_cells(replace(homes, x=homes.x + east, y=homes.y + north)))
    assert (found.cells == moved.cells).all()
    assert (found.step == moved.step).all()
    assert (found.reach == moved.reach).all()


def test_cells_join_until_there_are_100_neighbours_and_no_more() -> None:
    # 24 others and three times 25 are 99: a fourth joins. 25 others and three times 25 are 100: enough.
    line = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert joins(join(made(line)), 0) == [1, 2, 3, 4]
    assert joins(join(made(line, size=[26, 25, 25, 25, 25, 25])), 0) == [1, 2, 3]


def test_equal_distances_fall_to_the_lower_number() -> None:
    found = join(made([0.0, 10.0, -10.0, 20.0, -20.0, 20.0, -20.0], size=49))
    assert joins(found, 0) == [1, 2]
    found = join(made([0.0, 10.0, -10.0, 20.0, -20.0, 20.0, -20.0]))
    assert joins(found, 0) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("area", "joined", "step"),
    [
        # nearest cell 1 differs; cells 2 and 3 are like one's own
        ([80.0, 92.0, 80.0, 80.0], [1, 2], "area-15"),  # exactly 15 %
        ([80.0, 92.5, 80.0, 80.0], [2, 3], "area-15"),  # above: enough others are within it
        ([80.0, 68.0, 80.0, 80.0], [1, 2], "area-15"),
        ([80.0, 67.5, 80.0, 80.0], [2, 3], "area-15"),
        ([80.0, 104.0, 80.0, 104.0], [1, 2], "area-30"),  # one alike is not enough: 30 %
        ([80.0, 104.5, 80.0, 56.0], [2, 3], "area-30"),
        ([80.0, 200.0, 80.0, 200.0], [1, 2], "any-area"),
    ],
)
def test_floor_areas(area: list[float], joined: list[int], step: str) -> None:
    found = join(made([0.0, 10.0, 20.0, 30.0], size=49, area=area))
    assert joins(found, 0) == joined
    assert STEPS[found.step[0]] == step


@pytest.mark.parametrize(
    ("at", "joined", "step"),
    [
        (2_000.0, [2, 3], "area-15"),  # two within 2 km: the larger home beside does not join
        (2_000.001, [1, 2], "any-area"),  # a millimetre further
    ],
)
def test_two_kilometres(at: float, joined: list[int], step: str) -> None:
    found = join(made([0.0, 10.0, 1_999.0, at], size=49, area=[80.0, 160.0, 80.0, 80.0]))
    assert joins(found, 0) == joined
    assert STEPS[found.step[0]] == step


def test_five_kilometres_and_too_few() -> None:
    near, far = join(made([0.0, 4_000.0, 5_000.0], size=49)), join(made([0.0, 4_000.0, 5_000.001], size=49))
    assert joins(near, 0) == [1, 2]
    assert near.reach[0] == 5_000
    # the floor areas are alike though the search went as far as "any"
    assert STEPS[near.step[0]] == "area-15"
    assert joins(far, 0) == [1]
    assert STEPS[far.step[0]] == "area-15"  # 97 neighbours
    assert [STEPS[step] for step in join(made([0.0, 9_000.0], size=[20, 21])).step] == ["none", "few"]
    assert STEPS[join(made([0.0, 1.0], size=[37, 38])).step[0]] == "few"  # 74
    assert STEPS[join(made([0.0, 1.0], size=[37, 39])).step[0]] == "area-15"  # 75
    assert far.reach[2] == pytest.approx(1_000.001)


def test_groups_never_meet() -> None:
    cells = replace(made([0.0, 0.0, 0.0, 0.0], size=49), group=np.array([3, 3, 8, 8]))
    found = join(cells)
    assert [joins(found, cell) for cell in range(4)] == [[1], [0], [3], [2]]


def test_all_at_one_place_and_none_at_all() -> None:
    found = join(made([5.0] * 8))
    assert joins(found, 7) == [0, 1, 2, 3]
    assert (found.reach == 0).all()
    none = join(made([]))
    assert none.offsets.tolist() == [0]
    assert len(none.cells) == len(none.step) == len(none.reach) == 0
