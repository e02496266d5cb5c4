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
#: A collector that is stopped before it has begun: whether garbage is collected before and after.
_RUN = """
import asyncio, gc
from borough.cli import _start_lightly
_start_lightly()
before = gc.isenabled()
from ingest import collector
from ingest.options import BrokerOptions, CollectorOptions

async def run():
    stop = asyncio.Event()
    stop.set()
    options = CollectorOptions("postgresql://nobody@127.0.0.1:1/none", BrokerOptions(port=1), (), metrics_port=0)
    await collector.run(options, stop)

asyncio.run(run())
print(before, gc.isenabled())
"""


def test_libraries_that_wait_until_they_are_needed() -> None:
    done = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_collector_that_runs_collects_garbage() -> None:
    """The command line starts it without: were it to stay so, months of circles would fill the memory."""
    done = subprocess.run([sys.executable, "-c", _RUN], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


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
