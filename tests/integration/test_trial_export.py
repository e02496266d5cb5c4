"""A panel that left the house is noted, whatever becomes of the process that wrote it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from store import trials
from store.connect import connect
from store.times import local_day
from tests.tools import forked
from tests.tools.servers import Cluster, wait_for
from tests.worlds import trial_town
from tests.worlds.trial_town import ZONE


@pytest.fixture
def built(timescale: Cluster) -> Iterator[tuple[str, int]]:
    name = timescale.create()
    with connect(timescale.url(name)) as connection:
        town = trial_town.build(connection, local_day(datetime.now(UTC), ZONE), homes=60)
        trial = trial_town.assigned(connection, town)
    yield timescale.url(name), trial.id
    timescale.drop(name)


def test_an_export_is_noted_before_anything_is_written(built: tuple[str, int], tmp_path: Path) -> None:
    url, trial = built
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environment = {"BOROUGH_DATABASE_URL": url, "BOROUGH_TIME_ZONE": ZONE.key}
    with connect(url, autocommit=True) as connection, tempfile.TemporaryFile() as log:
        # nobody reads the pipe, so the process waits where the first byte would go
        process = forked.start(("trial", "export-panel", "winter", "--out", str(pipe)), environment, log.fileno())
        try:
            assert wait_for(
                lambda: process.poll() is not None or trials.events(connection, trial)[-1].what == "exported", 60
            )
            assert process.poll() is None
        finally:
            process.kill()
            process.wait(60)
        assert trials.events(connection, trial)[-1].what == "exported"


def test_a_report_is_of_one_moment_while_a_home_is_erased(built: tuple[str, int], tmp_path: Path) -> None:
    url, trial = built
    environment = {"BOROUGH_DATABASE_URL": url, "BOROUGH_TIME_ZONE": ZONE.key}
    out = str(tmp_path / "report.html")
    waits = b"select count(*) from pg_locks where not granted and relation = 'personal.daily_use'::regclass"
    with (
        connect(url) as holding,
        connect(url, autocommit=True) as connection,
        tempfile.TemporaryFile() as log,
    ):
        drawn = len(trials.members(connection, trial).tenancy)
        # it has read the trial when it waits for the use of its homes
        holding.execute("lock table personal.daily_use in access exclusive mode")
        process = forked.start(("trial", "report", "winter", "--out", out), environment, log.fileno())
        try:
            assert wait_for(lambda: process.poll() is not None or connection.execute(waits).fetchone() == (1,), 60)
            assert process.poll() is None
            connection.execute("delete from personal.trial_member where trial_id = %s and number = 1", (trial,))
            holding.rollback()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait(60)
        event = trials.events(connection, trial)[-1]
        assert (event.what, event.detail["drawn"], event.detail["homes"]) == ("reported", drawn, drawn)
