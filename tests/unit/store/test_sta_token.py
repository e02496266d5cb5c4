"""What a nextLink goes on from: there and back, and nothing that was made by hand."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time

import pytest

from store.sta_query import QueryRefused
from store.sta_token import decode, encode

ORDERS = ["text", "float8", "int8", "integer", "timestamptz", "boolean", "date", "time", "text"]
VALUES: list[object] = [
    "Ω/&='\"\n",
    0.1,
    -(2**63) + 1,
    17,
    datetime(2026, 3, 29, 1, 2, 3, 4, UTC),
    True,
    date(2026, 3, 29),
    time(1, 2, 3, 4),
    None,
]


def test_values_come_back_as_they_were() -> None:
    text = encode(VALUES)
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert decode(text, ORDERS) == VALUES
    for value in (math.inf, -math.inf, 5e-324, -0.0, 1e308):
        assert repr(decode(encode([value]), ["float8"])[0]) == repr(value)
    assert repr(decode(encode([math.nan]), ["float8"])[0]) == "nan"
    assert decode(encode([6]), ["float8"]) == [6.0]


def made(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("", ["text"]),
        ("!!!", ["text"]),
        ("é", ["text"]),
        ("AAAA", ["text"]),
        (made({"a": 1}), ["text"]),
        (made([1, 2]), ["int8"]),
        (made(["x"]), ["int8"]),
        (made([1]), ["text"]),
        (made([True]), ["int8"]),
        (made([1.5]), ["int8"]),
        (made([2**63]), ["int8"]),
        (made([2**31]), ["integer"]),
        (made([2**60]), ["timestamptz"]),
        (made([[1]]), ["float8"]),
        (made(["1; drop table reading"]), ["float8"]),
        (made(["a\x00"]), ["text"]),
        (made(["\ud800"]), ["text"]),
        (made(["2026-13-01"]), ["date"]),
        (made(["25:00"]), ["time"]),
        (base64.urlsafe_b64encode(b"[" * 100_000).decode(), ["text"]),
        (made(["x"])[:-1] + "=", ["text"]),
    ],
)
def test_what_was_made_by_hand_is_refused(text: str, orders: list[str]) -> None:
    with pytest.raises(QueryRefused, match="take nextLink as it came"):
        decode(text, orders)
