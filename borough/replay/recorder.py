"""Records live traffic: a session of its own at the broker, acknowledged when the disk has it, into rotating files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from borough.replay.recording import LONGEST, SUFFIX, Recorded, RecordingWriter
from ingest.filters import FilterTree
from ingest.mqtt5_source import Mqtt5Source
from ingest.options import BrokerOptions
from ingest.paho_source import PahoSource
from ingest.source import RETAIN, Chunk, Source

#: How long a message waits for its block at most [s].
_FLUSH = 0.5
#: A recorder that is gone for longer has missed something; a forgotten one must not fill the broker's queue [s].
_SESSION_EXPIRY = 3_600
#: So many topics are remembered.
_TOPICS_MAXIMUM = 100_000


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Where to, what, and for how long. 0 is no bound: ``file_bytes`` and ``file_seconds`` begin a new file,
    ``seconds`` and ``messages`` end the recording."""

    folder: Path
    prefix: str
    filters: Sequence[str]
    file_bytes: int = 0
    file_seconds: float = 0.0
    seconds: float = 0.0
    messages: int = 0


@dataclass(slots=True)
class Recording:
    """What was recorded so far. ``lost``: sessions that the broker had forgotten, so that messages may be missing.

    ``too_long``: messages that were left out, since no recording holds them.
    """

    messages: int = 0
    bytes: int = 0
    lost: int = 0
    too_long: int = 0
    files: list[Path] = field(default_factory=list)
    connected: bool = False
    problem: str = ""


class Recorder:
    """Writes what a source receives. A message is acknowledged once its block is on disk."""

    def __init__(self, options: RecordOptions) -> None:
        self.options = options
        self.state = Recording()
        self._filters = FilterTree(options.filters)
        self._topics: dict[str, bool] = {}
        self._writer: RecordingWriter | None = None
        self._opened = 0.0
        self._closed_bytes = 0
        self._failure: OSError | None = None
        self._unacknowledged: list[tuple[int, list[int]]] = []

    def receive(self, chunk: Chunk) -> None:
        """Take messages from the source. What the disk does not take is not acknowledged, and `write` raises."""
        if self._failure is not None:
            return
        try:
            self._add(chunk)
        except OSError as error:
            self._failure = error

    def _add(self, chunk: Chunk) -> None:
        for topic, payload, flags in zip(chunk.topics, chunk.payloads, chunk.flags, strict=True):
            if not self._asked_for(topic):
                continue
            if len(topic.encode()) + len(payload) > LONGEST:
                self.state.too_long += 1
                continue
            message = Recorded(chunk.arrival, topic, bytes(payload), flags >> 1 & 3, bool(flags & RETAIN))
            writer = self._file()
            writer.add(message)
            self.state.messages += 1
            if self.options.file_bytes and writer.size >= self.options.file_bytes:
                self.close()
        self._unacknowledged.append((chunk.generation, [number for number in chunk.packet_ids if number]))

    def _asked_for(self, topic: str) -> bool:
        """Whether a filter of today takes a topic: within an hour the session still has those of a recorder before."""
        found = self._topics.get(topic)
        if found is None:
            if len(self._topics) >= _TOPICS_MAXIMUM:
                self._topics.clear()
            found = self._topics[topic] = self._filters.find(topic) is not None
        return found

    def write(self, source: Source) -> None:
        """Bring everything to disk, acknowledge it, and begin a new file where it is time. Raises OSError."""
        if self._failure is not None:
            raise self._failure
        writer = self._writer
        if writer is not None:
            writer.sync()
            self.state.bytes = self._closed_bytes + writer.size
        for generation, packet_ids in self._unacknowledged:
            if packet_ids:
                source.acknowledge(generation, packet_ids, ())
        self._unacknowledged.clear()
        self.state.connected = source.status.connected and source.status.subscribed
        self.state.problem = source.status.problem
        self.state.lost = source.status.lost
        if writer is not None and self._full(writer):
            self.close()

    def close(self) -> None:
        """Close the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._closed_bytes += self._writer.size
            self.state.bytes = self._closed_bytes
            self._writer = None

    def _full(self, writer: RecordingWriter) -> bool:
        options = self.options
        old = options.file_seconds and time.monotonic() - self._opened >= options.file_seconds
        return bool(old or (options.file_bytes and writer.size >= options.file_bytes))

    def _file(self) -> RecordingWriter:
        if self._writer is None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            number = 1
            while self._writer is None:
                # two files may begin within a second
                tail = "" if number == 1 else f"-{number}"
                path = self.options.folder / f"{self.options.prefix}{stamp}{tail}{SUFFIX}"
                with suppress(FileExistsError):
                    self._writer = RecordingWriter(path)
                number += 1
            self._opened = time.monotonic()
            self.state.files.append(self._writer.path)
        return self._writer


async def record(
    broker: BrokerOptions, options: RecordOptions, stop: asyncio.Event, tell: Callable[[Recording], None]
) -> Recording:
    """Record until ``stop``, or until a bound of the options is reached. Raises OSError where the disk gives up."""
    recorder = Recorder(options)
    # not in the collectors' group: a member would take messages away from them
    broker = replace(broker, shared_group=None, session_expiry=_SESSION_EXPIRY)
    kind = Mqtt5Source if broker.source == "mqtt5" else PahoSource
    source = kind(broker, [(name, 1) for name in options.filters], recorder.receive, lambda _known: None)
    running = asyncio.create_task(source.run())
    begun = time.monotonic()
    try:
        while not stop.is_set() and not running.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _FLUSH)
            recorder.write(source)
            tell(recorder.state)
            if options.seconds and time.monotonic() - begun >= options.seconds:
                break
            if options.messages and recorder.state.messages >= options.messages:
                break
        await source.stop()
        await running
        recorder.write(source)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        recorder.close()
    return recorder.state
