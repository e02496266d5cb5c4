"""The worked example: the planted effect is found as often as its interval says, and the report says what it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from analytics.trial import post_only
from analytics.trial.report_document import document
from analytics.trial.report_facts import TEXTS
from borough import trial_example, whole_file
from borough.trial_example import PLANTED, Example, make, simulate
from devices.trials import ARMS, Arm


@pytest.fixture(scope="module")
def example() -> Example:
    return make(1_500, 3, draws=50)


def test_the_same_seed_is_the_same_report(example: Example) -> None:
    assert document(make(1_500, 3, draws=50).report) == document(example.report)
    other, _ = simulate(1_500, 4, 18)
    assert not np.array_equal(other.use, example.panel.use, equal_nan=True)


def test_arms_are_drawn_in_blocks_of_alike_homes(example: Example) -> None:
    counts = np.bincount(example.panel.arm)
    assert len(counts) == len(ARMS)
    assert counts.max() - counts.min() < 60
    assert example.report.facts.draw_agrees is True
    assert len(example.report.facts.list_hash or "") == 64
    for stratum, block in {(int(s), int(b)) for s, b in zip(example.panel.stratum, example.panel.block, strict=True)}:
        arms = example.panel.arm[(example.panel.stratum == stratum) & (example.panel.block == block)]
        assert len(set(arms.tolist())) == len(arms)


def test_every_question_of_the_list_is_answered(example: Example) -> None:
    facts = example.report.facts
    assert set(facts.texts) == set(TEXTS)
    assert all(facts.texts.values())
    assert facts.origin == "simulated"
    assert facts.until == date(2026, 6, 30)
    assert [one.arm for one in example.report.recovered] == [str(arm) for arm in ARMS[1:]]
    assert {one.method for one in example.report.effects} == {"post-only", "lin", "differences"}
    assert example.report.persistence
    assert example.report.chance
    assert example.report.missing == []
    # of few homes much must be saved to be seen, of a borough's about one percent
    assert 2 < (facts.detectable or 0) < 10


def test_the_planted_effect_is_that_of_the_literature(example: Example) -> None:
    planted = {one.arm: one.planted for one in example.report.recovered}
    assert -0.022 < planted["comparison"] / (example.report.control_mean or 0) < -0.017
    assert planted["own-history"] > planted["zone"] > planted["comparison"]


def covered(homes: int, seeds: range) -> list[int]:
    """For each arm, how many seeds have its planted effect inside the interval of 95 %."""
    counts = [0] * (len(ARMS) - 1)
    for seed in seeds:
        panel, facts = simulate(homes, seed, 18)
        for place, one in enumerate(post_only.estimate(panel)):
            counts[place] += one.low <= facts.planted[place + 1] <= one.high
    return counts


def test_the_planted_effect_is_found_for_twenty_seeds() -> None:
    """Each arm's interval holds it in 17 of 20 or more: fewer has a chance of 1.6 % where the interval is true."""
    assert min(covered(1_000, range(1, 21))) >= 17


@pytest.mark.soak
def test_the_planted_effect_is_found_in_twenty_whole_examples() -> None:
    made = [make(seed=seed, draws=0) for seed in range(1, 21)]
    assert sum(one.recovered for one in made) >= 17
    # homes of a whole borough tell two percent from nothing
    for one in made:
        comparison = next(line for line in one.report.main() if line.arm == Arm.COMPARISON)
        assert (comparison.kwh_day.high or 0) < 0


def test_nothing_is_planted_in_the_control() -> None:
    assert Arm.NOTHING not in PLANTED
    _, facts = simulate(300, 1, 12)
    assert facts.planted[0] == 0


def test_a_file_is_put_in_its_place_whole(tmp_path: Path) -> None:
    place = tmp_path / "example.html"
    place.write_text("older")
    whole_file.write(place, "newer")
    assert place.read_text() == "newer"
    assert [path.name for path in tmp_path.iterdir()] == ["example.html"]
    with pytest.raises(OSError, match="No such file"):
        whole_file.write(tmp_path / "none" / "example.html", "lost")
    with pytest.raises(IsADirectoryError):
        whole_file.write(tmp_path, "lost")
    assert [path.name for path in tmp_path.iterdir()] == ["example.html"]


def test_too_few_for_a_trial() -> None:
    for homes, months in ((0, 12), (100, 0)):
        with pytest.raises(ValueError, match="needs a home and a month"):
            trial_example.make(homes, 1, months)
    with pytest.raises(ValueError, match="cannot make these arms"):
        trial_example.make(5)
