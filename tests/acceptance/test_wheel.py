"""The built wheel, installed beside nothing of the checkout: the command answers, migrates and runs its demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from borough.app import COMMANDS
from borough.postgres_server import PostgresError, embedded_binaries, private_folder
from store import migrations
from tests.conftest import unavailable
from tests.tools import wheel as tools
from tests.tools.program import environment

#: A small borough: its past is there in a second.
FLEET = """
name = "small"
seed = 3
start = 2026-01-05T00:00:00Z
days = 3
[smart-meter]
count = 5
[parking-bay]
count = 4
[air-monitor]
count = 2
[movement-sensor]
count = 1
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an environment in it and nothing else."""
    place = tmp_path_factory.mktemp("elsewhere")
    tools.install(tools.build(tmp_path_factory.mktemp("dist")), place / "env")
    return place


def run(
    place: Path, *arguments: str, settings: dict[str, str] | None = None, program: str = "borough"
) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in environment(settings or {}).items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(place / "env/bin" / program), *arguments], cwd=place, env=own, capture_output=True, text=True, timeout=600
    )


def test_every_package_comes_from_the_wheel(place: Path) -> None:
    names = "devices, store, ingest, analytics, dashboard, simulators, borough"
    said = run(
        place, "-c", f"import sys, {names}\nfor m in ({names}): print(m.__file__)\nprint(sys.path)", program="python"
    )
    *modules, path = said.stdout.splitlines()
    assert said.returncode == 0, said.stderr
    assert len(modules) == 7
    assert all(module.startswith(str(place)) for module in modules), modules
    assert str(tools.ROOT) + "'" not in path, "the checkout is on the path"


def test_the_help_and_the_version(place: Path) -> None:
    said = run(place, "--version")
    assert (said.returncode, said.stdout) == (0, f"borough {_version()}\n"), said.stderr
    said = run(place, "--help")
    assert (said.returncode, said.stderr) == (0, "")
    assert set(COMMANDS) <= {line.split()[0] for line in said.stdout.splitlines() if line.strip()}
    said = run(place, "serve", "--help")
    assert (said.returncode, said.stderr) == (0, "")


def _version() -> str:
    version: str = tomllib.loads((tools.ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def test_it_migrates_an_empty_database(place: Path, empty_database: str) -> None:
    said = run(place, "migrate", "--json", settings={"BOROUGH_DATABASE_URL": empty_database})
    assert said.returncode == 0, said.stderr
    assert migrations.current(empty_database) == migrations.head()


@pytest.fixture
def state() -> Iterator[Path]:
    try:
        embedded_binaries()
    except PostgresError as error:
        unavailable(str(error))
    folder = private_folder() / f"demo-wheel-{uuid.uuid4().hex[:8]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def adds_up(text: str) -> dict[str, int]:
    said = json.loads(text)
    messages, readings = said["messages"], said["readings"]
    assert messages["received"] == sum(messages[key] for key in ("decoded", "ignored", "rejected", "in_flight")), said
    assert readings["decoded"] == sum(
        readings[key] for key in ("stored", "restated", "duplicates", "thinned", "rejected", "refused")
    ), said
    counted: dict[str, int] = readings
    return counted


def test_the_demo_starts_adds_up_and_ends(place: Path, state: Path) -> None:
    (place / "small.toml").write_text(FLEET)
    said = run(
        place, "demo", "--fleet", "small.toml", "--speed", "600", "--seconds", "5", "--json", "--state", str(state)
    )
    assert said.returncode == 0, said.stderr
    assert adds_up(said.stdout)["stored"] > 500


@pytest.mark.soak
def test_the_wheel_is_installed_from_an_index_with_the_newest_of_what_it_needs(tmp_path: Path, state: Path) -> None:
    """As a stranger does it: pip chooses. Without the demo's parts the demo says what is missing."""
    wheel = tools.build(tmp_path / "dist")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    pip = [str(tmp_path / "env/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    got = subprocess.run([*pip, str(wheel)], cwd=tmp_path, capture_output=True, text=True)
    if got.returncode and not os.environ.get("CI"):
        pytest.skip(f"no index that pip can ask: {got.stderr.strip().splitlines()[-1]}")
    assert got.returncode == 0, got.stderr
    said = run(tmp_path, "demo", "--state", str(state))
    assert said.returncode == 1
    assert "pip install 'borough-telemetry[demo]'" in said.stderr
    subprocess.run([*pip, f"{wheel}[demo]"], cwd=tmp_path, check=True)
    said = run(tmp_path, "demo", "--seconds", "20", "--json", "--state", str(state))
    assert said.returncode == 0, said.stderr
    assert adds_up(said.stdout)["stored"] > 100_000
