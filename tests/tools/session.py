"""Makes or ends a persistent MQTT 5 session without reading from it, so that a queue can be filled beforehand."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TypeVar

import mqtt5

P = TypeVar("P")


def make_session(
    port: int, client_id: str, filters: Sequence[tuple[str, int]], *, end: bool = False, host: str = "127.0.0.1"
) -> bool:
    """Connect with clean_start false, subscribe, disconnect; ``end`` removes the session.

    Says whether the broker knew it before.
    """
    expiry = 0 if end else 86_400
    with socket.create_connection((host, port), timeout=10) as line:
        line.sendall(
            mqtt5.ConnectPacket(
                client_id, clean_start=end, session_expiry_interval=expiry, keep_alive=60, receive_max=50_000
            ).write()
        )
        present: bool = _read(line, mqtt5.ConnAckPacket).session_present
        if filters:
            wanted = [
                mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS(qos), retain_as_published=False)
                for pattern, qos in filters
            ]
            line.sendall(mqtt5.SubscribePacket(1, wanted).write())
            _read(line, mqtt5.SubAckPacket)
        line.sendall(mqtt5.DisconnectPacket().write())
        return present


def _read(line: socket.socket, kind: type[P]) -> P:
    received = b""
    while True:
        data = line.recv(4096)
        if not data:
            raise ConnectionError("the broker closed the connection")
        received += data
        try:
            packet, _ = mqtt5.read(memoryview(received))
        except IndexError:
            continue
        if not isinstance(packet, kind):
            raise ConnectionError(f"expected {kind.__name__}, got {type(packet).__name__}")
        return packet
