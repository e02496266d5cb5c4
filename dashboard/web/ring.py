"""The newest events of a topic, encoded once for everybody: what clients read from with a cursor of their own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

#: Events and bytes that a ring holds at most.
EVENTS, BYTES = 4_096, 2 << 20
#: Bytes that are written to a client together.
PIECE = 16_384


class Ring:
    """Events with rising numbers and no gap between them; the oldest go. For one thread.

    A number is only good within one ``epoch``: what another process, or this one before its last start, gave out under
    the same number was something else.
    """

    def __init__(self, events: int = EVENTS, size: int = BYTES) -> None:
        self.epoch = secrets.token_hex(4)
        #: Numbers of the oldest event held and of the newest; ``last`` is one less than ``first`` where there is none.
        self.first, self.last = 1, 0
        self._events: dict[int, bytes] = {}
        self._most, self._room = events, size
        self._size = 0
        self._joined: tuple[int, int, bytes] = (0, 0, b"")

    def add(self, payloads: Sequence[bytes]) -> None:
        """Number and encode events; ``payloads`` are without line ends."""
        for payload in payloads:
            self.last += 1
            event = frame(self.name(self.last), b"change", payload)
            self._events[self.last] = event
            self._size += len(event)
            while len(self._events) > self._most or (self._size > self._room and len(self._events) > 1):
                self._size -= len(self._events.pop(self.first))
                self.first += 1

    def name(self, number: int) -> str:
        """The id of an event, or of the snapshot that has everything up to it."""
        return f"{self.epoch}-{number}"

    def number(self, name: str) -> int | None:
        """The number behind an id that can be gone on from; None: only a snapshot helps."""
        epoch, _, text = name.partition("-")
        if epoch != self.epoch or not (text.isascii() and text.isdigit() and len(text) < 20):
            return None
        return int(text) if self.holds(int(text)) else None

    def holds(self, cursor: int) -> bool:
        """Whether everything after ``cursor`` is still there."""
        return self.first - 1 <= cursor <= self.last

    def after(self, cursor: int) -> tuple[bytes, int]:
        """The events after ``cursor``, about `PIECE` bytes of them, and the number of the last; it must be held.

        Most clients are at the same place: what was put together for one is there for the next, who may get the rest
        with another call.
        """
        if self._joined[0] != cursor or not self._joined[2]:
            parts, size, number = [], 0, cursor
            while number < self.last and size < PIECE:
                number += 1
                parts.append(self._events[number])
                size += len(parts[-1])
            self._joined = (cursor, number, b"".join(parts))
        return self._joined[2], self._joined[1]


def frame(name: str, kind: bytes, payload: bytes) -> bytes:
    """An event as it is sent (HTML Living Standard, 9.2.6); ``payload`` without line ends."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (name.encode(), kind, payload)
