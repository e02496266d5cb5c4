"""A fleet's connections to the broker: one for all, one for each gateway, or one for each device.

What a device says always goes over the same connection, so that its messages arrive in order.
"""

from __future__ import annotations

import selectors
import ssl
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from simulators.publisher import Message, Protocol, Published, Publisher, PublishError

#: Acknowledgements are read at most so often [s].
_PACE = 0.001


class Broker(NamedTuple):
    """Where to publish. ``window``: unacknowledged messages of one connection; ``protocol``: 4 is MQTT 3.1.1."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    protocol: Protocol = 5
    window: int = 10_000


class Connections:
    """``count`` connections, opened on entering. Raises OSError or PublishError where one cannot be had."""

    def __init__(self, broker: Broker, count: int, *, client_id: str = "borough-fleet") -> None:
        self._broker, self._count, self._client_id = broker, count, client_id
        self._publishers: list[Publisher] = []
        self._selector = selectors.DefaultSelector()
        self._looked = 0.0

    def __enter__(self) -> Self:
        try:
            for number in range(self._count):
                publisher = Publisher(
                    self._broker.host,
                    self._broker.port,
                    client_id=f"{self._client_id}-{number}",
                    username=self._broker.username,
                    password=self._broker.password,
                    window=self._broker.window,
                    tls=self._broker.tls,
                    protocol=self._broker.protocol,
                )
                self._publishers.append(publisher)
                self._selector.register(publisher, selectors.EVENT_READ, publisher)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        self._selector.close()
        for publisher in self._publishers:
            publisher.close()

    @property
    def total(self) -> Published:
        """What all connections have done so far; ``seconds`` are not counted."""
        totals = [publisher.total for publisher in self._publishers]
        return Published(
            sum(item.messages for item in totals),
            sum(item.refused for item in totals),
            0.0,
            sum(item.unheard for item in totals),
        )

    def send(self, messages: Sequence[Message], lines: Sequence[int] | None = None) -> None:
        """Hand messages to their connections and wait until all have left. ``lines``: the connection of each message.

        Raises PublishError or OSError where a connection ends.
        """
        if lines is None or self._count == 1:
            busy: Iterable[Publisher] = self._publishers[:1]
            self._publishers[0].offer(messages)
        else:
            of_line: dict[int, list[Message]] = {}
            for message, line in zip(messages, lines, strict=True):
                of_line.setdefault(line, []).append(message)
            for line, own in of_line.items():
                self._publishers[line].offer(own)
            busy = [self._publishers[line] for line in of_line]
        while True:
            for publisher in busy:
                publisher.turn()
            busy = [publisher for publisher in busy if publisher.unsent]
            now = time.monotonic()
            if busy:
                self._look(_PACE)  # the socket or the window is full: acknowledgements make room
            elif now - self._looked >= _PACE:
                self._look(0)
            if not busy:
                return

    def wait(self, seconds: float) -> None:
        """Let time pass, reading acknowledgements meanwhile. Raises PublishError, OSError."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._look(left)

    def wait_acknowledged(self, seconds: float) -> None:
        """Wait until all is acknowledged. Raises PublishError where that takes longer than ``seconds``, OSError."""
        until = time.monotonic() + seconds
        while waiting := sum(publisher.in_flight for publisher in self._publishers):
            if time.monotonic() > until:
                raise PublishError(f"{waiting} messages are not acknowledged after {seconds:g} s")
            self._look(0.05)

    def _look(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data.receive()
        self._looked = time.monotonic()
