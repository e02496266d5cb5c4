"""A look at the broker from outside: what it says when it lets us in, and what it tells of itself below ``$SYS``.

The session is one of its own and clean: a running collector keeps its. Nothing is published.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

import mqtt5

from borough.broker_accounts import TOLD, VERSION
from ingest.options import BrokerOptions
from ingest.tls import tls_context

#: How long the broker may take for each step.
ANSWER_SECONDS = 5.0
#: A long keep-alive [s]: a broker with a limit below it answers with that. Not the longest: Mosquitto 2.0 keeps
#: deadlines in a ring of 65535 x 1.5 + 1 seconds, where the longest falls on the second just passed and a client that
#: spoke at the turn of a second is dropped (findings/mosquitto-drops-longest-keep-alive.sh).
_KEEP_ALIVE = 32_767
#: Pings after which nothing more is waited for, where the last brought nothing, and at the most.
_LEAST_PINGS, _PINGS = 2, 20

#: Mochi's clock [s since the Unix epoch]; Mosquitto tells none.
TIME = "$SYS/broker/time"
TOPICS = (*TOLD, TIME)


class Refused(Exception):
    """The broker answers and does not let us in. The text says why."""


class Unanswered(Exception):
    """What came was no answer of an MQTT 5 broker."""


class Broker(NamedTuple):
    """What a broker answered to CONNECT, and its ``$SYS`` topics that we may read.

    ``keep_alive`` [s] is the broker's own limit, ``expiry`` [s] how long it keeps a session where that is less than we
    asked for, ``packet`` [bytes] the largest it takes; None where it has no limit. ``at`` is our clock when ``told``
    came [s since the Unix epoch].
    """

    receive_maximum: int
    packet: int | None
    keep_alive: int | None
    expiry: int | None
    qos: int
    wildcards: bool
    shared: bool
    told: Mapping[str, str]
    at: float

    def number(self, topic: str) -> int | None:
        """What stands on a topic, where it is a whole number that we may read."""
        text = self.told.get(topic, "")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def version(self) -> str | None:
        """``2.0.21`` of a Mosquitto that says so."""
        name, _, number = self.told.get(VERSION, "").rpartition(" ")
        return number if name == "mosquitto version" else None


def look(options: BrokerOptions) -> Broker:
    """Connect by MQTT 5 as the collector would, and read ``$SYS``. Raises OSError, Refused, Unanswered."""
    with _Line(options) as line:
        answer = line.enter(options.username, options.password, f"{options.client_id}-doctor", options.session_expiry)
        told = line.read(TOPICS)
        return Broker(
            answer.receive_max,
            answer.max_packet_size,
            answer.server_keep_alive,
            answer.session_expiry_interval,
            int(answer.max_qos),
            answer.wildcard_subscription_available,
            answer.shared_subscription_available,
            told,
            time.time(),
        )


def lets_anybody_in(options: BrokerOptions) -> bool:
    """Whether the broker takes a client without a name and a password. Raises OSError, Unanswered."""
    with _Line(options) as line:
        try:
            line.enter(None, None, "", 0)
        except Refused:
            return False
        return True


class _Line:
    """One connection: packets out, packets in, each within its time."""

    def __init__(self, options: BrokerOptions) -> None:
        self._socket = socket.create_connection((options.host, options.port), timeout=ANSWER_SECONDS)
        self._received = b""
        if options.tls:
            try:
                self._socket = tls_context(options).wrap_socket(self._socket, server_hostname=options.host)
            except BaseException:
                self._socket.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            # the session ends with us, whatever expiry was asked for
            self._socket.sendall(mqtt5.DisconnectPacket(session_expiry_interval=0).write())
        except OSError:
            pass  # it is closed already, which is what we want
        finally:
            self._socket.close()

    def enter(self, username: str | None, password: str | None, client_id: str, expiry: int) -> mqtt5.ConnAckPacket:
        """CONNECT and its answer. The session ends with the connection; ``expiry`` is asked for to hear the limit."""
        connect = mqtt5.ConnectPacket(
            client_id,
            username=username,
            password=None if password is None else password.encode(),
            clean_start=True,
            keep_alive=_KEEP_ALIVE,
            session_expiry_interval=expiry,
        )
        self._socket.sendall(connect.write())
        packet = self._packet()
        if not isinstance(packet, mqtt5.ConnAckPacket):
            raise Unanswered(f"it answers CONNECT by {type(packet).__name__}")
        if int(packet.reason_code) >= 0x80:
            raise Refused(f"the broker refuses the connection: {packet.reason_code.name}")
        return packet

    def read(self, topics: Iterable[str]) -> dict[str, str]:
        """What is retained on some topics and may be read, as text."""
        filters = [mqtt5.TopicFilter(topic, max_qos=mqtt5.QoS.AT_MOST_ONCE) for topic in topics]
        self._socket.sendall(mqtt5.SubscribePacket(1, filters).write())
        found: dict[str, str] = {}
        # a ping's answer comes behind what is retained; Mochi's overtakes some of it, so one is not enough
        for number in range(_PINGS):
            before = len(found)
            self._socket.sendall(mqtt5.PingReqPacket().write())
            while not isinstance(packet := self._packet(), mqtt5.PingRespPacket):
                if isinstance(packet, mqtt5.PublishPacket):
                    found[packet.topic] = packet.payload.decode("utf-8", "replace")
            if number >= _LEAST_PINGS and len(found) == before:
                break
        return found

    def _packet(self) -> object:
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            if self._received:
                try:
                    packet, used = mqtt5.read(memoryview(self._received))
                except IndexError:
                    pass  # it is not whole yet
                except ValueError as error:
                    raise Unanswered(f"its answer is not MQTT 5: {error}") from None
                else:
                    self._received = self._received[used:]
                    return packet
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer")
            self._socket.settimeout(left)
            data = self._socket.recv(65_536)
            if not data:
                raise Unanswered("the broker closed the connection before it answered")
            self._received += data
