"""The collector on each kind of server: new, repeated, late, conflicting and packed readings."""

from __future__ import annotations

import json
from pathlib import Path

from simulators.publisher import Message
from tests.tools.account import assert_same, table_account, total
from tests.tools.collector import Collector
from tests.tools.load import ask, assert_stored, count, device, message, native_load, now, register, rfc3339
from tests.tools.publisher import publish
from tests.tools.servers import Mosquitto, wait_for


def test_collect(tier: str, each_database: str, mosquitto: Mosquitto, tmp_path: Path) -> None:
    load = native_load(7, 2_000, devices=40, shuffled=True)
    monitor = device("air", "air-monitor")
    register(each_database, [*load.devices, monitor])
    pack_at = now() - 7_200_000_000
    pack: list[dict[str, object]] = [{"bn": f"{monitor.id}:", "bt": pack_at // 1_000_000}]
    for minute in range(48):
        pack.append({"n": "no2", "t": minute * 60, "v": minute / 2})
        load.expected[monitor.id, "no2", pack_at + minute * 60_000_000] = minute / 2
    senml: Message = (f"borough/air-monitor/{monitor.id}/senml", json.dumps(pack).encode())
    old_at = now() - 400 * 86_400_000_000
    old = [message(monitor, {"time": rfc3339(old_at + index * 1_000_000), "pm10": index / 4}) for index in range(100)]
    with Collector(tmp_path, each_database, mosquitto.url, batch_readings=500) as collector:
        collector.start()
        publish(mosquitto.port, [*load.messages, senml])
        assert wait_for(lambda: total(table_account(each_database)).messages_received == 2_001, 20)
        if tier == "community":
            ask(each_database, "select compress_chunk(c) from show_chunks('public.reading') c")
        # late ones into an old chunk, everything once more, and another value for a key that is taken
        conflict = message(monitor, {"time": rfc3339(pack_at), "no2": 99.0})
        publish(mosquitto.port, [*old, *load.messages, senml, conflict])
        assert wait_for(lambda: total(table_account(each_database)).messages_received == 2_001 + 2_102, 30)
        metrics = collector.account_at_rest()
        assert collector.stop() == 0
    for index in range(100):
        load.expected[monitor.id, "pm10", old_at + index * 1_000_000] = index / 4
    assert_stored(each_database, load.expected)
    account = table_account(each_database)
    assert_same(metrics, account)
    sums = total(account)
    assert (sums.readings_stored, sums.readings_duplicates, sums.readings_rejected) == (2_148, 2_048, 1)
    assert count(each_database, "public.rejected where reason = 'conflict'") == 1
    assert ask(each_database, "select count(*) from public.latest") == [(42,)]
