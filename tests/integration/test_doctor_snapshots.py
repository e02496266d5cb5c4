"""`borough doctor` and what leaves for anybody: snapshots, observations; and `borough publish` as it is typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from borough.cli import run
from borough.doctor.observations import observations
from dashboard.open_data import shelf
from store import observation_queue
from store.connect import connect
from tests.tools.doctor import Doctor
from tests.worlds import open_months


def test_what_is_overdue_closed_or_broken_is_found(
    doctor: Doctor, durable_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "snapshots-overdue" not in doctor.of_database(), "without a folder none are due"
    folder = tmp_path / "snapshots"
    doctor.set(open_data_folder=folder)
    assert "snapshots-overdue" not in doctor.of_database(), "without a reading none are due"
    with connect(durable_database) as connection:
        open_months.fill(connection)
    assert "air-readings 2026-01; " in doctor.one_of_database("snapshots-overdue").found
    assert run(["publish", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["made"]) == 6
    assert {code for code in doctor.of_database() if code.startswith("snapshots")} == set()
    with connect(durable_database) as connection:
        open_months.close(connection, "bay-7")
    assert "parking-bay-readings/2026-02/1" in doctor.one_of_database("snapshots-closed").found
    assert run(["publish"]) == 0
    assert "Withdrawn: parking-bay-readings/2026-01/1." in capsys.readouterr().out
    assert {code for code in doctor.of_database() if code.startswith("snapshots")} == set()
    found = shelf.read(folder).find("air-readings", "2026-03", 1)
    assert found is not None
    path = found.folder / found.manifest.files[0].name
    path.write_bytes(path.read_bytes().replace(b"20.5", b"20.6"))
    told = doctor.one_of_database("snapshots-broken")
    assert "air-readings/2026-03/1: air-readings-2026-03.r1.csv has another hash" in told.found
    assert run(["publish", "--check"]) == 1
    assert "1 problem" in capsys.readouterr().out
    assert run(["publish", "--withdraw", "air-readings/2026-03/1", "--reason", "A fault of the disk."]) == 0
    assert run(["publish"]) == 0
    assert "Published: air-readings/2026-03/2" in capsys.readouterr().out
    assert run(["publish", "--check"]) == 0
    assert {code for code in doctor.of_database() if code.startswith("snapshots")} == set()


def test_observations_that_cannot_be_told_are_found(doctor: Doctor, durable_database: str) -> None:
    assert not any(code.startswith("observations") for code in doctor.of_database()), "nobody is told anything"
    with connect(durable_database, autocommit=True) as connection:
        observation_queue.begin(connection)
        (well,) = observations(connection, datetime.now(UTC))
        assert well.code is None
        assert well.found == "nothing waits to be told to subscribers", "whether the broker is there is not known"
        connection.execute("update observation_publisher set seen_at = now() - interval '11 minutes'")
        assert not any(code.startswith("observations") for code in doctor.of_database()), "nothing waits"
        connection.execute(
            "insert into observation_queue (series_id, time, changed) select 1, now(), false from generate_series(1, 3)"
        )
        told = doctor.one_of_database("observations-waiting")
        assert "3 observations wait to be told, and none was since " in told.found
        assert "why the broker refuses" in told.todo
        assert "run it more often" in told.todo, "as of a cron job"
        connection.execute("update observation_publisher set seen_at = now() - interval '8 days'")
        told = doctor.one_of_database("observations-ended")
        assert told.state == "wrong"
        assert "nothing more is queued; 3 observations wait" in told.found
        observation_queue.renew(connection)
        assert not any(code.startswith("observations") for code in doctor.of_database())
        connection.execute(
            "insert into observation_queue (series_id, time, changed)"
            " select 1, now(), false from generate_series(1, 100000)"
        )
        assert "100,003 observations wait" in doctor.one_of_database("observations-many").found
        observation_queue.end(connection)
    assert not any(code.startswith("observations") for code in doctor.of_database())


@pytest.mark.parametrize(
    ("arguments", "folder", "words"),
    [
        ([], "", "BOROUGH_OPEN_DATA_FOLDER is not set"),
        ([], "{here}/file", "file is no folder"),
        (["--withdraw", "air-readings/2026-01/1"], "{here}", "people read why"),
        (["--withdraw", "air-readings/2026-01/x", "--reason", "A"], "{here}", "no such snapshot"),
        (["--withdraw", "../x/1", "--reason", "A"], "{here}", "no such snapshot"),
        (["--withdraw", "a/b/1", "--reason", "\x07"], "{here}", "--reason"),
        (["--check", "--reason", "A"], "{here}", "--check changes nothing"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    arguments: list[str], folder: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOROUGH_OPEN_DATA_FOLDER", folder.format(here=tmp_path))
    assert run(["publish", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOROUGH_OPEN_DATA_FOLDER", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("BOROUGH_DATABASE_URL", database)
    assert run(["publish"]) == 1
    assert f"{tmp_path}/file" in capsys.readouterr().err
