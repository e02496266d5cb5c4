"""Brokers that are not Mosquitto, played packet by packet to a whole collector: silence, and ways to deliver again."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import mqtt5
import pytest

from tests.acceptance.faults.conftest import Collect
from tests.tools.account import table_account, total
from tests.tools.collector import Collector
from tests.tools.load import count, device, message, register
from tests.tools.mqtt5_peer import PINGRESP, Peer, publish
from tests.tools.servers import wait_for

SENDER = device("bay", "parking-bay")
TOPIC, PAYLOAD = message(SENDER, {"occupied": True})


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, asyncio.Queue[Peer]]]:
    """A port, and every connection of the collector's session to it."""
    peers: asyncio.Queue[Peer] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        peers.put_nowait(Peer(reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], peers
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def welcome(peers: asyncio.Queue[Peer], **options: object) -> Peer:
    """The next connection of the session, welcomed. The watch, which speaks 3.1.1, is not answered."""
    async with asyncio.timeout(30):
        while True:
            peer = await peers.get()
            first = await peer.reader.readexactly(12)
            if first[8] == 5:
                break
    peer._held = first
    await peer.welcome(**options)
    return peer


async def becomes(true: Callable[[], bool]) -> None:
    """Wait until something is so; asked in a thread, because this loop is the broker."""
    assert await asyncio.to_thread(wait_for, true, 30)


async def left(collector: Collector, peer: Peer) -> list[int]:
    """Stop the collector. Returns the packet ids that it acknowledged meanwhile."""
    collector.terminate()
    acknowledged = []
    while not isinstance(packet := await peer.packet(30), mqtt5.DisconnectPacket):
        if isinstance(packet, mqtt5.PubAckPacket):
            acknowledged.append(packet.packet_id)
    peer.writer.close()
    assert await asyncio.to_thread(collector.wait) == 0
    return acknowledged


def received(collector: Collector) -> float:
    return collector.metric("borough_messages_received_total", "parking-bay")


@pytest.mark.parametrize("dup", [False, True])
async def test_what_comes_again_on_the_running_connection_counts_once(
    database: str, collect: Collect, dup: bool
) -> None:
    """As Moquette does every 5 s with what it has no acknowledgement for."""
    register(database, [SENDER])
    async with listening() as (port, peers):
        collector = collect(database, f"mqtt://127.0.0.1:{port}", batch_age=60).launch()
        peer = await welcome(peers)
        await becomes(collector.ready)
        for number in range(1, 4):
            peer.send(publish(TOPIC, PAYLOAD, 7, duplicate=dup and number > 1))
            await becomes(lambda number=number: received(collector) == number)  # type: ignore[misc]
        assert await left(collector, peer) == [7], "one acknowledgement answers all three"
    assert count(database, "public.reading") == 1
    account = total(table_account(database))
    assert (account.messages_received, account.readings_stored, account.readings_duplicates) == (3, 1, 2)


async def test_what_comes_again_after_a_reconnect_without_dup_counts_once(database: str, collect: Collect) -> None:
    """As Aedes does; and once the broker has answered a ping after our acknowledgement, the packet id is free."""
    register(database, [SENDER])
    async with listening() as (port, peers):
        collector = collect(database, f"mqtt://127.0.0.1:{port}", batch_age=0.02, mqtt_keep_alive=5).launch()
        peer = await welcome(peers)
        peer.send(publish(TOPIC, PAYLOAD, 7))
        assert await peer.acknowledged(1) == [7]
        peer.writer.close()
        peer = await welcome(peers, session_present=True)
        peer.send(publish(TOPIC, PAYLOAD, 7))
        assert await peer.acknowledged(1) == [7]
        assert count(database, "public.reading") == 1
        # the second ping was sent after the acknowledgement
        for _ in range(2):
            await peer.wait_for(mqtt5.PingReqPacket, 30)
            peer.send(PINGRESP)
        await peer.wait_for(mqtt5.PingReqPacket, 30)  # what it answers is read by now
        peer.writer.close()
        peer = await welcome(peers, session_present=True)
        peer.send(publish(TOPIC, PAYLOAD, 7))
        assert await peer.acknowledged(1) == [7]
        await left(collector, peer)
    assert count(database, "public.reading") == 2


@pytest.mark.parametrize("source", ["mqtt5", "paho"])
def test_a_broker_that_never_answers_is_named_in_log_and_health(database: str, collect: Collect, source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(silent.accept()[0])
                except OSError:
                    return

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            collector = collect(database, f"mqtt://127.0.0.1:{silent.getsockname()[1]}", mqtt_source=source).launch()
            assert wait_for(lambda: "did not answer our CONNECT" in collector.get("/health/ready")[1], 40)
            status, text = collector.get("/health/ready")
            assert status == 503
            assert "did not answer our CONNECT" in collector.said()
            if source == "mqtt5":
                assert "set BOROUGH_MQTT_SOURCE=paho" in text
                assert "set BOROUGH_MQTT_SOURCE=paho" in collector.said()
            assert collector.stop() == 0
            assert "Traceback" not in collector.said()
        finally:
            silent.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for connection in held:
                connection.close()
