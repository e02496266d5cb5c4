"""``BOROUGH_MAPPINGS``: mapping files of the borough's own become formats, and a wrong one is told in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from borough.errors import SettingsError
from borough.settings.collector import archive_retention_days, collector_options, formats
from borough.settings.settings import read_settings
from devices.decoders import FORMATS
from devices.decoding import Binding
from ingest.decoder_version import decoder_version

GOOD = """
name = "bay-vendor"
topics = ["vendor/{device}"]
family = "parking-bay"
identifiers = ["badge"]
[[reading]]
property = "occupied"
path = "state"
values = { free = 0, taken = 1 }
"""


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("BOROUGH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BOROUGH_DATABASE_URL", "postgresql://nobody@127.0.0.1/x")
    monkeypatch.setenv("BOROUGH_MAPPINGS", str(tmp_path))


def test_a_file_is_a_format_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "bay.toml").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("not ours")
    found = formats(read_settings())
    assert set(found) == {*FORMATS, "bay-vendor"}
    decode = found["bay-vendor"].bind(Binding("b1", "parking-bay", "bay-vendor", {}))
    assert decode(b'{"state": "taken"}')[1] == {"occupied": 1}
    assert found["bay-vendor"].scrub(b'{"state":"taken","Badge":"77"}') == b'{"state":"taken"}'


def test_subscriptions_may_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "bay.toml").write_text(GOOD)
    (tmp_path / "subscriptions.toml").write_text('[[subscription]]\nformat = "bay-vendor"\n')
    monkeypatch.setenv("BOROUGH_MAPPINGS", str(tmp_path / "mappings"))
    monkeypatch.setenv("BOROUGH_SUBSCRIPTIONS", str(tmp_path / "subscriptions.toml"))
    options = collector_options(read_settings())
    assert [item.topic for item in options.subscriptions] == ["vendor/{device}"]
    before = decoder_version(options)
    assert decoder_version(collector_options(read_settings())) == before
    (tmp_path / "mappings" / "bay.toml").write_text(GOOD.replace("free = 0, taken = 1", "free = 1, taken = 0"))
    assert decoder_version(collector_options(read_settings())) != before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD.replace("bay-vendor", "glow"), "a format 'glow' is there already"),
        (GOOD.replace('"occupied"', '"colour"'), "no family has a property 'colour'"),
        ("name = ", "bay.toml"),
        (GOOD.replace('["badge"]', "[7]"), "identifiers: is no list of texts"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "bay.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        formats(read_settings())
    assert str(caught.value).startswith("BOROUGH_MAPPINGS: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOROUGH_MAPPINGS", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match=r"BOROUGH_MAPPINGS: .*nowhere: No such file or directory"):
        formats(read_settings())


def test_the_archive_never_outlives_the_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert archive_retention_days(read_settings())["movement-sensor"] == 30
    monkeypatch.setenv("BOROUGH_RETENTION_MOVEMENT_SENSOR", "7")
    monkeypatch.setenv("BOROUGH_RETENTION_AIR_MONITOR", "10")
    monkeypatch.setenv("BOROUGH_ARCHIVE_RETENTION_AIR_MONITOR", "off")
    days = archive_retention_days(read_settings())
    assert (days["movement-sensor"], days["air-monitor"], days["smart-meter"]) == (7, 10, 90)
