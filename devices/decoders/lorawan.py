"""LoRaWAN network servers: The Things Stack v3 and ChirpStack v4.

Both wrap the same things in different names: the device, the time, the frame counter, the port, the payload as bytes
and, where the server has a decoder of its own, as an object. That object is used where it holds a property of the
device's family; else the bytes with the codec of the device's model. Both servers leave out fields that are zero.

The time is the network server's. A gateway's clock may stand anywhere (it starts in 1970 or 2012, or is half an hour
ahead), so its finer time counts only where it is within seconds of the server's.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from devices import iso_time
from devices.decoders.codecs import CODECS, Codec
from devices.decoding import STATUS, Binding, Decode, Decoded, Format, Reason, Rejection
from devices.families import properties_of
from devices.json_object import parse_object
from devices.key_names import told
from devices.models import model_of


class _Uplink(NamedTuple):
    """What the two envelopes have in common. All but ``device`` as they were read, None where absent."""

    device: Any
    time: Any
    counter: Any
    port: Any
    raw: Any
    decoded: Any


#: The envelope's reader; None for an event that is no uplink.
_Unwrap = Callable[[dict[str, Any]], _Uplink | None]


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Rejection(Reason.UNREADABLE, f"{key} is no object")
    return value


#: A gateway's time counts within so many seconds of the network server's.
_NEAR = 5
_ABSENT: Final = object()


def _time(gateway: Any, server: Sequence[Any], others: Any, key: str) -> Any:
    """The time of an uplink: the first of the server's that can be read, or ``gateway`` where that is near it.

    The server's are ``server`` and what the objects of the list ``others`` say under ``key``; ``_ABSENT`` is left out.
    Where the server says none, the gateway's is all there is; where it does and none can be read, the time is bad, as
    every null is: the first as it came, or an empty text. None where nothing is there.
    """
    told = [time for time in server if time is not _ABSENT]
    if told and _close(gateway, told[0]):
        return gateway
    if isinstance(others, list):
        found = [item.get(key) for item in others if isinstance(item, dict)]
        told += [value for value in found if value is not None]
        if told and _close(gateway, told[0]):
            return gateway
    if not told:
        return None if gateway is _ABSENT else "" if gateway is None else gateway
    for time in told:
        received = iso_time.instant(time)
        if received is not None:
            seen = iso_time.instant(gateway)
            return gateway if seen is not None and abs(seen - received) <= _NEAR * 1_000_000 else time
    return "" if told[0] is None else told[0]


def _close(gateway: Any, received: Any) -> bool:
    """Whether two texts say seconds of the same minute, as nearly all do, and are near; without reading all of them."""
    if type(gateway) is not str or type(received) is not str:
        return False
    if gateway[:17] != received[:17] or gateway[19:20] not in (".", "Z", "+"):
        return False
    utc = ("Z", "+00:00")
    if not (gateway.endswith(utc) and received.endswith(utc)):
        return False
    one, other = gateway[17:19], received[17:19]
    return one.isdecimal() and other.isdecimal() and abs(int(one) - int(other)) < _NEAR


#: Beside ``up`` the stack publishes these on the topics next to it.
_STACK_EVENTS = (
    "join_accept", "downlink_ack", "downlink_nack", "downlink_sent", "downlink_failed", "downlink_queued",
    "downlink_queue_invalidated", "location_solved", "service_data",
)  # fmt: skip


def _things_stack(document: dict[str, Any]) -> _Uplink | None:
    if document.get("uplink_message") is None:
        if any(event in document for event in _STACK_EVENTS):
            return None
        raise Rejection(Reason.UNREADABLE, "no uplink_message")
    uplink = _object(document, "uplink_message")
    return _Uplink(
        device=_object(document, "end_device_ids").get("device_id"),
        time=_time(
            _object(uplink, "settings").get("time", _ABSENT),
            (uplink.get("received_at", _ABSENT), document.get("received_at", _ABSENT)),
            uplink.get("rx_metadata"),
            "received_at",
        ),
        counter=uplink.get("f_cnt"),
        port=uplink.get("f_port"),
        raw=uplink.get("frm_payload"),
        decoded=uplink.get("decoded_payload"),
    )


def _chirpstack(document: dict[str, Any]) -> _Uplink | None:
    info = _object(document, "deviceInfo")
    if not info:
        raise Rejection(Reason.UNREADABLE, "no deviceInfo; ChirpStack before version 4 is not read")
    return _Uplink(
        device=info.get("devEui"),
        # `time` is the first gateway's where that has a clock, else the server's; nsTime is the server's by gateway
        time=_time(document.get("time", _ABSENT), (), document.get("rxInfo"), "nsTime"),
        counter=document.get("fCnt"),
        port=document.get("fPort"),
        raw=document.get("data"),
        decoded=document.get("object"),
    )


def _whole(value: Any, what: str) -> int:
    """A counter or port; absent is 0, because the servers leave out what is zero."""
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise Rejection(Reason.UNREADABLE, f"{what} is no whole number from 0 up")
    return value


def _bytes(raw: Any) -> bytes:
    try:
        return b64decode(raw, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Rejection(Reason.UNREADABLE, "the payload's bytes are not valid base64") from None


def _format(name: str, topic: str, unwrap: _Unwrap) -> Format:
    def bind(binding: Binding) -> Decode:
        model = model_of(binding.model)
        codec: Codec | None = CODECS[model.codec] if model.codec is not None else None
        properties = properties_of(binding.family)
        names = {name: name for name in properties}
        names.update({key: target for key, target in model.decoded.items() if target in properties})
        device = binding.device_id.casefold()

        def values_of(uplink: _Uplink, port: int) -> dict[str, Any] | None:
            """Values by property; None for an uplink that carries no data of the device."""
            decoded = uplink.decoded if isinstance(uplink.decoded, dict) else {}
            if port == 0 or uplink.raw is None or uplink.raw == "":
                # network commands or nothing: what a formatter makes of them is of no device
                return None
            values = {names[key]: value for key, value in decoded.items() if key in names}
            if values:
                return values
            if codec is not None:
                read = codec(port, _bytes(uplink.raw))
                return {key: value for key, value in read.items() if key in properties} or None
            if decoded:
                raise Rejection(Reason.EMPTY, f"the payload holds no property of {binding.family or 'any family'}")
            raise Rejection(Reason.NO_CODEC, "bytes only, and the device's model has no codec")

        def decode(payload: bytes) -> Decoded:
            uplink = unwrap(parse_object(payload))
            if uplink is None:
                return STATUS
            if device and (not isinstance(uplink.device, str) or uplink.device.casefold() != device):
                raise Rejection(Reason.DEVICE_MISMATCH, "the payload names another device than the topic, or none")
            counter = _whole(uplink.counter, "the frame counter")
            values = values_of(uplink, _whole(uplink.port, "the port"))
            return STATUS if values is None else (uplink.time, values, counter)

        return decode

    return Format(name, (topic,), bind, unread=lambda binding, payload: _unread(unwrap, binding, payload))


def _unread(unwrap: _Unwrap, binding: Binding, payload: bytes) -> list[str]:
    """The keys of the decoded object that are passed over."""
    try:
        uplink = unwrap(parse_object(payload))
    except Rejection:
        return []
    decoded = uplink.decoded if uplink is not None and isinstance(uplink.decoded, dict) else {}
    known = {*properties_of(binding.family), *model_of(binding.model).decoded}
    passed = [key for key, value in decoded.items() if key not in known and isinstance(value, (bool, int, float))]
    return [told(key) for key in passed[:50]]


THINGS_STACK = _format("tts", "v3/+/devices/{device}/up", _things_stack)
CHIRPSTACK = _format("chirpstack", "application/+/device/{device}/event/up", _chirpstack)
