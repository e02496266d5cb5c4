"""Names of what nobody reads: one look a topic, counted by device, bounded."""

from __future__ import annotations

import pytest

from devices.decoders import FORMATS
from devices.decoding import Binding
from devices.device import Device
from ingest import unread as module
from ingest.routes import Routes
from ingest.subscriptions import Subscription
from ingest.unread import UnreadNames
from store.unread import Unread

PLUG = b'{"power": 5, "voltage": 230}'


def make(names: UnreadNames) -> Routes:
    routes = Routes(
        [Subscription("zigbee2mqtt/{device}", "zigbee2mqtt")], FORMATS, keep={}, auto_register=None, unread=names
    )
    routes.update(Device(f"p{number}", "smart-meter", "zigbee2mqtt", personal=True) for number in range(3))
    return routes


def test_the_first_message_of_a_topic_is_looked_through_and_no_other() -> None:
    names = UnreadNames()
    routes = make(names)
    route = routes.find("zigbee2mqtt/p0")
    assert route.decode(PLUG) == (None, {"power": 5}, None)
    plain = route.decode
    assert route.decode(b'{"power": 5, "current": 1}')[1] == {"power": 5}
    assert route.decode is plain
    assert names.news() == [Unread("smart-meter", "zigbee2mqtt", "voltage", 1)]
    routes.look_again()
    routes.find("zigbee2mqtt/p0").decode(b'{"power": 5, "current": 1}')
    assert [row.name for row in names.news()] == ["current", "voltage"]


def test_a_message_that_is_rejected_is_looked_through_too() -> None:
    names = UnreadNames()
    with pytest.raises(Exception, match="empty"):
        make(names).find("zigbee2mqtt/p0").decode(b'{"wattage": 5}')
    assert [row.name for row in names.news()] == ["wattage"]


def test_devices_are_counted_once_and_told_when_their_number_changes() -> None:
    names = UnreadNames()
    routes = make(names)
    for _ in range(2):
        for number in range(3):
            routes.find(f"zigbee2mqtt/p{number}").decode(PLUG)
    rows = names.news()
    assert rows == [Unread("smart-meter", "zigbee2mqtt", "voltage", 3)]
    names.noted(rows)
    assert names.news() == []
    names.note(Binding("p9", "smart-meter", "zigbee2mqtt", {}), "zigbee2mqtt", ["voltage"])
    assert names.news() == [rows[0]._replace(devices=4)]
    names.noted(rows)
    assert names.news() == [rows[0]._replace(devices=4)], "what was counted meanwhile is told next time"
    names.clear()
    assert names.news() == []


def test_its_memory_is_bounded_in_names_and_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NAMES", 5)
    monkeypatch.setattr(module, "_DEVICES", 7)
    names = UnreadNames()
    for number in range(100):
        names.note(Binding(f"d{number}", "smart-meter", "x", {}), "x", [f"name{number % 10}"])
    rows = names.news()
    assert len(rows) <= 5
    assert sum(row.devices for row in rows) == 7
