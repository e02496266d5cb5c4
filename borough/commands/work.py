"""``borough work``: a worker that runs replays and simulations as jobs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Annotated

import typer

from borough import logs
from borough.settings.jobs import jobs_folder
from borough.settings.settings import need_database_url, read_settings, unknown_variables

log = logging.getLogger(__name__)


def work(
    once: Annotated[bool, typer.Option("--once", help="Run what waits, then end.")] = False,
) -> int:
    """Take jobs that somebody asked for, one after the other, and run them; several workers may run at once.

    Only at an installation that is marked as test or demo. On SIGTERM or Ctrl-C the job goes back, with how far it is,
    and the next worker goes on with it; killed, it is missed after half a minute. Logs go to standard error.

    Example: BOROUGH_INSTALLATION=test BOROUGH_JOBS_FOLDER=/srv/jobs borough work
    """
    settings = read_settings()
    folder = jobs_folder(settings)
    need_database_url(settings)
    logs.set_up(settings.log_level)
    from borough.jobs.folder import JobsFolder
    from borough.jobs.worker import Worker
    from borough.settings.collector import broker_options

    broker_options(settings)
    for warning in unknown_variables():
        log.warning("%s", warning)
    worker = Worker(settings, JobsFolder(folder, timedelta(days=settings.upload_days)))
    log.info("begins, as %s", worker.name)
    with worker.ended_by_signals():
        count = worker.work(once=once)
    log.info("ended after %d jobs", count)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("work")(work)
