"""A folder of backups, as the doctor finds it: each fault planted in real files."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from borough.doctor.backups import KEPT, backups
from borough.doctor.finding import Finding
from borough.settings.settings import Settings

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def test_backups_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "backups"

    def faults(**settings: object) -> dict[str | None, str]:
        given = Settings.model_validate({"backup_folder": folder, **settings})
        found: list[Finding] = list(backups(given, NOW))
        assert len({item.name for item in found}) == 1
        return {item.code: item.found for item in found if item.code is not None}

    def made(name: str, hours: float, size: int) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
        moment = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(path, (moment, moment))

    assert "cannot be looked into: No such file" in faults()["backups-none"]
    folder.mkdir()
    (folder / ".unfinished").touch()
    assert faults() == {"backups-none": f"there is none in {folder}"}
    made("older.dump", 50, 1_000)
    assert faults()["backups-old"].endswith("50 hours old; allowed: 26")
    assert faults(backup_hours=60) == {}
    # a folder is one backup, with the time and size of its files
    made("base/data.tar", 1, 400)
    made("base/label", 40, 1)
    assert "base of 2026-07-01 11:00Z, has 401 bytes, the one before it 1000" in faults()["backups-small"]
    made("base/more.tar", 1, 200)
    (folder / "base" / "gone").symlink_to(tmp_path / "gone")  # a link that leads nowhere takes nothing from the rest
    assert faults() == {}
    made("newest.dump", 0.5, 0)
    assert "newest.dump" in faults()["backups-empty"]
    made("newest.dump", 0.5, 900)
    made("ancient.dump", 24 * (KEPT + 1), 1_000)
    assert faults() == {"backups-kept": "1 backup is older than 35 days"}
    (folder / "ancient.dump").unlink()
    (folder / "gone").symlink_to(tmp_path / "gone")
    (tmp_path / "key").write_bytes(b"k" * 32)
    assert faults(tombstone_key_file=tmp_path / "key") == {}
    (folder / "key").write_bytes(b"k" * 900)
    assert "lies beside the backups" in faults(tombstone_key_file=folder / "key")["backups-key"]
    # a path may name the one file that is always written anew
    assert faults(backup_folder=folder / "newest.dump") == {}
    assert faults(backup_folder=None) == {
        "backups-unset": "BOROUGH_BACKUP_FOLDER is not set: nobody knows how old the last backup is"
    }
