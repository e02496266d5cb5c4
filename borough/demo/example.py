"""The worked example of a trial for the demo's programme officer: made once in the background, kept in its folder.

As a program (``python -m borough.demo.example FOLDER``) it makes the report, and ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from analytics.trial.report_document import VERSION, document
from borough import trial_example, whole_file
from borough.children import Child
from borough.demo.processes import environment

#: Enough for an effect of 2 % to be seen, and made within seconds.
HOMES = 10_000
#: One of another version is made anew.
_FILE = f"trial-example-{VERSION}.json"
_STOP_SECONDS = 5.0


def start(parts: ExitStack, folder: Path) -> None:
    """Have the report made, unless an earlier run has made it. Use it in the main thread."""
    if (folder / _FILE).exists():
        return
    child = Child(
        "trial example",
        [sys.executable, "-P", "-m", "borough.demo.example", str(folder)],
        log=folder / "trial-example.log",
        environment=environment(),
    )
    parts.callback(child.stop, _STOP_SECONDS)


def report_of(folder: Path) -> Callable[[], Mapping[str, Any] | None]:
    """What the site asks for the report: None until it is there."""
    known: dict[str, Any] = {}

    def report() -> Mapping[str, Any] | None:
        if not known:
            try:
                known.update(json.loads((folder / _FILE).read_bytes()))
            except FileNotFoundError:
                return None
        return known

    return report


def make(folder: Path, homes: int = HOMES) -> None:
    """Make the report and put it into the folder, whole. Raises OSError."""
    made = trial_example.make(homes)
    whole_file.write(folder / _FILE, json.dumps(document(made.report)))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
