"""Asks eemeter 2.10.11, the reference implementation of CalTRACK, in a virtual environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

#: It needs an older pandas and NumPy than ours.
WANTED = ("eemeter==2.10.11", "pandas<3", "numpy<2.3", "setuptools<81", "pytz")
_SCRIPT = Path(__file__).with_name("eemeter_models.py")


class NoEemeterError(Exception):
    """It cannot be had here; says why."""


class Asked(NamedTuple):
    """``models``: of each home, as `eemeter_models` prints them; ``seconds``: for all of them, its start left out."""

    models: list[dict[str, Any]]
    seconds: float


def make(folder: Path) -> Path:
    """Make the environment in a folder; its Python. Raises NoEemeterError."""
    python = folder / "bin" / "python"
    steps = ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", *WANTED])
    for step in steps:
        done = subprocess.run(step, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise NoEemeterError(f"no environment for eemeter: {(done.stdout.splitlines() or ['no word'])[-1][:200]}")
    return python


def ask(
    python: Path,
    homes: Sequence[Sequence[float | None]],
    temperature: Sequence[float | None],
    *,
    first: str,
    zone: str,
    cooling: bool = True,
) -> Asked:
    """The models of homes: use [kWh] and temperature [Cel] of local days from ``first`` on, None where not known."""
    asked = {"zone": zone, "first": first, "temperature": temperature, "cooling": cooling, "homes": homes}
    command = [str(python), str(_SCRIPT)]
    done = subprocess.run(command, input=json.dumps(asked), text=True, stdout=subprocess.PIPE, check=True)
    return Asked(**json.loads(done.stdout))
