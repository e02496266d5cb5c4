"""What a panel refuses, in words; what is an observation; what becomes of a prior use that is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analytics.trial.panel import UNKNOWN, Panel, with_means
from devices.trials import Arm
from tests.worlds.trials import world

PANEL = world(2, 30, 3).panel


def changed(name: str, place: Any, value: float) -> Panel:
    array = getattr(PANEL, name).copy()
    array[place] = value
    return replace(PANEL, **{name: array})


@pytest.mark.parametrize(
    ("words", "name", "place", "value"),
    [
        ("a household stands twice", "home", 3, 1),
        ("in an arm that the panel does not have", "arm", 0, 2),
        ("in an arm that the panel does not have", "arm", 0, -1),
        ("months of a panel rise", "month", 2, 670),
        ("a use is infinite", "use", (0, 0), np.inf),
        ("known days are a number from 0 on", "days", (0, 0), -1),
        ("known days are a number from 0 on", "days", (0, 0), np.nan),
        ("a prior use is not a number: .* the mean of the others", "prior", (0, 2), np.nan),
    ],
)
def test_what_does_not_fit_is_told(words: str, name: str, place: Any, value: float) -> None:
    with pytest.raises(ValueError, match=words):
        changed(name, place, value)


def test_shapes_arms_and_labels_that_do_not_fit_are_told() -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        (r"use has the shape \(29, 3\), its panel needs \(30, 3\)", {"use": PANEL.use[1:]}),
        (r"prior has the shape \(30, 2\)", {"prior": PANEL.prior[:, :2]}),
        ("the first arm of a panel is the control, nothing", {"arms": (Arm.COMPARISON, Arm.NOTHING)}),
        ("the first arm of a panel is the control, nothing", {"arms": ()}),
        ("arms stand once each, in the order", {"arms": (Arm.NOTHING, Arm.COMPARISON, Arm.ZONE)}),
        ("arms stand once each, in the order", {"arms": (Arm.NOTHING, Arm.ZONE, Arm.ZONE)}),
        ("labels and their names have different keys", {"names": {}}),
        ("label tenure has a number that names no word", {"names": {**PANEL.names, "tenure": ["owned"]}}),
        (r"label tenure has the shape \(3,\)", {"labels": {**PANEL.labels, "tenure": PANEL.labels["tenure"][:3]}}),
    ]
    for words, fields in cases:
        with pytest.raises(ValueError, match=words):
            replace(PANEL, **fields)
    unknown = np.full(30, UNKNOWN, np.int16)
    assert replace(PANEL, labels={**PANEL.labels, "tenure": unknown}).labels["tenure"][0] == UNKNOWN


def test_an_observation_is_a_known_use_on_a_known_day() -> None:
    panel = replace(PANEL, use=PANEL.use.copy(), days=PANEL.days.copy())
    panel.use[0], panel.days[0] = (1.0, np.nan, 2.0), (20.0, 12.0, 0.0)
    assert panel.known[0].tolist() == [True, False, False]


def test_the_controls_mean_is_weighted_by_known_days() -> None:
    panel = replace(PANEL.part(PANEL.arm == 0).part(np.arange(int((PANEL.arm == 0).sum())) < 2))
    panel.use[:], panel.days[:] = [[1.0, 3.0, np.nan], [5.0, np.nan, 9.0]], [[10, 30, 14], [20, 3, 0]]
    assert panel.control_mean == pytest.approx((10 * 1 + 30 * 3 + 20 * 5) / 60)
    panel.days[:] = 0
    assert np.isnan(panel.control_mean)


def test_a_part_has_its_homes_and_months_alone() -> None:
    part = PANEL.part(PANEL.arm == 1, np.array([False, True, True]))
    assert (part.arm == 1).all()
    assert part.month.tolist() == PANEL.month[1:].tolist()
    assert np.array_equal(part.use, PANEL.use[PANEL.arm == 1][:, 1:], equal_nan=True)
    assert part.labels["decile"].tolist() == PANEL.labels["decile"][PANEL.arm == 1].tolist()


def test_what_is_missing_gets_the_mean_of_the_others_and_is_marked() -> None:
    prior = np.array([[1.0, np.nan, 4.0], [3.0, 5.0, np.nan], [np.nan, 7.0, 6.0]])
    filled, marks = with_means(prior)
    assert filled.tolist() == [[1.0, 6.0, 4.0], [3.0, 5.0, 5.0], [2.0, 7.0, 6.0]]
    assert marks.tolist() == np.isnan(prior).tolist()
    with pytest.raises(ValueError, match="no household has a prior use of: summer"):
        with_means(np.array([[1.0, np.nan, 2.0]]))
    assert with_means(np.empty((0, 3)))[0].shape == (0, 3)
