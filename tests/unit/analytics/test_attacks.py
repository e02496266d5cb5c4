"""Attacks on the comparison: what residents pool finds a home's use no more often than the average shown does.

Attackers know every rule, who is in which cell, which cells join and who counts; five of them live in the target's own
cell. Rates are parts of 500 targets whose use was recovered within 10 %. An attack and the guess are compared on the
same targets by McNemar's test: more than three standard errors (one chance in 700) is a finding. `pytest -s` prints
the rates; docs/explanation/privacy.md tells what they mean.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from analytics.neighbours.differencing import members, unchanged
from tests.tools import attacks
from tests.tools.attacks import Attempt
from tests.worlds.estate import Estates, Rates, make_estates, rates

pytestmark = pytest.mark.slow

#: Beyond chance: standard errors of the paired difference.
FINDING = 3.0
#: How many homes an estate has: about 100 neighbours, or 39 to 74, where two figures hide least.
SIZES = {"about 100": (130, 260), "few": (45, 75)}
#: Weekly averages [Wh] where two figures are coarse and fine: 24 is one of 25, 92 one of 92.
LEVELS = (24_500.0, 92_000.0)
CASES = [(size, week, honest) for size in SIZES for week in LEVELS for honest in (True, False)]


@lru_cache(maxsize=1)
def _made(size: str, week: float) -> Estates:
    return make_estates(5, estates=500, week=week, size=SIZES[size])


def estates(size: str, week: float, honest: bool = True) -> Estates:
    made = _made(size, week)
    return made if honest else made.falsified(week)


def report(case: str, name: str, way: str, found: Rates) -> None:
    print(f"{case:<40}{name:<30}{way:<21}{found.attack:6.1%} guess {found.guess:6.1%} {found.better():+6.1f} s.e.")


def judge(case: str, attempt: Attempt) -> float:
    """Print the rates; the most standard errors by which any way beats the guess."""
    outcomes = attempt.outcomes()
    for way, found in outcomes.items():
        report(case, attempt.name, way, found)
    return max(found.better() for found in outcomes.values())


@pytest.mark.parametrize(("size", "week", "honest"), CASES)
def test_no_pages_tell_more_of_a_home_than_the_average(size: str, week: float, honest: bool) -> None:
    made = estates(size, week, honest)
    print()
    for read, what in ((Estates.pool, "pages"), (Estates.exact, "exact sums")):
        case = f"{size}, {week / 1000:g} kWh, {'honest' if honest else 'falsified'}, {what}"
        tried = [
            attacks.revision(made, read, rounded=True),
            attacks.next_week(made, read, rounded=True),
            attacks.overlapping(made, read, rounded=True),
            attacks.month(made, read, rounded=True),
        ]
        if honest:
            tried += [attacks.pooled(made, made.week(3), read)]
        for attempt in tried:
            assert judge(case, attempt) <= FINDING


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_quarter_of_weeks_before_and_after_a_withdrawal_tells_no_more(size: str) -> None:
    made = make_estates(7, week=LEVELS[1], size=SIZES[size], weeks=13)
    assert judge(f"{size}, 92 kWh, exact sums", attacks.quarter(made, Estates.exact, rounded=True)) <= FINDING


@pytest.mark.parametrize("size", SIZES)
def test_least_squares_over_five_cells_tell_no_more(size: str) -> None:
    made = estates(size, LEVELS[1])
    assert judge(size, attacks.least_squares(made, made.week(3))) <= FINDING


def test_editing_the_own_floor_area_from_quarter_to_quarter_tells_no_more() -> None:
    made = make_estates(6, estates=300, week=LEVELS[1])
    assert judge("about 100, 92 kWh", attacks.floor_area(made, rounded=True)) <= FINDING


def test_order_statistics_tell_no_more() -> None:
    for name, found in attacks.lowest_fifth(estates("about 100", LEVELS[1]), LEVELS[1]):
        report("about 100, 92 kWh", name, "exact sums", found)
        assert found.better() <= FINDING


def test_bounds_hold_the_truth() -> None:
    """Interval reasoning is right: or a weak attack would say nothing."""
    for rounded in (True, False):
        for honest in (True, False):
            made = estates("few", LEVELS[0], honest)
            found = attacks.revision(made, Estates.pool, rounded=rounded)
            assert (found.found.low <= found.truth).all()
            assert (found.truth <= found.found.high).all()
            page = made.week(3, rounded=rounded)
            if not rounded:
                total = page.compared.total[made.colluders[:, 0]] + page.own[made.colluders[:, 0]]
                sums = made.pool(page)
                assert ((sums.low <= total) & (total <= sums.high)).all()


def test_without_the_two_rules_these_attacks_succeed() -> None:
    """What the rules of `analytics.neighbours.differencing` are for, and that these attacks are no weaklings."""
    print()
    for size in SIZES:
        made = estates(size, LEVELS[1])
        assert judge(f"{size}, no rule", attacks.revision(made, Estates.pool, rounded=False)) > FINDING
    few = estates("few", LEVELS[1])
    assert judge("few, no rule", attacks.overlapping(few, Estates.pool, rounded=False)) > FINDING
    many = estates("about 100", LEVELS[1], honest=False)
    assert judge("about 100, falsified, no rule", attacks.overlapping(many, Estates.pool, rounded=False)) > FINDING


def test_the_lowest_fifth_of_a_second_version_would_tell_a_home_so_there_is_none() -> None:
    """One that left was among the lowest fifth: the sum less the one after, and the next in order came in.

    With the edge of the fifth guessed from its mean, this finds low homes; so a figure is revised only where the same
    homes count.
    """
    made = estates("about 100", LEVELS[1])
    gone = made.without(made.target)
    before, after = made.week(3), made.week(3, gone)
    spy = made.colluders[:, 0]
    same = (before.compared.lowest_n == after.compared.lowest_n)[spy]
    low = same & (before.compared.lowest_total != after.compared.lowest_total)[spy]
    change = (after.compared.lowest_total - before.compared.lowest_total)[spy]
    mean = before.shown.efficient[spy]
    found = rates((1.25 * mean - change)[low], mean[low].astype(float), before.own[made.target][low].astype(float))
    report("lowest fifth, two versions", "revised", "exact sums", found)
    assert low.sum() > 50
    assert found.better() > FINDING

    first = members(made.cells, np.ones(len(gone), np.bool_), made.homes.id)
    revised = unchanged(made.joined, first, members(made.cells, gone, made.homes.id))
    assert not revised[made.cells.cell[made.target]].any()
    # no page of any colluder is made anew
    assert not revised[made.cells.cell[made.colluders]].any()
