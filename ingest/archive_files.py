"""The archive's files: frames of messages that survive a crash, and what reads, forgets and expires them.

    <folder>/open/<family>/<day>/<collector>-<n>.frames       and beside it <collector>-<n>.devices, the ids within
    <folder>/personal/<family>/<day>/…                        mode 0700: devices of households

``day`` is the UTC day of arrival. A file is a run of frames: a header with length and checksum, then a block of one
zstd stream, so that small batches compress as well as large ones. A process begins new files and never adds to one of
another; a torn frame at the end of a file was never acknowledged to the broker.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import struct
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

OPEN, PERSONAL = "open", "personal"

_HEADER = struct.Struct("<4sIIIqB")  # magic, length, checksum, messages, first arrival [us], whether a stream begins
_MAGIC = b"BTA1"
#: What a frame becomes at most: a collector's batch, many times [bytes]; packed bytes that are unpacked at once.
_LARGEST, _SIP = 256 << 20, 1_024
_CONTENT = msgspec.msgpack.Decoder(tuple[list[str], list[str], bytes, bytes, bytes, bytes])


class ArchiveError(Exception):
    """A file of the archive is damaged. The text says which and where."""


class Frame(NamedTuple):
    """Messages that were accepted together, in the order of their arrival.

    ``topics``, ``payloads``, ``devices`` (ids) and ``arrivals`` [us since the Unix epoch], all ``(messages,)``;
    ``flags``: first bytes of the PUBLISH packets, None where none was retained.
    """

    topics: Sequence[str]
    payloads: Sequence[bytes]
    devices: Sequence[str]
    arrivals: NDArray[np.int64]
    flags: Sequence[int] | None = None


class FrameEncoder:
    """One file's compression stream. ``encode`` gives a whole frame: header and block."""

    def __init__(self) -> None:
        self._stream = zstandard.ZstdCompressor(level=3).compressobj()
        self._begun = False

    def encode(self, frame: Frame) -> bytes:
        """The frame's bytes; every frame must be written, each needs those before it."""
        numbers: dict[str, int] = {}
        topic_of = np.array([numbers.setdefault(topic, len(numbers)) for topic in frame.topics], "<u4")
        device_of = dict(zip(frame.topics, frame.devices, strict=True))
        content = msgspec.msgpack.encode(
            (
                list(numbers),
                [device_of[topic] for topic in numbers],
                topic_of.tobytes(),
                frame.arrivals.astype("<i8").tobytes(),
                np.array([len(payload) for payload in frame.payloads], "<u4").tobytes(),
                b"".join(frame.payloads),
            )
        )
        block = self._stream.compress(content) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        first = int(frame.arrivals[0]) if len(frame.arrivals) else 0
        head = _HEADER.pack(_MAGIC, len(block), zlib.crc32(block), len(frame.topics), first, not self._begun)
        self._begun = True
        return head + block


def read_frames(path: Path, count: int | None = None) -> Iterator[Frame]:
    """The frames of one file, at most ``count``; a torn one at the end is left out.

    Raises ArchiveError for a frame that is whole and wrong, OSError.
    """
    stream: zstandard.ZstdDecompressionObj | None = None
    for offset, block, begins in _blocks(path, count):
        if begins or stream is None:
            stream = zstandard.ZstdDecompressor().decompressobj()
        try:
            frame = _frame(*_CONTENT.decode(_unpacked(stream, block)))
        except (zstandard.ZstdError, msgspec.DecodeError, ValueError, IndexError) as error:
            raise ArchiveError(f"{path} is damaged at byte {offset}: {error}") from None
        yield frame


def _unpacked(stream: zstandard.ZstdDecompressionObj, block: bytes) -> bytes:
    """A block's bytes, sip by sip: four bytes can become 128 kB. Raises ValueError where they are too many."""
    pieces = []
    size = 0
    for place in range(0, len(block), _SIP):
        piece = stream.decompress(block[place : place + _SIP])
        size += len(piece)
        if size > _LARGEST:
            raise ValueError(f"its frame becomes more than {_LARGEST} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _frame(topics: list[str], devices: list[str], topic_of: bytes, arrivals: bytes, sizes: bytes, body: bytes) -> Frame:
    numbers = np.frombuffer(topic_of, "<u4").tolist()
    if len(topic_of) != len(sizes) or 2 * len(sizes) != len(arrivals) or len(topics) != len(devices):
        raise ValueError("its columns have different lengths")
    ends = np.cumsum(np.frombuffer(sizes, "<u4"), dtype=np.int64).tolist()
    payloads = [body[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
    return Frame(
        [topics[number] for number in numbers],
        payloads,
        [devices[number] for number in numbers],
        np.frombuffer(arrivals, "<i8").astype(np.int64),
    )


def _blocks(path: Path, count: int | None) -> Iterator[tuple[int, bytes, bool]]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset, number = 0, 0
        while (count is None or number < count) and (head := _head(file.read(_HEADER.size))) is not None:
            length, checksum, _, begins = head
            block = file.read(length)
            whole = len(block) == length
            if not whole or zlib.crc32(block) != checksum:
                if whole and offset + _HEADER.size + length < size:
                    raise ArchiveError(f"{path} is damaged at byte {offset}: wrong checksum")
                return
            yield offset, block, begins
            offset += _HEADER.size + length
            number += 1


def _head(data: bytes) -> tuple[int, int, int, bool] | None:
    if len(data) < _HEADER.size:
        return None
    magic, length, checksum, messages, _, begins = _HEADER.unpack(data)
    return (length, checksum, messages, bool(begins)) if magic == _MAGIC else None


class FileSummary(NamedTuple):
    """What a file's headers say."""

    frames: int
    messages: int
    bytes: int


def summary(path: Path) -> FileSummary:
    """Count a file's whole frames and their messages without reading them. Raises OSError."""
    frames = messages = offset = 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while (head := _head(file.read(_HEADER.size))) is not None:
            offset += _HEADER.size + head[0]
            if offset > size:
                break
            file.seek(offset)
            frames += 1
            messages += head[2]
    return FileSummary(frames, messages, size)


class Segment(NamedTuple):
    """One file of the archive. ``personal``: of devices of households."""

    path: Path
    personal: bool
    family: str
    day: date


def segments(folder: Path, families: Collection[str] | None = None, since: date | None = None) -> list[Segment]:
    """The archive's files by day and name; of some families, from a day of arrival on. Raises ArchiveError, OSError."""
    found, strays = _known(folder)
    if strays:
        raise ArchiveError(f"{strays[0]} is no day of an archive")
    return [
        item for item in found if (families is None or item.family in families) and (since is None or item.day >= since)
    ]


def _known(folder: Path) -> tuple[list[Segment], list[Path]]:
    """The files by day and name, and folders with files that are called by no day."""
    found: list[Segment] = []
    strays: dict[Path, None] = {}
    for kind in (OPEN, PERSONAL):
        for path in sorted(folder.glob(f"{kind}/*/*/*.frames")):
            try:
                day = date.fromisoformat(path.parent.name)
            except ValueError:
                strays[path.parent] = None
                continue
            found.append(Segment(path, kind == PERSONAL, path.parts[-3], day))
    return sorted(found, key=lambda item: (item.day, item.path)), list(strays)


def merged(folder: Path, content: Mapping[str, int]) -> Iterator[Frame]:
    """Frames of several files: day by day, within a day by the arrival of their first message.

    ``content``: path relative to ``folder`` -> frames to read of it; the same content gives the same order, whatever
    is written meanwhile. Raises ArchiveError, OSError.
    """
    days: dict[str, list[str]] = {}
    for name in sorted(content):
        days.setdefault(Path(name).parts[-2], []).append(name)
    for day in sorted(days):
        files = [_numbered(folder / name, place, content[name]) for place, name in enumerate(days[day])]
        for _, _, _, frame in heapq.merge(*files, key=lambda item: item[:3]):
            yield frame


def _numbered(path: Path, place: int, count: int) -> Iterator[tuple[int, int, int, Frame]]:
    first = 0
    for number, frame in enumerate(read_frames(path, count)):
        if len(frame.arrivals):
            first = int(frame.arrivals[0])
        yield first, place, number, frame


def devices_file(path: Path) -> Path:
    """Where the ids of the devices in a file are listed."""
    return path.with_suffix(".devices")


def devices_of(path: Path) -> set[str] | None:
    """Ids of the devices in a file; None where the list is missing, so that the file itself must be read."""
    try:
        return set(devices_file(path).read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return None


def forget(folder: Path, devices: Collection[str]) -> tuple[int, int]:
    """Remove every message of some devices; says how many messages and from how many files.

    Only files with one of them are written anew, each replaced at once, while collectors go on: a collector whose file
    is being replaced begins another. Raises ArchiveError, OSError; the same call again finishes an interrupted one.
    """
    gone = set(devices)
    messages = files = 0
    for segment in segments(folder):
        held = devices_of(segment.path)
        if held is None or held & gone:
            removed = _rewrite(segment.path, lambda frame: [device in gone for device in frame.devices])
            messages += removed
            files += removed > 0
    return messages, files


def forget_messages(
    folder: Path,
    concerned: Callable[[str], bool],
    gone: Callable[[Frame], Sequence[bool]],
    named: Callable[[Frame], bool] | None = None,
) -> tuple[int, int]:
    """Remove the messages that ``gone`` marks, from files with a device that is ``concerned``; otherwise like `forget`.

    ``named``: every file is read, and one with a frame of which it is true is gone through too. Says how many messages
    and from how many files. Raises ArchiveError, OSError.
    """
    messages = files = 0
    for segment in segments(folder):
        held = devices_of(segment.path)
        if held is None or any(concerned(device) for device in held) or (named and _any(segment.path, named)):
            removed = _rewrite(segment.path, gone)
            messages += removed
            files += removed > 0
    return messages, files


def _any(path: Path, named: Callable[[Frame], bool]) -> bool:
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)  # no frame is half written meanwhile
        return any(named(frame) for frame in read_frames(path))


def _rewrite(path: Path, gone: Callable[[Frame], Sequence[bool]]) -> int:
    with path.open("rb") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        removed, left = 0, set[str]()
        encoder, new = FrameEncoder(), path.with_suffix(".new")
        with new.open("wb") as file:
            os.fchmod(file.fileno(), os.fstat(old.fileno()).st_mode & 0o777)
            # a frame that is empty now stays, so that the others keep their numbers for a correction that is under way
            for frame in read_frames(path):
                kept = [place for place, goes in enumerate(gone(frame)) if not goes]
                removed += len(frame.devices) - len(kept)
                left.update(frame.devices[place] for place in kept)
                file.write(
                    encoder.encode(
                        Frame(
                            [frame.topics[place] for place in kept],
                            [frame.payloads[place] for place in kept],
                            [frame.devices[place] for place in kept],
                            frame.arrivals[kept],
                        )
                    )
                )
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        names = devices_file(path)
        fresh = names.with_suffix(".list")
        fresh.write_text("".join(f"{device}\n" for device in sorted(left)), encoding="utf-8")
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(names)
    return removed


def expire(folder: Path, retention: Mapping[str, int], today: date) -> tuple[dict[str, int], list[Path]]:
    """Delete what arrived more than so many days ago, by family; the bytes that this freed, and folders that are called
    by no day, whose files stay. Raises OSError."""
    freed: dict[str, int] = {}
    found, strays = _known(folder)
    for segment in found:
        days = retention.get(segment.family)
        if days is None or segment.day >= today - timedelta(days=days):
            continue
        for path in (segment.path, devices_file(segment.path)):
            if path.exists():
                freed[segment.family] = freed.get(segment.family, 0) + path.stat().st_size
                path.unlink()
        if not any(segment.path.parent.iterdir()):
            segment.path.parent.rmdir()
    return freed, strays
