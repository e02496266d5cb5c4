"""`borough jobs ask`: a user's mistakes are told in a line, and leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from borough.cli import run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "jobs"
    found.mkdir()
    monkeypatch.setenv("BOROUGH_INSTALLATION", "test")
    monkeypatch.setenv("BOROUGH_JOBS_FOLDER", str(found))
    return found


def test_an_option_is_a_value_or_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["jobs", "ask", "shipped:demo.toml", "--set", "faults=1", "--set", "faults.loss=0.1"]) == 2
    assert "faults.loss=0.1: faults was given a value of its own before" in capsys.readouterr().err


def test_a_file_that_cannot_be_copied_leaves_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "a.csv"
    first.write_text("id,time\n")
    # a file whose first byte cannot be read, as of a disk that is broken
    assert run(["jobs", "ask", str(first), "/proc/self/mem"]) == 2
    assert "/proc/self/mem cannot be copied into the jobs' folder: Input/output error" in capsys.readouterr().err
    assert list((folder / "uploads").iterdir()) == []
