"""Collectors that share: one is killed while messages flow, and its share is neither lost nor stored twice."""

from __future__ import annotations

import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.load import Load, assert_stored, count, grows, native_load, register
from tests.tools.publisher import Publishing
from tests.tools.servers import Mosquitto, wait_for

MESSAGES = 20_000


def stores(collector: Collector, load: Load) -> bool:
    """Whether it has stored something; two that take turns have different families."""
    families = {device.family for device in load.devices}
    return any(collector.metric("borough_readings_stored_total", family) > 0 for family in families)


@pytest.mark.parametrize("returns", [False, True], ids=["the other one takes its share", "it comes back"])
def test_one_of_two_killed_while_messages_flow(
    database: str, mosquitto: Mosquitto, collect: Collect, seed: int, returns: bool
) -> None:
    load = native_load(seed, MESSAGES, devices=200)
    register(database, load.devices)
    one, other = (collect(database, mosquitto.url, mqtt_shared_group="borough").start() for _ in range(2))
    publishing = Publishing(mosquitto.port, load.messages, rate=4_000)
    assert wait_for(lambda: count(database, "public.reading") > MESSAGES // 10, 30, 0.02)
    assert stores(one, load)
    assert stores(other, load)
    other.kill9()
    assert count(database, "public.reading") < MESSAGES, "it was to be killed in the middle"
    if returns:
        other.start()
    publishing.join()
    assert grows(database, "public.reading", MESSAGES, 60), "what lay in the session of the killed one is not taken"
    one.account()
    assert one.stop() == 0
    if returns:
        other.account()
        assert other.stop() == 0
    assert_stored(database, load.expected)
    sums = total(table_account(database))
    assert (sums.readings_stored, sums.readings_rejected) == (MESSAGES, 0)
