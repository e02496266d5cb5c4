"""Comparisons in groups of cells are those of all homes at once, and a group holds nobody who is not needed."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours import comparison
from analytics.neighbours.cell_groups import compare_group, groups_of, put_together
from analytics.neighbours.cells import make_cells
from analytics.neighbours.joining import join
from tests.examples import examples
from tests.references import homes as reference

NAMES = ("cell", "counts", "n", "total", "largest", "lowest_n", "lowest_total", "lowest_largest", "less")


@settings(max_examples=examples(60))
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 900),
    number=st.integers(1, 60),
    share=st.sampled_from([0.4, 0.9, 1.0]),
    most=st.sampled_from([1, 9_000, 10**12]),
)
def test_groups_put_together_are_all_at_once(seed: int, count: int, number: int, share: float, most: int) -> None:
    homes = reference.some_homes(seed, count)
    rng = np.random.default_rng(seed)
    use, counts = rng.integers(0, most, count), rng.random(count) < share
    cells = make_cells(homes)
    joined = join(cells)
    parts = list(groups_of(cells, joined, use, counts, number)) if len(cells.size) else []
    rng.shuffle(parts)  # in whatever order they come back
    sent = [(place, pickle.loads(pickle.dumps(group))) for place, group in parts]
    found = put_together(cells, counts, [(place, compare_group(group)) for place, group in sent])
    whole = comparison.compare(cells, joined, use, counts)
    for name in NAMES:
        one, other = getattr(found, name), getattr(whole, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes(), name


def test_a_group_holds_the_homes_of_its_cells_and_of_those_that_join_them() -> None:
    homes = reference.some_homes(11, 3_000)
    cells = make_cells(homes)
    joined = join(cells)
    use, counts = np.arange(3_000), np.ones(3_000, bool)  # a use is who it is of
    parts = list(groups_of(cells, joined, use, counts, 7))
    assert len(parts) == 7
    assert sorted(np.concatenate([place for place, _ in parts])) == np.flatnonzero(cells.cell >= 0).tolist()
    for place, group in parts:
        own = np.unique(cells.cell[place])
        needed = {*own.tolist(), *(c for o in own for c in joined.cells[joined.offsets[o] : joined.offsets[o + 1]])}
        assert set(group.use.tolist()) == set(np.flatnonzero(np.isin(cells.cell, list(needed))).tolist())
        assert group.use[group.own].tolist() == place.tolist()
        assert len(group.use) < 3_000 / 2


def test_a_negative_use_that_counts_is_refused_as_everywhere() -> None:
    homes = reference.some_homes(1, 200)
    cells = make_cells(homes)
    (part,) = groups_of(cells, join(cells), np.full(200, -1), np.ones(200, bool), 1)
    with pytest.raises(ValueError, match="no use or a negative one"):
        compare_group(part[1])
