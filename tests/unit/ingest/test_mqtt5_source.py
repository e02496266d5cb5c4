"""The MQTT 5 source: its session, its beginning and its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import mqtt5
import pytest

from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions
from tests.tools.mqtt5_peer import FILTERS, PINGRESP, publish, rig

# -- the session -----------------------------------------------------------------------------------------------------


async def test_connect_says_what_the_session_shall_be() -> None:
    async with rig(username="u", password="geheim", receive_maximum=1234, keep_alive=17, session_expiry=600) as r:
        connect = await (await r.peer()).connack()
        assert connect.client_id == "c1"
        assert connect.clean_start is False, "a session made with true is not persisted by Mosquitto"
        assert (connect.username, connect.password) == ("u", b"geheim")
        assert (connect.receive_max, connect.keep_alive, connect.session_expiry_interval) == (1234, 17, 600)
        assert connect.topic_alias_max == 0


@pytest.mark.parametrize("receive_maximum", [0, 65_535, 65_536])
async def test_a_receive_maximum_that_would_not_be_sent_is_refused(receive_maximum: int) -> None:
    """The codec leaves 65535 out, and Mosquitto then allows 20."""
    with pytest.raises(ValueError, match="between 1 and 65534"):
        Mqtt5Source(BrokerOptions(receive_maximum=receive_maximum), FILTERS, lambda _chunk: None, lambda _present: None)


async def test_subscriptions_are_asked_for_and_only_their_confirmation_counts() -> None:
    async with rig() as r:
        peer = await r.peer()
        await peer.connack()
        subscribe = await peer.packet()
        assert [(item.pattern, int(item.max_qos)) for item in subscribe.topic_filters] == FILTERS
        assert not any(item.retain_as_published for item in subscribe.topic_filters), "live and stale would look alike"
        await r.until(lambda: r.source.status.connected)
        assert not r.source.status.subscribed
        codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]
        peer.send(mqtt5.SubAckPacket(subscribe.packet_id, codes).write())
        await r.until(lambda: r.source.status.subscribed)


async def test_whether_the_session_was_known_is_told_before_its_first_message() -> None:
    async with rig() as r:
        seen: list[bool] = []
        r.on_chunk = lambda _chunk: seen.extend(r.sessions)
        peer = await r.peer()
        await peer.connack(session_present=True)
        peer.send(publish("t", b"queued", 9))
        await r.until(lambda: bool(r.chunks))
        assert seen == [True]


async def test_a_refused_session_is_tried_again_and_said_plainly() -> None:
    async with rig() as r:
        peer = await r.peer()
        await peer.connack(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED)
        assert await peer.ended()
        await r.until(lambda: r.source.status.problem == "the broker refuses the session: not authorized")
        assert (r.source.status.connected, r.source.status.connects, r.sessions) == (False, 0, [])
        await r.connected()
        assert r.source.status.problem == ""


async def test_a_broker_without_shared_subscriptions_is_told_from_one_that_is_silent() -> None:
    """It takes the filter as a topic like any other, and grants it: nothing would ever come."""
    async with rig() as r:
        peer = await r.peer()
        await peer.connack(shared_subscription_available=False)
        assert await peer.ended()
        await r.until(lambda: "shared subscription" in r.source.status.problem)
        assert "BOROUGH_MQTT_SHARED_GROUP" in r.source.status.problem
        assert r.sessions == [], "a session that we did not take is none that was lost"
        assert not r.source.status.connected
    async with rig(filters=[("borough/+/+/reading", 1)]) as r:
        await r.connected(shared_subscription_available=False)


async def test_a_subscription_whose_packet_id_is_in_use_is_asked_for_by_another() -> None:
    """As Mochi says it, for which our ids and its own unacknowledged messages' are of one kind."""
    in_use = mqtt5.SubAckReasonCode.PACKET_ID_IN_USE
    async with rig() as r:
        peer = await r.peer()
        await peer.connack(session_present=True)
        asked = await peer.packet()
        peer.send(mqtt5.SubAckPacket(asked.packet_id, [in_use, in_use]).write())
        again = await peer.wait_for(mqtt5.SubscribePacket)
        assert again.packet_id != asked.packet_id
        assert [item.pattern for item in again.topic_filters] == [item.pattern for item in asked.topic_filters]
        assert not r.source.status.subscribed
        granted = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]
        peer.send(mqtt5.SubAckPacket(again.packet_id, granted).write())
        await r.until(lambda: r.source.status.subscribed)
        assert r.source.status.connects == 1


async def test_a_broker_to_which_every_packet_id_is_in_use_is_left() -> None:
    async with rig() as r:
        peer = await r.peer()
        await peer.connack()
        tried = set()
        while (packet := await peer.packet()) is not None:
            if isinstance(packet, mqtt5.SubscribePacket):
                tried.add(packet.packet_id)
                codes = [mqtt5.SubAckReasonCode.PACKET_ID_IN_USE] * len(packet.topic_filters)
                peer.send(mqtt5.SubAckPacket(packet.packet_id, codes).write())
        assert 10 < len(tried) < 100
        await r.until(lambda: "PACKET_ID_IN_USE" in r.source.status.problem)


async def test_a_refused_subscription_is_no_subscription() -> None:
    async with rig() as r:
        peer = await r.peer()
        await peer.connack()
        await peer.packet()
        codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE, mqtt5.SubAckReasonCode.NOT_AUTHORIZED]
        peer.send(mqtt5.SubAckPacket(1, codes).write())
        assert await peer.ended()
        await r.until(lambda: not r.source.status.connected)
        assert r.source.status.problem == "subscription refused by the broker: $share/g/tele/+/SENSOR: NOT_AUTHORIZED"
        await r.connected()


async def test_what_is_left_over_is_unsubscribed_until_the_broker_has_done_so() -> None:
    async with rig(leftover=["old/+", "older/#"]) as r:
        peer = await r.connected(session_present=True)
        unsubscribe = await peer.packet()
        assert isinstance(unsubscribe, mqtt5.UnsubscribePacket)
        assert unsubscribe.patterns == ["old/+", "older/#"]
        assert r.source.status.unsubscribed == []
        peer.writer.transport.abort()  # before the answer
        peer = await r.connected(session_present=True)
        unsubscribe = await peer.packet()
        assert unsubscribe.patterns == ["old/+", "older/#"]
        codes = [mqtt5.UnsubAckReasonCode.SUCCESS, mqtt5.UnsubAckReasonCode.NO_SUBSCRIPTION_EXISTED]
        peer.send(mqtt5.UnsubAckPacket(unsubscribe.packet_id, codes).write())
        await r.until(lambda: r.source.status.unsubscribed == ["old/+", "older/#"])
        peer.writer.transport.abort()
        peer = await r.connected(session_present=True)
        peer.send(PINGRESP)
        with pytest.raises(TimeoutError):
            await peer.wait_for(mqtt5.UnsubscribePacket, seconds=0.3)


async def test_a_broker_that_keeps_a_filter_is_asked_again_and_served_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with rig(leftover=["old/+", "older/#"]) as r:
        peer = await r.connected(session_present=True)
        unsubscribe = await peer.packet()
        codes = [mqtt5.UnsubAckReasonCode.NOT_AUTHORIZED, mqtt5.UnsubAckReasonCode.SUCCESS]
        peer.send(mqtt5.UnsubAckPacket(unsubscribe.packet_id, codes).write())
        await r.until(lambda: r.source.status.unsubscribed == ["older/#"])
        assert r.source.status.subscribed
        assert "the broker does not unsubscribe, what comes of it is counted and not kept: old/+" in caplog.text
        peer.writer.transport.abort()
        peer = await r.connected(session_present=True)
        assert (await peer.packet()).patterns == ["old/+"]


async def test_a_new_session_has_nothing_left_over() -> None:
    async with rig(leftover=["old/+"]) as r:
        peer = await r.connected(session_present=False)
        await r.until(lambda: r.source.status.unsubscribed == ["old/+"])
        with pytest.raises(TimeoutError):
            await peer.wait_for(mqtt5.UnsubscribePacket, seconds=0.3)


async def test_a_subscription_that_is_granted_less_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with rig() as r:
        peer = await r.peer()
        await peer.connack()
        await peer.packet()
        peer.send(mqtt5.SubAckPacket(1, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE] * 2).write())
        await r.until(lambda: r.source.status.subscribed)
        assert "QoS 0 only, messages can be lost on the way: borough/+/+/reading" in caplog.text


async def test_a_takeover_is_counted_and_not_answered_at_once() -> None:
    """Whoever took the session takes it again; back and forth at once would starve both."""
    async with rig(backoff_maximum=0.8) as r:
        peer = await r.connected()
        started = time.monotonic()
        peer.send(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER).write())
        assert await peer.ended()
        assert r.source.status.taken_over == 1
        assert not r.source.status.subscribed
        await r.connected()
        assert time.monotonic() - started >= 0.4
        assert r.source.status.connects == 2


async def test_the_broker_may_go_without_a_word() -> None:
    async with rig() as r:
        peer = await r.connected()
        peer.writer.transport.abort()
        await r.until(lambda: not r.source.status.connected)
        await r.connected(session_present=True)
        assert r.sessions == [False, True]


async def test_a_broker_that_never_answers_connect_is_left_and_keeps_no_socket() -> None:
    """Answered late, the abandoned connection would take the session from the one that followed."""
    async with rig(connect_timeout=0.2) as r:
        peer = await r.peer()
        await peer.packet()
        assert await peer.ended()
        await r.connected()
        assert r.source.status.connects == 1


async def test_a_stop_while_connecting_ends_the_run() -> None:
    async with rig(connect_timeout=0.4) as r:
        stopping = asyncio.create_task(r.source.stop())  # no connection yet
        await stopping
        async with asyncio.timeout(2):
            await r.running


async def test_a_stop_before_the_broker_answers_ends_the_run() -> None:
    async with rig(connect_timeout=5.0) as r:
        peer = await r.peer()
        await peer.packet()
        stopping = asyncio.create_task(r.source.stop())
        assert isinstance(await peer.packet(), mqtt5.DisconnectPacket)
        peer.writer.close()
        await stopping
        async with asyncio.timeout(2):
            await r.running


# -- the end ---------------------------------------------------------------------------------------------------------


async def test_a_stop_keeps_the_session() -> None:
    async with rig() as r:
        peer = await r.connected()
        stopping = asyncio.create_task(r.source.stop())
        goodbye = await peer.wait_for(mqtt5.DisconnectPacket)
        assert goodbye.session_expiry_interval is None
        peer.writer.close()
        await stopping
        await r.running


async def test_a_stop_loses_no_acknowledgement_to_what_is_unread() -> None:
    """Closed with something unread, TCP resets, and the broker may never see what we sent last."""
    async with rig() as r:
        peer = await r.connected()
        r.on_chunk = lambda _chunk: r.source.pause()
        peer.send(publish("a", b"1", 1))
        await r.until(lambda: bool(r.chunks))
        for n in range(2, 50):
            peer.send(publish("b", b"x" * 50_000, n))
        r.source.acknowledge(1, [1], [])
        stopping = asyncio.create_task(r.source.stop())
        await asyncio.sleep(0.1)  # a broker that is slow to read
        assert await peer.acknowledged(1) == [1]
        assert isinstance(await peer.packet(), mqtt5.DisconnectPacket)
        peer.writer.close()
        await stopping
        assert len(r.messages()) == 1, "what still comes is not taken"


async def test_a_broker_that_does_not_hang_up_is_left_all_the_same() -> None:
    async with rig() as r:
        await r.connected()
        await r.source.stop()
        await r.running


async def test_draining_unsubscribes_takes_what_is_queued_and_ends_the_session() -> None:
    """An away member of a shared subscription keeps getting its share."""
    async with rig(drain=True, leftover=["old/+", FILTERS[0][0]]) as r:
        peer = await r.peer()
        await peer.connack(session_present=True)
        unsubscribe = await peer.packet()
        assert isinstance(unsubscribe, mqtt5.UnsubscribePacket)
        assert unsubscribe.patterns == [*(pattern for pattern, _ in FILTERS), "old/+"]
        assert not r.source.status.subscribed
        peer.send(mqtt5.UnsubAckPacket(unsubscribe.packet_id, [mqtt5.UnsubAckReasonCode.SUCCESS] * 3).write())
        peer.send(publish("a", b"queued", 1))
        await r.until(lambda: r.source.status.subscribed and len(r.messages()) == 1)
        r.source.acknowledge(1, [1], [])
        assert await peer.acknowledged(1) == [1]
        stopping = asyncio.create_task(r.source.stop())
        assert (await peer.wait_for(mqtt5.DisconnectPacket)).session_expiry_interval == 0
        peer.writer.close()
        await stopping


async def test_nobody_listening_is_waited_for_within_the_backoff() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    options = replace(BrokerOptions(), port=port, backoff_maximum=0.2)
    source = Mqtt5Source(options, FILTERS, lambda _chunk: None, lambda _present: None)
    running = asyncio.create_task(source.run())
    await asyncio.sleep(0.1)
    assert not running.done()
    assert source.status.problem
    await source.stop()
    async with asyncio.timeout(1):
        await running


async def test_a_host_whose_name_is_none_is_said_and_not_a_crash() -> None:
    options = replace(BrokerOptions(), host="broker..example", backoff_maximum=0.2)
    source = Mqtt5Source(options, FILTERS, lambda _chunk: None, lambda _present: None)
    running = asyncio.create_task(source.run())
    await asyncio.sleep(0.1)
    assert not running.done()
    assert "label empty" in source.status.problem  # Python 3.13 says it in other words
    await source.stop()
    async with asyncio.timeout(1):
        await running
