"""The draw: shares, blocks and strata, the same everywhere and always."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.trial.draw import LONGEST, REST, Draw, check, digest, draw, join, parts_of
from tests.references import trial_draw

ROOT = Path(__file__).parents[4]
#: Of the arms, blocks and strata below, as lines of text: whoever changes the scheme changes this, and makes every
#: draw that was written down one that cannot be made again.
VECTOR = "078589cfa3c622c1d70a6afffb3999366124a2e13f808f92ed37fc025e5e1da2"
#: Prints the same hash from any Python with NumPy.
SCRIPT = """
import numpy
from hashlib import sha256
from analytics.trial.draw import draw
tenancy = numpy.arange(1, 2001, dtype=numpy.int64) * 7919 % 100003
drawn = draw("2026-11-29", "winter", tenancy, tenancy % 9 * (tenancy % 5), (2, 1, 1))
lines = "".join(f"{a} {b} {s}\\n" for a, b, s in zip(drawn.arm, drawn.block, drawn.stratum))
print(numpy.__version__, sha256(lines.encode()).hexdigest())
"""


def example() -> tuple[np.ndarray, np.ndarray]:
    tenancy = np.arange(1, 2001, dtype=np.int64) * 7919 % 100003
    return tenancy, tenancy % 9 * (tenancy % 5)


def hashed(of: Draw) -> str:
    lines = "".join(f"{a} {b} {s}\n" for a, b, s in zip(of.arm, of.block, of.stratum, strict=True))
    return sha256(lines.encode()).hexdigest()


def test_a_draw_is_the_one_that_was_written_down() -> None:
    assert hashed(draw("2026-11-29", "winter", *example(), (2, 1, 1))) == VECTOR


@given(
    st.text("abc-9", min_size=1, max_size=8),
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
    st.dictionaries(st.integers(0, 2**62), st.integers(0, 3), max_size=60),
)
def test_it_is_what_the_rule_says_by_hand(seed: str, shares: list[int], strata: dict[int, int]) -> None:
    parts = list(parts_of(shares))
    home = np.array(list(strata), np.int64)
    drawn = draw(seed, "t", home, np.array(list(strata.values()), np.int64), shares)
    by_hand = trial_draw.arms(seed, "t", strata, parts)
    assert list(zip(drawn.arm, drawn.block, drawn.stratum, strict=True)) == [by_hand[number] for number in strata]


@pytest.mark.parametrize("shares", [(1, 1), (2, 1, 1), (3, 1), (1, 1, 1, 1, 1)])
def test_each_whole_block_has_the_shares_exactly(shares: tuple[int, ...]) -> None:
    drawn = draw("s", 4, *example(), shares)
    for stratum in np.unique(drawn.stratum):
        inside = drawn.stratum == stratum
        for block in range(int(inside.sum()) // sum(shares)):
            of = drawn.arm[inside & (drawn.block == block)]
            assert np.bincount(of, minlength=len(shares)).tolist() == list(shares)
        assert drawn.block[inside].max() == (inside.sum() - 1) // sum(shares)


def test_the_order_of_the_list_changes_nothing() -> None:
    tenancy, stratum = example()
    drawn = draw("s", "t", tenancy, stratum, (1, 1, 1))
    mixed = np.random.default_rng(3).permutation(len(tenancy))
    again = draw("s", "t", tenancy[mixed], stratum[mixed], (1, 1, 1))
    assert (again.arm == drawn.arm[mixed]).all()
    assert (again.block == drawn.block[mixed]).all()
    assert digest(tenancy, stratum) == digest(tenancy[mixed], stratum[mixed])


def test_another_seed_or_trial_is_another_draw() -> None:
    drawn = [draw(seed, trial, *example(), (1, 1)).arm for seed, trial in (("s", "t"), ("s", "u"), ("r", "t"))]
    agree = [(drawn[0] == other).mean() for other in drawn[1:]]
    assert all(0.4 < share < 0.6 for share in agree)


def test_every_home_has_the_chances_that_the_shares_say_in_a_short_block_too() -> None:
    # three homes for a block of four: of 2,000 seeds, each is in the control by half of them
    home, stratum = np.arange(3, dtype=np.int64), np.zeros(3, np.int64)
    drawn = np.array([draw(f"s{seed}", "t", home, stratum, (2, 1, 1)).arm for seed in range(2_000)])
    for arm, share in enumerate((0.5, 0.25, 0.25)):
        assert np.abs((drawn == arm).mean(axis=0) - share).max() < 4.5 * np.sqrt(0.25 / 2_000)


def test_strata_of_less_than_two_blocks_are_drawn_together() -> None:
    stratum = np.array([0] * 8 + [1] * 7 + [2] * 2 + [3] * 9)
    assert join(stratum, 4).tolist() == [0] * 8 + [REST] * 9 + [3] * 9
    drawn = draw("s", "t", np.arange(26, dtype=np.int64), stratum, (2, 2, 4))
    assert np.bincount(drawn.arm[drawn.stratum == REST][drawn.block[drawn.stratum == REST] < 2]).tolist() == [2, 2, 4]


def test_shares_are_in_lowest_terms() -> None:
    assert parts_of((4, 2)) == (2, 1)
    assert factorial(LONGEST) < 2**128  # so that 256 bits are as good as fair


@pytest.mark.parametrize("change", ["one more", "one less", "another stratum", "another home"])
def test_a_changed_list_is_told(change: str) -> None:
    tenancy, stratum = example()
    recorded = digest(tenancy, stratum)
    check(recorded, tenancy, stratum)
    tenancy, stratum = tenancy.copy(), stratum.copy()
    if change == "one more":
        tenancy, stratum = np.append(tenancy, 200_000), np.append(stratum, 1)
    elif change == "one less":
        tenancy, stratum = tenancy[1:], stratum[1:]
    elif change == "another stratum":
        stratum[5] += 1
    else:
        tenancy[5] = 200_000
    with pytest.raises(ValueError, match="is not the one that was drawn from"):
        check(recorded, tenancy, stratum)


@pytest.mark.parametrize(
    ("seed", "home", "stratum", "shares", "words"),
    [
        ("", [1], [0], (1, 1), "the seed of a draw is a printable word without spaces"),
        ("a b", [1], [0], (1, 1), "the seed of a draw is a printable word without spaces"),
        ("s", [1, 1], [0, 0], (1, 1), "a home stands twice"),
        ("s", [1, 2], [0], (1, 1), "do not belong together"),
        ("s", [1.5], [0], (1, 1), "whole numbers"),
        ("s", [1], [-1], (1, 1), "strata are numbers from 0 on"),
        ("s", [1], [0], (1,), "the control and an arm beside it"),
        ("s", [1], [0], (1, 0), "a share of 1 or more"),
        ("s", [1], [0], (50, 1), "choose shares with smaller numbers"),
    ],
)
def test_what_cannot_be_drawn_from_is_said(
    seed: str, home: list[float], stratum: list[int], shares: tuple[int, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        draw(seed, "t", np.array(home), np.array(stratum), shares)


def test_nobody_is_drawn_from_an_empty_list() -> None:
    assert len(draw("s", "t", np.zeros(0, np.int64), np.zeros(0, np.int64), (1, 1)).arm) == 0


@pytest.mark.soak  # two environments are made from the registry
@pytest.mark.parametrize("version", ["2.0.2", "2.4.6"])
def test_every_numpy_draws_the_same(version: str, tmp_path: Path) -> None:
    python = tmp_path / "bin/python"
    for step in (
        [sys.executable, "-m", "venv", str(tmp_path)],
        [str(python), "-m", "pip", "install", "-q", f"numpy=={version}"],
    ):
        made = subprocess.run(step, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode:
            pytest.skip(f"no environment with NumPy {version}: {(made.stdout.splitlines() or ['no word'])[-1][:200]}")
    run = [str(python), "-c", SCRIPT]
    assert subprocess.run(run, cwd=ROOT, text=True, capture_output=True, check=True).stdout.split() == [version, VECTOR]
