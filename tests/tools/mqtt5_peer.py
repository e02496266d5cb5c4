"""The other side of the wire: a TCP server that the tests of the MQTT 5 source script packet by packet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import mqtt5
import pytest

from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions
from ingest.source import Chunk
from tests.tools.servers import PATIENCE

FILTERS = [("borough/+/+/reading", 1), ("$share/g/tele/+/SENSOR", 0)]
AT_LEAST_ONCE = mqtt5.QoS.AT_LEAST_ONCE
PINGRESP = mqtt5.PingRespPacket().write()
#: The codec, written in Rust, tells Python's hook for unraisable exceptions about every text that is no UTF-8.
codec_complains = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def publish(topic: str, payload: bytes, packet_id: int | None = None, **options: Any) -> bytes:
    """A PUBLISH, QoS 1 where it has a packet id."""
    qos = AT_LEAST_ONCE if packet_id else mqtt5.QoS.AT_MOST_ONCE
    return mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=packet_id, **options).write()


class Peer:
    """The broker's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._held = b""

    async def packet(self, seconds: float = PATIENCE) -> Any:
        """The next packet from the collector; None at the end of the connection."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(IndexError):
                    packet, size = mqtt5.read(memoryview(self._held))
                    self._held = self._held[size:]
                    return packet
                try:
                    data = await self.reader.read(65536)
                except ConnectionResetError:
                    return None
                if not data:
                    assert not self._held, "the connection ended within a packet"
                    return None
                self._held += data

    async def wait_for(self, kind: type, seconds: float = PATIENCE) -> Any:
        """The next packet of a kind; PINGREQs may come before it."""
        while not isinstance(packet := await self.packet(seconds), kind):
            assert isinstance(packet, mqtt5.PingReqPacket), packet
        return packet

    async def ended(self) -> bool:
        """Wait for the end of the connection, before which nothing but PINGREQs may come."""
        while (packet := await self.packet()) is not None:
            assert isinstance(packet, mqtt5.PingReqPacket), packet
        return True

    async def acknowledged(self, count: int) -> list[int]:
        """Packet ids of so many PUBACKs."""
        return [(await self.wait_for(mqtt5.PubAckPacket)).packet_id for _ in range(count)]

    def send(self, *packets: bytes) -> None:
        """Write packets, all at once."""
        self.writer.write(b"".join(packets))

    async def connack(self, **options: Any) -> mqtt5.ConnectPacket:
        """Take CONNECT and answer it."""
        connect = await self.packet()
        assert isinstance(connect, mqtt5.ConnectPacket)
        self.send(mqtt5.ConnAckPacket(**options).write())
        return connect

    async def welcome(self, **options: Any) -> mqtt5.SubscribePacket:
        """Take CONNECT and SUBSCRIBE and grant both."""
        await self.connack(**options)
        subscribe = await self.packet()
        assert isinstance(subscribe, mqtt5.SubscribePacket)
        granted = [mqtt5.SubAckReasonCode(int(item.max_qos)) for item in subscribe.topic_filters]
        self.send(mqtt5.SubAckPacket(subscribe.packet_id, granted).write())
        return subscribe


class Rig:
    """A listening broker, and a source that connects to it."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []
        self.chunks: list[Chunk] = []
        self.sessions: list[bool] = []
        self.on_chunk: Callable[[Chunk], None] = lambda _chunk: None
        self.source: Mqtt5Source
        self.running: asyncio.Task[None]

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A collector has connected."""
        self.writers.append(writer)
        self.peers.put_nowait(Peer(reader, writer))

    async def peer(self, seconds: float = PATIENCE) -> Peer:
        """The next connection."""
        async with asyncio.timeout(seconds):
            return await self.peers.get()

    async def connected(self, **options: Any) -> Peer:
        """The next connection, welcomed."""
        peer = await self.peer()
        await peer.welcome(**options)
        await self.until(lambda: self.source.status.subscribed)
        return peer

    async def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.002)

    def received(self, chunk: Chunk) -> None:
        """What a collector would do with it."""
        self.chunks.append(chunk)
        self.on_chunk(chunk)

    def messages(self) -> list[tuple[str, bytes, int]]:
        """(topic, payload, packet id) of everything received."""
        return [
            row for chunk in self.chunks for row in zip(chunk.topics, chunk.payloads, chunk.packet_ids, strict=True)
        ]


@asynccontextmanager
async def rig(
    *,
    drain: bool = False,
    filters: Sequence[tuple[str, int]] = FILTERS,
    leftover: Sequence[str] = (),
    **options: Any,
) -> AsyncIterator[Rig]:
    """A source on the way to a broker that waits for it; asserts at the end that it stops and leaves nothing open."""
    rig = Rig()
    problems: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: problems.append(context))
    server = await asyncio.start_server(rig.accept, "127.0.0.1", 0)
    broker = BrokerOptions(port=server.sockets[0].getsockname()[1], client_id="c1", **options)
    rig.source = Mqtt5Source(broker, filters, rig.received, rig.sessions.append, leftover=leftover, drain=drain)
    rig.running = asyncio.create_task(rig.source.run())
    try:
        yield rig
    finally:
        for writer in rig.writers:
            writer.close()
        await rig.source.stop()
        async with asyncio.timeout(5):
            await rig.running
        server.close()
        await server.wait_closed()
    assert problems == []
