"""The database is there, and does not take what we write: read-only, full, locked, deadlocked."""

from __future__ import annotations

import os
import subprocess
import time

import psutil
import psycopg
import pytest

from borough.postgres_server import PostgresServer
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import assert_same, table_account, total
from tests.tools.collector import CLIENT_ID
from tests.tools.load import (
    ask,
    assert_stored,
    count,
    device,
    grows,
    message,
    native_load,
    now,
    number,
    register,
    rfc3339,
)
from tests.tools.proxy import Proxy
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for


def test_read_only_database(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """As after a failover to a standby, and as with a full disk: every write fails, nothing else does."""
    load = native_load(seed, 3_000)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}").start()
        _read_only(fragile, True)
        try:
            publish(mosquitto.port, load.messages)
            assert wait_for(lambda: not collector.ready(), 5)
            # the alarm stands: reading the registry works, and is no reason to call it off
            until = time.monotonic() + 3
            while time.monotonic() < until:
                assert not collector.ready()
                assert collector.metric("borough_database_up") == 0
                time.sleep(0.05)
            assert collector.metric("borough_write_errors_total") >= 2
            assert proxy.acknowledgements == 0
        finally:
            _read_only(fragile, False)
        assert wait_for(lambda: proxy.acknowledgements == 3_000, 15)
        assert wait_for(collector.ready, 5)
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert sum("write failed" in text for text in collector.messages()) == 1, "one line says it, not one a try"


def test_full_disk(server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """A limit on the size of a file stands for the full disk: the table cannot grow, the log of changes still can."""
    load = native_load(seed, 4_000, devices=1_000)
    register(fragile, load.devices)
    start = min(at for _, _, at in load.expected)
    with psycopg.connect(fragile, autocommit=True) as connection:
        # more than the 16 MB of a file of the log, in the chunk that the messages go to, of a series that nobody has
        connection.execute(
            "insert into public.reading select 2147483647, to_timestamp(%s) + n * interval '1 us', 0"
            " from generate_series(1, 400000) n",
            (start // 1_000_000,),
        )
    size = number(fragile, "select max(pg_relation_size(c)) from show_chunks('public.reading') c")
    assert size > 17_000_000
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}").start()
        _limit_files(server, size)
        try:
            publish(mosquitto.port, load.messages)
            assert wait_for(lambda: collector.metric("borough_write_errors_total") >= 3, 10)
            assert not collector.ready()
            assert proxy.acknowledgements == 0
            assert count(fragile, "public.reading where series_id < 2147483647") == 0
        finally:
            _limit_files(server, None)
        assert wait_for(lambda: proxy.acknowledgements == 4_000, 15)
        assert wait_for(collector.ready, 5)
        assert collector.stop() == 0
    ask(fragile, "delete from public.reading where series_id = 2147483647 returning 1")
    assert_stored(fragile, load.expected)
    assert "could not extend file" in collector.said()


def _limit_files(server: PostgresServer, size: int | None) -> None:
    """For every process of the server, and so for those that it starts from now on."""
    assert server.pid is not None
    # only the owner of a process may do so, and where we are root that is `nobody`
    owner = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    limit = f"--fsize={'unlimited' if size is None else size}:"
    postmaster = psutil.Process(server.pid)
    for process in (postmaster, *postmaster.children()):
        subprocess.run([*owner, "prlimit", "--pid", str(process.pid), limit], check=process is postmaster)


@pytest.mark.soak
def test_lock_time_out(server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Somebody locks the table for longer than a writer waits for a lock."""
    load = native_load(seed, 500)
    register(fragile, load.devices)
    collector = collect(fragile, mosquitto.url).start()
    with psycopg.connect(fragile) as other:
        other.execute("lock table public.reading in access exclusive mode")
        publish(mosquitto.port, load.messages)
        time.sleep(15)
        assert count(fragile, "public.collector where outcome is not null") == 0
        other.rollback()
    assert grows(fragile, "public.reading", 500)
    metrics = collector.account_at_rest()
    assert collector.metric("borough_write_errors_total") == 0
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert_same(metrics, table_account(fragile))


def _read_only(database: str, on: bool) -> None:
    with psycopg.connect(database, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        change = "set default_transaction_read_only = on" if on else "reset default_transaction_read_only"
        connection.execute(f"alter system {change}".encode())
        connection.execute("select pg_reload_conf()")
    time.sleep(0.2)  # every backend takes it over when it is next idle


def test_deadlock_is_tried_again(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Somebody else locks the accounting and then wants the collector's row, which its transaction holds."""
    load = native_load(seed, 500)
    register(fragile, load.devices)
    collector = collect(fragile, mosquitto.url).start()
    before = _deadlocks(fragile)
    with psycopg.connect(fragile) as other:
        other.execute("set deadlock_timeout = '60s'")  # so that the collector is the one who is told
        other.execute("lock table public.accounting in exclusive mode")
        publish(mosquitto.port, load.messages)
        assert wait_for(lambda: count(fragile, "pg_locks where not granted") > 0, 10)
        other.execute("select from public.collector where name = %s for update", (CLIENT_ID,))
        other.commit()
    assert wait_for(lambda: count(fragile, "public.reading") == 500, 15)
    assert wait_for(lambda: _deadlocks(fragile) > before, 5), "there was no deadlock"
    metrics = collector.account_at_rest()
    assert collector.metric("borough_write_errors_total") == 0, "a deadlock is no failure of the database"
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert_same(metrics, table_account(fragile))


def test_serialization_failure_is_tried_again(fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """The database asks twice to try again, at the end of a batch's transaction (40001): once stored, no error."""
    load = native_load(seed, 500)
    register(fragile, load.devices)
    with psycopg.connect(fragile, autocommit=True) as connection:
        connection.execute("create sequence public.tries")
        connection.execute(
            "create function public.fail() returns trigger language plpgsql as $$ begin if nextval('public.tries') < 3"
            " then raise exception 'could not serialize access' using errcode = '40001'; end if; return null; end $$"
        )
        connection.execute(
            "create trigger fail after insert or update on public.accounting"
            " for each statement execute function public.fail()"
        )
    collector = collect(fragile, mosquitto.url, batch_age=2).start()
    publish(mosquitto.port, load.messages)
    assert grows(fragile, "public.reading", 500)
    assert number(fragile, "select last_value from public.tries") >= 3, "the batch did not fail"
    metrics = collector.account_at_rest()
    assert collector.metric("borough_write_errors_total") == 0, "it is no failure of the database"
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert_same(metrics, table_account(fragile))


def _deadlocks(database: str) -> int:
    return number(database, "select deadlocks from pg_stat_database where datname = current_database()")


def test_no_acknowledgement_while_a_rejection_cannot_be_written(
    fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 200)
    register(fragile, load.devices)
    with psycopg.connect(fragile, autocommit=True) as connection:
        connection.execute(
            "create function refuse() returns trigger language plpgsql as"
            " $$ begin raise exception 'no room for a rejection'; end $$"
        )
        connection.execute("create trigger refuse before insert on public.rejected execute function refuse()")
        with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
            collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}").start()
            publish(mosquitto.port, [*load.messages, (load.messages[0][0], b"garbage")])
            assert wait_for(lambda: collector.metric("borough_write_errors_total") >= 3, 10)
            assert proxy.acknowledgements == 0
            assert count(fragile, "public.reading") == 0
            connection.execute("drop trigger refuse on public.rejected")
            assert wait_for(lambda: proxy.acknowledgements == 201, 15)
            metrics = collector.account_at_rest()
            assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert count(fragile, "public.rejected") == 1
    assert_same(metrics, table_account(fragile))


def test_two_collectors_never_deadlock(database: str, mosquitto: Mosquitto, collect: Collect, seed: int) -> None:
    """Both write the same series in another order, in small batches."""
    load = native_load(seed, 20_000, devices=50, shuffled=True)
    register(database, load.devices)
    pair = [
        collect(database, mosquitto.url, mqtt_client_id=name, batch_readings=300, batch_age=0.02).start()
        for name in ("east", "west")
    ]
    publish(mosquitto.port, load.messages)
    each = len(load.messages)
    assert wait_for(lambda: total(table_account(database)).messages_received == 2 * each, 40, 0.2)
    for collector in pair:
        collector.account()
        assert collector.metric("borough_write_errors_total") == 0
    assert all(collector.stop() == 0 for collector in pair)
    assert_stored(database, load.expected)
    sums = total(table_account(database))
    assert (sums.readings_stored, sums.readings_duplicates) == (each, each)
    assert _deadlocks(database) == 0


def test_a_message_that_takes_its_time_beside_one_that_never_ends_is_stored(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Too slow for the part of a batch that it was in, it is tried alone with more time before it is set aside."""
    load = native_load(seed, 20, devices=2)
    register(database, load.devices)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "create function linger() returns trigger language plpgsql as $$ begin"
            " perform pg_sleep(case new.value when 666.125 then 100 when 667.125 then 0.8 else 0 end);"
            " return new; end $$"
        )
        connection.execute(
            "create trigger linger before insert on public.reading for each row execute function linger()"
        )
    meter = device("slow", "smart-meter")
    register(database, [meter])
    at = now() - 3_600_000_000
    slow = [message(meter, {"time": rfc3339(at + place), "power": 666.125 + place}) for place in (0, 1)]
    load.expected[meter.id, "power", at + 1] = 667.125
    collector = collect(database, mosquitto.url).start()
    publish(mosquitto.port, [*load.messages, *slow])
    received = len(load.messages) + 2
    assert wait_for(lambda: total(table_account(database)).messages_received == received, 60)
    assert int(collector.metrics()["borough_rejections_total"]["unstorable"]) == 1
    assert collector.stop() == 0
    assert_stored(database, load.expected)
