"""What is shown, against the rules applied to one home at a time, and at each rule's limit."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours.cells import Cells, Int64, make_cells
from analytics.neighbours.comparison import Compared, compare
from analytics.neighbours.disclosure import DisclosedFigures, GroupShown, disclose, group, two_figures
from analytics.neighbours.joining import join
from devices.homes import Reason, State
from tests.examples import examples
from tests.references import homes as reference
from tests.unit.analytics.test_comparison import KINDS, SEEDS, one_estate, some_use


def told(shown: DisclosedFigures, place: int) -> reference.Told:
    """One home's row in the words of the reference."""

    def figure(values: Int64) -> int | None:
        return None if values[place] < 0 else int(values[place])

    return reference.Told(
        State.at(shown.state[place]) or "",
        Reason.at(shown.reason[place]) or "",
        figure(shown.average),
        figure(shown.efficient),
        figure(shown.homes),
        figure(shown.tenths),
    )


@settings(max_examples=examples(60))
@given(SEEDS, st.integers(0, 500), st.sampled_from([0.6, 0.9, 1.0]), KINDS, st.booleans())
def test_every_home_is_told_what_the_plain_rules_say(
    seed: int, count: int, share: float, kind: str, outlier: bool
) -> None:
    homes, use = reference.some_homes(seed, count, coarse=20), some_use(seed, count, kind)
    if outlier and count:
        use[seed % count] += 1_000_000
    counts = np.random.default_rng(seed + 1).random(count) < share
    cells = make_cells(homes)
    shown = disclose(use, compare(cells, join(cells), use, counts))
    plain = reference.make_cells(reference.homes_of(homes))
    joined, counting = reference.join(plain), set(homes.id[counts].tolist())
    uses = dict(zip(homes.id.tolist(), use.tolist(), strict=True))
    for place, home in enumerate(homes.id.tolist()):
        neighbours = reference.set_of(plain, joined, counting, home)
        if neighbours is not None and not counts[place]:
            assert told(shown, place) == reference.Told("suppressed", "not-counted")
            continue
        exact = None if neighbours is None else reference.compare_one(uses, neighbours, uses[home])
        assert told(shown, place) == reference.tell(uses[home], exact)


@pytest.mark.parametrize(
    ("total", "n", "shown"),
    [
        (0, 20, 0), (9, 20, 0), (10, 20, 1), (189, 20, 9), (190, 20, 10), (1_989, 20, 99), (1_990, 20, 100),
        (2_490, 20, 120), (2_500, 20, 130), (2_499, 20, 120), (19_899, 20, 990), (19_900, 20, 1_000),
        (7 * 10**15 * 20, 20, 7 * 10**15), (99_499 * 100, 100, 99_000), (99_500 * 100, 100, 100_000),
        (104_999, 1, 100_000), (105_000, 1, 110_000), (996 * 10**15, 1, 10**18), (3 * 12_500, 3, 13_000),
    ],
)  # fmt: skip
def test_two_significant_figures_half_up(total: int, n: int, shown: int) -> None:
    assert two_figures(np.array([total]), np.array([n])).tolist() == [shown]


@given(st.integers(0, 10**17), st.integers(1, 10**6))
def test_two_figures_are_those_of_decimal_arithmetic(total: int, n: int) -> None:
    assert two_figures(np.array([total]), np.array([n])).tolist() == [reference.two_figures(total, n)]


def exact(**figures: int) -> Compared:
    """One home's exact figures."""
    usual = {
        "n": 100, "total": 5_000_000, "largest": 60_000, "lowest_n": 20, "lowest_total": 400_000,
        "lowest_largest": 30_000, "less": 50,
    } | figures  # fmt: skip
    return Compared(
        np.zeros(1, np.int32), np.ones(1, bool), **{name: np.array([value]) for name, value in usual.items()}
    )


def one(own: int = 50_000, **figures: int) -> reference.Told:
    return told(disclose(np.array([own]), exact(**figures)), 0)


def test_the_fewest_homes() -> None:
    assert one(n=19, total=950_000).reason == "few-homes"
    assert one(n=20, total=1_000_000, lowest_n=4).homes == 20
    few, many = one(n=74, lowest_n=14), one(n=75, lowest_n=15)
    assert few.efficient is None
    assert few.tenths is None
    assert few.average is not None
    assert many.efficient is not None
    assert many.tenths is not None


def test_one_home_of_more_than_15_percent() -> None:
    assert one(largest=750_000).reason == ""
    assert one(largest=750_001) == reference.Told("suppressed", "dominated")
    assert one(lowest_largest=60_000).efficient is not None
    assert one(lowest_largest=60_001).efficient is None
    assert one(lowest_largest=60_001).average is not None


@pytest.mark.parametrize(
    ("own", "state"), [(0, "great"), (20_000, "great"), (20_001, "good"), (50_000, "good"), (50_001, "more")]
)
def test_the_state_follows_from_the_shown_figures(own: int, state: str) -> None:
    # exactly 19,600 and 50,400: the shown 20,000 and 50,000 decide
    told_ = one(own, total=5_040_000, lowest_total=392_000)
    assert (told_.state, told_.efficient, told_.average) == (state, 20_000, 50_000)


def test_without_an_efficient_figure_good_is_the_best() -> None:
    assert one(0, n=74, lowest_n=14).state == "good"


@pytest.mark.parametrize(("n", "homes"), [(20, 20), (24, 20), (25, 30), (94, 90), (95, 100), (148, 150)])
def test_homes_are_told_to_tens(n: int, homes: int) -> None:
    assert one(n=n, total=50_000 * n, lowest_n=n // 5).homes == homes


@pytest.mark.parametrize(("less", "tenths"), [(0, 0), (9, 0), (10, 1), (99, 9), (100, 10)])
def test_tenths_are_rounded_down(less: int, tenths: int) -> None:
    assert one(less=less).tenths == tenths


def test_where_nobody_uses_anything_the_average_is_zero() -> None:
    cells = one_estate(100)
    use = np.zeros(100, np.int64)
    shown = disclose(use, compare(cells, join(cells), use, np.ones(100, bool)))
    assert told(shown, 0) == reference.Told("great", "", 0, 0, 100, 0)


def test_only_figures_that_may_be_shown_leave() -> None:
    """Two significant figures, tens, tenths: whatever stands in the result."""
    homes, use = reference.some_homes(9, 3_000, coarse=5), some_use(9, 3_000, "usual")
    use[::700] = 10**8
    cells = make_cells(homes)
    shown = disclose(use, compare(cells, join(cells), use, np.ones(3_000, bool)))
    assert {field.name for field in fields(DisclosedFigures)} == {
        "average",
        "efficient",
        "homes",
        "tenths",
        "state",
        "reason",
    }
    assert {field.name for field in fields(GroupShown)} == {"average", "homes", "reason"}
    for figure in np.concatenate((shown.average, shown.efficient)):
        assert figure == -1 or len(str(figure).rstrip("0")) <= 2
    assert (shown.homes[shown.homes >= 0] % 10 == 0).all()
    assert set(shown.tenths.tolist()) <= set(range(-1, 11))
    hidden = shown.reason >= 0
    assert hidden.any()
    assert not hidden.all()
    for name in ("average", "efficient", "homes", "tenths"):
        assert (getattr(shown, name)[hidden] == -1).all()


def two_estates() -> tuple[Cells, Int64]:
    """100 homes in four cells, 1 kWh each."""
    return one_estate(100), np.full(100, 1_000)


def test_a_published_group_is_a_union_of_whole_cells() -> None:
    cells, use = two_estates()
    use[cells.cell == 2] = 3_000
    label = np.array([0, 0, 1, -1])
    shown = group(use, np.ones(100, bool), cells, label)
    assert shown.average.tolist() == [1_000, 3_000]
    assert shown.homes.tolist() == [50, 30]  # 25, half up
    assert shown.reason.tolist() == [-1, -1]


def test_a_published_group_keeps_the_rules() -> None:
    cells, use = two_estates()
    counts, label = np.ones(100, bool), np.array([0, 0, 1, 2])
    counts[np.flatnonzero(cells.cell == 0)[:6]] = False  # 19 are left: the cell is in no figure
    counts[np.flatnonzero(cells.cell == 2)[:6]] = False
    use[np.flatnonzero(cells.cell == 3)[0]] = 5_000  # of 29,000: 17 %
    use[cells.cell == 0] = 9_000
    shown = group(use, counts, cells, label)
    assert shown.average.tolist() == [1_000, -1, -1]
    assert shown.homes.tolist() == [30, -1, -1]
    assert [Reason.at(code) for code in shown.reason] == [None, "few-homes", "dominated"]


def test_homes_in_no_cell_are_in_no_published_group() -> None:
    cells = make_cells(reference.some_homes(1, 30, groups=3))
    assert (cells.cell < 0).any()
    use = np.where(cells.cell < 0, 10**9, 1_000)
    shown = group(use, np.ones(30, bool), cells, np.zeros(len(cells.size), np.int64))
    assert shown.average.tolist() in ([1_000], [])
    assert group(use, np.ones(30, bool), cells, np.full(len(cells.size), -1)).average.tolist() == []
