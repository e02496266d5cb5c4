"""`borough trial assign` beside others, late, and killed in the middle, in a town of 200 homes."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from analytics.trial import runner
from borough.commands.trial import assign
from borough.errors import UsageError
from store import homes, trials
from store.connect import Connection, connect
from tests.integration.trials.conftest import TODAY, Borough
from tests.tools import forked
from tests.tools.servers import wait_for
from tests.worlds import trial_town
from tests.worlds.trial_town import ZONE, Town


def test_who_withdraws_while_members_are_drawn_is_drawn_and_leaves(
    borough: Borough, connection: Connection, town: Town
) -> None:
    number = trials.add(connection, trial_town.design(town, begins=town.after), datetime.now(UTC))
    assert number is not None
    tenancy, now = town.tenancies[7], datetime.now(UTC)
    waits = "select count(*) from pg_locks where not granted and relation = 'personal.consent'::regclass"
    with (
        connect(borough.environment["BOROUGH_DATABASE_URL"]) as drawing,
        connect(borough.environment["BOROUGH_DATABASE_URL"], autocommit=True) as leaving,
        ThreadPoolExecutor(1) as beside,
    ):
        trial = trials.one(drawing, number)
        assert trial is not None
        trials.hold(drawing)
        listed = runner.listed(drawing, "electricity", town.after, now, ZONE)
        withdrawn = beside.submit(homes.withdraw_consent, leaving, tenancy, "evaluation", now)
        assert wait_for(lambda: connection.execute(waits.encode()).fetchone() == (1,), 60)
        trials.assign(drawing, number, runner.drawn(trial, listed, "s"), now, TODAY)
        drawing.commit()
        assert withdrawn.result(60)
    members = trials.members(connection, number)
    left = members.left[members.tenancy == tenancy].item()
    assert (date(1970, 1, 1) + timedelta(days=left), (members.left == trials.THERE).sum()) == (TODAY, 200)
    connection.execute("update personal.consent set withdrawn_at = null where tenancy_id = %s", (tenancy,))


def test_killed_in_the_middle_of_assign_nothing_is_there(borough: Borough, connection: Connection, town: Town) -> None:
    borough("design", borough.design(town))
    (trial,) = trials.all_trials(connection)
    with connect(borough.environment["BOROUGH_DATABASE_URL"]) as other, tempfile.TemporaryFile() as log:
        # members stand written in its transaction when it comes to this table
        other.execute("lock table personal.trial_event in exclusive mode")
        process = forked.start(("trial", "assign", "winter"), borough.environment, log.fileno())
        waits = "select count(*) from pg_locks where not granted and relation = 'personal.trial_event'::regclass"
        assert wait_for(lambda: process.poll() is not None or connection.execute(waits.encode()).fetchone() == (1,), 60)
        assert process.poll() is None
        process.kill()
        process.wait(60)
    found = trials.one(connection, trial.id)
    assert found is not None
    assert (found.assigned_at, found.seed) == (None, None)
    assert len(trials.members(connection, trial.id).tenancy) == 0
    done = borough.json("assign", "winter")
    assert sum(done["arms"].values()) == len(trials.members(connection, trial.id).tenancy) == 201


def test_a_draw_that_had_to_wait_until_the_first_day_is_refused(
    borough: Borough, connection: Connection, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = trials.add(connection, trial_town.design(town, begins=town.after), datetime.now(UTC))
    midnight = datetime.combine(town.after, datetime.min.time(), ZONE).astimezone(UTC)
    for name, value in borough.environment.items():
        monkeypatch.setenv(name, value)
    hours = iter([midnight - timedelta(minutes=5), *[midnight + timedelta(hours=1)] * 9])

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ARG003 the signature of datetime.now
            return next(hours)

    monkeypatch.setattr("borough.commands.trial.datetime", Clock)
    with pytest.raises(UsageError, match="must be written down before the first nudge"):
        assign("winter")
    assert number is not None
    assert len(trials.members(connection, number).tenancy) == 0
