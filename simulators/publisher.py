"""A fast MQTT publisher: QoS 1 from one process at tens of thousands of messages a second.

MQTT 5; 3.1.1 for brokers that know no other, which cannot say that nobody is subscribed.

Plain blocking code on one socket: messages are encoded beside a window of unacknowledged ones, and PUBACKs are read at
most about once a millisecond, for the reason that the collector paces its reads.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Literal, NamedTuple, Self

import mqtt5

from devices.counts import counted

Message = tuple[str, bytes]
#: A message with user properties, which MQTT 3.1.1 leaves out.
Marked = tuple[str, bytes, dict[str, str]]
#: The version of MQTT: 5, or 4 for 3.1.1, as the packets number it.
Protocol = Literal[4, 5]

_BURST = 500
_PACE = 0.001
#: PUBACK: "no matching subscribers".
_UNHEARD = 0x10
#: What CONNACK of MQTT 3.1.1 says where it says no.
_OLD_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "the client id is not taken",
    3: "the service is not there",
    4: "wrong user name or password",
    5: "not allowed",
}


class PublishError(Exception):
    """The broker refused or closed the connection; what was not acknowledged may or may not have arrived."""


class Unanswered(PublishError):
    """The broker hung up at our CONNECT, or what it said was no answer to it."""


class Published(NamedTuple):
    """What a run of ``publish`` did. ``refused`` PUBACKs carried an error: those messages were not taken.

    ``unheard`` ones were taken, but nobody is subscribed: the broker dropped them.
    """

    messages: int
    refused: int
    seconds: float
    unheard: int = 0


class Publisher:
    """A connection that publishes. ``window`` bounds the unacknowledged messages (below the broker's receive maximum).

    ``timeout`` [s] bounds each wait for the broker until it has let us in. ``keep_alive`` [s] is what we ask for, and
    nothing here pings; where it is 0 a broker with a limit of its own refuses MQTT 3.1.1. Use as a context manager.
    Raises OSError or PublishError where the broker cannot be reached or says no.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str = "",
        username: str | None = None,
        password: str | None = None,
        window: int = 10_000,
        tls: ssl.SSLContext | None = None,
        protocol: Protocol = 5,
        timeout: float = 10.0,
        keep_alive: int = 0,
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._pending = b""
        self._in_flight = 0
        self._refused = 0
        self._unheard = 0
        self._next_id = 0
        self._sent = 0
        self._offered: deque[Message] = deque()
        self._outgoing = b""
        self._protocol = protocol
        try:
            if protocol == 5:
                connect = mqtt5.ConnectPacket(
                    client_id,
                    username=username,
                    password=None if password is None else password.encode(),
                    clean_start=True,
                    keep_alive=keep_alive,
                )
                self._socket.sendall(connect.write())
                window = min(window, self._connack().receive_max)
            else:
                self._socket.sendall(old_connect_packet(client_id, username, password, keep_alive))
                self._old_connack()
        except BaseException:
            self._socket.close()
            raise
        self.window = min(window, 65_000)
        self._socket.setblocking(False)

    def _connack(self) -> mqtt5.ConnAckPacket:
        received = b""
        while True:
            data = self._socket.recv(4096)
            if not data:
                raise Unanswered("the broker closed the connection before it answered")
            received += data
            try:
                packet, _ = mqtt5.read(memoryview(received))
            except IndexError:
                continue
            except ValueError as error:
                raise Unanswered(f"the broker's answer to CONNECT is not MQTT 5: {error}") from None
            if not isinstance(packet, mqtt5.ConnAckPacket) or int(packet.reason_code) >= 0x80:
                name = getattr(getattr(packet, "reason_code", None), "name", type(packet).__name__)
                raise PublishError(f"the broker refuses the connection: {name}")
            return packet

    def _old_connack(self) -> None:
        received = b""
        while len(received) < 4:
            data = self._socket.recv(4 - len(received))
            if not data:
                raise Unanswered("the broker closed the connection before it answered")
            received += data
        if received[0] != 0x20 or received[3]:
            raise PublishError(f"the broker refuses the connection: {_OLD_REFUSALS.get(received[3], received.hex())}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """DISCONNECT and close."""
        try:
            self._socket.setblocking(True)
            self._socket.sendall(mqtt5.DisconnectPacket().write() if self._protocol == 5 else b"\xe0\x00")
        except OSError:
            pass  # it is closed already, which is what we want
        finally:
            self._socket.close()

    def publish(
        self, messages: Iterable[Message | Marked], *, rate: float | None = None, deadline: float | None = None
    ) -> Published:
        """Publish with QoS 1 and wait for every PUBACK; at ``rate`` [messages/s] where given, else flat out.

        ``deadline`` [s] bounds the whole; past it PublishError is raised.
        """
        started = time.monotonic()
        refused_before, unheard_before = self._refused, self._unheard
        source = iter(messages)
        sent = 0
        waiting = b""
        more = True
        while more or waiting or self._in_flight:
            now = time.monotonic()
            if deadline is not None and now - started > deadline:
                raise PublishError(
                    f"{counted(self._in_flight, 'message is', 'messages are')} not acknowledged after {deadline:g} s"
                )
            if more and not waiting:
                room = min(_BURST, self.window - self._in_flight)
                if rate is not None:
                    room = min(room, int((now - started) * rate) + 1 - sent)
                if room > 0:
                    waiting, count = self._encode(islice(source, room))
                    more = count > 0
                    sent += count
                    self._in_flight += count
            waiting = self._exchange(waiting, idle=not waiting)
        return Published(
            sent, self._refused - refused_before, time.monotonic() - started, self._unheard - unheard_before
        )

    # -- one of many: `simulators.connections` turns them all ---------------------------------------------------------

    @property
    def unsent(self) -> bool:
        """Whether something that was offered has not left for the broker."""
        return bool(self._offered or self._outgoing)

    @property
    def in_flight(self) -> int:
        """Messages that were sent and are not acknowledged."""
        return self._in_flight

    @property
    def total(self) -> Published:
        """What this connection has done so far; ``seconds`` are not counted."""
        return Published(self._sent, self._refused, 0.0, self._unheard)

    def fileno(self) -> int:
        """The socket's number, for a selector."""
        return self._socket.fileno()

    def offer(self, messages: Iterable[Message]) -> None:
        """Take messages to send; `turn` sends them."""
        self._offered.extend(messages)

    def turn(self) -> None:
        """Send what the window and the socket take now, without waiting. Raises OSError where the line is cut."""
        if self._offered and not self._outgoing:
            room = min(_BURST, self.window - self._in_flight, len(self._offered))
            if room > 0:
                self._outgoing, count = self._encode(iter([self._offered.popleft() for _ in range(room)]))
                self._in_flight += count
                self._sent += count
        if self._outgoing:
            try:
                self._outgoing = self._outgoing[self._socket.send(self._outgoing) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass  # the socket is full; the next turn goes on

    def receive(self) -> None:
        """Take acknowledgements that are there. Raises PublishError, OSError."""
        try:
            self._acknowledged(self._received())
        except BlockingIOError:
            pass  # the selector was wrong, nothing is there

    def _encode(self, messages: Iterator[Message | Marked]) -> tuple[bytes, int]:
        parts = []
        encode = publish_packet if self._protocol == 5 else old_publish_packet
        for message in messages:
            self._next_id = self._next_id % 65_535 + 1
            if len(message) == 3 and self._protocol == 5:
                parts.append(_marked_packet(message[0], message[1], message[2], self._next_id))
            else:
                parts.append(encode(message[0], message[1], self._next_id))
        return b"".join(parts), len(parts)

    def _exchange(self, waiting: bytes, *, idle: bool) -> bytes:
        """Send what the socket takes, read what is there; waits a moment where there is nothing to do."""
        readable, writable, _ = select.select([self._socket], [self._socket] if waiting else [], [], _PACE)
        if writable:
            try:
                waiting = waiting[self._socket.send(waiting) :]
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        if readable and (idle or self._in_flight > self.window // 2):
            self._acknowledged(self._received())
            if idle:
                time.sleep(_PACE)
        return waiting

    def _received(self) -> bytes | None:
        """What has come; under TLS all that is unpacked, which `select` would not tell."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return self._socket.recv(1 << 18)
        try:
            data = self._socket.recv(1 << 18)
            while data and self._socket.pending():
                data += self._socket.recv(1 << 18)
        except ssl.SSLWantReadError:
            return None  # a record that has not come whole
        return data

    def _acknowledged(self, data: bytes | None) -> None:
        if data is None:
            return
        if not data:
            raise PublishError(
                f"the broker closed the connection with {counted(self._in_flight, 'message')} unacknowledged"
            )
        data = self._pending + data
        position, end = 0, len(data)
        while position + 2 <= end:
            size = 2 + data[position + 1]
            if position + size > end:
                break
            if data[position] == 0x40:
                self._in_flight -= 1
                if size > 4 and (code := data[position + 4]):
                    self._refused += code >= 0x80
                    self._unheard += code == _UNHEARD
            elif data[position] == 0xE0:
                code = data[position + 2] if size > 2 else 0
                raise PublishError(f"the broker disconnects, reason 0x{code:02x}")
            position += size
        self._pending = data[position:]


def publish_packet(topic: str, payload: bytes, packet_id: int, *, retain: bool = False) -> bytes:
    """One QoS 1 PUBLISH without properties, byte for byte as the ``mqtt5`` codec writes it."""
    name = topic.encode()
    size = 2 + len(name) + 2 + 1 + len(payload)
    head = 0x33 if retain else 0x32
    if size < 128:
        start = struct.pack("!BBH", head, size, len(name))
    elif size < 16_384:
        start = struct.pack("!BBBH", head, size & 0x7F | 0x80, size >> 7, len(name))
    else:
        packet = mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=retain, packet_id=packet_id)
        return packet.write()
    return b"".join((start, name, struct.pack("!HB", packet_id, 0), payload))


def _marked_packet(topic: str, payload: bytes, properties: dict[str, str], packet_id: int) -> bytes:
    """One QoS 1 PUBLISH with user properties."""
    return mqtt5.PublishPacket(
        topic,
        payload,
        qos=mqtt5.QoS.AT_LEAST_ONCE,
        packet_id=packet_id,
        user_properties=list(properties.items()),
    ).write()


def old_publish_packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """One QoS 1 PUBLISH of MQTT 3.1.1 (section 3.3)."""
    name = topic.encode()
    size = 2 + len(name) + 2 + len(payload)
    return b"".join((b"\x32", _length(size), _text(name), struct.pack("!H", packet_id), payload))


def old_connect_packet(client_id: str, username: str | None, password: str | None, keep_alive: int = 0) -> bytes:
    """CONNECT of MQTT 3.1.1 (section 3.1): a clean session, without a keep-alive [s] unless one is given."""
    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    words = [word.encode() for word in (client_id, username, password) if word is not None]
    body = b"".join((_text(b"MQTT"), bytes((4, flags)), keep_alive.to_bytes(2), *map(_text, words)))
    return b"\x10" + _length(len(body)) + body


def _text(text: bytes) -> bytes:
    return struct.pack("!H", len(text)) + text


def _length(size: int) -> bytes:
    """A remaining length: seven bits a byte, the least first."""
    found = bytearray()
    while True:
        size, low = divmod(size, 128)
        found.append(low | (0x80 if size else 0))
        if not size:
            return bytes(found)
