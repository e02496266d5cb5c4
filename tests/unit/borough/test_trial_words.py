"""What `borough trial` makes of odd options and odd figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borough.commands import trial_looks
from borough.commands.trial import design
from borough.errors import UsageError
from dashboard.staff import trial_report
from tests.worlds.trial_report import full


def test_an_arm_that_is_given_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="--arm zone is given twice"):
        design(None, "winter", "gas", "2030-01-01", arm=["nothing=1", "zone=1", "zone=2"])


def test_a_control_that_used_nothing_has_no_percent() -> None:
    assert trial_looks._share(-0.25, 0.0) == "not known"
    assert trial_looks._share(-0.25, 10.0) == "-2.5%"


def test_the_target_is_told_as_it_was_set() -> None:
    report = full()
    for target, text in ((12.5, "12.5\N{NO-BREAK SPACE}%"), (10.4, "10.4\N{NO-BREAK SPACE}%")):
        shown = trial_report.show(replace(report, facts=replace(report.facts, target=target)))
        assert dict(shown.sections[0].facts)["Effect that it was made to find"] == text
