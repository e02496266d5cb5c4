"""The wheel as `make wheel` makes it, and an environment that has it and nothing of the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel of ``source`` into ``folder`` with the tools that are installed; its path."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("*.whl")
    return wheel


def files(wheel: Path) -> set[str]:
    """Names of the files in a wheel, without what describes it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def install(wheel: Path, folder: Path) -> Path:
    """A fresh environment in ``folder`` with the wheel in it; its ``bin``.

    What the wheel depends on is taken from the environment that runs the tests, by a path that Python looks into and
    whose ``.pth`` files it does not read: the one that leads to the checkout is among these.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-deps",
            "--no-index", "--disable-pip-version-check", str(wheel),
        ],
        check=True,
    )  # fmt: skip
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "bin"
