"""Chatty displays: what is kept, what is thinned, and that repeats never reach the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools.account import assert_same, table_account, total
from tests.tools.glow import FILTERS, SUBSCRIPTIONS, Street, street
from tests.tools.load import ask, assert_stored, number, register
from tests.tools.mqtt_session import left_in_session, make_session
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

#: What reached the table or tried to, also where its transaction or savepoint failed.
_INSERTS = "select coalesce(sum(n_tup_ins), 0)::int8 from pg_stat_all_tables where relname like '\\_hyper\\_%'"


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    ("displays", "steps"),
    [(200, 150), pytest.param(2_000, 125, marks=[pytest.mark.soak, pytest.mark.timeout(600)])],
    ids=["60,000 messages", "half a million"],
)
def test_kept_thinned_and_repeated(
    database: str,
    mosquitto: Mosquitto,
    collect: Collect,
    seed: int,
    tmp_path: Path,
    displays: int,
    steps: int,
) -> None:
    load = street(seed, displays, steps)
    register(database, load.devices)
    subscriptions = tmp_path / "subscriptions.toml"
    subscriptions.write_text(SUBSCRIPTIONS)
    make_session(mosquitto.port, filters=FILTERS)
    collector = collect(database, mosquitto.url, subscriptions=subscriptions)
    half = len(load.messages) // 2
    received = 0
    # a restart in the middle: what is kept and repeated is known from the database then
    for part in (load.messages[:half], load.messages[half:]):
        publish(mosquitto.port, part)
        received += len(part)
        collector.start()
        assert wait_for(lambda: _received(database) >= received, 240, 0.1)  # noqa: B023 - asked before it changes
        assert collector.metric("borough_staged_batches_total") == 0, "a repeat reached the database"
        metrics = collector.account()
        assert collector.stop() == 0
        if part is load.messages[:half]:
            assert_same(metrics, table_account(database))
    _compare(database, load)
    assert left_in_session(mosquitto.port) == []
    assert "1200000000002" not in collector.said()


def _received(database: str) -> int:
    return total(table_account(database)).messages_received


def _compare(database: str, load: Street) -> None:
    assert_stored(database, load.stored)
    sums = table_account(database)["smart-meter"]
    assert sums.messages_received == len(load.messages)
    assert sums.messages_ignored == load.status
    assert sums.messages_rejected == 0
    assert sums.readings_decoded == load.readings
    assert sums.readings_stored == len(load.stored)
    assert sums.readings_duplicates == load.duplicates
    assert sums.readings_thinned == load.thinned
    assert wait_for(lambda: number(database, _INSERTS) >= len(load.stored), 5)
    assert number(database, _INSERTS) == len(load.stored)
    latest = ask(
        database,
        "select s.device_id, s.property, (extract(epoch from l.time) * 1000000)::int8, l.value"
        " from public.latest l join personal.series s on s.id = l.series_id",
    )
    assert {(row[0], row[1]): (row[2], row[3]) for row in latest} == load.latest
    found = ask(database, "select count(*) from pg_class where relname = 'rejected' and reltuples > 0")
    assert found == [(0,)]
