"""Plain MQTT 5 sessions of the tests: to make the collector's session before it, and to look what is left in it."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import mqtt5

from tests.tools.collector import CLIENT_ID

#: What the collector subscribes without a subscriptions file.
NATIVE = ("borough/+/+/reading", "borough/+/+/senml", "borough/+/+/senmlc")
WEEK = 7 * 86_400


class Session:
    """A blocking connection. ``present`` says whether the broker knew the session, ``connack`` all that it answered,
    ``early`` how many messages came before that.

    ``more`` are further fields of CONNECT.
    """

    def __init__(
        self,
        port: int,
        client_id: str = CLIENT_ID,
        *,
        clean_start: bool = False,
        expiry: int = WEEK,
        receive_max: int = 65_534,
        **more: Any,
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._rest = b""
        self._early: list[mqtt5.PublishPacket] = []
        connect = mqtt5.ConnectPacket(
            client_id, clean_start=clean_start, session_expiry_interval=expiry, receive_max=receive_max, **more
        )
        self._socket.sendall(connect.write())
        early = []
        while isinstance(answer := self.next(10), mqtt5.PublishPacket):
            early.append(answer)  # by the standard nothing may come before CONNACK; Mochi sends such
        assert isinstance(answer, mqtt5.ConnAckPacket), answer
        self.early = len(early)
        self._early = early
        assert int(answer.reason_code) < 0x80, answer
        self.connack = answer
        self.present: bool = answer.session_present

    def next(self, timeout: float) -> object | None:
        """The next packet; None where none comes in time or the broker closed the connection."""
        if self._early:
            return self._early.pop(0)
        until = time.monotonic() + timeout
        while True:
            try:
                packet, size = mqtt5.read(memoryview(self._rest))
            except IndexError:
                pass
            else:
                self._rest = self._rest[size:]
                return packet
            left = until - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except (TimeoutError, ConnectionResetError):
                return None
            if not data:
                return None
            self._rest += data

    def bytes_within(self, seconds: float) -> bytes:
        """What comes within so long, not read as packets: it may be none that a codec takes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except (TimeoutError, ConnectionResetError):
                break
            if not data:
                break
            self._rest += data
        return self._rest

    def subscribe(self, filters: Sequence[str], qos: int = 1) -> None:
        """Subscribe and wait for the SUBACK."""
        topics = [mqtt5.TopicFilter(name, max_qos=mqtt5.QoS(qos), retain_as_published=False) for name in filters]
        self._socket.sendall(mqtt5.SubscribePacket(1, topics).write())
        while not isinstance(answer := self.next(10), mqtt5.SubAckPacket):
            assert answer is not None, "no SUBACK"

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def close(self) -> None:
        """DISCONNECT; the session stays."""
        try:
            self._socket.sendall(mqtt5.DisconnectPacket().write())
        except OSError:
            pass  # the broker was quicker
        finally:
            self._socket.close()

    def cut(self) -> None:
        """Close without DISCONNECT, as the end of a killed process does."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_session(port: int, client_id: str = CLIENT_ID, filters: Sequence[str] = NATIVE) -> None:
    """Make the collector's session, so that the broker queues for it from now on."""
    with Session(port, client_id) as session:
        session.subscribe(filters)


def left_in_session(port: int, client_id: str = CLIENT_ID, seconds: float = 0.3) -> list[mqtt5.PublishPacket]:
    """What the broker still holds for a session that nobody serves now. Nothing is acknowledged."""
    found = []
    with Session(port, client_id) as session:
        assert session.present, f"the broker does not know session {client_id}"
        while isinstance(packet := session.next(seconds), mqtt5.PublishPacket):
            found.append(packet)
    return found


def publish_retained(port: int, topic: str, payload: bytes) -> None:
    """Leave one retained message at the broker."""
    packet = mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True, packet_id=1)
    with Session(port, "", clean_start=True, expiry=0) as session:
        session.send(packet.write())
        assert isinstance(session.next(10), mqtt5.PubAckPacket)
