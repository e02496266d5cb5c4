"""People's names in every script, from the homes file to the letter."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz import letters
from tests.fuzz.names import NAMES


def test_names_of_every_script_stand_in_their_letters(database: str, tmp_path: Path, letter_fonts: list[Path]) -> None:
    """110 households, each script and language three times: every letter is made but the hostile ones, listed."""
    assert len(NAMES) >= 30
    said: list[str] = []
    faults = letters.check(database, tmp_path, letter_fonts, 20260803, 110, said.append)
    assert faults == []
    assert said[0].endswith("110 letters, 0 could not be made, 0 faults")
    assert said[1] == "letters: 10 hostile names, 100 letters, 10 listed, 0 faults"
