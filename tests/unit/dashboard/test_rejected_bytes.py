"""Bytes as hex beside text: whatever they are, they come back whole, show no control sign, and the place is marked."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dashboard.engineer.rejected_bytes import ACROSS, MOST, dump, place_of
from dashboard.engineer.rejected_words import REASON_WORDS
from devices.decoding import Reason, Rejection
from devices.json_object import parse_object
from tests.examples import examples


def refusal(payload: bytes) -> str:
    with pytest.raises(Rejection) as found:
        parse_object(payload)
    return found.value.detail


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (b'{"a": x}', 6),
        ('{"né": "ü", x}'.encode(), 14),  # two signs of two bytes before it
        (b'{"a": 1', 7),
        (b'{"a": "b\xff"}', 8),
        (b"", 0),
        (b"[1]", None),
    ],
)
def test_the_place_is_a_byte_and_not_a_sign(payload: bytes, place: int | None) -> None:
    assert place_of(refusal(payload), payload) == place


@settings(max_examples=examples(60))
@given(some.binary(max_size=200))
def test_the_place_is_within_the_bytes_or_at_their_end(payload: bytes) -> None:
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        place = place_of(f"not valid JSON: {error}", payload)
        assert place is not None
        assert 0 <= place <= len(payload)


def test_words_that_tell_no_place() -> None:
    for detail in ("outside 0 to 100", "(char 7) of a topic", "", "not valid JSON: (char 99999999999999)"):
        assert place_of(detail, b"abc") is None
    assert place_of("str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)", b"fine") is None


@settings(max_examples=examples(60))
@given(some.binary(max_size=100), some.none() | some.integers(0, 100))
def test_every_byte_stands_there_once(payload: bytes, place: int | None) -> None:
    found = dump(payload, place)
    assert b"".join(bytes.fromhex("".join(line.hex)) for line in found.lines) == payload
    assert [len("".join(line.text)) for line in found.lines] == [
        len(payload[offset : offset + ACROSS]) for offset in range(0, len(payload), ACROSS)
    ]
    assert all(sign.isprintable() for line in found.lines for sign in "".join(line.text))
    marked = [(line.offset, line.hex[1]) for line in found.lines if line.hex[1]]
    if place is None or place >= len(payload):
        assert marked == []
    else:
        assert marked == [(f"{place // ACROSS * ACROSS:04x}", f"{payload[place]:02x}")]


def test_a_long_message_is_shown_around_the_place() -> None:
    payload = bytes(range(256)) * 100
    assert (dump(payload).start, dump(payload).end) == (0, MOST)
    for place in (10_000, len(payload) - 1, len(payload)):
        found = dump(payload, place)
        assert found.end - found.start <= MOST
        assert found.start % ACROSS == 0
        assert found.start <= place <= found.end
        assert sum(bool(line.hex[1]) for line in found.lines) == (place < len(payload))
    assert dump(payload, 10_000).place_words == "The decoder stopped at byte 10,000 (hex 2710), marked below."
    assert dump(payload, 25_600).place_words == "The decoder stopped at the end, behind byte 25,600."


def test_the_text_shows_what_nobody_would_see() -> None:
    text = dump(b"a\x1b[2J\xe2\x80\xae\xff\nb").text
    assert text == "a\\x1b[2J\\u202e\\xff\nb"


def test_every_reason_has_words() -> None:
    assert set(REASON_WORDS) == set(Reason)
