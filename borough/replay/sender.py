"""Sends a replay: chunk by chunk, each acknowledged by the broker before it is in the ledger and the checkpoint."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal

from borough.errors import BrokerAway, Failure
from borough.replay.checkpoint import Checkpoint
from borough.replay.ledger import ReplayLedger
from borough.replay.messages import Outgoing
from borough.replay.pace import Pace
from devices.counts import counted
from ingest.options import BrokerOptions
from ingest.tls import tls_context
from simulators.publisher import Publisher, PublishError

#: Messages of a chunk at most and their bytes, and how long one is gathered [s].
_CHUNK, _CHUNK_BYTES = 10_000, 8 << 20
_GATHER = 0.5
#: Longest sleep while nothing is due [s].
_NAP = 0.25
#: A chunk that is not acknowledged within this is sent again on a new connection [s].
_DEADLINE = 60.0
_BACKOFF_MAXIMUM = 5.0
#: A broker that is away for longer ends the replay, which the checkpoint can go on with [s].
_PATIENCE = 120.0
#: MQTT 3.1.1, as packets number it.
OLD: Literal[4] = 4
#: Unacknowledged messages; the embedded broker, which speaks 3.1.1 alone, loses some beyond 10,000 of all its clients.
WINDOW, OLD_WINDOW = 10_000, 500


def is_old(broker: BrokerOptions) -> bool:
    """Whether a broker is to be spoken to by MQTT 3.1.1: its source for the collector is the one for such brokers."""
    return broker.source == "paho"


@dataclass(slots=True)
class Progress:
    """How far a replay is. ``skipped``: messages that an earlier start has sent; ``unheard``: nobody was subscribed.

    ``at`` [us] is where the recording's clock stands.
    """

    sent: int = 0
    skipped: int = 0
    refused: int = 0
    unheard: int = 0
    connects: int = 0
    at: int = 0


class Stop:
    """Asked to pause: by Ctrl-C or SIGTERM once; a second one ends at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep, unless somebody asks."""
        return self._event.wait(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as asking within the block."""

        def take(_number: int, _frame: FrameType | None) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self._event.set()

        before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Sender:
    """Publishes messages in their order, at a pace, and goes on after lost connections.

    ``checkpoint`` is where the messages begin: so many are skipped (the ledger has them all the same). ``keep`` is
    given it after each acknowledged chunk, with the moments at which the chunk's messages went out [us], and says how
    it stands then; what was acknowledged after the last one kept is sent again by the next start and counted there as
    duplicates. ``linger`` is called when nothing more is sent and before the connection is closed.
    """

    def __init__(
        self,
        broker: BrokerOptions,
        pace: Pace,
        ledger: ReplayLedger,
        checkpoint: Checkpoint,
        keep: Callable[[Checkpoint, Sequence[int]], Checkpoint],
        stop: Stop,
        tell: Callable[[Progress], None],
        linger: Callable[[], None] = lambda: None,
    ) -> None:
        self.progress = Progress()
        self.checkpoint = checkpoint
        self._broker = broker
        self._pace = pace
        self._ledger = ledger
        self._keep = keep
        self._stop = stop
        self._tell = tell
        self._linger = linger
        self._publisher: Publisher | None = None

    def run(self, messages: Iterator[Outgoing]) -> bool:
        """Send everything; False where somebody asked to stop before the end.

        Raises BrokerAway where the broker stays away, Failure where it refuses messages.
        """
        try:
            done = self._run(messages)
            self._linger()
            return done
        finally:
            if self._publisher is not None:
                self._publisher.close()

    def _run(self, messages: Iterator[Outgoing]) -> bool:
        if not self._skip(messages):
            return False
        for chunk in self._chunks(messages):
            self._send(chunk)
            self._tell(self.progress)
            if self._stop.asked:
                return False
        return not self._stop.asked

    def _skip(self, messages: Iterator[Outgoing]) -> bool:
        """Pass over what an earlier start has sent."""
        held: list[Outgoing] = []
        for message in messages if self.checkpoint.sent else ():
            held.append(message)
            self.progress.skipped += 1
            done = self.progress.skipped == self.checkpoint.sent
            if done or len(held) == _CHUNK:
                first = self.progress.skipped - len(held)
                self._ledger.append(first, held, self.checkpoint.published(first, len(held)))
                self.progress.at = held[-1].due
                held = []
                self._tell(self.progress)
            if done or self._stop.asked:
                break
        return not self._stop.asked

    def _chunks(self, messages: Iterator[Outgoing]) -> Iterator[list[Outgoing]]:
        """What is due, as lists: large ones flat out, small ones at a pace."""
        chunk: list[Outgoing] = []
        size = 0
        gathered = time.monotonic()
        for message in messages:
            while (pause := self._pace.wait(message.due)) > 0:
                if chunk:
                    yield chunk
                    chunk, size = [], 0
                if self._stop.wait(min(pause, _NAP)):
                    return
            if not chunk:
                gathered = time.monotonic()
            chunk.append(message)
            size += len(message.payload) + len(message.topic)
            if len(chunk) == _CHUNK or size >= _CHUNK_BYTES or time.monotonic() - gathered > _GATHER:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _send(self, chunk: list[Outgoing]) -> None:
        begun = time.monotonic()
        backoff = 0.1
        done = None
        stamps: list[int] = []
        while done is None:
            stamps.clear()
            try:
                done = self._connected().publish(_stamped(chunk, stamps), deadline=_DEADLINE)
            except (OSError, PublishError) as error:
                self._drop()
                if time.monotonic() - begun > _PATIENCE or self._stop.asked or not self.progress.connects:
                    place = f"{self._broker.host}:{self._broker.port}"
                    raise BrokerAway(f"the broker at {place} cannot be reached or refuses: {error}") from None
                self._stop.wait(backoff)
                backoff = min(backoff * 2, _BACKOFF_MAXIMUM)
        self.progress.refused += done.refused
        self.progress.unheard += done.unheard
        if done.refused:
            raise Failure(
                f"the broker refused {done.refused} of {counted(len(chunk), 'message')};"
                " may this account publish to the devices' topics?"
            )
        self._ledger.append(self.checkpoint.sent, chunk, stamps)
        self.progress.sent += len(chunk)
        self.progress.at = chunk[-1].due
        self.checkpoint = self._keep(self.checkpoint, stamps)

    def _connected(self) -> Publisher:
        if self._publisher is None:
            broker = self._broker
            self._publisher = Publisher(
                broker.host,
                broker.port,
                client_id=broker.client_id,
                username=broker.username,
                password=broker.password,
                tls=tls_context(broker) if broker.tls else None,
                protocol=OLD if is_old(broker) else 5,
                window=OLD_WINDOW if is_old(broker) else WINDOW,
            )
            self.progress.connects += 1
        return self._publisher

    def _drop(self) -> None:
        if self._publisher is not None:
            self._publisher.close()
            self._publisher = None


def _stamped(chunk: list[Outgoing], stamps: list[int]) -> Iterator[tuple[str, bytes]]:
    """Topics and bytes; notes the moment at which each is taken [us since the epoch]."""
    now, note = time.time_ns, stamps.append
    for message in chunk:
        note(now() // 1000)
        yield message.topic, message.payload
