"""The database is stopped, killed, frozen, away at the start or the end, or loses its answer to COMMIT."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from borough.postgres_server import PostgresServer
from store import tombstones
from tests.acceptance.faults.conftest import Collect
from tests.tools.account import assert_same, table_account, total
from tests.tools.load import ask, assert_stored, count, grows, native_load, register
from tests.tools.mqtt_session import left_in_session, make_session
from tests.tools.proxy import Proxy, wait_quiet
from tests.tools.publisher import Publishing, publish
from tests.tools.servers import Mosquitto, wait_for


def test_stopped_for_20_s_and_killed_in_the_middle(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 100_000, devices=1_000)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}", alone=True).start()
        pid = collector.pid
        publishing = Publishing(mosquitto.port, load.messages, rate=5_000)
        assert wait_for(lambda: proxy.acknowledgements > 5_000, 10)
        server.stop()
        _away(proxy, collector, 10.0)
        server.start()
        assert wait_for(lambda: proxy.acknowledgements > 40_000, 15), "it did not drain between the two outages"
        server.kill9()
        _away(proxy, collector, 10.0)
        assert psutil.Process(pid).memory_info().rss < 400e6
        server.start()
        publishing.join()
        assert wait_for(lambda: proxy.acknowledgements >= len(load.messages), 30)
        wait_for(collector.ready, 5)
        assert collector.alive
        assert collector.pid == pid
        assert collector.ready()
        metrics = collector.account_at_rest()
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    account = table_account(fragile)
    assert_same(metrics, account)
    sums = total(account)
    # it held what it had received and wrote that, so the broker had no reason to send anything twice
    assert sums.messages_received == sums.readings_stored == len(load.messages)
    assert left_in_session(mosquitto.port) == []


def _away(proxy: Proxy, collector: object, seconds: float) -> None:
    """Nothing is acknowledged while the database is away, and the collector says so."""
    until = time.monotonic() + seconds
    time.sleep(0.5)  # acknowledgements of the last commit may still be on their way
    before = proxy.acknowledgements
    assert wait_for(lambda: not collector.ready(), 5)  # type: ignore[attr-defined]
    assert collector.get("/health/live")[0] == 200  # type: ignore[attr-defined]
    assert collector.metric("borough_database_up") == 0  # type: ignore[attr-defined]
    time.sleep(max(0.0, until - time.monotonic()))
    assert proxy.acknowledgements == before, "acknowledged without a commit"


def test_the_answer_to_commit_is_lost(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 5_000)
    register(fragile, load.devices)
    with Proxy(server.port) as proxy:
        through = fragile.replace(f":{server.port}/", f":{proxy.port}/")
        assert urlsplit(through).port == proxy.port
        collector = collect(through, mosquitto.url, batch_readings=500).start()
        proxy.lose_of_copies = True
        for start in range(0, len(load.messages), 500):
            if collector.metric("borough_write_errors_total") < 3:
                proxy.lose_answer_to = b"COMMIT"
            publish(mosquitto.port, load.messages[start : start + 500])
            assert wait_for(lambda: proxy.lose_answer_to is None, 30)
        assert wait_for(lambda: total(table_account(fragile)).messages_received >= len(load.messages), 60)
        metrics = collector.account_at_rest()
        assert collector.metric("borough_write_errors_total") >= 3
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    account = table_account(fragile)
    assert_same(metrics, account)
    assert total(account).readings_duplicates == 0, "a batch was written twice"


def test_a_batch_that_may_be_committed_is_not_cut(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """The answer to COMMIT is lost, and the next try is cancelled before it knows: cut, the parts would count twice."""
    load = native_load(seed, 500)
    register(fragile, load.devices)

    def collects(wait: str) -> list[tuple[object, ...]]:
        return ask(fragile, f"select pid from pg_stat_activity where datname = current_database() and {wait}")

    with Proxy(server.port) as proxy, psycopg.connect(fragile) as erasure:
        make_session(mosquitto.port)
        publish(mosquitto.port, load.messages)
        with psycopg.connect(fragile, autocommit=True) as connection:
            # the batch is held just before its commit, until somebody waits for it to write tombstones
            connection.execute(
                "create function hold() returns trigger language plpgsql as $$ begin"
                " while not exists (select from pg_locks where locktype = 'advisory' and not granted)"
                " loop perform pg_sleep(0.01); end loop; return null; end $$"
            )
            connection.execute("create trigger hold after insert on accounting execute function hold()")
        collector = collect(fragile.replace(f":{server.port}/", f":{proxy.port}/"), mosquitto.url).start()
        assert wait_for(lambda: collects("wait_event = 'PgSleep'") != [], 30)
        proxy.lose_of_copies = True
        proxy.lose_answer_to = b"COMMIT"
        tombstones.lock(erasure)
        assert wait_for(lambda: proxy.lost_answers == 1, 30)
        assert wait_for(lambda: collects("wait_event = 'advisory'") != [], 30)
        with psycopg.connect(fragile, autocommit=True) as connection:
            connection.execute("drop trigger hold on accounting")
        ask(fragile, "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'advisory'")
        assert wait_for(
            lambda: collector.metric("borough_write_errors_total") >= 2 or "cannot be written" in collector.said(), 30
        )
        erasure.rollback()
        metrics = collector.account_at_rest()
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    account = table_account(fragile)
    assert_same(metrics, account)
    assert total(account).messages_received == len(load.messages)
    assert total(account).readings_duplicates == 0, "a batch was written twice"
    assert left_in_session(mosquitto.port) == []


def test_frozen_database(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 6_000)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}", write_timeout=1.5).start()
        publish(mosquitto.port, load.messages[:2_000])
        assert wait_for(lambda: proxy.acknowledgements == 2_000, 10)
        server.freeze()
        publish(mosquitto.port, load.messages[2_000:])
        assert wait_for(lambda: "no answer from the database" in collector.said(), 10)
        assert wait_for(lambda: not collector.ready(), 5)
        assert proxy.acknowledgements == 2_000
        server.thaw()
        assert wait_for(lambda: proxy.acknowledgements == 6_000, 30)
        assert wait_for(collector.ready, 15)
        metrics = collector.account_at_rest()
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert_same(metrics, table_account(fragile))


@pytest.mark.parametrize("fault", ["away", pytest.param("frozen", marks=pytest.mark.soak)])
def test_sigterm_while_the_database_does_not_answer(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int, fault: str
) -> None:
    """It ends by itself with 0, and the broker keeps what was not written."""
    load = native_load(seed, 1_000)
    register(fragile, load.devices)
    collector = collect(fragile, mosquitto.url).start()
    if fault == "away":
        server.stop()
    else:
        server.freeze()
    publish(mosquitto.port, load.messages)
    time.sleep(0.5)
    assert collector.stop(30) == 0
    assert "Traceback" not in collector.said()
    if fault == "away":
        server.start()
    else:
        server.thaw()
    collector.start()
    assert grows(fragile, "public.reading", 1_000)
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert left_in_session(mosquitto.port) == []


def test_database_away_at_the_start(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    load = native_load(seed, 500)
    register(fragile, load.devices)
    make_session(mosquitto.port)
    publish(mosquitto.port, load.messages)
    server.stop()
    collector = collect(fragile, mosquitto.url).launch()
    assert wait_for(lambda: collector.get("/health/ready")[0] == 503, 10)
    assert "database" in collector.get("/health/ready")[1]
    server.start()
    collector.wait_ready(15)
    assert wait_for(lambda: count(fragile, "public.reading") >= 500, 15)
    assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert "Traceback" not in collector.said()


def test_backlog_is_bounded_and_drains(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """With the database away it reads no more than it may hold; the broker keeps the rest, and nothing is dropped."""
    load = native_load(seed, 30_000)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(
            fragile, f"mqtt://127.0.0.1:{proxy.port}", mqtt_receive_maximum=2_000, batch_readings=1_000
        ).start()
        server.stop()
        publish(mosquitto.port, load.messages)
        time.sleep(1.0)
        held = sum(collector.metrics()["borough_messages_in_flight"].values())
        assert 0 < held <= 2_000
        assert proxy.acknowledgements == 0
        server.start()
        assert wait_for(lambda: proxy.acknowledgements == 30_000, 30)
        assert wait_quiet(proxy, 0.3, 5)
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)


def test_memory_is_bounded_by_bytes_too(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Few messages, but large: the receive maximum alone would allow 50 GB of them. What is written is let go."""
    load = native_load(seed, 300, devices=40)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}", alone=True, payload_maximum=2_000_000).start()
        server.stop()
        publish(mosquitto.port, [(topic, payload + b" " * 1_000_000) for topic, payload in load.messages], window=50)
        time.sleep(1.0)
        assert 0 < sum(collector.metrics()["borough_messages_in_flight"].values()) < 150
        assert psutil.Process(collector.pid).memory_info().rss < 400e6
        server.start()
        assert wait_for(lambda: proxy.acknowledgements == 300, 30)
        assert psutil.Process(collector.pid).memory_info().rss < 400e6
        collector.account()
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert total(table_account(fragile)).messages_received == 300


def test_connections_reset_while_the_database_is_away(
    server: PostgresServer, fragile: str, mosquitto: Mosquitto, collect: Collect, seed: int
) -> None:
    """Each new connection delivers the same again: it is held twice at most, and stored once."""
    load = native_load(seed, 20_000)
    register(fragile, load.devices)
    with Proxy(mosquitto.port, count_acknowledgements=True) as proxy:
        collector = collect(fragile, f"mqtt://127.0.0.1:{proxy.port}", held_bytes=8 * 1024 * 1024).start()
        server.stop()
        publish(mosquitto.port, load.messages)
        for _ in range(6):
            time.sleep(0.4)
            proxy.reset()
        time.sleep(1.0)
        held = sum(collector.metrics()["borough_messages_in_flight"].values())
        assert 0 < held < 40_000, f"{held} messages held"
        server.start()
        assert grows(fragile, "public.reading", 20_000)
        # the acknowledgements of what was held went nowhere, so all comes once more and is acknowledged then
        assert wait_for(lambda: proxy.acknowledgements == 20_000, 15)
        collector.account()
        assert collector.stop() == 0
    assert_stored(fragile, load.expected)
    assert left_in_session(mosquitto.port) == []
