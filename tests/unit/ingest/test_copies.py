"""Copies of one message by several filters: each message counts once, whatever stands beside it."""

from __future__ import annotations

from collections import Counter
from random import Random

import mqtt5
from hypothesis import given
from hypothesis import strategies as st

from ingest.copies import Copies
from tests.references import mqtt_filters
from tests.tools.mqtt5_peer import PINGRESP, publish, rig

TOPICS = {"both": "a/x/1", "old": "b/x/1", "new": "a/x"}
#: (which filters take it, payload, waited in the session since before, the new subscription's copy is first)
EVENT = st.tuples(st.sampled_from(["both", "old", "new"]), st.sampled_from([b"0", b"1"]), st.booleans(), st.booleans())


def delivered(which: str, payload: bytes, waited: bool, new_first: bool) -> list[tuple[str, bytes, bool]]:
    """What Mosquitto delivers of one message: a copy for each subscription, side by side."""
    topic = TOPICS[which]
    if waited or which == "old":
        return [(topic, payload, False)]
    if which == "new":
        return [(topic, payload, True)]
    return [(topic, payload, new_first), (topic, payload, not new_first)]


@given(st.lists(EVENT, max_size=12))
def test_each_message_counts_once(events: list[tuple[str, bytes, bool, bool]]) -> None:
    # what waited comes before what is delivered by the new subscriptions
    events = sorted(events, key=lambda event: not event[2])
    copies = Copies(["a/#"], ["a/+/1", "b/#"])
    assert copies.possible
    kept = Counter(
        (topic, payload)
        for event in events
        for topic, payload, by_new in delivered(*event)
        if not copies.is_copy(topic, payload, [1] if by_new else [])
    )
    assert kept == Counter((TOPICS[which], payload) for which, payload, *_ in events)


def test_filters_that_meet_no_other_have_no_copies() -> None:
    assert not Copies(["a/#"], ["b/#"]).possible
    assert not Copies(["a/#", "b/+"], []).possible
    assert Copies(["a/+", "+/b"], []).possible


FILTERS = ["+/status/+", "tele/+/SENSOR", "zigbee2mqtt/+", "zigbee2mqtt/+/+", "+/+/SENSOR"]


@given(
    st.permutations(FILTERS),
    st.lists(
        st.tuples(
            st.sampled_from(["tele/status/SENSOR", "tele/plug/SENSOR", "zigbee2mqtt/status/x", "zigbee2mqtt/a", "x/y"]),
            st.randoms(use_true_random=False),
            st.booleans(),
        ),
        max_size=8,
    ),
)
def test_of_several_filters_the_first_one_counts(filters: list[str], events: list[tuple[str, Random, bool]]) -> None:
    """Whether the broker delivers a copy for each filter, in any order, or one that names them all."""
    copies = Copies(filters, [])
    identifier = copies.identifiers
    assert identifier == [Copies(FILTERS, []).identifiers[FILTERS.index(pattern)] for pattern in filters]
    for topic, chance, at_once in events:
        takers = [identifier[place] for place, pattern in enumerate(filters) if mqtt_filters.takes(pattern, topic)]
        order = chance.sample(takers, len(takers))
        deliveries = ([order] if order else []) if at_once else [[number] for number in order]
        taken = [found for found in deliveries if not copies.is_copy(topic, b"1", found)]
        assert len(taken) == (1 if takers else 0)
        if takers and not at_once:
            assert taken == [[takers[0]]]


async def test_a_second_copy_is_acknowledged_and_not_taken() -> None:
    """A message without a time that came by an old and by the new filter would be stored twice."""
    async with rig(leftover=["borough/#"]) as r:
        peer = await r.peer()
        await peer.connack(session_present=True)
        subscribe = await peer.packet()
        assert isinstance(subscribe, mqtt5.SubscribePacket)
        assert subscribe.subscription_id == 1
        unsubscribe = await peer.packet()
        assert isinstance(unsubscribe, mqtt5.UnsubscribePacket)
        topic = "borough/parking-bay/b1/reading"
        codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]
        peer.send(
            publish(topic, b"waited", 1),
            mqtt5.SubAckPacket(subscribe.packet_id, codes).write(),
            publish(topic, b"live", 2),
            publish(topic, b"live", 3, subscription_ids=[1]),
            mqtt5.UnsubAckPacket(unsubscribe.packet_id, [mqtt5.UnsubAckReasonCode.SUCCESS]).write(),
            publish(topic, b"live", 4, subscription_ids=[1]),
        )
        await r.until(lambda: len(r.messages()) == 3)
        assert r.messages() == [(topic, b"waited", 1), (topic, b"live", 2), (topic, b"live", 4)]
        assert await peer.acknowledged(1) == [3], "the copy alone: the others wait for their commit"


async def test_copies_that_come_in_one_piece_with_the_answer_to_connect() -> None:
    """Long enough for packets to be taken many at once, before it is known that there may be copies."""
    async with rig(leftover=["borough/#"]) as r:
        peer = await r.peer()
        assert isinstance(await peer.packet(), mqtt5.ConnectPacket)
        topic = "borough/parking-bay/b1/reading"
        waited = [publish(topic, b"waited %d" % number + bytes(100), number) for number in range(1, 60)]
        live = publish(topic, b"live", 60), publish(topic, b"live", 61, subscription_ids=[1])
        peer.send(mqtt5.ConnAckPacket(session_present=True).write(), *waited, *live, publish(topic, b"last", 62))
        await r.until(lambda: bool(r.messages()) and r.messages()[-1][1] == b"last")
        assert [number for _, _, number in r.messages()] == [*range(1, 61), 62]
        assert await peer.wait_for(mqtt5.SubscribePacket)
        assert await peer.wait_for(mqtt5.UnsubscribePacket)
        assert await peer.acknowledged(1) == [61]


async def test_a_broker_without_identifiers_gets_none() -> None:
    async with rig(leftover=["borough/#"]) as r:
        peer = await r.peer()
        subscribe = await peer.welcome(session_present=True, subscription_id_available=False)
        assert subscribe.subscription_id is None


async def test_a_session_without_copies_bears_no_identifier() -> None:
    async with rig(leftover=["elsewhere/#"]) as r:
        peer = await r.peer()
        assert (await peer.welcome(session_present=True)).subscription_id is None


async def test_filters_that_overlap_by_chance_are_subscribed_apart_and_a_copy_is_acknowledged_alone() -> None:
    async with rig(filters=[("+/status/+", 1), ("tele/+/SENSOR", 1), ("x/+", 0)]) as r:
        peer = await r.peer()
        await peer.connack()
        asked = [await peer.packet(), await peer.packet(), await peer.packet()]
        assert [[one.pattern for one in item.topic_filters] for item in asked] == [
            ["+/status/+"],
            ["tele/+/SENSOR"],
            ["x/+"],
        ]
        shelly, tasmota, other = (item.subscription_id for item in asked)
        assert other == 1
        assert len({shelly, tasmota, other}) == 3
        once, never = mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE
        for number, code in ((2, once), (3, never)):
            peer.send(mqtt5.SubAckPacket(number, [code]).write())
        await r.until(lambda: r.source.status.connected)
        assert not r.source.status.subscribed
        peer.send(mqtt5.SubAckPacket(1, [once]).write())
        await r.until(lambda: r.source.status.subscribed)
        topic = "tele/status/SENSOR"
        peer.send(
            publish(topic, b"1", 5, subscription_ids=[tasmota]), publish(topic, b"1", 6, subscription_ids=[shelly])
        )
        await r.until(lambda: len(r.messages()) == 1)
        assert r.messages() == [(topic, b"1", 6)]
        assert await peer.acknowledged(1) == [5]


async def test_a_copy_counts_for_what_the_broker_has_in_flight() -> None:
    """It is acknowledged without being taken: the queue would look empty while its message is unacknowledged."""
    async with rig(filters=[("+/status/+", 1), ("tele/+/SENSOR", 1)]) as r:
        peer = await r.peer()
        await peer.connack(session_present=True)
        shelly, tasmota = [(await peer.wait_for(mqtt5.SubscribePacket)).subscription_id for _ in range(2)]
        topic = "tele/status/SENSOR"
        peer.send(
            publish(topic, b"1", 5, subscription_ids=[tasmota]), publish(topic, b"1", 6, subscription_ids=[shelly])
        )
        await r.until(lambda: len(r.messages()) == 1)
        peer.send(PINGRESP)
        await peer.acknowledged(1)
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(PINGRESP, publish(topic, b"2", 7, subscription_ids=[shelly]))
        await r.until(lambda: len(r.messages()) == 2)
        assert r.chunks[-1].absence is not None
