"""Routes: which device, decoder and family a topic leads to, and that changes of the registry arrive."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from devices.decoders import FORMATS
from devices.decoding import Binding, Decode, Format, Reason, Rejection
from devices.device import Device
from ingest import routes as module
from ingest.routes import Route, Routes
from ingest.series_cache import FAMILY_NAMES, LATEST_ONLY
from ingest.subscriptions import Subscription, native

BAY = Device("b1", "parking-bay", "native")
METER = Device("m1", "smart-meter", "native", personal=True)
READING = b'{"time":"2026-02-01T00:30:00Z","occupied":true}'


def make(
    *devices: Device,
    auto_register: Any = None,
    subscriptions: list[Subscription] | None = None,
    formats: Mapping[str, Format] = FORMATS,
    keep: Mapping[str, Mapping[str, float]] | None = None,
) -> Routes:
    routes = Routes(subscriptions or native(formats), formats, keep=keep or {}, auto_register=auto_register)
    routes.update(devices)
    return routes


def refusal(route: Route) -> Rejection:
    """How a route rejects; fails where it does not."""
    with pytest.raises(Rejection) as caught:
        route.decode(READING)
    return caught.value


def test_a_native_topic_leads_to_its_device() -> None:
    route = make(BAY).find("borough/parking-bay/b1/reading")
    assert (route.device, route.device_id, FAMILY_NAMES[route.family], route.personal) == (
        BAY,
        "b1",
        "parking-bay",
        False,
    )
    assert route.decode(READING) == ("2026-02-01T00:30:00Z", {"occupied": True}, None)


@pytest.mark.parametrize(
    ("topic", "reason", "device_id", "family"),
    [
        ("borough/parking-bay/b2/reading", Reason.UNKNOWN_DEVICE, "b2", "unknown"),
        ("borough/parking-bay/b 1/reading", Reason.UNKNOWN_DEVICE, None, "unknown"),
        ("borough/parking-bay/b\N{REPLACEMENT CHARACTER}/reading", Reason.UNKNOWN_DEVICE, None, "unknown"),
        ("borough/parking-bay/" + "b" * 129 + "/reading", Reason.UNKNOWN_DEVICE, None, "unknown"),
        ("borough/parking-bay/b1/readings", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("borough/parking-bay/b1", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("borough/parking-bay//reading", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("xborough/parking-bay/b1/reading", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("borough/parking-bay/b1/reading\n", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("", Reason.UNKNOWN_TOPIC, None, "unknown"),
        ("borough/smart-meter/b1/reading", Reason.WRONG_FAMILY, "b1", "parking-bay"),
        ("borough/boat/b1/reading", Reason.WRONG_FAMILY, "b1", "parking-bay"),
        ("borough/parking-bay/old/reading", Reason.RETIRED_DEVICE, "old", "parking-bay"),
    ],
)
def test_what_cannot_be_taken_is_rejected_with_its_reason(
    topic: str, reason: Reason, device_id: str | None, family: str
) -> None:
    route = make(BAY, Device("old", "parking-bay", "native", retired=True)).find(topic)
    assert refusal(route).reason == reason
    assert (route.device_id, FAMILY_NAMES[route.family]) == (device_id, family)


@pytest.mark.parametrize(
    ("device", "personal"),
    [
        (BAY, False),
        (replace(BAY, personal=True), True),
        (METER, True),
        (replace(METER, personal=False), True),
        (None, True),
    ],
    ids=["open", "stricter", "home", "a home cannot be made open", "unregistered"],
)
def test_whose_bytes_are_personal(device: Device | None, personal: bool) -> None:
    route = make(*([device] if device else [])).find(
        f"borough/{device.family if device else 'x'}/{device.id if device else 'd'}/reading"
    )
    assert route.personal == personal


def test_a_topic_without_a_family_takes_the_registered_one() -> None:
    routes = make(
        Device("s1", "movement-sensor", "zigbee2mqtt", personal=True),
        subscriptions=[Subscription("zigbee2mqtt/{device}", "zigbee2mqtt")],
    )
    route = routes.find("zigbee2mqtt/s1")
    assert FAMILY_NAMES[route.family] == "movement-sensor"
    assert route.decode(b'{"occupancy":true}')[1] == {"motion": True}


def test_the_first_subscription_that_takes_a_topic_reads_it() -> None:
    seen: list[str] = []

    def naming(name: str) -> Format:
        def bind(_binding: Binding) -> Decode:
            seen.append(name)
            return lambda _payload: (None, {}, None)

        return Format(name, (), bind)

    formats = {"narrow": naming("narrow"), "wide": naming("wide")}
    subscriptions = [Subscription("a/{device}/x", "narrow"), Subscription("a/{device}/#", "wide")]
    routes = make(BAY, subscriptions=subscriptions, formats=formats)
    for topic in ("a/b1/x", "a/b1/y", "a/b1"):
        routes.find(topic)
    assert seen == ["narrow", "wide", "wide"]


def test_a_decoder_is_told_what_the_registry_knows_of_its_device() -> None:
    bound: list[Binding] = []

    def bind(binding: Binding) -> Decode:
        bound.append(binding)
        return lambda _payload: (None, {}, None)

    device = replace(BAY, model="bosch-tps110", attributes={"zone": "Europe/London"})
    formats = {"x": Format("x", (), bind)}
    make(device, subscriptions=[Subscription("x/{device}", "x")], formats=formats).find("x/b1")
    assert bound == [Binding("b1", "parking-bay", "bosch-tps110", {"zone": "Europe/London"})]


def test_a_format_that_cannot_read_a_model_rejects_its_messages() -> None:
    def bind(_binding: Binding) -> Decode:
        raise Rejection(Reason.NO_CODEC, "model native has no codec")

    routes = make(BAY, subscriptions=[Subscription("x/{device}", "x")], formats={"x": Format("x", (), bind)})
    route = routes.find("x/b1")
    assert refusal(route).reason == Reason.NO_CODEC
    assert FAMILY_NAMES[route.family] == "parking-bay"


# -- registration ----------------------------------------------------------------------------------------------------


def test_an_unregistered_device_is_registered_only_where_that_is_asked_for() -> None:
    topic = "borough/smart-meter/m9/senml"
    assert make().find(topic).device is None
    routes = make(auto_register="simulated")
    expected = Device("m9", "smart-meter", "native", origin="simulated", personal=True)
    route = routes.find(topic)
    assert route.decode(b'[{"n":"import_interval","v":0.5}]')[1] == [("import_interval", None, 0.5)]
    assert (route.device, FAMILY_NAMES[route.family], route.personal) == (expected, "smart-meter", True)
    again = routes.find("borough/smart-meter/m9/reading")
    assert again.device == expected
    assert again.slots is route.slots
    assert routes.new_devices == [expected], "once"


@pytest.mark.parametrize("payload", [b"", b"\x00", b'{"colour": 1}', b'{"time": 1}', b"[" * 5_000])
def test_an_id_is_not_registered_by_what_cannot_be_read(payload: bytes) -> None:
    """Or anybody who may publish could fill the registry with meters."""
    routes = make(auto_register="real")
    for _ in range(2):
        route = routes.find("borough/smart-meter/m9/reading")
        with pytest.raises(Rejection) as caught:
            route.decode(payload)
        assert caught.value.reason == Reason.UNKNOWN_DEVICE
        assert (route.device, FAMILY_NAMES[route.family], route.personal) == (None, "unknown", True)
    assert routes.new_devices == []
    good = routes.find("borough/smart-meter/m9/reading")
    good.decode(b'{"import_interval": 1}')
    assert [device.id for device in routes.new_devices] == ["m9"]


def test_a_payload_of_a_wrong_family_is_personal_where_either_is() -> None:
    routes = make(BAY, METER)
    assert routes.find("borough/parking-bay/m1/reading").personal
    assert routes.find("borough/smart-meter/b1/reading").personal
    assert not routes.find("borough/air-monitor/b1/reading").personal


def test_a_flood_of_long_topics_leaves_the_routes_of_devices() -> None:
    """Topics may be 64 kB: what is remembered of those that nobody takes is bounded in characters too."""
    routes = make(BAY)
    kept = routes.find("borough/parking-bay/b1/reading")
    for number in range(1_000):
        routes.find(f"borough/parking-bay/{number}{'x' * 60_000}/reading")
    assert sum(map(len, routes.by_topic)) < 5_000_000
    assert routes.by_topic["borough/parking-bay/b1/reading"] is kept


def test_nothing_is_registered_that_is_no_device() -> None:
    routes = make(auto_register="real")
    for topic in ("borough/boat/b1/reading", "borough/parking-bay/b 1/reading", "borough/parking-bay/+/reading"):
        assert refusal(routes.find(topic)).reason == Reason.UNKNOWN_DEVICE
    assert routes.new_devices == []


@pytest.mark.parametrize(
    ("topic", "name", "family"),
    [("airgradient/readings/a1", "airgradient", "air-monitor"), ("v3/app@t/devices/d1/up", "tts", None)],
)
def test_a_vendors_topic_registers_what_its_format_is_for(topic: str, name: str, family: str | None) -> None:
    routes = make(auto_register="real", subscriptions=[Subscription(FORMATS[name].topics[0], name)])
    with suppress(Rejection):
        routes.find(topic).decode(b'{"wifi": -60, "serialno": "a1", "rco2": 400, "pm02": 3, "atmp": 21, "rhum": 40}')
    assert [(device.family, device.model) for device in routes.new_devices] == ([(family, name)] if family else [])


# -- changes ---------------------------------------------------------------------------------------------------------


def test_changes_of_the_registry_arrive_with_the_next_message() -> None:
    routes, topic = make(), "borough/parking-bay/b1/reading"
    assert refusal(routes.find(topic)).reason == Reason.UNKNOWN_DEVICE
    routes.update([BAY])
    assert topic not in routes.by_topic
    assert routes.find(topic).device == BAY
    routes.update([replace(BAY, retired=True)])
    assert refusal(routes.find(topic)).reason == Reason.RETIRED_DEVICE
    routes.update([replace(BAY, personal=True)])
    assert routes.find(topic).personal


def test_no_change_keeps_the_routes() -> None:
    routes = make(BAY)
    route = routes.find("borough/parking-bay/b1/reading")
    routes.update([replace(BAY)])
    routes.update([])
    assert routes.by_topic == {"borough/parking-bay/b1/reading": route}


def test_a_device_keeps_its_slots_on_all_its_topics_and_through_changes() -> None:
    routes = make(METER)
    first = routes.find("borough/smart-meter/m1/reading")
    slot = routes.slot(first, "power")
    assert slot == 0
    assert routes.find("borough/smart-meter/m1/senml").slots == {"power": 0}
    routes.update([replace(METER, lon=0.0, lat=51.0)])
    assert routes.find("borough/smart-meter/m1/reading").slots == {"power": 0}
    assert [(item.device.id, item.property) for item in routes.new_series] == [("m1", "power")]


@pytest.mark.parametrize("change", [{"family": "movement-sensor"}, {"model": "glow"}])
def test_another_family_or_model_has_slots_of_its_own(change: dict[str, str]) -> None:
    """Ranges follow the family, keep rules the model."""
    routes = make(BAY)
    routes.slot(routes.find("borough/parking-bay/b1/reading"), "battery")
    changed = replace(BAY, **change)  # type: ignore[arg-type]
    routes.update([changed])
    route = routes.find(f"borough/{changed.family}/b1/reading")
    assert route.slots == {}
    assert routes.slot(route, "battery") == 1
    assert routes.new_series[1].device == changed


def test_another_capacity_of_a_car_park_is_judged_from_the_next_message() -> None:
    park = Device("p1", "car-park", "native", attributes={"capacity": "100"})
    routes = make(park)
    routes.slot(routes.find("borough/car-park/p1/reading"), "free_spaces")
    routes.update([replace(park, attributes={"capacity": "200"})])
    assert routes.slot(routes.find("borough/car-park/p1/reading"), "free_spaces") == 1
    assert routes.new_series[1].device.attributes == {"capacity": "200"}


def test_a_slot_is_given_for_properties_of_the_family_alone() -> None:
    routes = make(BAY)
    route = routes.find("borough/parking-bay/b1/reading")
    assert routes.slot(route, "power") is None
    assert routes.slot(routes.find("borough/parking-bay/b2/reading"), "occupied") is None
    assert (routes.series_count, routes.new_series) == (0, [])


def test_a_slot_has_the_keep_rule_of_its_model() -> None:
    routes = make(replace(METER, model="glow"), subscriptions=[Subscription("x/{device}", "native")])
    route = routes.find("x/m1")
    for name in ("import_register", "power", "import_interval"):
        routes.slot(route, name)
    assert [item.keep for item in routes.new_series] == [1_800_000_000, LATEST_ONLY, 0]


def test_a_flood_of_invented_topics_does_not_grow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROUTES_MAXIMUM", 100)
    routes = make(BAY)
    for number in range(1000):
        routes.find(f"borough/parking-bay/x{number}/reading")
        assert len(routes.by_topic) <= 100
    assert routes.find("borough/parking-bay/b1/reading").device == BAY
    assert routes.series_count == 0


def test_a_route_that_refuses_always_gives_the_same_answer() -> None:
    route = make().find("borough/parking-bay/b1/reading")
    first, second = refusal(route), refusal(route)
    assert (first.reason, first.detail) == (second.reason, second.detail)
    assert first is not second, "a raised exception holds its traceback, and with it the batch"
