"""What a collector's start does without: the time until it is ready, and its memory, are what a restart costs."""

from __future__ import annotations

import gc
import subprocess
import sys

from ingest.collector import settle_garbage

_LATER = ("alembic", "msgspec", "prometheus_client", "rich", "sqlalchemy", "typer", "zstandard")
_START = f"""
import sys
import borough.cli, borough.commands.collect, ingest.collector
print([name for name in {_LATER} if name in sys.modules])
"""


def test_libraries_that_wait_until_they_are_needed() -> None:
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_garbage_is_collected_once_it_has_started() -> None:
    before = gc.get_threshold()
    gc.disable()  # as the command line leaves it
    try:
        settle_garbage()
        assert gc.isenabled()
        assert gc.get_threshold() == (50_000, 20, 100)
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.set_threshold(*before)
