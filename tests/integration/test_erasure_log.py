"""Who writes of a household during its erasure is told that it is not there, and the server's log names nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest

from devices.homes import HomeDetails, Register, Tariff
from store import accounts, daily, erasure, homes, letters, series
from store.connect import Connection, connect
from store.letters import Written
from tests.tools.batches import query
from tests.tools.servers import Cluster, wait_for
from tests.worlds import household
from tests.worlds.household import KEY, ZONE, Household

ANNA = Household("100021048377", "meter-anna-7731", "Anna Quillfeather", "3 Nightjar Row", 0.271828, date(2026, 1, 1))
DAY = date(2026, 2, 2)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PRICE = Tariff("gas", DAY, "Tariff of a page", "prepayment", 1.0, (Register("all day", 2.0),))
DETAILS = HomeDetails("flat", "gas", None, 61.25, 1)


@pytest.fixture
def cluster(timescale: Cluster) -> Cluster:
    if timescale.server is None:
        pytest.skip("the log of a server that we were given cannot be read")
    return timescale


def writers(tenancy: int, home: int, account: int) -> dict[str, Callable[[Connection], object]]:
    """Everything that a page, a letter, an import or a collector adds to a household."""
    return {
        "access": lambda c: accounts.log_access(c, tenancy, account, "resident", "looked", NOW),
        "code": lambda c: accounts.make_code(c, "bind", tenancy, NOW, HOUR),
        "bind": lambda c: accounts.bind(c, account, tenancy, "code", NOW, DAY),
        "session": lambda c: accounts.open_session(c, account, ["resident"], NOW, HOUR),
        "consent": lambda c: homes.give_consent(c, tenancy, "evaluation", "page", NOW),
        "tariff": lambda c: homes.set_tariff(c, tenancy, PRICE),
        "details": lambda c: homes.change_details(c, home, DETAILS, "resident", NOW),
        "letter": lambda c: letters.note(c, "week", DAY, [Written(tenancy, "/nowhere/letter.pdf", None)], NOW),
        "days": lambda c: daily.touch_homes(c, np.array([home], np.int64)),
        "series": lambda c: series.resolve(c, [(ANNA.meter, "gas")]),
    }


def test_what_is_written_during_an_erasure_leaves_no_key_in_the_log(cluster: Cluster, database: str) -> None:
    assert cluster.server is not None
    begin = cluster.server.log.stat().st_size
    with connect(database) as connection:
        tenancy = household.add(connection, ANNA)
        household.read(connection, ANNA, DAY, 1)
        household.trace(connection, ANNA, tenancy, DAY)
    ((home, account),) = query(
        database, "select t.home_id, a.id from personal.tenancy t join personal.account a on a.tenancy_id = t.id"
    )
    failed: dict[str, BaseException] = {}

    def write(name: str, does: Callable[[Connection], object]) -> None:
        try:
            with connect(database, f"writer {name}", autocommit=True) as connection:
                does(connection)
        except (psycopg.Error, LookupError, ValueError, series.NotRegistered) as error:
            failed[name] = error

    threads = [
        threading.Thread(target=write, args=item, name=f"writer {item[0]}")
        for item in writers(tenancy, home, account).items()
    ]

    def all_done_or_waiting() -> bool:
        waiting = query(
            database,
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            " and application_name like 'writer %'",
        )[0][0]
        return bool(waiting == sum(thread.is_alive() for thread in threads))

    with connect(database, autocommit=True) as connection:
        plan = erasure.plan(connection, tenancy, ZONE)
        assert plan is not None
        with connection.transaction():
            erasure.bury(connection, KEY, plan)
        with connection.transaction():
            erasure.erase(connection, KEY, plan)
            for thread in threads:
                thread.start()
            assert wait_for(all_done_or_waiting, 30)
    for thread in threads:
        thread.join(30)
    assert {name: type(error) for name, error in failed.items()} == {"series": series.NotRegistered}
    said = cluster.server.log.read_bytes()[begin:].decode()
    words = [*ANNA.words(), str(tenancy), str(home), "violates foreign key"]
    assert [word for word in words if word in said] == []


def test_what_is_written_first_goes_with_the_rest(cluster: Cluster, database: str) -> None:
    """A page whose transaction is under way is waited for, and what it wrote is erased."""
    assert cluster.server is not None
    begin = cluster.server.log.stat().st_size
    with connect(database) as connection:
        tenancy = household.add(connection, ANNA)
        household.trace(connection, ANNA, tenancy, DAY)
    ((home, account),) = query(
        database, "select t.home_id, a.id from personal.tenancy t join personal.account a on a.tenancy_id = t.id"
    )

    def erase() -> None:
        with connect(database, "eraser", autocommit=True) as connection:
            plan = erasure.plan(connection, tenancy, ZONE)
            assert plan is not None
            with connection.transaction():
                erasure.bury(connection, KEY, plan)
            with connection.transaction():
                erasure.erase(connection, KEY, plan)

    thread = threading.Thread(target=erase)
    with connect(database, autocommit=True) as page, page.transaction():
        for name, does in writers(tenancy, home, account).items():
            if name != "series":
                does(page)
        thread.start()
        assert wait_for(
            lambda: query(
                database,
                "select count(*) from pg_stat_activity where application_name = 'eraser' and wait_event_type = 'Lock'",
            ) == [(1,)],
            30,
        )  # fmt: skip
    thread.join(30)
    assert query(database, "select * from personal.tenancy") == query(database, "select * from personal.access") == []
    said = cluster.server.log.read_bytes()[begin:].decode()
    assert [word for word in [*ANNA.words(), str(tenancy), str(home)] if word in said] == []
