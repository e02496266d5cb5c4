"""Reads uploads in a process of its own, with bounds of time and memory: nothing that a file does is the site's."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from borough.uploads import fleets
from borough.uploads.kinds import suffix_of
from dashboard.replays import Checked, Unfit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Apart:
    """A `dashboard.replays.Reader`. ``seconds``: about how long rows are looked at; ``memory`` [bytes]."""

    seconds: float = 4.0
    memory: int = 1 << 30

    def suffix(self, path: Path) -> str:
        """See `dashboard.replays.Reader`."""
        return suffix_of(path)

    def check(self, path: Path, shown: str, mapping: str = "") -> Checked:
        """See `dashboard.replays.Reader`."""
        command = [
            sys.executable,
            "-m",
            "borough.uploads.reading",
            str(path),
            shown,
            mapping,
            str(self.seconds),
            str(self.memory),
        ]
        # it needs none of our settings, and no secret among them
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BOROUGH_")}
        try:
            done = subprocess.run(
                command, capture_output=True, timeout=8 * self.seconds + 20, check=False, cwd="/", env=environment
            )
        except subprocess.TimeoutExpired:
            raise Unfit("The file takes too long to read: it is not taken.") from None
        try:
            found = json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            found = None
        if found is None:
            # the last line of a traceback can repeat what stands in a file: only how it ended is noted
            log.warning("an upload could not be read: its reader ended with status %d", done.returncode)
            raise Unfit("The file takes more memory or time to read than a replay may have: it is not taken.")
        if "unfit" in found:
            raise Unfit(found["unfit"], found["problems"])
        return Checked(**found)

    def simulation(self, path: Path, shown: str, options: Mapping[str, Any]) -> None:
        """See `dashboard.replays.Reader`. A fleet file is small and bounded: it is read here."""
        fleets.fits(path, shown, options)
