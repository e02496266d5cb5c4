"""docs/explanation/what-others-got-wrong.md: each report has its test, and each test its report."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "explanation" / "what-others-got-wrong.md"
TESTS = ROOT / "tests" / "integration" / "test_what_others_got_wrong.py"
ROW = re.compile(
    r"^\| \[([a-z -]+) #(\d+)\]\(https://github\.com/\S+/(\d+)\)( \*)? \| .* \| `(test_\w+)` \|$", re.MULTILINE
)


def test_the_page_and_the_tests_name_each_other() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    for peer, number, linked, _, test in rows:
        assert linked == number, peer
        assert test == f"test_{re.sub('[ -]', '_', peer)}_{number}"
    listed = [row[4] for row in rows]
    written = re.findall(r"^def (test_\w+)\(", TESTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(written)
    assert len(set(listed)) == len(listed) == 16


def test_no_row_of_the_page_is_passed_over() -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| [")]
    assert len(lines) == len(ROW.findall(text))
