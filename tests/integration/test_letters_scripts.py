"""People's names in every script, from the homes file to the letter; odd ones are no matter of other commands."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from borough import cli
from store.connect import connect
from tests.fuzz import letters
from tests.fuzz.names import HOSTILE, NAMES
from tests.worlds.neighbourhood import Street, at

HOMES = 110


def test_names_of_every_script_stand_in_their_letters(database: str, tmp_path: Path, letter_fonts: list[Path]) -> None:
    """110 households, each script and language three times: every letter is made but the hostile ones, listed."""
    assert len(NAMES) >= 30
    said: list[str] = []
    faults = letters.check(database, tmp_path, letter_fonts, 20260803, HOMES, said.append)
    assert faults == []
    assert said[0].endswith("110 letters, 0 could not be made, 0 faults")
    assert said[1] == "letters: 10 hostile names, 100 letters, 10 listed, 0 faults"


def test_odd_words_of_a_household_break_neither_its_copy_nor_an_explanation(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hostile text as the name of a household and of its tariff."""
    street = Street(database, HOMES)
    street.build(letters.MONDAY, 7)
    odd = [text for text, _ in HOSTILE]
    with connect(database) as connection:
        ids = [street.ids(number + 1, letters.MONDAY)[1] for number in range(len(odd))]
        for tenancy, text in zip(ids, odd, strict=True):
            connection.execute("update personal.tenancy set name = %s where id = %s", (text, tenancy))
            connection.execute(
                "insert into personal.tariff (tenancy_id, fuel, from_day, name, payment, standing_charge, registers)"
                " values (%s, 'electricity', '2026-01-01', %s, 'direct-debit', 50,"
                """ '[{"name": "all day", "rate": 27, "from": "00:00", "to": "00:00"}]')""",
                (tenancy, text),
            )
        connection.commit()
    street.analyse(at(letters.MONDAY + timedelta(days=7)))
    (tmp_path / "key").write_bytes(b"k" * 32)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("BOROUGH_TOMBSTONE_LOG", str(tmp_path / "erased.log"))
    for number, (tenancy, text) in enumerate(zip(ids, odd, strict=True), 1):
        assert cli.run(["explain", str(number), letters.PERIOD, "--json"]) == 0
        assert json.dumps(text)[1:-1] in json.dumps(json.loads(capsys.readouterr().out))
        copy = tmp_path / f"{tenancy}.zip"
        assert cli.run(["subject", str(tenancy), "--out", str(copy)]) == 0
        capsys.readouterr()
        with zipfile.ZipFile(copy) as archive:
            assert json.loads(archive.read("everything.json"))["tenancy"]["name"] == text
            assert archive.testzip() is None
