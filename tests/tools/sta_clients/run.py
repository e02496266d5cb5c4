"""Runs the clients: each where a variable says that there is one, else the test is skipped with its reason."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

#: The interpreter of an environment with frost-sta-client 1.1.53, and the root of a Debian 13 with python3-qgis (``/``
#: where this system is one; another root is entered by chroot, which only root may).
FROST_CLIENT, QGIS = "BOROUGH_TEST_FROST_CLIENT", "BOROUGH_TEST_QGIS"
_HERE = Path(__file__).parent


def with_frost_client(root: str) -> dict[str, Any]:
    """What frost-sta-client counts of a service."""
    python = os.environ.get(FROST_CLIENT)
    if python is None:
        pytest.skip(f"{FROST_CLIENT} names no Python with frost-sta-client 1.1.53")
    return frost_client(Path(python), root)


def with_qgis(kind: str, address: str) -> dict[str, Any]:
    """What QGIS finds at an address: ``sensorthings``, or ``ogr`` for GeoJSON."""
    system = os.environ.get(QGIS)
    if system is None:
        pytest.skip(f"{QGIS} names no root of a system with python3-qgis (QGIS 3.40, Debian 13)")
    return qgis(Path(system), kind, address)


def frost_client(python: Path, root: str) -> dict[str, Any]:
    """The same with a Python that is there."""
    return _said([str(python), str(_HERE / "with_frost.py"), root], "")


def qgis(system: Path, kind: str, address: str) -> dict[str, Any]:
    """The same with a root that is there."""
    enter = [] if system == Path("/") else ["chroot", str(system)]
    return _said([*enter, "python3", "-", kind, address], (_HERE / "with_qgis.py").read_text())


def _said(command: list[str], given: str) -> dict[str, Any]:
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
