"""How tests start the command: the same program that people start, in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

#: ``borough`` by the interpreter that runs the tests.
BOROUGH = (sys.executable, "-m", "borough")

#: For a process that must not outlive the test run, however that ends.
WITH_US = ("setpriv", "--pdeathsig", "KILL")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Our environment without its own ``BOROUGH_`` settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOROUGH_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}
