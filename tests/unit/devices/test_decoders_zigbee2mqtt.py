"""Zigbee2MQTT's `last_seen`: the device's own time, and not that of what Zigbee2MQTT says by itself later.

Public reports: Koenkk/zigbee2mqtt #3357 and #11582, the end of a motion comes with the time of its beginning.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import FORMATS
from devices.decoding import STATUS, Binding, Decode

BEGAN, LATER = "2026-02-22T15:05:30.292Z", "2026-02-22T15:09:02.118Z"


def sensor() -> Decode:
    return FORMATS["zigbee2mqtt"].bind(Binding("hall", "movement-sensor", "zigbee2mqtt", {}))


def said(**keys: Any) -> bytes:
    return json.dumps(keys).encode()


def test_the_end_of_a_motion_takes_its_arrival() -> None:
    decode = sensor()
    assert decode(said(last_seen=BEGAN, occupancy=True, battery=100))[0] == BEGAN
    assert decode(said(last_seen=BEGAN, occupancy=False, battery=100))[0] is None
    assert decode(said(last_seen=LATER, occupancy=True, battery=100))[0] == LATER


def test_the_same_again_keeps_its_time() -> None:
    """A redelivery, also behind the message that followed, is the same reading."""
    decode = sensor()
    for occupancy, time in ((True, BEGAN), (True, BEGAN), (False, None), (True, BEGAN), (False, None)):
        assert decode(said(last_seen=BEGAN, occupancy=occupancy))[0] == time


def test_what_is_new_in_a_message_is_not_older_than_it() -> None:
    decode = sensor()
    assert decode(said(last_seen=BEGAN, occupancy=True))[0] == BEGAN
    assert decode(said(last_seen=BEGAN, occupancy=True, battery=50))[0] is None
    assert decode(said(last_seen=BEGAN, occupancy=True))[0] == BEGAN


def test_without_the_setting_it_is_the_arrival() -> None:
    decode = sensor()
    assert decode(said(occupancy=True))[0] is None
    assert decode(said(occupancy=False))[0] is None


def test_a_status_between_changes_nothing() -> None:
    decode = sensor()
    assert decode(said(last_seen=BEGAN, occupancy=True))[0] == BEGAN
    assert decode(said(state="online")) is STATUS
    assert decode(said(last_seen=BEGAN, occupancy=False))[0] is None


def test_devices_are_told_apart() -> None:
    one, other = sensor(), sensor()
    assert one(said(last_seen=BEGAN, occupancy=True))[0] == BEGAN
    assert other(said(last_seen=BEGAN, occupancy=False))[0] == BEGAN


@given(st.lists(st.tuples(st.sampled_from([BEGAN, LATER, 1771772730292]), st.booleans()), max_size=12))
def test_no_time_stands_for_two_values_as_long_as_it_lasts(messages: list[tuple[Any, bool]]) -> None:
    decode = sensor()
    values: dict[Any, bool] = {}
    before = None
    for last_seen, motion in messages:
        if last_seen != before:
            values, before = {}, last_seen
        time, read, _ = decode(said(last_seen=last_seen, occupancy=motion))
        assert read == {"motion": motion}
        if time is not None:
            assert values.setdefault(time, motion) == motion
        else:
            assert values  # somebody has that time already
