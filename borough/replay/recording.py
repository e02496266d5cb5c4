"""Recordings: MQTT messages as they arrived, in a compact file that a crash cannot spoil.

A file is a row of blocks. A block is two Zstandard frames (RFC 8878): a skippable one of 28 bytes with the head, and
an ordinary one with the messages, so ``zstd -dc FILE`` shows their bytes. Numbers are little-endian:

======  ==============================================================
bytes   head
======  ==============================================================
4 + 4   0x184D2A5B, 20: a skippable frame with 20 bytes in it
4       ``BTR1``
4       messages in the block
4       length of the frame that follows
4       CRC-32 of that frame
4       CRC-32 of the 16 bytes before
======  ==============================================================

A message is ``<qHIB``: arrival [us since the Unix epoch], length of the topic, length of the payload, flags (bits 0-1
QoS, bit 2 retained); then topic (UTF-8) and payload. A reader stops at the first block that is not whole: what a crash
left half written costs that block and none before it. A block that is whole and does not hold what its head says is
no crash's work: the recording is refused.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import zstandard

#: Of a skippable frame of zstd (RFC 8878, 3.1.2): 0x184D2A50 to 0x184D2A5F.
_MAGIC = 0x184D2A5B
_MARK = b"BTR1"
_HEAD = struct.Struct("<II4sIIII")
_MESSAGE = struct.Struct("<qHIB")
#: A block is written when its messages take so much [bytes].
_BLOCK = 1 << 18
#: No block is larger, packed or unpacked [bytes].
_LARGEST = 1 << 26
#: No topic and payload together are longer [bytes]: they stand in a block with what was waiting.
LONGEST = _LARGEST - 2 * _BLOCK

SUFFIX = ".btr"

#: What no broker takes as the topic of a message.
_NO_TOPIC = re.compile(r"[\0+#]")


class RecordingError(ValueError):
    """A file is no recording. The text names the file and the reason."""


class Recorded(NamedTuple):
    """One message: arrival [us since the Unix epoch], topic, bytes, QoS 0 to 2, and whether it came as retained."""

    arrival: int
    topic: str
    payload: bytes
    qos: int
    retained: bool


class RecordingWriter:
    """Writes one recording. ``flush`` makes a block of what waits; ``sync`` waits until it is on disk.

    ``size``: bytes in the file. An existing file is never overwritten (FileExistsError). Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.messages = 0
        self._file = path.open("xb", buffering=0)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # who writes a recording anew waits until it is closed
        self._waiting = bytearray()
        self._count = 0
        self._packer = zstandard.ZstdCompressor(level=6)

    def add(self, message: Recorded) -> None:
        """Add one message, of which topic and payload are at most ``LONGEST`` together."""
        topic = message.topic.encode()
        flags = message.qos | message.retained << 2
        self._waiting += _MESSAGE.pack(message.arrival, len(topic), len(message.payload), flags)
        self._waiting += topic
        self._waiting += message.payload
        self._count += 1
        if len(self._waiting) >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one block."""
        if not self._count:
            return
        frame = self._packer.compress(bytes(self._waiting))
        inner = struct.pack("<4sIII", _MARK, self._count, len(frame), zlib.crc32(frame))
        block = struct.pack("<II", _MAGIC, len(inner) + 4) + inner + struct.pack("<I", zlib.crc32(inner)) + frame
        view = memoryview(block)
        while view:
            view = view[self._file.write(view) :]
        self.size += len(block)
        self.messages += self._count
        self._waiting.clear()
        self._count = 0

    def sync(self) -> None:
        """Write what waits and wait until the disk has it."""
        self.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write what waits and close."""
        if not self._file.closed:
            self.sync()
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RecordingReader:
    """Reads a recording from its start to the last whole block.

    ``lost`` [bytes] is what stands after that block, known at the end; ``position`` how far it has come. Raises
    RecordingError where the file does not begin as a recording does or a block is not what its head says, OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self.lost = 0
        with path.open("rb") as file:
            begin = file.read(_HEAD.size)
        if self.size and (len(begin) < 12 or begin[:4] != struct.pack("<I", _MAGIC) or begin[8:12] != _MARK):
            raise RecordingError(f"{path}: is no recording of borough record")

    def __iter__(self) -> Iterator[Recorded]:
        unpacker = zstandard.ZstdDecompressor()
        with self.path.open("rb") as file:
            while (block := _block(file)) is not None:
                try:
                    yield from _messages(_unpacked(block[1], unpacker), block[0])
                except (ValueError, struct.error, zstandard.ZstdError) as error:
                    raise RecordingError(f"{self.path}: is damaged at byte {self.position}: {error}") from None
                self.position = file.tell()
        self.lost = self.size - self.position


def _block(file: BinaryIO) -> tuple[int, bytes] | None:
    """Number of messages and the frame of the next block; None where there is no whole one."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, _, mark, count, length, check, own = _HEAD.unpack(head)
    if magic != _MAGIC or mark != _MARK or zlib.crc32(head[8:24]) != own or length > _LARGEST:
        return None
    frame = file.read(length)
    if len(frame) < length or zlib.crc32(frame) != check:
        return None
    return count, frame


def _unpacked(frame: bytes, unpacker: zstandard.ZstdDecompressor) -> bytes:
    """A frame's bytes. It says how many they are; what it says is asked first, since zstandard makes room for that."""
    size = zstandard.frame_content_size(frame)
    if size < 0:
        raise ValueError("its frame does not say its size")
    if size > _LARGEST:
        raise ValueError(f"its frame becomes {size} bytes, a block has {_LARGEST} at most")
    return unpacker.decompress(frame)


def _messages(data: bytes, count: int) -> Iterator[Recorded]:
    place = 0
    for _ in range(count):
        arrival, length, size, flags = _MESSAGE.unpack_from(data, place)
        place += _MESSAGE.size
        middle = place + length
        if middle + size > len(data):
            raise ValueError("a message reaches beyond its block")
        topic = data[place:middle].decode()
        if not topic or _NO_TOPIC.search(topic):
            raise ValueError("a message's topic is none")
        yield Recorded(arrival, topic, data[middle : middle + size], flags & 3, bool(flags & 4))
        place = middle + size
