"""The wheel has every file of the packages and no other, from the checkout and from the source archive."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.tools import wheel as tools

ROOT = tools.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tools.build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_the_files_of_the_packages(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", *PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert len(here) > 900, "git lists next to nothing"
    assert tools.files(wheel) == here
    kinds = {Path(name).suffix for name in here}
    assert kinds >= {".py", ".sql", ".toml", ".html", ".css", ".js", ".typ"}, kinds


def test_the_wheel_says_the_version_and_the_command_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(name))
        (scripts,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        assert "borough = borough.cli:main" in archive.read(scripts).decode()
    project = PROJECT["project"]
    assert (metadata["Name"], metadata["Version"]) == (project["name"], project["version"])
    assert metadata.get_all("Provides-Extra") == sorted(project["optional-dependencies"])


def test_the_source_archive_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as unpacked:
        # Debian 12's Python does not know filters; the archive is our own
        if hasattr(tarfile, "data_filter"):
            unpacked.extractall(tmp_path, filter="data")
        else:
            unpacked.extractall(tmp_path)
    again = tools.build(tmp_path / "again", archive.with_name(archive.name.removesuffix(".tar.gz")))
    assert tools.files(again) == tools.files(wheel)
