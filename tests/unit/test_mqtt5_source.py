"""The MQTT 5 source against the other side of the wire: a TCP server that the tests script packet by packet."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import mqtt5
import pytest

from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions
from ingest.source import DUP, RETAIN, Chunk

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

    async def packet(self, seconds: float = 3.0) -> Any:
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

    async def wait_for(self, kind: type, seconds: float = 3.0) -> Any:
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

    async def peer(self, seconds: float = 3.0) -> Peer:
        """The next connection."""
        async with asyncio.timeout(seconds):
            return await self.peers.get()

    async def connected(self, **options: Any) -> Peer:
        """The next connection, welcomed."""
        peer = await self.peer()
        await peer.welcome(**options)
        await self.until(lambda: self.source.status.subscribed)
        return peer

    async def until(self, true: Callable[[], bool], seconds: float = 3.0) -> None:
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
    *, drain: bool = False, filters: Sequence[tuple[str, int]] = FILTERS, **options: Any
) -> AsyncIterator[Rig]:
    """A source on the way to a broker that waits for it; asserts at the end that it stops and leaves nothing open."""
    rig = Rig()
    problems: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: problems.append(context))
    server = await asyncio.start_server(rig.accept, "127.0.0.1", 0)
    broker = BrokerOptions(port=server.sockets[0].getsockname()[1], client_id="c1", **options)
    rig.source = Mqtt5Source(broker, filters, rig.received, rig.sessions.append, drain=drain)
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


async def test_a_takeover_is_counted_and_not_answered_at_once() -> None:
    async with rig() as r:
        peer = await r.connected()
        started = time.monotonic()
        peer.send(mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER).write())
        assert await peer.ended()
        assert r.source.status.taken_over == 1
        assert not r.source.status.subscribed
        await r.connected()
        assert time.monotonic() - started >= 0.05
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


# -- framing ---------------------------------------------------------------------------------------------------------


async def test_packets_in_slices_of_one_byte() -> None:
    async with rig(read_interval=0.0) as r:
        peer = await r.connected()
        sent = [(f"borough/x/d{n}/reading", b"x" * n, n) for n in range(1, 12)]
        for byte in b"".join(publish(*item) for item in sent):
            peer.send(bytes([byte]))
            await asyncio.sleep(0)
        await r.until(lambda: len(r.messages()) == len(sent))
        assert r.messages() == sent
        assert len(r.chunks) > 1, "the slices did not arrive as slices"


@pytest.mark.parametrize("read_interval", [0.0, 0.003])
async def test_a_stream_cut_anywhere(read_interval: float) -> None:
    """Sizes around those where the length field grows, cut at random."""
    number = random.Random(20261123)
    sizes = [0, 1, 100, 110, 120, 127, 128, 129, 200, 16_370, 16_380, 16_384, 16_390, 40_000]
    sent = [(f"t/{n}", number.randbytes(number.choice(sizes)), number.choice([0, n + 1])) for n in range(150)]
    async with rig(read_interval=read_interval) as r:
        peer = await r.connected()
        data = b"".join(publish(topic, payload, packet_id or None) for topic, payload, packet_id in sent)
        cuts = sorted(number.randrange(len(data)) for _ in range(60))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            peer.send(data[start:end])
            await asyncio.sleep(number.choice([0, 0, 0.002]))
        await r.until(lambda: len(r.messages()) == len(sent))
        assert r.messages() == sent
        assert sum(chunk.size for chunk in r.chunks) == len(data)


async def test_packets_larger_than_the_buffer() -> None:
    large = random.Random(1).randbytes(5_000_000)
    sent = [("a", b"before", 1), ("b", large, 2), ("c", b"after", 3), ("d", large[:2_000_000], 4), ("e", b"last", 0)]
    async with rig() as r:
        peer = await r.connected()
        peer.send(*(publish(topic, payload, packet_id or None) for topic, payload, packet_id in sent))
        await r.until(lambda: len(r.messages()) == len(sent), 10)
        assert r.messages() == sent


async def test_what_the_flags_say() -> None:
    async with rig() as r:
        peer = await r.connected()
        peer.send(
            publish("a", b"1", 7, duplicate=True),
            publish("b", b"2", retain=True),
            publish("c", b"3", 8),
            publish("d", b""),
        )
        await r.until(lambda: len(r.messages()) == 4)
        flags = [flag for chunk in r.chunks for flag in chunk.flags]
        assert [(bool(flag & DUP), bool(flag & RETAIN)) for flag in flags] == [
            (True, False),
            (False, True),
            (False, False),
            (False, False),
        ]
        assert [packet_id for _, _, packet_id in r.messages()] == [7, 0, 8, 0]


async def test_every_message_counts_its_own_bytes_once() -> None:
    """What is held is bounded by this; packets of other kinds may stand between."""
    packets = [publish("a", b"1" * 50, 1), publish("b", b"2" * 60, 2)]
    more = [publish("c", b"3" * 70, 3)]
    async with rig() as r:
        peer = await r.connected()
        peer.send(*packets, PINGRESP, *more, PINGRESP)
        await r.until(lambda: len(r.messages()) == 3)
        assert [chunk.size for chunk in r.chunks] == [sum(map(len, packets)), len(more[0])]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 200,
        b"\x30\xff\xff\xff\xff\x01" + b"x" * 20,
        b"\x30\xff\x00" + b"x" * 10,
        b"\x30\xff\x00\x00\x01a\x00and a length that promises more",
        b"\x32\x00",
        b"\x32\x02\x00\x09",
        b"\x32\x05\x00\x09abc",
        b"\xff\xff\xff\xff\xff",
        b"\x20\x01\x00",
        b"\xe0\x07\x89\x05\x1f\x00\x02\xff\xfe",
    ],
    ids=lambda data: data[:6].hex(),
)
@codec_complains
async def test_what_is_no_mqtt_ends_the_connection_and_nothing_else(garbage: bytes) -> None:
    async with rig() as r:
        peer = await r.connected()
        peer.send(garbage)
        assert await peer.ended()
        await r.until(lambda: not r.source.status.connected)
        assert r.source.status.problem.startswith("malformed packet from the broker")
        peer = await r.connected()
        peer.send(publish("a", b"good", 1))
        await r.until(lambda: r.messages() == [("a", b"good", 1)])


def bad_topic(payload: bytes, packet_id: int | None) -> bytes:
    """A PUBLISH whose topic is no UTF-8."""
    packet = publish("borough/parking-bay/bXY/reading", payload, packet_id)
    return packet.replace(b"bXY", b"b\xff\xfe")


@codec_complains
async def test_a_topic_that_is_no_text_becomes_a_message_to_reject() -> None:
    """It must be acknowledged in the end, or the broker would deliver it for ever."""
    topic = "borough/parking-bay/b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}/reading"
    async with rig() as r:
        peer = await r.connected()
        peer.send(publish("a", b"1", 1), bad_topic(b'{"occupied":1}', 2), bad_topic(b"", None), publish("c", b"3", 3))
        await r.until(lambda: len(r.messages()) == 4)
        assert r.messages() == [("a", b"1", 1), (topic, b'{"occupied":1}', 2), (topic, b"", 0), ("c", b"3", 3)]
        r.source.acknowledge(r.chunks[-1].generation, [1, 2, 3], [])
        assert await peer.acknowledged(3) == [1, 2, 3]


@codec_complains
async def test_a_bad_topic_in_slices_waits_for_its_end() -> None:
    async with rig(read_interval=0.0) as r:
        peer = await r.connected()
        for byte in bad_topic(b"payload", 2) + publish("c", b"3", 3):
            peer.send(bytes([byte]))
            await asyncio.sleep(0.001)
        await r.until(lambda: len(r.messages()) == 2)
        assert [payload for _, payload, _ in r.messages()] == [b"payload", b"3"]


@codec_complains
async def test_properties_that_the_codec_refuses_cost_nothing_but_themselves() -> None:
    packet = publish("a/b", b"payload", 5, user_properties=[("kX", "v")]).replace(b"kX", b"k\xff")
    async with rig() as r:
        peer = await r.connected()
        peer.send(packet, publish("c", b"3", 6))
        await r.until(lambda: len(r.messages()) == 2)
        assert r.messages() == [("a/b", b"payload", 5), ("c", b"3", 6)]


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
        assert r.source.settled() == []
        peer.send(PINGRESP)
        await asyncio.sleep(0.1)
        assert r.source.settled() == [1, 3]
        assert r.source.settled() == [], "each once"


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
        assert r.source.settled() == []


# -- keep-alive and pausing ------------------------------------------------------------------------------------------


async def test_a_silent_broker_is_left_within_one_and_a_half_keep_alives() -> None:
    async with rig(keep_alive=1) as r:
        await r.connected()
        started = time.monotonic()
        await r.peer(2.5)
        assert 1.0 < time.monotonic() - started < 2.2
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
    """Half a second of messages that come one by one: with 100 ms between reads about five chunks."""
    async with rig(read_interval=0.1) as r:
        peer = await r.connected()
        for n in range(1, 101):
            peer.send(publish("a", b"1", n))
            await asyncio.sleep(0.005)
        await r.until(lambda: len(r.messages()) == 100)
        assert len(r.chunks) <= 12


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
        started = time.monotonic()
        await r.source.stop()
        await r.running
        assert time.monotonic() - started < 3


async def test_draining_unsubscribes_takes_what_is_queued_and_ends_the_session() -> None:
    """An away member of a shared subscription keeps getting its share."""
    async with rig(drain=True) as r:
        peer = await r.peer()
        await peer.connack(session_present=True)
        unsubscribe = await peer.packet()
        assert isinstance(unsubscribe, mqtt5.UnsubscribePacket)
        assert unsubscribe.patterns == [pattern for pattern, _ in FILTERS]
        assert not r.source.status.subscribed
        peer.send(mqtt5.UnsubAckPacket(unsubscribe.packet_id, [mqtt5.UnsubAckReasonCode.SUCCESS] * 2).write())
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
    assert "label empty or too long" in source.status.problem
    await source.stop()
    async with asyncio.timeout(1):
        await running
