"""What the broker kept for a session while nobody read it, and when the last of that has come.

A message without a time of its own takes its arrival. One that waited at the broker has an arrival that says nothing of
when it was sent, so its readings are told apart (docs/reference/collector.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

#: Not reading for so long [us] is an absence too: the database was away, and the broker's queue grew meanwhile.
_PAUSE = 5_000_000


class Absence(NamedTuple):
    """Instants [us since the Unix epoch] between which nobody read a session; ``lost_at`` None: not known."""

    lost_at: int | None
    back_at: int


class Backlog:
    """Tells when the broker's queue is empty, by what it sends and answers, never by the time that goes by.

    The broker is asked something (PINGREQ, or UNSUBSCRIBE of a filter that nobody has) and answers in the order of its
    stream: at the answer it has read the acknowledgements that went before the question, and we have every message that
    it sent before the answer. The difference is what it had in flight. It sends what it holds as long as its window has
    room; so where it once had more in flight on this connection than now, its window has room and its queue is empty.
    That needs no knowledge of the window. It is exact for brokers that send what the window allows before they answer,
    as Mosquitto does; one that answers from elsewhere can end a backlog too early. A live message that comes before the
    answer counts to the backlog.
    """

    def __init__(self) -> None:
        #: the absence whose messages come now, or None
        self.absence: Absence | None = None
        #: when this session was last read, as far as it is known [us]
        self.left_at: int | None = None
        #: told of every backlog that has ended, with the instant [us]
        self.ended: Callable[[Absence, int], None] = lambda _absence, _at: None
        self._paused_at: int | None = None
        self._received = 0
        self._acknowledged = 0
        self._most = 1
        #: acknowledged before each question that is not answered yet; None: its answer tells nothing
        self._asked: deque[int | None] = deque()
        self._last_asked = -1

    def connected(self, session_present: bool, now: int) -> None:
        """The broker has accepted the session, with what it kept for it where it still knew it."""
        self._received = self._acknowledged = 0
        self._most = 1
        self._asked.clear()
        self._paused_at = None
        if session_present:
            self._begin(now)
        else:
            self.absence = None  # what the broker kept is lost with the session

    def disconnected(self, now: int) -> None:
        """The connection has ended. What was still to come belongs to the next absence too."""
        self.left_at = now

    def paused(self, now: int) -> None:
        """Nothing is read from now on."""
        if self._paused_at is None:
            self._paused_at = now

    def resumed(self, now: int) -> None:
        """It is read again."""
        if self._paused_at is not None and now - self._paused_at >= _PAUSE:
            self.left_at = self._paused_at
            self._begin(now)
        self._paused_at = None

    def _begin(self, now: int) -> None:
        # of a backlog that has not ended some messages may have waited since then
        self.absence = Absence(self.left_at if self.absence is None else self.absence.lost_at, now)
        # what was asked before is answered before what came meanwhile
        self._asked = deque(None for _ in self._asked)
        self._last_asked = -1

    def received(self, count: int) -> None:
        """So many messages (QoS 1) have come."""
        self._received += count
        # what the broker had in flight when it sent the last of them is this or more
        self._most = max(self._most, self._received - self._acknowledged)

    def acknowledged(self, count: int) -> None:
        """So many were acknowledged."""
        self._acknowledged += count

    @property
    def asks(self) -> bool:
        """Whether the broker should be asked: an answer could end the backlog."""
        return self.absence is not None and not self._asked and self._acknowledged != self._last_asked

    def asked(self) -> None:
        """A question was written, behind all acknowledgements so far."""
        self._asked.append(self._acknowledged)
        self._last_asked = self._acknowledged

    def answered(self, now: int) -> None:
        """The oldest question is answered; every message that came before the answer is counted."""
        if not self._asked:
            return
        before = self._asked.popleft()
        if self.absence is not None and before is not None and self._received - before < self._most:
            absence, self.absence = self.absence, None
            self.ended(absence, now)
