"""A panel written and read is the same to the last digit; what is no panel is told with its line."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.trial import panel_csv
from analytics.trial.panel import UNKNOWN, Panel
from devices.trials import Arm
from tests.worlds.trials import world

PANEL = world(2, 6, 2, (-0.02, -0.01)).panel
TEXT = panel_csv.write(PANEL)


def same(one: Panel, other: Panel) -> None:
    for each in fields(Panel):
        ours, theirs = getattr(one, each.name), getattr(other, each.name)
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"), each.name
    assert one.arms == other.arms
    assert {name: label.tolist() for name, label in one.labels.items()} == {
        name: label.tolist() for name, label in other.labels.items()
    }
    assert {name: list(words) for name, words in one.names.items()} == other.names


@given(seed=st.integers(0, 9), homes=st.integers(0, 5), months=st.integers(0, 3), unknown=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_nothing_is_lost(seed: int, homes: int, months: int, unknown: int) -> None:
    panel = world(seed, 6, 3, (-0.02, -0.01), gaps=0.3).panel.part(np.arange(6) < homes, np.arange(3) < months)
    tenure = panel.labels["tenure"].copy()
    tenure[unknown:] = UNKNOWN
    panel = replace(panel, labels={**panel.labels, "tenure": tenure})
    same(panel, panel_csv.read(panel_csv.write(panel)))


def test_headings_say_arms_and_words_in_their_order_without_homes_too() -> None:
    empty = panel_csv.read(panel_csv.write(PANEL.part(np.zeros(6, np.bool_))))
    assert empty.arms == (Arm.NOTHING, Arm.ZONE, Arm.COMPARISON)
    assert list(empty.names["tenure"]) == ["owned", "social", "private"]
    assert TEXT.startswith("home,arm (nothing / zone / comparison),stratum,block,prior year,filled year,")
    assert "use 2025-10,days 2025-10,use 2025-11,days 2025-11\r\n" in TEXT


def test_what_cannot_be_read_is_told_with_its_line() -> None:
    lines = TEXT.splitlines()
    second = lines[1].split(",")
    cases = {
        "line 1: these are not the headings of a panel": "a,b\n1,2\n",
        "line 1: 'everything' is no arm; arms are nothing, ": TEXT.replace("zone / comparison)", "everything)"),
        "line 1: each month has two headings": TEXT.replace("days 2025-11", "days 2025-12"),
        "line 1: '2025-13' is not a month": TEXT.replace("2025-11", "2025-13"),
        "line 1: a label stands there twice": TEXT.replace("deprivation (", "tenure ("),
        "line 3: 1 cell where the headings have": "\n".join([*lines[:2], "1"]),
        r"line 2, home: 'x' is not a whole number": "\n".join([lines[0], ",".join(["x", *second[1:]])]),
        r"line 2, arm .*: 'x' is not one of nothing, ": "\n".join([lines[0], ",".join([second[0], "x", *second[2:]])]),
        r"line 2, days 2025-11: '' is not a number": "\n".join([lines[0], ",".join([*second[:-1], ""])]),
        r"line 2, days 2025-11: 'inf' is not a number": "\n".join([lines[0], ",".join([*second[:-1], "inf"])]),
        "a household stands twice": "\n".join([*lines[:2], lines[1]]),
    }
    for words, text in cases.items():
        with pytest.raises(ValueError, match=words):
            panel_csv.read(text)
    with pytest.raises(ValueError, match="these are not the headings"):
        panel_csv.read("")


def test_a_word_that_headings_cannot_carry_is_told() -> None:
    for words, said in ((["a / b", "c", "d"], "cannot stand in a heading"), (["a", "a", "b"], "are the same")):
        with pytest.raises(ValueError, match=said):
            panel_csv.write(replace(PANEL, names={**PANEL.names, "tenure": words}))
