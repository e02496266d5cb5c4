"""Which of a home's fuels is told of."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics.nudges.facts import row_of
from tests.tools.reports import ENERGY, comparison


def row(fuel: str, own: int = 300_000, **given: Any) -> Any:
    """A February."""
    values = {"kind": "month", "from_day": date(2026, 2, 1), "to_day": date(2026, 3, 1), "fuel": fuel, "own": own}
    return comparison(**{**values, **given})


NOTHING_OF_OTHERS: Any = {"state": "suppressed", "reason": "few-homes", "average": None, "efficient": None}


def test_a_member_is_told_of_its_trials_fuel_also_where_another_allows_more() -> None:
    rows = [row("electricity"), row("gas", **NOTHING_OF_OTHERS)]
    found = row_of(rows, "compare", "gas", ENERGY, [])
    assert found is not None
    assert (found[0].fuel, found[1]) == ("gas", "own")


def test_who_is_in_no_trial_is_compared_where_it_can_be_and_told_of_what_costs_most() -> None:
    found = row_of([row("electricity"), row("gas", **NOTHING_OF_OTHERS)], "compare", None, ENERGY, [])
    assert found is not None
    assert (found[0].fuel, found[1]) == ("electricity", "compare")
    found = row_of([row("electricity"), row("gas", own=3_000_000)], "compare", None, ENERGY, [])
    assert found is not None
    assert found[0].fuel == "gas"


def test_hardship_in_any_fuel_goes_before_a_trial() -> None:
    cold: Any = {"state": "neutral", "reason": "under-heated", "average": None, "efficient": None}
    found = row_of([row("electricity"), row("gas", **cold)], "compare", "electricity", ENERGY, [])
    assert found is not None
    assert (found[0].fuel, found[1]) == ("gas", "help")
