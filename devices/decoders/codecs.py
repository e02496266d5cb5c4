"""LoRaWAN codecs: raw bytes and port of one uplink to values by property.

An empty result is a message that says nothing about the world. Bytes that are not what the codec's maker describes
raise Rejection(UNREADABLE).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devices.decoding import Reason, Rejection

#: (port, bytes) -> property -> value
Codec = Callable[[int, bytes], dict[str, Any]]


def _need(payload: bytes, size: int, what: str) -> None:
    if len(payload) < size:
        raise Rejection(Reason.UNREADABLE, f"{what} has {len(payload)} bytes, needs {size}")


def bosch_parking(port: int, payload: bytes) -> dict[str, Any]:
    """Bosch TPS110 and TPL110: port 1 status, port 2 heartbeat with temperature [Cel], port 3 start-up.

    The state of the bay in a start-up message is a reading like any other; firmware and reset cause are not kept.
    """
    if port == 1:
        _need(payload, 1, "a status message (port 1)")
        return {"occupied": payload[0] & 1}
    if port == 2:
        _need(payload, 2, "a heartbeat (port 2)")
        return {"occupied": payload[0] & 1, "temperature": int.from_bytes(payload[1:2], signed=True)}
    if port == 3:
        _need(payload, 17, "a start-up message (port 3)")
        return {"occupied": payload[16] & 1}
    if port in (4, 5, 6):  # device information, device usage, debugging
        return {}
    raise Rejection(Reason.UNREADABLE, f"port {port} is none of this sensor's")


def moko_lw009(port: int, payload: bytes) -> dict[str, Any]:
    """MOKO LW009-IG: on port 1 a message of kind 2 carries an event and the battery [%].

    Became empty and became occupied are readings of the bay. A heartbeat, low battery and magnetic interference tell
    the battery alone: the bay's state is not in them. A failed sensor is no reading of anything.
    """
    if port != 1:
        raise Rejection(Reason.UNREADABLE, f"port {port} is none of this sensor's")
    _need(payload, 13, "a message (port 1)")
    if payload[12] != 2:
        return {}
    _need(payload, 23, "an event message (port 1, kind 2)")
    event, battery = payload[14], payload[22]
    if event in (0x0B, 0x0C):
        return {"occupied": event - 0x0B, "battery": battery}
    if event in (0x00, 0x0D, 0x0E):
        return {"battery": battery}
    if event in (0x0F, 0x10):
        return {}
    raise Rejection(Reason.UNREADABLE, f"event 0x{event:02x} is not known")


#: Codec name, as a model gives it -> codec.
CODECS: Mapping[str, Codec] = {"bosch-parking": bosch_parking, "moko-lw009-ig": moko_lw009}
