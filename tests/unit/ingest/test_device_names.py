"""Names that are no id: which device a topic leads to, and what the session is subscribed to for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import STATUS, Reason, Rejection
from devices.device import Device
from devices.topics import takes
from ingest.device_names import further_filters, is_further
from ingest.routes import Routes
from ingest.subscriptions import Subscription

ZIGBEE = [
    Subscription("zigbee2mqtt/{device}", "zigbee2mqtt"),
    Subscription("zigbee2mqtt/{device}/availability", "zigbee2mqtt"),
]
BY_PROPERTY = [ZIGBEE[0], Subscription("zigbee2mqtt/{device}/{property}", "zigbee2mqtt")]
SHELLY = [
    Subscription("{device}/status/switch:0", "shelly"),
    Subscription("{device}/status/switch:1", "shelly"),
    Subscription("{device}/status/em1:1", "shelly"),
    Subscription("{device}/status/em1data:1", "shelly"),
]


def named(device_id: str, topic: str, model: str = "zigbee2mqtt", family: str = "smart-meter") -> Device:
    return Device(device_id, family, model, personal=True, attributes={"topic": topic})


def make(subscriptions: list[Subscription], *devices: Device) -> Routes:
    routes = Routes(subscriptions, FORMATS, keep={}, auto_register=None)
    routes.update(devices)
    return routes


def found(routes: Routes, topic: str) -> str | None:
    route = routes.find(topic)
    return None if route.device is None else route.device.id


@pytest.mark.parametrize("name", ["Power Monitor", "Küche", "Kitchen/Floor Light", "a/b/c/d", "bridge light"])
@pytest.mark.parametrize("subscriptions", [ZIGBEE, BY_PROPERTY], ids=["objects", "attributes"])
def test_a_name_leads_to_its_device(name: str, subscriptions: list[Subscription]) -> None:
    routes = make(subscriptions, named("m1", name), Device("m2", "smart-meter", "zigbee2mqtt", personal=True))
    route = routes.find(f"zigbee2mqtt/{name}")
    assert (route.device_id, route.personal) == ("m1", True)
    assert route.decode(b'{"power": 5.5}') == (None, {"power": 5.5}, None)
    assert found(routes, f"zigbee2mqtt/{name}/availability") == "m1"
    assert routes.find(f"zigbee2mqtt/{name}/availability").decode(b"online") is STATUS
    assert found(routes, "zigbee2mqtt/m2") == "m2"
    assert found(routes, f"zigbee2mqtt/x{name}") is None
    if subscriptions is BY_PROPERTY:
        assert routes.find(f"zigbee2mqtt/{name}/energy").decode(b"12.5") == (None, {"import_register": 12.5}, None)


def test_two_rooms_have_a_sensor_each() -> None:
    routes = make(ZIGBEE, named("k", "kitchen/sensor"), named("l", "living_room/sensor"))
    assert found(routes, "zigbee2mqtt/kitchen/sensor") == "k"
    assert found(routes, "zigbee2mqtt/living_room/sensor") == "l"
    assert found(routes, "zigbee2mqtt/hall/sensor") is None


def test_a_name_that_changes_takes_effect_with_the_next_message() -> None:
    routes = make(ZIGBEE, named("m1", "Power Monitor"))
    assert found(routes, "zigbee2mqtt/Power Monitor") == "m1"
    routes.update([named("m1", "Kitchen/Meter")])
    assert found(routes, "zigbee2mqtt/Power Monitor") is None
    assert found(routes, "zigbee2mqtt/Kitchen/Meter") == "m1"
    retired = Device(
        "m1", "smart-meter", "zigbee2mqtt", personal=True, retired=True, attributes={"topic": "Kitchen/Meter"}
    )
    routes.update([named("m3", "Kitchen/Meter"), retired])
    assert found(routes, "zigbee2mqtt/Kitchen/Meter") == "m3", "what takes the place of a retired device has its name"


def test_a_topic_whose_name_nobody_has_says_so_without_quoting_it() -> None:
    route = make(ZIGBEE).find("zigbee2mqtt/Power Monitor")
    with pytest.raises(Rejection) as caught:
        route.decode(b"{}")
    assert caught.value.reason is Reason.UNKNOWN_DEVICE
    assert "attribute topic" in caught.value.detail
    assert "Power" not in caught.value.detail
    assert route.personal


def test_channels_are_devices() -> None:
    devices = [
        Device("shelly-a", "smart-meter", "shelly"),
        Device("shelly-a:1", "smart-meter", "shelly"),
        named("garage", "home/garage:1", "shelly"),
    ]
    routes = make(SHELLY, *devices)
    assert found(routes, "shelly-a/status/switch:0") == "shelly-a"
    assert found(routes, "shelly-a/status/switch:1") == "shelly-a:1"
    assert found(routes, "shelly-a/status/em1:1") == "shelly-a:1"
    assert found(routes, "shelly-a/status/em1data:1") == "shelly-a:1"
    assert found(routes, "home/garage/status/switch:1") == "garage"
    assert found(routes, "home/garage/status/switch:0") is None
    with pytest.raises(Rejection, match="device shelly-b:1 is not registered"):
        routes.find("shelly-b/status/em1:1").decode(b"{}")


def test_channels_of_a_topic_with_wildcards_too() -> None:
    devices = [Device(name, "smart-meter", "shelly") for name in ("s", "s:1")]
    routes = make([Subscription("{device}/status/+", "shelly")], *devices)
    assert found(routes, "s/status/switch:1") == "s:1"
    assert found(routes, "s/status/switch:0") == "s"
    assert found(routes, "s/status/sys") == "s"


def test_a_bridge_is_no_device() -> None:
    routes = make(BY_PROPERTY)
    assert routes.find("zigbee2mqtt/bridge/logging").decode(b'{"level": "info"}') is STATUS
    assert routes.find("zigbee2mqtt/bridge/state").decode(b"online") is STATUS
    with pytest.raises(Rejection, match="unknown_device"):
        routes.find("zigbee2mqtt/plug-9").decode(b"{}")


def test_a_session_is_subscribed_to_names_of_several_levels_alone() -> None:
    devices = [
        named("m1", "Power Monitor"),
        named("m2", "Kitchen/Floor Light"),
        named("m3", "home/garage:1", "shelly"),
        named("m4", "a/#"),
    ]
    assert further_filters([*BY_PROPERTY, *SHELLY[:1]], FORMATS, devices) == [
        ("home/garage/status/switch:0", 1),
        ("zigbee2mqtt/Kitchen/Floor Light/+", 1),
    ]
    assert further_filters(ZIGBEE, FORMATS, [devices[0]]) == []
    assert is_further(BY_PROPERTY, "zigbee2mqtt/Kitchen/Floor Light/+")
    assert not is_further(BY_PROPERTY, "zigbee2mqtt/+/+")
    assert not is_further(BY_PROPERTY, "other/Kitchen/Floor Light")


NAME = st.lists(st.sampled_from(["a", "b", "c d", "energy", "availability"]), min_size=1, max_size=3).map("/".join)


@given(names=st.lists(NAME, min_size=1, max_size=5, unique=True), by_property=st.booleans())
def test_every_name_is_brought_once_and_leads_home(names: list[str], by_property: bool) -> None:
    subscriptions = BY_PROPERTY if by_property else ZIGBEE
    devices = [named(f"m{number}", name) for number, name in enumerate(names)]
    filters = [item.filter for item in subscriptions] + [
        one for one, _ in further_filters(subscriptions, FORMATS, devices)
    ]
    routes = make(subscriptions, *devices)
    for device in devices:
        topic = f"zigbee2mqtt/{device.topic}"
        assert any(takes(one, topic) for one in filters)
        # what is a name is no attribute of another one
        assert found(routes, topic) == device.id
    for one in filters[len(subscriptions) :]:
        assert not any(takes(other, one) for other in filters if other != one), "a message would come twice"
