"""Runs that compute only what changed: what periods are told of it, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import date, timedelta

import numpy as np
import pytest

from store import erasure
from store.connect import connect
from tests.tools.load import ask
from tests.tools.program import BOROUGH, WITH_US, environment
from tests.tools.servers import PATIENCE, wait_for
from tests.worlds.neighbourhood import LONDON, Street, at

MONDAY = date(2026, 8, 3)
SUNDAY = MONDAY + timedelta(days=6)
WEEK = timedelta(days=7)
KEY = bytes(range(32))

#: Holds up the first statement that writes to a table, so that whoever runs it can be killed in it.
_SLOW = """
create sequence public.written;
create function public.slow() returns trigger language plpgsql as
    $$ begin if nextval('public.written') = 1 then perform pg_sleep(2); end if; return null; end $$;
create trigger slow after insert or update or delete on {table} for each statement execute function public.slow();
"""
_FAST = "drop function public.slow() cascade; drop sequence public.written"
#: TimescaleDB Community has workers of its own in each database.
_OTHERS = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_known_of_a_period_never_holds_it_back(database: str, seed: int) -> None:
    """After any run, one that knows nothing and looks at all homes finds nothing to publish and as many that wait."""
    street, random = Street(database, 40), np.random.default_rng(seed)
    street.build(MONDAY, 6 if seed % 2 else 5)  # of five days of seven no home has a figure
    now = at(MONDAY + WEEK, 1)
    lacking, gone = [*range(1, 41)], 0
    published = 0
    for _ in range(40):
        if published:
            break
        what = random.integers(0, 6)
        some = random.choice(lacking, min(len(lacking), int(random.integers(1, 5))), replace=False).tolist()
        if what < 3:
            days = [SUNDAY - timedelta(days=1), SUNDAY] if seed % 2 == 0 else [SUNDAY]
            street.store({(home, day): 5_000 for home in some for day in days}, named=bool(random.integers(0, 2)))
            lacking = [home for home in lacking if home not in some]
        elif what == 3:
            with connect(street.url) as connection:  # in the middle of the week: the home is nobody's then
                connection.execute(
                    "update personal.tenancy t set to_day = %s from personal.home h where h.id = t.home_id"
                    " and h.uprn = %s and t.to_day is null",
                    (MONDAY + timedelta(days=2), str(some[0])),
                )
        elif gone < 12:
            gone += erase(street, some[0])
            lacking.remove(some[0])
        assert lacking, "everybody is in, and nothing was published"
        done = street.analyse(now)
        published += len(done.published)
        with connect(street.url) as connection:
            if random.integers(0, 2):
                connection.execute("delete from personal.unpublished_period")
        again = street.analyse(now)
        assert (again.published, again.waiting, again.days) == ([], done.waiting, 0)
    assert published, "nothing was shown"


@pytest.mark.parametrize("how", ["erased", "moved out"])
def test_who_leaves_is_waited_for_no_longer(database: str, how: str) -> None:
    """No day of anybody changes, and yet nine in ten of those who are left are in."""
    street = Street(database, 20)
    street.build(MONDAY, 6)
    street.store({(home, SUNDAY): 5_000 for home in range(1, 18)})
    now = at(MONDAY + WEEK, 1)
    assert (street.analyse(now).waiting, street.analyse(now).waiting) == (1, 1)
    for home in (19, 20):
        if how == "erased":
            assert erase(street, home)
        else:
            with connect(street.url) as connection:
                connection.execute(
                    "update personal.tenancy t set to_day = %s from personal.home h"
                    " where h.id = t.home_id and h.uprn = %s",
                    (SUNDAY, str(home)),
                )
    done = street.analyse(now)
    assert (done.days, done.published, done.waiting) == (0, [("week", MONDAY, "electricity")], 0)


def erase(street: Street, number: int) -> bool:
    """Erase who lives in a home; whether there was anybody."""
    with connect(street.url) as connection:
        row = connection.execute(
            "select t.id from personal.tenancy t join personal.home h on h.id = t.home_id where h.uprn = %s",
            (str(number),),
        ).fetchone()
        if row is None:
            return False
        plan = erasure.plan(connection, row[0], LONDON)
        assert plan is not None
        erasure.bury(connection, KEY, plan)
        connection.commit()
        erasure.erase(connection, KEY, plan)
        connection.commit()
    return True


@pytest.mark.parametrize("table", ["personal.daily_use", "public.touched_day", "personal.comparison_late"])
def test_killed_while_it_writes_the_next_run_does_all_of_it(database: str, table: str) -> None:
    """Whatever statement a run is killed in, the late reading is counted once, and its note is not lost."""
    street = Street(database, 30)
    first = date(2025, 1, 6)
    use = street.build(first, 7)
    street.analyse(at(date(2025, 2, 1)))
    street.store({(9, first): int(use[8, 0]) + 900}, named=True)
    home, _ = street.ids(9, first)
    late = f"select count(*) from personal.comparison_late where home_id = {home}"
    with connect(street.url, autocommit=True) as connection:
        connection.execute(_SLOW.format(table=table).encode())
        child = subprocess.Popen(
            [*WITH_US, *BOROUGH, "analyse"], env=environment({"BOROUGH_DATABASE_URL": street.url}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        written = "select last_value from public.written where is_called"
        assert wait_for(lambda: connection.execute(written).fetchone() is not None, PATIENCE, 0.02)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=PATIENCE)
        assert child.returncode == -signal.SIGKILL
        assert wait_for(lambda: connection.execute(_OTHERS).fetchone() == (0,), PATIENCE, 0.05)
        connection.execute(_FAST)
        assert ask(street.url, "select series is not null from touched_day") == [(True,)], "nothing of it was kept"
        assert ask(street.url, late) == [(0,)]
    done = street.analyse(at(date(2025, 2, 2)))
    assert (done.days, done.late) == (1, 1)
    assert ask(street.url, late) == [(1,)]
    assert ask(street.url, "select count(*) from touched_day") == [(0,)]
    again = street.analyse(at(date(2025, 2, 3)))
    assert (again.days, again.late, again.compared) == (0, 0, 0)
