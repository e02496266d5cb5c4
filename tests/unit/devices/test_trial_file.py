"""A trial file is taken whole or not at all, and every problem in it is told."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.registry import RegistryError
from devices.trial_file import TrialFile, design_of, read_trial
from devices.trials import ARMS, Arm

QUESTIONS = ("eligibility", "limits")
GOOD: dict[str, Any] = {
    "name": "winter-2026", "fuel": "gas", "begins": date(2026, 12, 1), "target": 2.5,
    "arms": {"comparison": 2, "nothing": 1},
}  # fmt: skip
DOCS = Path(__file__).parents[3] / "docs/reference/trial-file.md"


def problems(**changes: Any) -> list[str]:
    with pytest.raises(RegistryError) as raised:
        design_of({**GOOD, **changes}, QUESTIONS)
    return [str(problem) for problem in raised.value.problems]


def test_a_design_with_arms_in_their_order() -> None:
    read = design_of({**GOOD, "costs": {"comparison": 3.105}, "texts": {"limits": " x "}, "fixed_cost": 1}, QUESTIONS)
    assert read == TrialFile(
        "winter-2026", "gas", date(2026, 12, 1), 12, 2.5, (Arm.NOTHING, Arm.COMPARISON), (1, 2), 100, (0, 310),
        {"limits": "x"},
    )  # fmt: skip


def test_the_documents_example_is_read_and_its_tables_name_every_key_and_arm() -> None:
    text = DOCS.read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    questions = re.findall(r"^\| `([a-z-]+)` \| [A-Z]", text, re.MULTILINE)
    read = read_trial(example, questions)
    assert read.arms == (Arm.NOTHING, Arm.ZONE, Arm.COMPARISON)
    assert read.costs == (0, 310, 310)
    assert set(re.findall(r"^\| `([a-z-]+)` \| (?:its|all)", text, re.MULTILINE)) == {str(arm) for arm in ARMS}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "Winter 2026"}, "name: must be up to 40 small letters"),
        ({"name": None}, "name: must be"),
        ({"fuel": "export"}, "fuel: must be one of electricity, gas, heat"),
        ({"fuel": ["gas"]}, "fuel: must be one of"),
        ({"begins": date(2026, 12, 2)}, "begins: must be the first day of a month"),
        ({"begins": "2026-12-01"}, "begins: must be"),
        ({"begins": date(1, 1, 1)}, "begins: must be"),
        ({"months": 0}, "months: must be a whole number from 1 to 120"),
        ({"months": True}, "months: must be"),
        ({"target": 0}, "target: must be the least saving"),
        ({"target": float("nan")}, "target: must be"),
        (
            {"target": 1e-200},
            "target: must be the least saving that it shall find, in percent of use from 0.01 to 99",
        ),
        (
            {"target": 0.009},
            "target: must be the least saving that it shall find, in percent of use from 0.01 to 99",
        ),
        ({"fixed_cost": -1}, "fixed_cost: must be pounds"),
        ({"arms": {"comparison": 1, "zone": 1}}, "arms: must have nothing, the control"),
        ({"arms": {"nothing": 1}}, "arms: must have nothing, the control, and at least one other arm"),
        ({"arms": {"nothing": 1, "comparison": 21}}, "arms.comparison: must be homes in a block"),
        ({"arms": {"nothing": 1, "everything": 1}}, "arms.everything: is no arm"),
        ({"arms": 3}, "arms: must be a table of arms"),
        ({"costs": {"zone": 1}}, "costs: zone is no arm of this trial"),
        ({"costs": {"comparison": "1"}}, "costs.comparison: must be pounds"),
        ({"texts": {"other": "x"}}, "texts.other: is not known"),
        ({"texts": {"limits": 1}}, "texts.limits: must be text"),
        ({"texts": {"limits": "x" * 4_001}}, "texts.limits: is 4,001 letters long"),
        ({"texts": []}, "texts: must be a table"),
        ({"oddity\x1b": 1}, r"oddity\x1b: is not known"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], text: str) -> None:
    found = problems(**changes)
    assert any(one.startswith(text) for one in found), found


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(name="", fuel="", target=-1, arms={})) == 4
    with pytest.raises(RegistryError, match="line 2"):
        read_trial("name = 1\n=", QUESTIONS)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "months", "costs", "texts", "fixed_cost"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.dates(),
            st.dictionaries(st.sampled_from([*ARMS, "x"]), st.one_of(st.integers(-1, 30), st.text(max_size=3))),
        ),
    )
)  # fmt: skip
def test_whatever_a_file_holds_it_is_a_design_or_an_error(changes: dict[str, Any]) -> None:
    try:
        read = design_of({**GOOD, **changes}, QUESTIONS)
    except RegistryError:
        return
    assert read.arms[0] is Arm.NOTHING
    assert len(read.arms) == len(read.shares) == len(read.costs) >= 2
    assert 0 < read.target < 100
