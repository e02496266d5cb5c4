"""A job's folder: parts of its ledger, its files for one process alone, names that lead nowhere else, tidying."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from borough.errors import UsageError
from borough.jobs.folder import Given, JobsFolder, shipped
from borough.jobs.parts import Parts, whole_parts
from simulators import ledger
from simulators.ledger import Rows


def rows(first: int, count: int) -> Rows:
    """Readings of one meter, a message each."""
    numbers = np.arange(first, first + count)
    zeros = np.zeros(count, np.int32)
    times = numbers * 1_000_000
    return Rows(
        ("smart-meter",), ("m1",), ("import_interval",), ("",), ("",), numbers, zeros, zeros, zeros, times,
        numbers.astype(float), times, times, zeros, zeros.astype(np.uint8), zeros, times, numbers.astype(float),
        np.zeros(count, np.int64),
    )  # fmt: skip


def messages(paths: list[Path]) -> list[int]:
    return [number for part in ledger.read(paths) for number in part.message.tolist()]


def test_parts_are_whole_when_they_are_cut(tmp_path: Path) -> None:
    now = [0.0]

    def due() -> bool:
        return parts.due

    with Parts(tmp_path, 0, lambda: now[0]) as parts:
        assert parts.cut() == 0, "an empty part is none"
        parts.append(rows(0, 3))
        assert not due()
        now[0] = 2.0
        assert due()
        assert parts.cut() == 1
        assert not due()
        assert messages(parts.whole) == [0, 1, 2]
        parts.append(rows(3, 2))
    assert messages(whole_parts(tmp_path, 2)) == [0, 1, 2, 3, 4]


def test_a_part_lasts_the_longer_the_longer_the_job(tmp_path: Path) -> None:
    now = [0.0]
    parts = Parts(tmp_path, 0, lambda: now[0])
    found = []
    for cut, looked in ((1_000, 1_019), (1_000, 1_021), (100_000, 100_059), (100_000, 100_060)):
        now[0] = float(cut)
        parts.cut()
        now[0] = float(looked)
        found.append(parts.due)
    assert found == [False, True, False, True]


def test_what_a_killed_process_began_is_removed(tmp_path: Path) -> None:
    with Parts(tmp_path, 0) as parts:
        parts.append(rows(0, 2))
        parts.cut()
        parts.append(rows(2, 2))
        parts.cut()
    (tmp_path / "000002.parquet.part").write_bytes(b"half")
    again = Parts(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["000000.parquet"]
    again.append(rows(2, 5))
    again.__exit__(RuntimeError, RuntimeError("killed"), None)
    assert messages(whole_parts(tmp_path, 1)) == [0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["000000.parquet"], "and so is what an error ends"


def test_files_are_one_process_s(tmp_path: Path) -> None:
    files = JobsFolder(tmp_path).run(7)
    with files.held(lambda: True):
        asked: list[int] = []

        def stopped() -> bool:
            asked.append(1)
            return len(asked) > 2

        with pytest.raises(Given), files.held(stopped):
            pytest.fail("somebody else has them")
        assert len(asked) == 3, "it waits until it is asked to stop"
    with files.held(lambda: True):
        assert files.ledger.is_dir()


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "uploads/../../x.csv", "runs/1/checkpoint.json", "uploads/a/../../runs/x", "shipped:../fleet.toml",
     "uploads/a/link.csv"],
)  # fmt: skip
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    root = tmp_path / "jobs"
    (root / "uploads" / "a").mkdir(parents=True)
    (root / "runs" / "1").mkdir(parents=True)
    (root / "runs" / "1" / "checkpoint.json").write_text("{}")
    (tmp_path / "x.csv").write_text("x")
    (root / "uploads" / "a" / "link.csv").symlink_to(tmp_path / "x.csv")
    with pytest.raises(UsageError, match=r"outside the folder|no such fleet file"):
        JobsFolder(root).resolve(name)


def test_a_file_is_added_and_found(tmp_path: Path) -> None:
    folder = JobsFolder(tmp_path / "jobs")
    path = tmp_path / "air.csv"
    path.write_text("a,b\n")
    name = folder.add(path)
    assert folder.resolve(name).read_text() == "a,b\n"
    folder.forget([name, "shipped:demo.toml"])
    with pytest.raises(UsageError, match="is not there any more"):
        folder.resolve(name)
    assert "demo.toml" in shipped()
    assert folder.resolve("shipped:demo.toml").is_file()


def test_a_mapping_is_the_program_s_or_an_upload(tmp_path: Path) -> None:
    folder = JobsFolder(tmp_path / "jobs")
    path = tmp_path / "own.toml"
    path.write_text("name = 'own'")
    name = folder.add(path)
    assert folder.own({"mapping": name})["mapping"] == str(folder.resolve(name))
    assert folder.own({"mapping": "openaq", "pack": 3}) == {"mapping": "openaq", "pack": 3}
    for foreign in ("/etc/shadow", str(path), "own.toml", "../own.toml"):
        with pytest.raises(UsageError, match="outside the folder"):
            folder.own({"mapping": foreign})


def test_what_nobody_knows_any_more_is_tidied(tmp_path: Path) -> None:
    folder = JobsFolder(tmp_path)
    for number in (1, 2):
        folder.run(number).ledger.mkdir(parents=True)
    names = {}
    for name in ("used", "old", "new"):
        (tmp_path / f"{name}.csv").write_text(name)
        names[name] = folder.add(tmp_path / f"{name}.csv")
    for name in ("used", "old"):
        path = tmp_path / names[name]
        for one in (path, path.parent):
            os.utime(one, (1_000, 1_000))

    def known() -> dict[int, list[str]]:
        folder.run(3).ledger.mkdir(parents=True)  # of a job that is taken in this moment
        return {2: [names["used"], "shipped:demo.toml"]}

    folder.tidy(known)
    assert not folder.run(1).folder.exists()
    assert folder.run(2).folder.is_dir()
    assert folder.run(3).folder.is_dir()
    assert [(tmp_path / names[name]).exists() for name in ("used", "old", "new")] == [True, False, True]
    JobsFolder(tmp_path / "nothing").tidy(dict)
