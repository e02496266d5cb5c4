"""Asks ritest-python and ville in a virtual environment of their own.

confseq 0.0.11 needs a Python below 3.11, a compiler and Boost's headers: its `normal_mixture_bound` was asked once, and
what it said stands in the cases beside the figures of the others.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from analytics.trial.panel import Panel
from devices.trials import Arm

WANTED = ("ritest-python==0.1.1", "ville==0.1.0")
#: Small trials and what the judges said of them: `trial_judges_run` with these versions, 20,000 draws.
CASES = Path(__file__).parents[1] / "references/trials_by_others/judges.json"
_SCRIPT = Path(__file__).with_name("trial_judges_run.py")


class NoJudgesError(Exception):
    """They cannot be had here; says why."""


def make(folder: Path) -> Path:
    """Make the environment in a folder; its Python. Raises NoJudgesError."""
    python = folder / "bin" / "python"
    steps = ([sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "-q", *WANTED])
    for step in steps:
        done = subprocess.run(step, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise NoJudgesError(f"no judges of trials: {(done.stdout.splitlines() or ['no word'])[-1][:200]}")
    return python


def ask(python: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """What they say; ``asked`` and the answer are those of `trial_judges_run`."""
    done = subprocess.run(
        [str(python), str(_SCRIPT)], input=json.dumps(asked), text=True, stdout=subprocess.PIPE, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def panel(case: dict[str, Any]) -> Panel:
    """A case as a panel of the control and one arm."""
    prior = np.array(case["prior"], np.float64)
    days = np.array(case["days"], np.float64)
    return Panel(
        arms=(Arm.NOTHING, Arm.COMPARISON),
        home=np.arange(len(prior), dtype=np.int64),
        arm=np.array(case["arm"], np.int8),
        stratum=np.zeros(len(prior), np.int32),
        block=np.array(case["block"], np.int32),
        month=np.arange(days.shape[1], dtype=np.int32),
        use=np.where(days > 0, np.array(case["use"], np.float64), np.nan),
        days=days,
        prior=prior,
        filled=np.zeros(prior.shape, np.bool_),
    )
