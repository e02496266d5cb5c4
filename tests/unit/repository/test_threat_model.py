"""docs/explanation/threat-model.md: each row that says what stops something names a test, and the test is there."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/explanation/threat-model.md").read_text()


def _rows(heading: str) -> list[list[str]]:
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_row_names_a_test_that_is_there() -> None:
    rows = _rows("What stands in the way")
    assert len(rows) >= 20
    for row in rows:
        assert len(row) == 4, row
        path = ROOT / row[3].strip("`")
        assert path.is_file(), row
        assert "def test_" in path.read_text(), row


def test_every_actor_that_is_introduced_has_a_row_or_a_word_on_what_does_not_help() -> None:
    actors = {"stranger", "device", "resident", "staff", "backup", "maker"}
    stopped = " ".join(row[0] for row in _rows("What stands in the way"))
    assert all(actor in stopped for actor in actors)
    assert "**The operator**" in TEXT.split("## What does not stand in the way")[1]
