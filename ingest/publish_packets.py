"""PUBLISH packets of the commonest shape, taken from a buffer many at once.

They are of QoS 1, without properties, of a topic that the codec has read before in these bytes: what it checks in a
topic is checked once. All other packets are the codec's, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import mqtt5
import numpy as np
from numpy.typing import NDArray

#: First byte of a PUBLISH with QoS 1, whatever its bits for DUP and RETAIN say.
_QOS_1, _BUT_DUP_AND_RETAIN = 0x32, 0xF6
#: Topic's length, packet id, length of the properties.
_SMALLEST = 5
#: So many topics are remembered, none of them longer [bytes]; a flood of invented ones only clears them.
_TOPICS_MAXIMUM, _LONGEST = 100_000, 200
#: Fewer bytes are read by the codec as quickly.
_LEAST = 4_096
_PUBACK = np.dtype([("header", ">u2"), ("packet_id", ">u2")])


class Run(NamedTuple):
    """Packets that follow each other: lists of equal length, and the place in the buffer where they end."""

    topics: list[str]
    payloads: list[bytes]
    packet_ids: list[int]
    flags: list[int]
    end: int

    def append_to(self, topics: list[str], payloads: list[bytes], packet_ids: list[int], flags: list[int]) -> int:
        """Add them to what was read before; where they end."""
        topics += self.topics
        payloads += self.payloads
        packet_ids += self.packet_ids
        flags += self.flags
        return self.end


class _Frames(NamedTuple):
    """Whole packets, arrays ``(packets,)``: their first bytes, where what follows their length begins, the packet ids
    and where they stand, where the packets end; and which of them are of the plain shape."""

    flags: NDArray[np.uint8]
    body: NDArray[np.intp]
    number: NDArray[np.intp]
    packet_id: NDArray[np.intp]
    end: NDArray[np.intp]
    plain: NDArray[np.bool_]


class PublishPackets:
    """Takes runs of packets from a buffer. Each topic is one text for all its packets, which is then hashed once."""

    def __init__(self) -> None:
        self._topics: dict[bytes, str] = {}

    def runs(self, buffer: bytearray, end: int) -> Iterator[Run | None]:
        """What lies before ``end``, in order: runs, and None where the codec must read the next packet.

        It goes on with None where nothing whole is left: the codec knows whether more is to come.
        """
        ends = _ends(buffer, end) if end >= _LEAST else []
        if ends and ends[-1] >= _SMALLEST:  # a PINGRESP alone is not even a header's length of a PUBLISH
            # what is whole alone: a large packet comes in many reads
            raw = bytes(memoryview(buffer)[: ends[-1]])
            frames = _look(raw, ends)
            if frames.plain.sum() * 2 > len(ends):
                yield from self._cut(raw, frames, ends)
        yield from repeat(None)

    def _cut(self, raw: bytes, frames: _Frames, ends: list[int]) -> Iterator[Run | None]:
        topics = self._texts(raw, frames)
        payloads = [raw[begin:stop] for begin, stop in zip((frames.number + 3).tolist(), ends, strict=True)]
        packet_ids, flags = frames.packet_id.tolist(), frames.flags.tolist()
        if frames.plain.all():
            yield Run(topics, payloads, packet_ids, flags, ends[-1])
            return
        first = 0
        for place in [*np.flatnonzero(~frames.plain).tolist(), len(ends)]:
            if place > first:
                part = slice(first, place)
                yield Run(topics[part], payloads[part], packet_ids[part], flags[part], ends[place - 1])
            if place < len(ends):
                yield None
            first = place + 1

    def _texts(self, raw: bytes, frames: _Frames) -> list[str]:
        """The topics; where the codec refuses one, its packet is plain no more."""
        find = self._topics.get
        body, number = (frames.body + 2).tolist(), frames.number.tolist()
        found = [find(raw[begin:stop]) for begin, stop in zip(body, number, strict=True)]
        if None not in found:
            return found  # type: ignore[return-value]
        topics = ["" if topic is None else topic for topic in found]
        ends = [0, *frames.end.tolist()]
        for place in [place for place, topic in enumerate(found) if topic is None]:
            if frames.plain[place]:
                key = raw[body[place] : number[place]]
                text = find(key)
                if text is None:
                    text = self._learn(key, raw[ends[place] : ends[place + 1]])
                frames.plain[place] = text is not None
                topics[place] = text or ""
        return topics

    def _learn(self, key: bytes, packet: bytes) -> str | None:
        """The topic of a packet as the codec reads it; None where it reads none."""
        try:
            key.decode()  # the codec panics at what is no UTF-8
            read = mqtt5.read(memoryview(packet))[0]
        except (ValueError, IndexError):
            return None
        assert isinstance(read, mqtt5.PublishPacket)
        if len(key) <= _LONGEST:
            if len(self._topics) >= _TOPICS_MAXIMUM:
                self._topics.clear()
            self._topics[key] = read.topic
        return read.topic


def _ends(buffer: bytearray, end: int) -> list[int]:
    """Where the packets end that lie whole before ``end``; behind it is what was read long ago."""
    ends: list[int] = []
    add = ends.append
    position, last = 0, end - 1
    try:
        while position < last:
            size = buffer[position + 1]
            position += 2
            if size > 127:
                size, position = _long(buffer, position, size)
            position += size
            if position > end:
                break
            add(position)
    except IndexError:
        pass  # within a length
    return ends


def _long(buffer: bytearray, position: int, size: int) -> tuple[int, int]:
    """A length of several bytes, and where it ends. Raises IndexError where it does not, or is longer than need be."""
    size -= 128
    for shift in (7, 14, 21):
        byte = buffer[position]
        position += 1
        size += (byte & 127) << shift
        if 0 < byte < 128:
            return size, position
        if not byte:
            break
    raise IndexError


def _look(raw: bytes, ends: list[int]) -> _Frames:
    """What the packets are that end there, and where in them things stand."""
    data = np.frombuffer(raw, np.uint8)
    end = np.array(ends, np.intp)
    begin = np.concatenate((np.zeros(1, np.intp), end))[: len(ends)]
    flags = data[begin]
    # of a length of more than two bytes, 16 kB and more, the packet is the codec's
    long = data[begin + 1] > 127
    body = begin + 2 + long
    plain = ((flags & _BUT_DUP_AND_RETAIN) == _QOS_1) & (end - body >= _SMALLEST)
    body = np.where(plain, body, 0)
    plain &= ~long | (data[body - 1] < 128)
    number = np.where(plain, body + 2 + _two(data, body), 0)
    plain &= number + 3 <= end
    number = np.where(plain, number, 0)
    packet_id = _two(data, number)
    plain &= data[number + 2] == 0
    return _Frames(flags, body, number, packet_id, end, plain)


def _two(data: NDArray[np.uint8], place: NDArray[np.intp]) -> NDArray[np.intp]:
    """The whole numbers of two bytes at these places."""
    return (data[place].astype(np.intp) << 8) + data[place + 1]


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """PUBACK for each, in one piece."""
    acks = np.empty(len(packet_ids), _PUBACK)
    acks["header"] = 0x4002
    acks["packet_id"] = packet_ids
    return acks.tobytes()
