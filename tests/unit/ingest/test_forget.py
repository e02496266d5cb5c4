"""Which kept messages go with an erasure, where the broker calls the meter by a name that is no id."""

from __future__ import annotations

import pytest

from devices.device import Device
from ingest.forget import ErasureFilter
from ingest.options import BrokerOptions, CollectorOptions
from ingest.subscriptions import Subscription
from ingest.suppressions import Suppressions
from store import tombstones
from store.tombstones import Tombstone

KEY = b"a key of the unit tests, long enough to be one"
START = 1_769_904_000_000_000
HOUR = 3_600_000_000
SUBSCRIPTIONS = [
    Subscription("zigbee2mqtt/{device}", "zigbee2mqtt"),
    Subscription("zigbee2mqtt/{device}/{property}", "zigbee2mqtt"),
]
POWER, STATUS = b'{"power": 5}', b'{"state": "online"}'


def make(name: str, *devices: Device) -> ErasureFilter:
    """The first ten hours of a meter that the broker called so were erased, and the meter with them."""
    suppressions = Suppressions(KEY)
    mark = tombstones.mark(KEY, name)
    suppressions.take([Tombstone("meter", mark, START, START + 10 * HOUR, "smart-meter", "zigbee2mqtt", gone=True)], 1)
    return ErasureFilter(CollectorOptions("", BrokerOptions(), SUBSCRIPTIONS), suppressions, devices)


@pytest.mark.parametrize("name", ["Power Monitor", "Kitchen/Floor Light"])
def test_its_messages_go_by_the_name(name: str) -> None:
    topics = [f"zigbee2mqtt/{name}"] * 3 + [f"zigbee2mqtt/{name}/availability", f"other/{name}/x", "zigbee2mqtt/x"]
    payloads = [POWER, POWER, STATUS, b"online", POWER, POWER]
    arrivals = [START, START + 10 * HOUR, START, START, START, START]
    assert make(name)(topics, payloads, arrivals).tolist() == [True, False, True, True, True, False]


def test_who_has_the_name_today_keeps_what_is_his() -> None:
    now = Device("m9", "smart-meter", "zigbee2mqtt", personal=True, attributes={"topic": "Power Monitor"})
    topics = ["zigbee2mqtt/Power Monitor"] * 2
    assert make("Power Monitor", now)(topics, [POWER, STATUS], [START, START]).tolist() == [False, False]


def test_a_registered_meter_is_found_by_its_name() -> None:
    meter = Device("m1", "smart-meter", "zigbee2mqtt", personal=True, attributes={"topic": "Kitchen/Floor Light"})
    topics = ["zigbee2mqtt/Kitchen/Floor Light"] * 2
    assert make("m1", meter)(topics, [POWER, POWER], [START, START + 10 * HOUR]).tolist() == [True, False]
