"""Air alerts beside other things: erasures, stops, kills, many people, and what is deleted in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from borough.delivery.air_alerts import look
from store import air_alerts, contacts
from store.connect import Connection, connect
from tests.tools.servers import PATIENCE, Cluster, wait_for
from tests.worlds import air_alerts as world
from tests.worlds.air_alerts import LAT, LON, NOON, monitor, options, sent, subscribe, tell

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with connect(url, autocommit=True) as opened:
        world.clean(opened)
        yield opened


def test_stopped_and_erased_in_between(connection: Connection, url: str) -> None:
    """Somebody else's erasures and stops while it looks: nobody who is gone has anything, and nothing raises."""
    monitor(connection)
    everybody = [subscribe(connection, f"p{number}@example.com") for number in range(60)]
    tell(connection, [6, 6], NOON + 2 * HOUR)
    owner: dict[int, int] = dict(connection.execute("select id, contact_id from personal.air_subscription").fetchall())
    ready = threading.Barrier(2)

    def leave() -> None:
        with connect(url, autocommit=True) as other:
            ready.wait()
            for number in reversed(everybody[::2]):
                air_alerts.erase(other, owner[number])
            for number in reversed(everybody[1::4]):
                contacts.stop(other, owner[number], "air-alert", "", NOON)

    leaving = threading.Thread(target=leave)
    leaving.start()
    ready.wait()
    while leaving.is_alive():
        look(connection, options(), NOON + 2 * HOUR)
    leaving.join()
    look(connection, options(), NOON + 2 * HOUR)
    told = Counter(one.contact for one in sent(connection))
    assert max(told.values()) == 1
    left = {owner[number] for number in everybody[1::2]}
    assert told.keys() <= left
    assert told.keys() >= {owner[number] for number in everybody[3::4]}
    assert connection.execute("select count(*) from personal.contact").fetchone() == (30,)


_LOOKS = """
import sys
from borough.delivery.air_alerts import look
from store.connect import connect
from tests.worlds.air_alerts import NOON, options
from datetime import timedelta
with connect(sys.argv[1], autocommit=True) as connection:
    print("ready", flush=True)
    sys.stdin.readline()
    look(connection, options(), NOON + timedelta(hours=2))
"""


#: Counts the statements that write to a table, and holds up the one with a number.
_SLOW = """
create sequence public.written;
create function public.slow() returns trigger language plpgsql as
    $$ begin if nextval('public.written') = {number} then perform pg_sleep(2); end if; return null; end $$;
create trigger slow after insert or update on {table} for each statement execute function public.slow();
"""
_WRITTEN = "select last_value from public.written where is_called"
#: TimescaleDB Community has workers of its own in each database.
_OTHERS = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


def await_count(connection: Connection, query: str, count: int) -> None:
    assert wait_for(lambda: connection.execute(query).fetchone() == (count,), timeout=PATIENCE, interval=0.02)


@pytest.mark.parametrize("table", ["personal.message", "personal.air_episode"])
def test_killed_anywhere_it_tells_everybody_once(connection: Connection, url: str, table: str) -> None:
    """Killed in the middle of each statement that writes: the server ends that statement, and then nobody is there."""
    monitor(connection)
    for number in range(12):
        subscribe(connection, f"p{number}@example.com", tell_end=True)
    tell(connection, [6, 6], NOON + 2 * HOUR)
    # the first, second and third write of a look are met in turn
    for writes in range(1, 4):
        connection.execute(_SLOW.format(table=table, number=writes))
        child = subprocess.Popen(
            [sys.executable, "-c", _LOOKS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.stdin.write("\n")
        child.stdin.flush()
        await_count(connection, _WRITTEN, writes)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdin.close()
        child.stdout.close()
        await_count(connection, _OTHERS, 0)
        connection.execute("drop function public.slow() cascade; drop sequence public.written")
        told = connection.execute("select count(*) from personal.air_episode where told_at is not null").fetchone()
        assert told == (len(sent(connection)),), "what is noted as told is in the outbox, and the other way round"
    look(connection, options(), NOON + 2 * HOUR)
    assert Counter(Counter(one.contact for one in sent(connection)).values()) == {1: 12}


def test_five_hundred_subscriptions(connection: Connection) -> None:
    """Each told once; a look at which nothing changes costs little."""
    for number in range(20):
        monitor(connection, f"m{number:02d}", lon=LON + number * 0.1)
        tell(connection, [6, 6, 6], NOON + 3 * HOUR, f"m{number:02d}")
    for number in range(500):
        subscribe(
            connection,
            f"p{number}@example.com",
            place=f"Place {number}",
            lon=LON + number % 20 * 0.1,
            lat=LAT + number * 1e-6,
        )
    look(connection, options(), NOON + 3 * HOUR)
    assert Counter(Counter(one.contact for one in sent(connection)).values()) == {1: 500}
    begun = time.process_time()
    look(connection, options(), NOON + 3 * HOUR)
    assert len(sent(connection)) == 500
    assert time.process_time() - begun < 2.0


def test_what_nobody_confirmed_and_what_was_stopped_is_deleted_in_time(connection: Connection) -> None:
    now = NOON
    subscribe(connection, "new@example.com", confirmed=False, at=now - timedelta(hours=47))
    subscribe(connection, "old@example.com", confirmed=False, at=now - timedelta(hours=49))
    subscribe(connection, "both@example.com", confirmed=False, place="A", at=now - timedelta(hours=49))
    subscribe(connection, "both@example.com", place="B")
    subscribe(connection, "stopped@example.com")
    subscribe(connection, "lately@example.com")
    subscribe(connection, "bounced@example.com")
    stopped = (
        "insert into personal.contact_stop select id, 'air-alert', '', %s from personal.contact where address ~ %s"
    )
    connection.execute(stopped, (now - timedelta(days=31), "stopped"))
    connection.execute(stopped, (now - timedelta(days=29), "lately"))
    connection.execute(
        "update personal.contact set bounced_at = %s, bounce = 'no' where address ~ 'bounced'",
        (now - timedelta(days=31),),
    )
    connection.execute("update personal.contact set made_at = %s", (now - timedelta(days=40),))
    assert air_alerts.forget_old(connection, now) == 3
    left = connection.execute(
        "select address, place from personal.contact c left join personal.air_subscription s on s.contact_id = c.id"
        " order by address"
    ).fetchall()
    assert left == [("both@example.com", "B"), ("lately@example.com", "TE5 7ST"), ("new@example.com", "TE5 7ST")]


def test_a_contact_with_messages_of_another_kind_keeps_its_address(connection: Connection) -> None:
    number = subscribe(connection)
    contact = connection.execute("select contact_id from personal.air_subscription where id = %s", (number,)).fetchone()
    assert contact is not None
    for kind in ("complaint", "air-alert"):
        connection.execute(
            "insert into personal.message (key, contact_id, kind, origin, subject, text, due_at, expires_at, next_at)"
            " values (%s, %s, %s, 'real', 's', 't', now(), now() + interval '1 day', now())",
            (kind, contact[0], kind),
        )
    air_alerts.erase(connection, contact[0])
    assert connection.execute("select kind from personal.message").fetchall() == [("complaint",)]
    assert connection.execute("select count(*) from personal.contact").fetchone() == (1,)
    assert connection.execute("select count(*) from personal.air_subscription").fetchone() == (0,)


def test_counts_name_nobody(connection: Connection) -> None:
    subscribe(connection, "a@example.com", band="high")
    subscribe(connection, "b@example.com", confirmed=False)
    subscribe(connection, "c@example.com")
    connection.execute(
        "insert into personal.contact_stop select id, 'air-alert', '', now() from personal.contact where address ~ 'c@'"
    )
    assert [tuple(one) for one in air_alerts.counts(connection, "real")] == [("moderate", 0, 1, 1), ("high", 1, 0, 0)]
    assert air_alerts.counts(connection, "simulated") == []
