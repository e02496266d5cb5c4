"""Words that are stored, compared and shown are told in one place, and every place that says them says all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from analytics.report import labels
from dashboard.resident import models
from devices.homes import DWELLINGS, FUELS, HARDSHIPS, HEATING, JUDGED, TENURES, Reason, State
from simulators.plans import PLANTED
from store.comparisons import Comparison

ROOT = Path(__file__).parents[3]
PACKAGES = ("analytics", "borough", "dashboard", "devices", "ingest", "simulators", "store")
#: Those that mean nothing else anywhere; "good", "more", "empty", "coverage" and "trial" are words of everybody.
WORDS = {*map(str, State), *map(str, Reason)} - {"good", "more", "empty", "coverage", "trial"}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def told_again() -> set[tuple[str, str]]:
    """Modules that write a state or a reason as text of their own."""
    return {
        (str(path.relative_to(ROOT)), node.value)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in WORDS
    }


def test_states_and_reasons_are_told_in_one_module() -> None:
    # a simulated home's planted hardship is chosen by its kind, and the key of a report's part is called like the state
    besides = {
        ("simulators/meters.py", "disconnected"),
        ("simulators/meters.py", "under-heated"),
        ("simulators/homes.py", "disconnected"),
        ("simulators/homes.py", "under-heated"),
        ("borough/delivery/letters/letter.py", "suppressed"),
    }
    assert {(path, word) for path, word in told_again() if path != "devices/homes.py"} <= besides


@pytest.mark.parametrize("words", [State, Reason])
def test_a_word_is_found_by_its_place(words: type[State | Reason]) -> None:
    assert [words.at(word.place) for word in words] == list(words)
    assert words.at(-1) is None
    with pytest.raises(IndexError):
        words.at(len(words))


def test_the_api_publishes_every_state() -> None:
    assert set(get_args(models.State)) == set(State)


def test_every_hardship_can_be_planted() -> None:
    assert tuple(HARDSHIPS) == PLANTED


@pytest.mark.parametrize("state", State)
def test_a_comparison_is_compared_where_its_state_judges(state: State) -> None:
    day: Any = date(2026, 2, 9)
    row = (1, 2, "week", day, day, "gas", 1, 0, 0, None, state.value, None, *[None] * 6, None, False, 1, day, True)
    assert Comparison(*row).compared is (state in JUDGED) is (state in ("great", "good", "more", "above-zone"))


@pytest.mark.parametrize(
    ("told", "words"),
    [(labels.FUELS, FUELS), (labels.DWELLINGS, DWELLINGS), (labels.HEATING, HEATING), (labels.TENURES, TENURES)],
)
def test_every_stored_word_has_a_label_in_the_order_of_the_words(told: dict[str, Any], words: tuple[str, ...]) -> None:
    assert tuple(told) == words
    assert all(labels.on_page(told).values())
    assert all(labels.in_letter(told).values())
