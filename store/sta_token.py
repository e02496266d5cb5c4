"""The last row of a page as text in an address, and back: what a nextLink goes on from.

The text is nobody's secret and no right: whoever changes it asks for the same collection from another place on.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time

from store.sta_query import QueryRefused
from store.times import instant, microseconds

_TYPES: dict[str, type | tuple[type, ...]] = {
    "boolean": bool, "int8": int, "integer": int, "text": str, "float8": (int, float), "timestamptz": int, "date": str,
    "time": str,
}  # fmt: skip
_RANGES = {"int8": 2**63, "integer": 2**31, "timestamptz": 2**58}


def encode(values: Sequence[object]) -> str:
    """Values of an order (None, numbers, texts, aware datetimes, dates, times) as letters, digits, ``-`` and ``_``."""
    text = json.dumps([_plain(value) for value in values], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(text: str, orders: Sequence[str]) -> list[object]:
    """The values again, ``(terms,)``; ``orders``: PostgreSQL's types of the order, see `store.sta_sql.Statement`.

    Raises QueryRefused for what `encode` did not make for this order.
    """
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode())
        if not isinstance(found, list) or len(found) != len(orders):
            raise ValueError("it is of another order")
        return [_value(value, order) for value, order in zip(found, orders, strict=True)]
    except (ValueError, binascii.Error, OverflowError, RecursionError) as error:
        raise QueryRefused(f"$skiptoken is none of this query ({error}): take nextLink as it came") from None


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _value(value: object, order: str) -> object:
    if value is None:
        return None
    if order == "float8" and value in ("inf", "-inf", "nan"):  # a list in its place has no hash
        return float(str(value))
    if not isinstance(value, _TYPES[order]) or (isinstance(value, bool) and order != "boolean"):
        raise ValueError("it is of another order")
    if order in _RANGES and abs(int(str(value))) >= _RANGES[order]:
        raise ValueError("a number in it is too large")
    if order == "float8" and isinstance(value, int | float):
        return float(value)
    if order == "timestamptz" and isinstance(value, int):
        return instant(value)
    if order == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    if order == "time" and isinstance(value, str):
        return time.fromisoformat(value)
    if isinstance(value, str) and ("\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise ValueError("there is no such character in a text")
    return value
