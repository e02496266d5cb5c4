"""A little of ``make fuzz`` in every test run, with a seed that is printed; more of it in ``make soak``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random

import pytest

from scripts.parts import Parts
from tests.fuzz.__main__ import COUNTS, main

#: Subject -> count in an ordinary run, and how many times as much in a soak.
SHORT = {"pages": 60, "messages": 120, "imports": 4, "letters": 2}
SOAK = 300


@pytest.fixture(scope="module")
def seed() -> int:
    """``BOROUGH_TEST_SEED`` repeats a run."""
    number = int(os.environ.get("BOROUGH_TEST_SEED") or random.SystemRandom().randrange(2**32))
    print(f"BOROUGH_TEST_SEED={number} repeats this run")
    return number


def faults(name: str, seed: int, count: int) -> list[str]:
    if importlib.util.find_spec(f"tests.fuzz.{name}") is None:
        pytest.skip(f"there is no fuzz of {name} yet")
    found: list[str] = importlib.import_module(f"tests.fuzz.{name}").run(seed, count, print)
    return found


@pytest.mark.parametrize("name", list(SHORT))
def test_nothing_hostile_does_harm(parts: Parts, seed: int, name: str) -> None:
    assert faults(name, seed, SHORT[name]) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", list(SHORT))
def test_much_that_is_hostile_does_no_harm(parts: Parts, seed: int, name: str) -> None:
    assert faults(name, seed, SHORT[name] * SOAK) == []


def test_the_same_seed_gives_the_same_input() -> None:
    messages = importlib.import_module("tests.fuzz.messages")
    one, two = (list(messages.messages(random.Random(3), 400, messages.cases(), 100_000)) for _ in range(2))
    assert one == two


def test_wrong_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "nothing"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(name in said for name in COUNTS)
