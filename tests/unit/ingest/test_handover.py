"""While an old and a new filter are both subscribed: each message counts once, whatever stands beside it."""

from __future__ import annotations

from collections import Counter

import mqtt5
from hypothesis import given
from hypothesis import strategies as st

from ingest.handover import Handover
from tests.tools.mqtt5_peer import publish, rig

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
    handover = Handover(["a/+/1", "b/#"], ["a/#"])
    assert handover
    kept = Counter(
        (topic, payload)
        for event in events
        for topic, payload, by_new in delivered(*event)
        if not handover.is_copy(topic, payload, by_new)
    )
    assert kept == Counter((TOPICS[which], payload) for which, payload, *_ in events)


def test_filters_that_meet_no_other_need_no_handover() -> None:
    assert not Handover(["b/#"], ["a/#"])
    assert not Handover([], ["a/#"])


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


async def test_a_broker_without_identifiers_gets_none() -> None:
    async with rig(leftover=["borough/#"]) as r:
        peer = await r.peer()
        subscribe = await peer.welcome(session_present=True, subscription_id_available=False)
        assert subscribe.subscription_id is None


async def test_a_session_without_a_handover_bears_no_identifier() -> None:
    async with rig(leftover=["elsewhere/#"]) as r:
        peer = await r.peer()
        assert (await peer.welcome(session_present=True)).subscription_id is None
