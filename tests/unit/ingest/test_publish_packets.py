"""Packets taken many at once are what the codec reads one by one, and what it refuses is left to it."""

from __future__ import annotations

import struct
import tracemalloc
from typing import NamedTuple

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.publish_packets import PublishPackets, pubacks


class _Read(NamedTuple):
    topic: str
    payload: bytes
    packet_id: int
    flags: int


def _packet(first: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([first]) + length + bytes([size]) + body


def _publish(topic: bytes, payload: bytes, packet_id: int = 1, flags: int = 0, properties: bytes = b"\0") -> bytes:
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", packet_id) + properties + payload
    return _packet(0x32 | flags, body)


_TOPIC = b"borough/air-monitor/a/reading"


def _ordinary(flags: int = 0) -> bytes:
    return b"".join(_publish(_TOPIC, b"x" * 100, number, flags) for number in range(1, 41))


#: A packet of a topic that is known, but for its length.
_BODY = struct.pack(">H", len(_TOPIC)) + _TOPIC + b"\0\x03\0x"


def _by_codec(data: bytes) -> list[_Read]:
    found: list[_Read] = []
    place = 0
    while place < len(data):
        try:
            packet, size = mqtt5.read(memoryview(data)[place:])
        except IndexError:
            break
        if isinstance(packet, mqtt5.PublishPacket):
            found.append(_Read(packet.topic, packet.payload, packet.packet_id or 0, data[place]))
        place += size
    return found


def _by_runs(packets: PublishPackets, data: bytes) -> tuple[list[_Read], int]:
    """What is read in a buffer with something left behind it; and how many packets were left to the codec."""
    buffer = bytearray(data + b"\x32\x05zzzzz")
    found: list[_Read] = []
    place, end, odd = 0, len(data), 0
    runs = packets.runs(buffer, end)
    while place < end:
        run = next(runs)
        if run is not None:
            found += map(_Read, run.topics, run.payloads, run.packet_ids, run.flags)
            assert run.end > place
            place = run.end
            continue
        odd += 1
        try:
            packet, size = mqtt5.read(memoryview(buffer)[place:end])
        except IndexError:
            break
        if isinstance(packet, mqtt5.PublishPacket):
            found.append(_Read(packet.topic, packet.payload, packet.packet_id or 0, buffer[place]))
        place += size
    return found, odd


TOPICS = st.sampled_from(
    ["a", "borough/smart-meter/m/reading", "stra\u00dfe/\u0416", "long/" + "x" * 250, "a\0b", "+/#"]
)
PUBLISH = st.builds(
    _publish,
    TOPICS.map(str.encode),
    st.one_of(st.binary(max_size=40), st.integers(100, 20_000).map(bytes)),
    st.sampled_from([1, 255, 256, 65_535, 0]),
    st.sampled_from([0, 1, 8, 9]),
    st.sampled_from([b"\0", b"\0", b"\x02\x01\x01", b"\x07\x26\0\x01a\0\x01b"]),
)
OTHERS = st.sampled_from(
    [
        mqtt5.PingRespPacket().write(),
        mqtt5.PublishPacket("a", payload=b"qos 0").write(),
        mqtt5.PublishPacket("a", payload=b"qos 2", qos=mqtt5.QoS.EXACTLY_ONCE, packet_id=7).write(),
    ]
)


@given(st.lists(st.one_of(PUBLISH, PUBLISH, PUBLISH, OTHERS), max_size=30), st.integers(0, 60))
def test_what_the_codec_reads(chosen: list[bytes], missing: int) -> None:
    data = b"".join([_ordinary(), *chosen, _ordinary()])
    data = data[: len(data) - missing]
    packets = PublishPackets()
    for _ in range(2):  # the second time all topics are known
        assert _by_runs(packets, data)[0] == _by_codec(data)


def test_only_what_is_odd_is_left_to_the_codec() -> None:
    odd = mqtt5.PingRespPacket().write()
    found, left = _by_runs(PublishPackets(), _ordinary() + odd + _ordinary(flags=9) + odd + _ordinary(flags=8))
    assert (len(found), left) == (120, 2)


def test_a_few_packets_are_left_to_the_codec() -> None:
    assert next(PublishPackets().runs(bytearray(_publish(b"a", b"x")), 9)) is None


@pytest.mark.parametrize("topic", [b"\xff", b"a\xed\xa0\x80", b""], ids=["no UTF-8", "a surrogate", "empty"])
def test_a_topic_that_the_codec_refuses_is_left_to_it(topic: bytes) -> None:
    packets, before = PublishPackets(), _ordinary()
    data = before + _publish(topic, b"x") + before
    for _ in range(2):
        runs = packets.runs(bytearray(data), len(data))
        first = next(runs)
        assert first is not None
        assert first.end == len(before)
        assert next(runs) is None
        after = next(runs)
        assert after is not None
        assert after.end == len(data)


@pytest.mark.parametrize(
    "broken",
    [
        b"\x32\xff\xff\xff\xff\xff",
        b"\x32" + bytes([len(_BODY) | 128, 0]) + _BODY,
        b"\x32" + bytes([len(_BODY) | 128, 128, 0]) + _BODY,
    ],
    ids=["too long", "a byte more than need be", "two bytes more"],
)
def test_a_length_that_is_none_ends_what_is_read(broken: bytes) -> None:
    with pytest.raises(ValueError, match="variable byte integer"):
        mqtt5.read(memoryview(broken))
    data = _ordinary() + broken + _ordinary()
    runs = PublishPackets().runs(bytearray(data), len(data))
    first = next(runs)
    assert first is not None
    assert first.end == len(_ordinary())
    assert next(runs) is None


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_a_packet_that_is_too_short_is_left_to_the_codec(size: int) -> None:
    data = _ordinary() + _packet(0x32, b"\0\x01a\0\x01"[:size]) + _ordinary()
    runs = PublishPackets().runs(bytearray(data), len(data))
    first = next(runs)
    assert first is not None
    assert first.end == len(_ordinary())
    assert next(runs) is None


@pytest.mark.parametrize(
    "body",
    [struct.pack(">H", 3_000) + b"a" + struct.pack(">HB", 3, 0) + b"x", _BODY[:-4], _BODY[:-3], _BODY[:-2]],
    ids=["a longer topic", "no packet id", "half of it", "no properties"],
)
def test_a_packet_that_ends_too_soon_is_left_to_the_codec(body: bytes) -> None:
    data = _ordinary() + _packet(0x32, body) + _publish(_TOPIC, b"") + _ordinary()
    runs = PublishPackets().runs(bytearray(data), len(data))
    first = next(runs)
    assert first is not None
    assert first.end == len(_ordinary())
    assert next(runs) is None


@pytest.mark.parametrize("small", ["d000", "e000", "3200", "d000d000"])
def test_small_packets_before_the_beginning_of_a_large_one_are_left_to_the_codec(small: str) -> None:
    data = bytes.fromhex(small) + _publish(_TOPIC, b"x" * 50_000)[:5_000]
    assert next(PublishPackets().runs(bytearray(data), len(data))) is None


def test_a_topic_is_one_text() -> None:
    run = next(PublishPackets().runs(bytearray(_ordinary()), len(_ordinary())))
    assert run is not None
    assert len({id(topic) for topic in run.topics}) == 1


def test_a_flood_of_topics_only_clears_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.publish_packets._TOPICS_MAXIMUM", 10)
    packets = PublishPackets()
    data = b"".join(_publish(b"topic/%d" % number, b"x" * 100) for number in range(100))
    for _ in range(2):
        found, left = _by_runs(packets, data)
        assert found == _by_codec(data)
        assert left == 0
        assert len(packets._topics) <= 10


def test_acknowledgements_in_one_piece() -> None:
    assert pubacks([1, 65_535, 258]) == bytes.fromhex("40020001 4002ffff 40020102")
    assert pubacks([7]) == mqtt5.PubAckPacket(7).write()


def test_a_packet_that_is_still_to_come_is_not_copied_at_each_read() -> None:
    """Of one of 200 MB, which is read in a thousand pieces."""
    buffer = bytearray(b"\x32\x80\xc8\xaf\x5f" + bytes(8_000_000))
    tracemalloc.start()
    try:
        assert next(PublishPackets().runs(buffer, len(buffer))) is None
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
