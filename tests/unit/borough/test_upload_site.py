"""From the settings to what the site needs for uploads and jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from borough.errors import SettingsError
from borough.settings.settings import Settings
from borough.site import site_options
from dashboard.replays import Limits

_DATABASE = "postgresql://borough@127.0.0.1/borough"


def test_settings_become_limits(tmp_path: Path) -> None:
    settings = Settings(
        database_url=_DATABASE, installation="test", jobs_folder=tmp_path, upload_bytes=2_000, upload_files=3,
        upload_total=9_000, upload_free=7, upload_days=2,
    )  # fmt: skip
    found = site_options(settings).replays
    assert found is not None
    assert (found.installation, found.folder, found.why_not) == ("test", tmp_path.resolve(), "")
    assert found.limits == Limits(size=2_000, files=3, total=9_000, free=7, days=2)
    assert found.mappings["openaq"] == "air-monitor"
    assert (found.faults["outage"], found.faults["loss"]) == ("devices", "messages")
    assert {"demo", "faults-all"} <= {one.name for one in found.fleets}


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert site_options(Settings(database_url=_DATABASE)).replays is None
    with pytest.raises(SettingsError, match=r"BOROUGH_JOBS_FOLDER: .*is no folder; make it"):
        site_options(Settings(database_url=_DATABASE, installation="demo", jobs_folder=tmp_path / "none"))


def test_in_production_it_says_why_not(tmp_path: Path) -> None:
    found = site_options(Settings(database_url=_DATABASE, jobs_folder=tmp_path / "none")).replays
    assert found is not None
    assert "BOROUGH_INSTALLATION is test or demo" in found.why_not
