"""Cells against a plain recursion, and what must not matter: order, place, how many others there are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours.cells import Cells, HomeSet, make_cells
from analytics.places import metres
from tests.examples import examples
from tests.references import homes as reference

SEEDS = st.integers(0, 2**32)


def members(cells: Cells, homes: HomeSet) -> list[set[int]]:
    """Ids by cell."""
    return [set(homes.id[cells.cell == number].tolist()) for number in range(len(cells.size))]


def one_group(count: int, **columns: object) -> HomeSet:
    """Homes of one group at one place with one floor area."""
    homes = HomeSet(
        np.arange(count) + 10**13, np.zeros(count, np.int64), np.zeros(count), np.zeros(count), np.full(count, 80.0)
    )
    return replace(homes, **columns)  # type: ignore[arg-type]


@settings(max_examples=examples(40))
@given(SEEDS, st.integers(0, 400), st.sampled_from([1, 50, 400, 3000]), st.integers(1, 4))
def test_cells_are_those_of_the_plain_recursion(seed: int, count: int, coarse: int, groups: int) -> None:
    homes = reference.some_homes(seed, count, coarse=coarse, groups=groups)
    found, expected = make_cells(homes), reference.make_cells(reference.homes_of(homes))
    assert members(found, homes) == [{home.id for home in cell.homes} for cell in expected]
    assert found.group.tolist() == [cell.group for cell in expected]
    assert found.size.tolist() == [len(cell.homes) for cell in expected]
    assert found.x.tolist() == [cell.x / 1000 for cell in expected]
    assert found.y.tolist() == [cell.y / 1000 for cell in expected]
    assert found.area.tolist() == [cell.area for cell in expected]


def test_a_large_group_too() -> None:
    homes = reference.some_homes(5, 5_000, coarse=20, groups=3)
    found, expected = make_cells(homes), reference.make_cells(reference.homes_of(homes))
    assert members(found, homes) == [{home.id for home in cell.homes} for cell in expected]


@settings(max_examples=examples(40))
@given(SEEDS, st.integers(20, 600), st.sampled_from([1, 400, 6000]))
def test_the_order_of_homes_does_not_matter(seed: int, count: int, coarse: int) -> None:
    homes = reference.some_homes(seed, count, coarse=coarse)
    order = np.random.default_rng(seed).permutation(count)
    shuffled = HomeSet(*(getattr(homes, name)[order] for name in ("id", "group", "x", "y", "area")))
    found, other = make_cells(homes), make_cells(shuffled)
    assert (other.cell == found.cell[order]).all()
    assert all((getattr(found, name) == getattr(other, name)).all() for name in ("group", "size", "x", "y", "area"))


@settings(max_examples=examples(40))
@given(SEEDS, st.integers(20, 600), st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_a_translation_moves_the_centroids_and_nothing_else(seed: int, count: int, east: int, north: int) -> None:
    homes = reference.some_homes(seed, count, coarse=3)
    found, moved = make_cells(homes), make_cells(replace(homes, x=homes.x + east, y=homes.y + north))
    assert (moved.cell == found.cell).all()
    assert (np.rint(moved.x * 1000) == np.rint(found.x * 1000) + east * 1000).all()
    assert (np.rint(moved.y * 1000) == np.rint(found.y * 1000) + north * 1000).all()


@given(st.integers(0, 2_000))
@settings(max_examples=examples(60))
def test_every_cell_has_25_to_49_homes_unless_its_group_has_fewer(count: int) -> None:
    found = make_cells(one_group(count))
    assert found.size.sum() == (count if count >= 20 else 0)
    if count >= 50:
        assert 25 <= found.size.min() <= found.size.max() <= 49
    elif count >= 20:
        assert found.size.tolist() == [count]
    assert (np.bincount(found.cell[found.cell >= 0], minlength=len(found.size)) == found.size).all()


def test_where_everything_is_equal_the_pseudonym_decides() -> None:
    ids = np.random.default_rng(3).permutation(101) + 10**13
    found = make_cells(one_group(101, id=ids))
    # 101 are 51 and 50; 51 are 26 and 25, 50 are 25 and 25
    assert found.size.tolist() == [26, 25, 25, 25]
    assert (found.cell == np.searchsorted([26, 51, 76], ids - 10**13, side="right")).all()


@pytest.mark.parametrize(("x", "area", "axis"), [(501.0, 88.0, "x"), (499.0, 89.0, "area")])
def test_500_metres_are_worth_a_tenth_of_the_logarithm(x: float, area: float, axis: str) -> None:
    # 500 m are one step; 80 to 88 m2 is 0.953 of a step, 80 to 89 m2 1.066
    place, size = np.zeros(50), np.full(50, 80.0)
    place[::2], size[:25] = x, area
    found = make_cells(one_group(50, x=place, area=size))
    high = place > 0 if axis == "x" else size > 80
    assert set(found.cell[high].tolist()) == {1}
    assert set(found.cell[~high].tolist()) == {0}


def test_an_unknown_floor_area_is_the_median_of_its_group() -> None:
    area = np.array([50.0] * 10 + [70.0] * 10 + [np.nan] * 30 + [np.nan] * 20)
    group = np.array([4] * 50 + [9] * 20, np.int64)
    found = make_cells(one_group(70, area=area, group=group))
    assert found.group.tolist() == [4, 4, 9]
    assert found.area.tolist() == [60.0, 60.0, 0.0]  # 10 x 50 and 15 x 60; 15 x 60 and 10 x 70; none known


def test_what_is_no_home_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        make_cells(one_group(30, id=np.full(30, 10**13)))
    with pytest.raises(ValueError, match="place"):
        make_cells(one_group(30, x=np.full(30, np.nan)))
    with pytest.raises(ValueError, match="longitude"):
        metres(np.array([np.nan]), np.array([51.0]))


def test_metres_are_those_of_the_great_circle() -> None:
    rng = np.random.default_rng(8)
    lon, lat = -0.13 + rng.uniform(-0.1, 0.1, 50), 51.5 + rng.uniform(-0.06, 0.06, 50)
    x, y = metres(lon, lat)
    for a, b in rng.integers(0, 50, (100, 2)):
        half = (
            math.sin(math.radians(lat[b] - lat[a]) / 2) ** 2
            + math.cos(math.radians(lat[a])) * math.cos(math.radians(lat[b]))
            * math.sin(math.radians(lon[b] - lon[a]) / 2) ** 2
        )  # fmt: skip
        sphere = 2 * 6_371_008.8 * math.asin(math.sqrt(half))
        # the ellipsoid differs from the sphere by up to 0.35 % here
        assert math.hypot(x[b] - x[a], y[b] - y[a]) == pytest.approx(sphere, rel=5e-3)
    assert [len(axis) for axis in metres(np.empty(0), np.empty(0))] == [0, 0]


def test_one_home_at_a_wrong_place_stretches_nobodys_distances() -> None:
    chance = np.random.default_rng(3)
    lon, lat = chance.normal(-0.08, 0.02, 300), chance.normal(51.5, 0.01, 300)
    x, y = metres(lon, lat)
    swapped_x, swapped_y = metres(np.append(lon, 51.5), np.append(lat, -0.08))
    right = np.hypot(np.diff(x), np.diff(y))
    with_it = np.hypot(np.diff(swapped_x[:-1]), np.diff(swapped_y[:-1]))
    assert with_it == pytest.approx(right, rel=1e-4)
