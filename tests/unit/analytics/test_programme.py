"""What is said of all homes together: made of published figures alone, so no subtraction finds more than they say."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.neighbours import disclosure
from analytics.neighbours.cells import Bools, Cells, Int64, make_cells
from analytics.neighbours.programme import Altogether, of_figures
from devices.homes import Reason
from store.programme import Figure, Month
from tests.examples import examples
from tests.references import homes as reference

MONTH = Month(date(2026, 10, 1), "electricity", date(2026, 10, 1))
GROUPS = st.lists(
    st.tuples(st.integers(2, 20_000).map(lambda n: 10 * n), st.integers(0, 9_900_000)), min_size=1, max_size=9
)


def figures(use: Int64, counts: Bools, cells: Cells, label: Int64) -> list[Figure]:
    """What is published of groups."""
    shown = disclosure.group(use, counts, cells, label)
    return [
        Figure(f"kind {place}", None, None, Reason.at(reason) or "")
        if reason >= 0
        else Figure(f"kind {place}", int(homes), int(average), "")
        for place, (homes, average, reason) in enumerate(zip(shown.homes, shown.average, shown.reason, strict=True))
    ]


def two_figures(value: Fraction) -> int:
    """Two significant figures, half up, by decimal arithmetic."""
    whole = Decimal(value.numerator) / Decimal(value.denominator)
    power = max(0, len(str(int(whole))) - 2)
    return int((whole / 10**power).quantize(Decimal(1), ROUND_HALF_UP)) * int("1" + "0" * power)


@settings(max_examples=examples(200))
@given(GROUPS)
def test_the_total_is_that_of_the_published_figures(groups: list[tuple[int, int]]) -> None:
    found = of_figures(MONTH, [Figure("flat", homes, average, "") for homes, average in groups])
    assert found is not None
    assert found.homes == sum(homes for homes, _ in groups)
    assert found.total == two_figures(Fraction(sum(homes * average for homes, average in groups)))
    assert found.each == two_figures(Fraction(found.total, found.homes))
    assert not found.left_out


def test_where_nothing_is_shown_nothing_is_said() -> None:
    assert of_figures(MONTH, []) is None
    assert of_figures(MONTH, [Figure("flat", None, None, Reason.FEW_HOMES)]) is None


def test_a_suppressed_kind_is_left_out_and_that_is_said() -> None:
    shown = Figure("flat", 40, 250_000, "")
    found = of_figures(MONTH, [shown, Figure("detached", None, None, Reason.DOMINATED)])
    assert found == Altogether(MONTH.from_day, "electricity", 40, 10_000_000, left_out=True)


@pytest.mark.parametrize(("homes", "average"), [([], []), ([20, -1], [5, -1]), ([0], [5]), ([20], [-1])])
def test_suppressed_groups_are_refused(homes: list[int], average: list[int]) -> None:
    with pytest.raises(ValueError, match="shown"):
        disclosure.altogether(np.array(homes, np.int64), np.array(average, np.int64))


def estate() -> tuple[Cells, Int64, Int64]:
    """Two kinds of home of 60 each; cells, use [Wh], the kind of each cell."""
    homes = reference.some_homes(5, 120, coarse=20)
    cells = make_cells(homes)
    use = np.random.default_rng(5).integers(100_000, 400_000, len(homes.id))
    label = np.arange(len(cells.size)) % 2
    return cells, use.astype(np.int64), label.astype(np.int64)


def test_what_a_suppressed_kind_uses_is_not_in_the_total() -> None:
    """An attacker takes the shown kinds from the total: nothing of the one that is not shown is left."""
    cells, use, label = estate()
    everybody = np.ones(len(use), np.bool_)
    of_kind = np.flatnonzero(np.append(label, -1)[cells.cell] == 1)
    told = []
    for large in (5, 50, 500):
        changed = use.copy()
        changed[of_kind[0]] = large * use.sum()
        made = figures(changed, everybody, cells, label)
        assert made[1].reason == Reason.DOMINATED
        told.append(of_figures(MONTH, made))
    assert told[0] is not None
    assert told[0].left_out
    assert told[0] == told[1] == told[2]


def test_the_total_tells_nothing_that_the_kinds_do_not() -> None:
    """Estates whose published kinds are the same have the same total, whoever came, went or used more: the total less a
    week's, or less the programme's figures, is a difference of figures that were out already."""
    cells, use, label = estate()
    everybody = np.ones(len(use), np.bool_)
    seen: dict[tuple[Figure, ...], Altogether | None] = {}
    same = 0
    for home in range(len(use)):
        for change in ("gone", "more"):
            counts, changed = everybody.copy(), use.copy()
            if change == "gone":
                counts[home] = False
            else:
                changed[home] = changed[home] * 21 // 20
            made = figures(changed, counts, cells, label)
            key, found = tuple(made), of_figures(MONTH, made)
            same += key in seen
            assert seen.setdefault(key, found) == found
    assert same > len(use), "the rounding of cells hides most changes of one home"
