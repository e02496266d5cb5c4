"""The table of devices and firmware in docs/reference/formats.md: each row is proved by messages that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devices.decoders import FORMATS

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "cases"
HEADING = "## By device and firmware\n"


def _rows() -> list[list[str]]:
    text = (ROOT / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    table = text.partition(HEADING)[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


ROWS = _rows()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_a_row_is_proved_by_messages_of_its_format(row: list[str]) -> None:
    assert len(row) == 5, row
    named = row[0].strip("`")
    proofs = re.findall(r"`([^`]+)`", row[4])
    assert proofs, f"{row[1]}: no message proves it"
    for proof in proofs:
        assert proof.split("/")[0] == named, proof
        assert list((CASES / proof).glob("message.*")), proof


def test_every_format_has_a_row() -> None:
    assert {row[0].strip("`") for row in ROWS} == set(FORMATS)
