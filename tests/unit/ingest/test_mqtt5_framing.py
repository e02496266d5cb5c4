"""The MQTT 5 source: packets from a stream that is cut anywhere, whole or broken."""

from __future__ import annotations

import asyncio
import random

import pytest

from ingest.source import DUP, RETAIN
from tests.tools.mqtt5_peer import PINGRESP, codec_complains, publish, rig

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
