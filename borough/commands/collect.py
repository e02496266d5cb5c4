"""``borough collect``: the service that takes messages from the broker into the database."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from borough import logs
from borough.settings.collector import collector_options
from borough.settings.settings import read_settings, unknown_variables
from store.batch import Counts

if TYPE_CHECKING:
    import typer

log = logging.getLogger(__name__)


def collect() -> int:
    """Collect until SIGTERM or Ctrl-C: then write and acknowledge what is held, and end with status 0.

    Logs go to standard error, one JSON object a line. /health/live, /health/ready and /metrics are on
    BOROUGH_METRICS_PORT.

    Example: BOROUGH_MQTT_URL=mqtt://127.0.0.1:1883 borough collect
    """
    settings = read_settings()
    options = collector_options(settings)
    logs.set_up(settings.log_level)
    for warning in unknown_variables():
        log.warning("%s", warning)
    # Imported when it is needed: the other commands start faster without.
    from ingest.collector import run

    total = Counts()
    for counts in asyncio.run(run(options)).values():
        total.add(counts)
    log.info("ended: %d messages received, %d readings stored", total.messages_received, total.readings_stored)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("collect")(collect)
