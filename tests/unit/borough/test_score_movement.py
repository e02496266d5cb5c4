"""`borough analyse movement --score`: what is printed of simulated homes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from borough.cli import run
from borough.scoring import movement_result
from borough.scoring.movement_homes import HARSH, MILD, simulate

SMALL = ["analyse", "movement", "--score", "--homes", "10", "--days", "42", "--seed", "4"]


def test_without_emergencies_nothing_is_said_of_how_many_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    status = run([*SMALL, "--emergencies", "0", "--json"])
    told = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (told["planted"], told["told"], told["delay"]) == (0, None, None)
    assert told["false"]["low"] <= told["false"]["value"] <= told["false"]["high"]
    # what cannot be judged fails nobody
    assert status == int(not told["ok"])
    assert told["ok"] == (told["false"]["value"] <= 0.5)


def test_figures_are_those_of_the_score_and_sentences_have_them(capsys: pytest.CaptureFixture[str]) -> None:
    found = movement_result.run([4], 10, 42, 1.0, HARSH)
    assert found.watched.tolist() == [True] * 8 + [False] * 2
    figures = movement_result.figures(found)
    assert figures.planted >= figures.due >= figures.told_number > 0
    assert figures.told is not None
    assert figures.told.value == figures.told_number / figures.due
    with_door, without = figures.false_with_door, figures.false_without_door
    assert with_door is not None
    assert without is not None
    assert with_door.value == pytest.approx(found.false[:8].sum() / found.months[:8].sum())
    assert without.value == pytest.approx(found.false[8:].sum() / found.months[8:].sum())
    run([*SMALL, "--emergencies", "1", "--harsh"])
    said = capsys.readouterr().out
    assert f"{figures.told_number} of {figures.due}, {figures.told.value:.1%}" in said
    assert f"In homes with a contact at the door {with_door.value:.2f}" in said
    assert f"in those without {without.value:.2f}" in said


def test_the_harsher_world_has_more_of_what_misleads() -> None:
    mild, harsh = (simulate(6, 60, 42, 0.0, world=world) for world in (MILD, HARSH))
    assert 0 < mild.truth.pets.sum() < harsh.truth.pets.sum()
    # the same outages begin, and each lasts longer
    lengths = [np.unique(one.outages.end - one.outages.start) for one in (mild, harsh)]
    assert len(lengths[0]) == len(lengths[1]) > 5
    assert (lengths[0] < lengths[1]).all()
    assert len(mild.lost.home) - len(mild.outages.home) < len(harsh.lost.home) - len(harsh.outages.home)
