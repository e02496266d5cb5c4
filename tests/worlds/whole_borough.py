"""A borough with something of everything: bays, monitors, homes in every state, carers, jobs, rejections, a trial.

Written straight into the tables of an empty database, all of it as real devices, so that a `borough serve` in
production shows it. Readings of some monitors and bays stand in ``reading`` too, for exports and queries.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from store import accounts, programme, series
from store.connect import Connection
from store.copy import copy_readings
from store.programme import Figure, Month
from store.times import microseconds
from tests.tools import site
from tests.worlds import (
    air_town,
    care,
    engineer_jobs,
    parking_board,
    pipeline,
    residents,
    trial_pages,
)

#: Sessions that `fill` makes: of each role of the staff, of a carer, of a household in each state, and of one who has
#: an account and nothing else.
STAFF = ("assist", "parking-ops", "engineer", "programme", "data-protection")
NOBODY = "nobody"
CARER = "carer"
#: The household that has most to show.
RESIDENT = "good"
#: Days of ten-minute readings that a monitor has in ``reading``.
DAYS = 3


def fill(connection: Connection) -> dict[str, str]:
    """Fill an empty, migrated database; session cookies by who they are of. The connection has autocommit."""
    now = datetime.now(UTC)
    pipeline.fill(connection, now, timedelta(hours=2), devices=4)
    parking_board.town(connection)
    air_town.town(connection)
    _readings(connection, now)
    cookies = {role: site.make_session(connection, None, [role]) for role in STAFF}
    cookies[NOBODY] = site.make_session(connection)
    for number, state in enumerate(residents.STATES, 1):
        one = residents.make_resident(connection, number)
        residents.furnish(connection, one, state)
        cookies[str(state)] = site.make_session(connection, one.tenancy_id)
    cookies[CARER] = _carer(connection)
    _programme(connection)
    trial = trial_pages.design(connection, "winter-2025", date(2026, 2, 1))
    trial_pages.draw(connection, trial, (4, 3, 3))
    trial_pages.look(connection, trial)
    trial_pages.report(connection, trial)
    engineer_jobs.every_state(connection)
    for table in ("device", "bay"):
        connection.execute(f"update personal.{table} set origin = 'real'".encode())
    return cookies


def _readings(connection: Connection, now: datetime) -> None:
    """Ten-minute readings of two monitors, with a gap and an hour of the same value."""
    end = now.replace(minute=0, second=0, microsecond=0)
    count = DAYS * 144
    times = microseconds(end - timedelta(days=DAYS)) + np.arange(count, dtype=np.int64) * 600_000_000
    for number, name in enumerate(("mill", "high")):
        for place, what in enumerate(("pm2_5", "no2", "temperature")):
            (state,) = series.resolve(connection, [(name, what)])
            values = np.round(9.0 + number + place + 3 * np.sin(np.arange(count) / 23.0), 2)
            values[200:206] = 9.5
            keep = np.ones(count, bool)
            keep[300:310] = False
            with connection.transaction():
                copy_readings(connection, np.full(int(keep.sum()), state.series, np.int32), times[keep], values[keep])


def _carer(connection: Connection) -> str:
    """A home with sensors that has been quiet, and the session of the carer whom it named."""
    home = care.quiet_home(connection, 40)
    ada = care.add_carer(connection, home, "Ada")
    care.look(connection)
    assert ada.account_id is not None
    return accounts.open_session(connection, ada.account_id, (), datetime.now(UTC), timedelta(hours=12))


def _programme(connection: Connection) -> None:
    """A month of many homes together that has settled."""
    month = Month(date(2026, 10, 1), "electricity", date(2026, 10, 1))
    connection.execute(
        "insert into personal.cell_version (quarter, program, homes) values (%s, 'test', 0) on conflict do nothing",
        (month.quarter,),
    )
    connection.execute(
        "insert into personal.comparison_run (kind, from_day, to_day, fuel, quarter, program, published_at, settled_at)"
        " values ('month', %s, %s, %s, %s, 'test', now(), now()) on conflict do nothing",
        (month.from_day, month.from_day + timedelta(days=31), month.fuel, month.quarter),
    )
    figures = [Figure("flat", 1_230, 210_000, ""), Figure("detached", None, None, "few-homes")]
    programme.publish(connection, month, figures)
