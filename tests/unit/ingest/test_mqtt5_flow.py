"""The MQTT 5 source: acknowledgements, keep-alive, pausing and pacing."""

from __future__ import annotations

import asyncio
import time

import mqtt5

from ingest.backlog import Absence
from tests.tools.mqtt5_peer import PINGRESP, publish, rig

# -- acknowledgements ------------------------------------------------------------------------------------------------


async def test_acknowledgements_leave_in_order() -> None:
    async with rig() as r:
        peer = await r.connected()
        peer.send(publish("a", b"1", 1))
        await r.until(lambda: bool(r.chunks))
        ids = [*range(1, 3001), 65_535, 256, 255]
        r.source.acknowledge(r.chunks[0].generation, ids, [])
        assert await peer.acknowledged(len(ids)) == ids


async def test_an_acknowledgement_for_an_older_connection_is_dropped() -> None:
    """The broker delivers the message again on the new one, maybe under another message's id."""
    async with rig() as r:
        peer = await r.connected()
        peer.send(publish("a", b"1", 1))
        await r.until(lambda: bool(r.chunks))
        peer.writer.close()
        peer = await r.connected(session_present=True)
        peer.send(publish("a", b"1", 1, duplicate=True))
        await r.until(lambda: len(r.chunks) == 2)
        old, new = (chunk.generation for chunk in r.chunks)
        assert old != new
        r.source.acknowledge(old, [1], [1])
        r.source.acknowledge(new, [2], [])
        assert await peer.acknowledged(1) == [2]


async def test_only_the_answer_to_a_later_ping_settles_what_is_watched() -> None:
    async with rig(keep_alive=1) as r:
        peer = await r.connected()
        await peer.wait_for(mqtt5.PingReqPacket)
        # acknowledged after that PINGREQ: its answer proves nothing of them
        r.source.acknowledge(1, [1, 2, 3], [1, 3])
        assert await peer.acknowledged(3) == [1, 2, 3]
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(PINGRESP)
        await asyncio.sleep(0.1)
        assert r.source.confirmed() == []
        peer.send(PINGRESP)
        await asyncio.sleep(0.1)
        assert r.source.confirmed() == [1, 3]
        assert r.source.confirmed() == [], "each once"


async def test_what_was_watched_on_a_lost_connection_is_never_settled() -> None:
    """The acknowledgement may have died with it."""
    async with rig(keep_alive=1) as r:
        peer = await r.connected()
        r.source.acknowledge(1, [1], [1])
        await peer.acknowledged(1)
        peer.writer.close()
        peer = await r.connected(session_present=True)
        for _ in range(2):
            await peer.wait_for(mqtt5.PingReqPacket)
            peer.send(PINGRESP)
        await asyncio.sleep(0.1)
        assert r.source.confirmed() == []


# -- keep-alive and pausing ------------------------------------------------------------------------------------------


async def test_a_silent_broker_is_left_within_one_and_a_half_keep_alives() -> None:
    async with rig(keep_alive=1) as r:
        await r.connected()
        started = time.monotonic()
        await r.peer(60)
        assert 1.0 < time.monotonic() - started < 30, "it is given a whole one, and does not wait for ever"
        assert r.source.status.problem == "the broker is silent"


async def test_answers_keep_a_quiet_connection() -> None:
    async with rig(keep_alive=1) as r:
        peer = await r.connected()
        until = time.monotonic() + 1.6
        pings = 0
        while time.monotonic() < until:
            await peer.wait_for(mqtt5.PingReqPacket, 0.9)
            peer.send(PINGRESP)
            pings += 1
        assert pings >= 3, "at least two in a keep-alive"
        assert r.source.status.connects == 1


async def test_the_keep_alive_that_the_broker_wants_is_kept() -> None:
    async with rig(keep_alive=60) as r:
        peer = await r.connected(server_keep_alive=1)
        await peer.wait_for(mqtt5.PingReqPacket)
        await peer.wait_for(mqtt5.PingReqPacket, 0.9)


async def test_while_paused_nothing_is_read_pings_go_on_and_silence_is_not_judged() -> None:
    async with rig(keep_alive=1) as r:
        peer = await r.connected()
        r.on_chunk = lambda _chunk: r.source.pause()
        peer.send(publish("a", b"1", 1))
        await r.until(lambda: bool(r.chunks))
        started, pings = time.monotonic(), 0
        while time.monotonic() - started < 1.7:
            peer.send(publish("b", b"2" * 10_000, 2))
            packet = await peer.wait_for(mqtt5.PingReqPacket, 0.9)
            assert packet is not None
            peer.send(PINGRESP)
            pings += 1
        assert pings >= 3
        assert (len(r.chunks), r.source.status.connects) == (1, 1)
        r.on_chunk = lambda _chunk: None
        r.source.resume()
        await r.until(lambda: len(r.messages()) == 1 + pings)
        await asyncio.sleep(0.3)
        assert r.source.status.connects == 1


async def test_a_connection_that_is_made_while_paused_says_hello_and_waits() -> None:
    async with rig() as r:
        r.source.pause()
        peer = await r.peer()
        await peer.connack()
        await peer.packet()
        peer.send(publish("a", b"1", 1))
        await asyncio.sleep(0.05)
        assert r.chunks == []
        r.source.resume()
        await r.until(lambda: len(r.chunks) == 1)


async def test_reads_are_paced() -> None:
    """Messages that come one by one: with 100 ms between reads a chunk in each, however long it takes to send them."""
    async with rig(read_interval=0.1) as r:
        peer = await r.connected()
        started = time.monotonic()
        for n in range(1, 101):
            peer.send(publish("a", b"1", n))
            await asyncio.sleep(0.005)
        await r.until(lambda: len(r.messages()) == 100)
        assert len(r.chunks) <= (time.monotonic() - started) / 0.1 + 1


# -- what waited at the broker ---------------------------------------------------------------------------------------


async def test_what_comes_before_the_queue_is_known_to_be_empty_may_have_waited() -> None:
    async with rig() as r:
        ended: list[Absence] = []
        r.source.status.backlog.ended = lambda absence, _at: ended.append(absence)
        peer = await r.connected(session_present=True)
        peer.send(publish("a", b"1", 1), publish("a", b"2", 2), PINGRESP)
        await r.until(lambda: len(r.messages()) == 2)
        absence = r.source.status.backlog.absence
        assert absence is not None, "two are in flight, and the window may be no wider"
        r.source.acknowledge(r.chunks[0].generation, [1, 2], [])
        await peer.wait_for(mqtt5.PubAckPacket)
        await peer.wait_for(mqtt5.PubAckPacket)
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(publish("a", b"3", 1), PINGRESP, publish("a", b"4", 2))
        await r.until(lambda: len(r.messages()) == 4)
        assert [(chunk.payloads[-1], chunk.absence) for chunk in r.chunks][-2:] == [(b"3", absence), (b"4", None)]
        assert ended == [absence]


async def test_a_new_session_has_no_queue() -> None:
    async with rig() as r:
        peer = await r.connected()
        peer.send(publish("a", b"1", 1))
        await r.until(lambda: bool(r.chunks))
        assert r.chunks[0].absence is None


async def test_a_long_pause_is_an_absence_until_the_broker_has_answered() -> None:
    async with rig() as r:
        peer = await r.connected()
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(PINGRESP)
        r.source.status.backlog.paused(0)  # since 1970
        r.source.pause()
        peer.send(publish("a", b"1", 1))
        r.source.resume()
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(PINGRESP)
        await r.until(lambda: bool(r.chunks))
        assert r.chunks[0].absence is not None
        r.source.acknowledge(r.chunks[0].generation, [1], [])
        await peer.wait_for(mqtt5.PubAckPacket)
        await peer.wait_for(mqtt5.PingReqPacket)
        peer.send(PINGRESP, publish("a", b"2", 2))
        await r.until(lambda: len(r.messages()) == 2)
        assert r.chunks[-1].absence is None
