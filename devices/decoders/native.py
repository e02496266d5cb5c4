"""Our own JSON: ``{"time": "2026-02-01T00:30:00Z", "import_interval": 0.213}``, flat, one message one time.

The platform's fast path: the parsed object itself is handed on as the values, and the runner judges them. So a value
of null or text is the runner's ``bad_value``, an unknown key its ``unknown_property``.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from devices.decoding import Binding, Decode, Decoded, Flaw, Format, Reason, Rejection
from devices.json_object import json_type

_ABSENT: Final = object()

#: The largest message number that the table `sequence` holds.
SEQUENCE_MAXIMUM: Final = 2**63 - 1


def _take_reserved(document: dict[str, Any], device_id: str) -> int | None:
    """Remove ``device_id`` and ``seq`` from the object; return the message number.

    A wrong ``seq`` says nothing against the readings beside it: it alone becomes a rejected reading, named ``seq``.
    """
    if document.pop("device_id", device_id) != device_id and device_id:
        raise Rejection(Reason.DEVICE_MISMATCH, "device_id in the payload is not the device of the topic")
    sequence = document.pop("seq", _ABSENT)
    if sequence is _ABSENT:
        return None
    if type(sequence) is int and 0 <= sequence <= SEQUENCE_MAXIMUM:
        return sequence
    if document:
        document["seq"] = Flaw(Reason.BAD_VALUE, "seq is no whole number from 0 up")
    return None


def bind(binding: Binding) -> Decode:
    """Make the decoder of one device. See the module's text."""
    device_id = binding.device_id
    loads = orjson.loads

    def decode(payload: bytes) -> Decoded:
        try:
            document = loads(payload)
        except orjson.JSONDecodeError as error:
            raise Rejection(Reason.UNREADABLE, f"not valid JSON: {error}") from None
        if type(document) is not dict:
            raise Rejection(Reason.UNREADABLE, f"a JSON {json_type(document)} where an object is expected")
        time = document.pop("time", _ABSENT)
        if time is _ABSENT:
            time = None
        elif time is None:
            time = ""  # a null is a bad time, not a missing one: it does not get its arrival
        sequence = None
        if "seq" in document or "device_id" in document:
            sequence = _take_reserved(document, device_id)
        if not document:
            raise Rejection(Reason.EMPTY, "no property besides the reserved keys")
        return time, document, sequence

    return decode


FORMAT = Format("native", ("borough/{family}/{device}/reading",), bind)
