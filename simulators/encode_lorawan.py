"""Bosch parking sensors (TPS110, TPL110) over The Things Stack and ChirpStack: raw bytes, as their decoder is not used.

Port 1 is a change of state, port 2 a heartbeat with the temperature. Signal strengths and gateways are made up; both
servers leave out what is zero.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from simulators.columns import Encoded, messages, room, spoil, times, topics
from simulators.stream import Stream

_APPLICATION = "borough-parking"


def things_stack(stream: Stream) -> Encoded:
    """The Things Stack v3, open-source edition: ``v3/<application>/devices/<device>/up``."""

    def envelope(device: str, time: str, port: int, data: bytes, number: int) -> dict[str, Any]:
        nanoseconds = time[:-1] + ("000Z" if "." in time else ".000000000Z")
        uplink: dict[str, Any] = {"f_port": port}
        if number:
            uplink["f_cnt"] = number
        uplink |= {
            "frm_payload": b64encode(data).decode(),
            "rx_metadata": [{"gateway_ids": {"gateway_id": "town-hall"}, "rssi": -97, "snr": 7.5}],
            "settings": {"frequency": "868300000", "time": time},
            "received_at": nanoseconds,
        }
        return {
            "end_device_ids": {
                "device_id": device,
                "application_ids": {"application_id": _APPLICATION},
                "dev_eui": dev_eui(device),
            },
            "received_at": nanoseconds,
            "uplink_message": uplink,
        }

    return _encode(stream, f"v3/{_APPLICATION}/devices/{{device}}/up", envelope)


def chirpstack(stream: Stream) -> Encoded:
    """ChirpStack v4: ``application/<application>/device/<devEui>/event/up``; the device's id is its devEui."""

    def envelope(device: str, time: str, port: int, data: bytes, number: int) -> dict[str, Any]:
        return {
            "time": time,
            "deviceInfo": {"applicationName": _APPLICATION, "devEui": device},
            "fCnt": number,
            "fPort": port,
            "data": b64encode(data).decode(),
            "rxInfo": [{"gatewayId": "town-hall", "rssi": -97, "snr": 7.5}],
        }

    return _encode(stream, "application/1/device/{device}/event/up", envelope)


def dev_eui(device: str) -> str:
    """Sixteen hexadecimal digits that belong to an id."""
    return hashlib.blake2b(device.encode(), digest_size=8).hexdigest().upper()


def _encode(stream: Stream, pattern: str, envelope: Callable[[str, str, int, bytes, int], dict[str, Any]]) -> Encoded:
    topic = topics(stream, pattern)
    encoded = room(stream)
    names = list(stream.properties)
    occupied = names.index("occupied") if "occupied" in names else -1
    said = times(stream.time)
    own = np.zeros(len(stream.message), np.int64) if stream.number is None else stream.number
    for message, first, end in messages(stream):
        values = dict(zip(stream.property[first:end].tolist(), stream.value[first:end].tolist(), strict=True))
        state = values.pop(occupied, None)
        if state is None:
            continue  # `plan` leaves no such message: a heartbeat always tells the state
        if values:
            ((_, temperature),) = values.items()
            data, port = bytes([int(state) & 1]) + int(temperature).to_bytes(1, signed=True), 2
        else:
            data, port = bytes([int(state) & 1]), 1
        device = int(stream.device[first])
        document = envelope(stream.devices[device].id, said[first], port, data, int(own[first]))
        encoded[message] = (topic[device], orjson.dumps(document))
    return spoil(stream, encoded, topic)
