"""Which rejections name a household's device."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import Device
from ingest.households import Households
from store.batch import Rejected

METER = "1200000000002"


def make(*names: str) -> Households:
    households = Households()
    for name in names or (METER, "glow-E0123456789A", "home:7"):
        households.update(Device(name, "smart-meter", "native", personal=True))
    return households


def rejected(topic: str = "a/b", name: str | None = None, detail: str = "", payload: bytes = b"") -> Rejected:
    return Rejected(0, topic, "air-monitor", "air-1", name, "bad_value", detail, payload, False, None)


@pytest.mark.parametrize(
    "found",
    [
        rejected(topic=f"borough/air-monitor/{METER}/x"),
        rejected(name=METER),
        rejected(name=f"mpan{METER}x"),
        rejected(detail=f"the topic says {METER}"),
        rejected(payload=b'{"meter": "1200000000002"}'),
        rejected(payload=b"\xff\x00home:7"),
        rejected(payload=b"x_glow-E0123456789A.power"),
    ],
)
def test_its_topic_texts_and_bytes_are_looked_through(found: Rejected) -> None:
    households = make()
    assert households.named_in(found)
    for name in (METER, "glow-E0123456789A", "home:7"):
        households.forget(name)
    assert not households.named_in(found)


@pytest.mark.parametrize(
    "payload", [b"", b"12000000000021", b"91200000000002", b"home:70", b"glow-E0123456789", b"home", b"\xff" * 100]
)
def test_what_only_looks_like_it_does_not(payload: bytes) -> None:
    assert not make().named_in(rejected(payload=payload))


def test_a_device_of_a_personal_family_is_a_household_s_whatever_it_says_of_itself() -> None:
    households = Households()
    households.update(Device(METER, "smart-meter", "native", personal=False))
    assert households.named_in(rejected(payload=METER.encode()))


def test_a_device_that_is_no_household_s_any_more() -> None:
    households = make("air-1")
    households.update(Device("air-1", "air-monitor", "native"))
    assert not households.named_in(rejected(payload=b"air-1"))


def test_a_household_s_own_id_is_no_other_s() -> None:
    own = rejected(payload=METER.encode())._replace(device=METER)
    assert not make().named_in(own)
    assert make().named_in(own._replace(payload=own.payload + b" home:7"))


@pytest.mark.parametrize("name", ["Power Monitor", "Küche", "Übergabe 7", "Kitchen/Floor Light", "κουζίνα"])
@pytest.mark.parametrize("others", [0, 40])
def test_what_the_broker_calls_a_household_s_device_names_it_too(name: str, others: int) -> None:
    households = make(*(f"{chr(97 + number % 26)}{number}x" for number in range(others)))
    device = Device("m1", "smart-meter", "zigbee2mqtt", personal=True, attributes={"topic": name})
    households.update(device)
    assert households.named_in(rejected(topic=f"zigbee2mqtt/{name}/set"))
    assert households.named_in(rejected(payload=f'{{"name": "{name}"}}'.encode()))
    assert not households.named_in(rejected(payload=name.encode()[:-1]))
    households.update(Device("m1", "smart-meter", "zigbee2mqtt", personal=True, attributes={"topic": "other name"}))
    assert not households.named_in(rejected(topic=f"zigbee2mqtt/{name}"))
    households.forget("m1")
    assert not households.named_in(rejected(topic="zigbee2mqtt/other name"))


def stands(name: str, data: bytes) -> bool:
    """The rule said plainly: the id, and on neither side of it more of the letters or digits that it ends with."""
    around = {True: b"[0-9]", False: b"[A-Za-z]"}
    before, after = around[name[0].isdigit()], around[name[-1].isdigit()]
    end = b"(?!" + after + b")" if name[-1].isalnum() else b""
    return re.search(b"(?<!" + before + b")" + re.escape(name.encode()) + end, data) is not None


#: Others, so that there are too many beginnings to seek each.
MANY = [f"{letter}-7" for letter in "bcdefghijklmnopqrst"]


@given(
    st.lists(st.from_regex(r"[a1][a1:]{0,4}", fullmatch=True), min_size=1, max_size=3),
    st.text("a1:", max_size=12).map(str.encode),
    st.sampled_from([[], MANY]),
)
def test_an_id_is_found_where_it_stands_alone_and_nowhere_else(
    names: list[str], payload: bytes, others: list[str]
) -> None:
    households = make(*names, *others)
    assert households.named_in(rejected("x", payload=payload)) == any(stands(name, payload) for name in names)
