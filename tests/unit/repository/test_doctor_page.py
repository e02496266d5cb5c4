"""`docs/how-to/ask-the-doctor.md` names every fault that the doctor knows, as bad as it is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from borough.doctor.advice import ADVICE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/ask-the-doctor.md").read_text()
ROWS = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+) \| (.*) \|$", PAGE, re.MULTILINE)
PROGRAM = "\n".join(path.read_text() for path in (ROOT / "borough/doctor").glob("*.py") if path.name != "advice.py")
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_doctor*.py") if path != Path(__file__))


def test_the_page_has_every_fault_once_as_bad_as_it_is() -> None:
    assert len(ROWS) > 60
    assert {code: state for code, state, _ in ROWS} == {code: advice.state for code, advice in ADVICE.items()}
    assert len(ROWS) == len(ADVICE)


@pytest.mark.parametrize("code", sorted(ADVICE))
def test_each_fault_is_found_by_the_program_and_planted_by_a_test(code: str) -> None:
    assert f'"{code}"' in PROGRAM
    assert f'"{code}"' in TESTS
    advice = ADVICE[code]
    words = {name: "x" for _, name, _, _ in Formatter().parse(advice.todo) if name is not None}
    assert advice.todo.format(**words)[-1] not in ".;, "


def test_a_code_that_the_program_uses_has_advice() -> None:
    used = set(re.findall(r"\b(?:ill|attempt)\(\s*(?:\"[a-z ]+\", )?\"([a-z0-9-]+)\"", PROGRAM))
    assert used
    assert used <= set(ADVICE)
