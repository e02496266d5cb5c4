"""Chatty displays: what is kept, what is thinned, and that repeats never reach the database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools import forked
from tests.tools.account import assert_same, table_account, total
from tests.tools.glow import FILTERS, SUBSCRIPTIONS, Street, street
from tests.tools.load import ask, assert_stored, device, now, number, register
from tests.tools.mqtt_session import left_in_session, make_session
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for

#: What reached the table or tried to, also where its transaction or savepoint failed.
_INSERTS = "select coalesce(sum(n_tup_ins), 0)::int8 from pg_stat_all_tables where relname like '\\_hyper\\_%'"


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
        metrics = collector.account_at_rest()
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


def test_a_rejected_display_keeps_no_identifier_and_is_taken_once_it_is_registered(
    database: str, mosquitto: Mosquitto, collect: Collect, tmp_path: Path
) -> None:
    name, at = "4C1186000001", now() - 3_600_000_000
    load = Street([])
    load.electricity(name, at, 5.5, 0.25)
    load.gas(name, at, 7.5, 0.5)
    secrets = ("1200000000002", "3938424403", "---")
    assert all(any(secret.encode() in payload for _, payload in load.messages) for secret in secrets)
    subscriptions = tmp_path / "subscriptions.toml"
    subscriptions.write_text(SUBSCRIPTIONS)
    collector = collect(database, mosquitto.url, subscriptions=subscriptions).start()
    cut = load.messages[0][1][:-20]
    publish(mosquitto.port, [*load.messages, (load.messages[0][0], cut)])
    assert wait_for(lambda: _received(database) == 3, 30)
    assert collector.stop() == 0

    settings = {"BOROUGH_DATABASE_URL": database, "BOROUGH_SUBSCRIPTIONS": str(subscriptions)}

    def borough(*arguments: str) -> str:
        done = forked.run(arguments, settings)
        return done.stdout + done.stderr

    ids = [str(row[0]) for row in ask(database, "select id from rejected order by id")]
    assert len(ids) == 3
    for arguments in ([], ["--json"], ["--raw"]):
        shown = [borough("rejected", "show", number, *arguments) for number in ids]
        assert not any(secret in text for secret in secrets for text in shown)
        assert "cumulative" in shown[0] or "63756d756c6174697665" in shown[0]
    assert f"{len(cut)} bytes, not kept" in borough("rejected", "show", ids[2])
    register(database, [device(name, "smart-meter", "glow")])
    again = json.loads(borough("rejected", "retry", "--all", "--json"))
    assert again == {"taken": 2, "rejected_again": 0, "bytes_gone": 1}
    assert_stored(database, load.stored)
