"""``borough erase`` and ``borough subject`` as somebody types them: what is missing, what is wrong, what is asked."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pytest

from borough.cli import run
from borough.errors import Failure
from borough.rights.for_pages import for_pages
from borough.settings.settings import read_settings
from store.connect import connect
from tests.tools.batches import query
from tests.worlds import household
from tests.worlds.household import KEY, Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
NOBODY = "10000000000001"


@pytest.fixture
def tenancy(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Anna's tenancy, and the settings for the commands."""
    (tmp_path / "key").write_bytes(KEY)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("BOROUGH_TOMBSTONE_LOG", str(tmp_path / "log"))
    with connect(database) as connection:
        found = household.add(connection, ANNA)
        household.trace(connection, ANNA, found, date(2026, 2, 2))
    return str(found)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.err + captured.out


@pytest.mark.parametrize(
    ("missing", "words"),
    [("BOROUGH_TOMBSTONE_KEY_FILE", "at least 32 random bytes"), ("BOROUGH_TOMBSTONE_LOG", "give a file outside")],
)
def test_without_key_or_log_nothing_is_erased(
    tenancy: str, missing: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(missing)
    assert run(["erase", tenancy, "--yes"]) == 2
    text = said(capsys)
    assert missing in text
    assert words in text


def test_a_short_key_is_none(
    tenancy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "short").write_text("secret\n")
    monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(tmp_path / "short"))
    assert run(["erase", tenancy, "--yes"]) == 2
    assert "has 6 bytes, at least 32 are needed" in said(capsys)


def test_wrong_usage(tenancy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["erase"]) == run(["erase", tenancy, "--again"]) == 2
    assert "name one tenancy, or say --again" in said(capsys)
    assert run(["erase", tenancy]) == 2
    assert "nobody is there to ask" in said(capsys)
    assert run(["erase", tenancy, "--yes", "--folder", str(tmp_path / "none")]) == 2
    assert "is no folder" in said(capsys)
    assert run(["erase", NOBODY, "--yes"]) == 1
    assert f"there is no tenancy {NOBODY}" in said(capsys)
    assert run(["subject", NOBODY, "--json"]) == 1
    assert run(["subject", tenancy]) == 2
    assert run(["subject", tenancy, "--out", str(tmp_path)]) == 2


def test_a_dry_run_changes_nothing_and_says_it_all(
    tenancy: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = household.dump(database)
    assert run(["erase", tenancy, "--dry-run", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"]["personal.tenancy"] == report["rows"]["personal.device"] == 1
    assert household.dump(database) == before
    assert not (tmp_path / "log").exists()


def test_another_key_than_the_tombstones(
    tenancy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["erase", tenancy, "--yes"]) == 0
    assert "Erased from the database and from what was given." in said(capsys)
    (tmp_path / "other").write_bytes(b"y" * 32)
    monkeypatch.setenv("BOROUGH_TOMBSTONE_KEY_FILE", str(tmp_path / "other"))
    assert run(["erase", "--again"]) == 1
    assert "another key" in said(capsys)


def test_again_where_nobody_was_erased_is_well_and_says_what_it_rests_on(
    tenancy: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = household.dump(database)
    assert run(["erase", "--again"]) == 0
    text = said(capsys)
    assert f"Nobody was erased: the database knows of no erasure, and {tmp_path}/log is not there." in text
    assert "bring the log back first" in text
    assert run(["erase", "--again", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["tenancies"], shown["nobody"], shown["log"]) == ([], True, str(tmp_path / "log"))
    assert household.dump(database) == before
    assert run(["erase", tenancy, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nobody"] is False
    (tmp_path / "log").rename(tmp_path / "elsewhere")
    assert run(["erase", "--again"]) == 1, "somebody was, so there has to be a log"
    assert "log" in said(capsys)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_again_without_the_folder_of_the_log_is_not_taken_for_nobody(
    more: list[str],
    tenancy: str,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A database of before the erasure, and the volume with the log not mounted: nobody may take that for done."""
    before = household.dump(database)
    (tmp_path / "volume").mkdir()
    monkeypatch.setenv("BOROUGH_TOMBSTONE_LOG", str(tmp_path / "volume" / "log"))
    assert run(["erase", "--again", *more]) == 0
    (tmp_path / "volume").rmdir()
    said(capsys)
    assert run(["erase", "--again", *more]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{tmp_path}/volume is not there" in captured.err
    assert "whether anybody was erased is not known" in captured.err
    assert household.dump(database) == before


def test_again_twice_does_nothing_more(tenancy: str, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["erase", tenancy, "--yes"]) == 0
    once = household.dump(database)
    said(capsys)
    for _ in range(2):
        assert run(["erase", "--again"]) == 0
        assert "Nothing is left to do." in said(capsys)
    again = household.dump(database)
    assert {name for name in once if once[name] != again[name]} <= {"personal.tombstone"}


def test_the_pages_erase_and_tell(tenancy: str, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rights = for_pages(read_settings())
    with connect(database) as connection:
        told = b"".join(rights.subject(int(tenancy), lambda: nullcontext(connection)))
    assert json.loads(told)["tenancy"]["name"] == ANNA.name
    assert rights.erase is not None
    rights.erase(int(tenancy))
    assert query(database, "select * from personal.tenancy") == []
    with pytest.raises(Failure, match="there is no tenancy"):
        rights.subject(int(tenancy), lambda: connect(database))
    monkeypatch.delenv("BOROUGH_TOMBSTONE_KEY_FILE")
    monkeypatch.delenv("BOROUGH_TOMBSTONE_LOG")
    assert for_pages(read_settings()).erase is None
