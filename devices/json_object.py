"""The first step of every JSON format: bytes to one object or value, or a rejection that quotes nothing of them."""

from __future__ import annotations

from typing import Any

import orjson

from devices.decoding import Reason, Rejection


def parse_object(payload: bytes) -> dict[str, Any]:
    """Parse a payload that must be one JSON object.

    A key that occurs twice has its last value. Raises Rejection(UNREADABLE) on invalid UTF-8, NaN, a number beyond a
    float's range, nesting deeper than 1,024, and anything that is no object.
    """
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        # orjson's messages name the fault and its place, not the text around it
        raise Rejection(Reason.UNREADABLE, f"not valid JSON: {error}") from None
    if type(document) is not dict:
        raise Rejection(Reason.UNREADABLE, f"a JSON {json_type(document)} where an object is expected")
    return document


#: The longest text that can be a bare value [bytes].
_WORD = 256


def bare_value(payload: bytes) -> Any:
    """A payload that is one value: what JSON makes of it, else its text; None where it is neither."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        pass
    if len(payload) > _WORD or payload[:1] in (b"{", b"["):
        return None
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and text else None


def parse_value(payload: bytes) -> Any:
    """Parse a payload that is a JSON value or a bare word. Raises Rejection(UNREADABLE) for what is neither."""
    value = bare_value(payload)
    if value is None and payload.strip() != b"null":
        raise Rejection(Reason.UNREADABLE, "neither a JSON value nor one word")
    return value


def json_type(value: object) -> str:
    """What JSON calls the type of a parsed value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
