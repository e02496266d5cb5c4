"""What the questions to a broker have in common: the running broker, names that nobody else uses, and answers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import mqtt5

from simulators.publisher import Message, Publisher, PublishError
from tests.tools.brokers.running import Broker, Kind, Limits
from tests.tools.mqtt_session import Session

#: Whether a broker does what a collector would like: yes, no, in part; "-" where the question does not arise.
Holds = Literal["yes", "no", "partly", "-"]
#: For how long nothing may come before it is taken that nothing more will [s].
QUIET = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen of one question, in a few words with its figures."""

    holds: Holds
    seen: str


@dataclass
class Kit:
    """One broker to ask, running; a question may stop and start it, and makes one of its own where it breaks it."""

    kind: Kind
    broker: Broker
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        """Where the running broker listens."""
        return self.broker.port

    def name(self, what: str) -> str:
        """A client id or a topic that no other question uses."""
        return f"{what}{next(self._numbers)}"

    def own(self, limits: Limits | None = None) -> Broker:
        """Another broker of the same kind; start it with ``with``."""
        return self.kind.make(self.folder / self.name("own"), limits or Limits())

    def session(self, client: str, *, port: int | None = None, **options: Any) -> Session:
        """A connection of a client to the running broker."""
        return Session(port or self.port, client, **options)

    def subscribed(self, client: str, *filters: str, port: int | None = None, **options: Any) -> None:
        """Make a session with subscriptions, and leave it with DISCONNECT."""
        with self.session(client, port=port, **options) as session:
            session.subscribe(filters)


Question = Callable[[Kit], Answer]


def numbered(topic: str, count: int, start: int = 0) -> list[Message]:
    """Messages whose payload is their number."""
    return [(topic, b"%d" % number) for number in range(start, start + count)]


def publish(port: int, messages: Sequence[Message]) -> tuple[int, int]:
    """Publish with QoS 1. Returns how many were acknowledged as taken, and how many as refused."""
    with Publisher("127.0.0.1", port, window=1_000) as publisher:
        done = publisher.publish(messages, deadline=60)
    return done.messages - done.refused, done.refused


def try_publish(port: int, messages: Sequence[Message]) -> str | None:
    """Publish; what the broker did where it did not take them."""
    try:
        publish(port, messages)
    except (OSError, PublishError) as error:
        return str(error) or type(error).__name__
    return None


def taken(session: Session, count: int, timeout: float = 20.0) -> list[mqtt5.PublishPacket]:
    """The next PUBLISHes: ``count`` of them, or those that come before nothing comes for a while. None is answered."""
    found: list[mqtt5.PublishPacket] = []
    until = time.monotonic() + timeout
    while len(found) < count and time.monotonic() < until:
        packet = session.next(QUIET if found else min(3 * QUIET, timeout))
        if packet is None:
            break
        if isinstance(packet, mqtt5.PublishPacket):
            found.append(packet)
    return found


def all_of(session: Session, *, acknowledge: bool = True, seconds: float = QUIET) -> list[mqtt5.PublishPacket]:
    """Everything that comes until nothing comes for a while, acknowledged at once."""
    found: list[mqtt5.PublishPacket] = []
    while (packet := session.next(seconds)) is not None:
        if isinstance(packet, mqtt5.PublishPacket):
            found.append(packet)
            if acknowledge and packet.packet_id is not None:
                session.send(mqtt5.PubAckPacket(packet.packet_id).write())
    return found


def acknowledge(session: Session, packets: Sequence[mqtt5.PublishPacket]) -> None:
    """PUBACK them, and see by a ping that the broker has read it; what else comes meanwhile is thrown away."""
    ids = [packet.packet_id for packet in packets if packet.packet_id is not None]
    session.send(b"".join(mqtt5.PubAckPacket(number).write() for number in ids) + mqtt5.PingReqPacket().write())
    until = time.monotonic() + 10
    while not isinstance(session.next(until - time.monotonic()), mqtt5.PingRespPacket):
        assert time.monotonic() < until, "no PINGRESP"


def numbers(packets: Sequence[mqtt5.PublishPacket]) -> list[int]:
    """The payloads of ``numbered`` messages."""
    return [int(bytes(packet.payload)) for packet in packets]


@contextmanager
def cut(session: Session) -> Iterator[Session]:
    """The connection of a session that ends as a dead process's does: closed, and no DISCONNECT."""
    try:
        yield session
    finally:
        session.cut()


def past(moment: float) -> None:
    """Wait until a moment of the monotonic clock: expiry is the broker's clock, there is nothing else to wait for."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)
