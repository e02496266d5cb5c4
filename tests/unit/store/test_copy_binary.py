"""The binary words against psycopg's own encoding and the documented layout of COPY."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import copy
from store.times import instant, microseconds

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
INT64 = st.integers(-(2**62), 2**62)


def test_a_row_is_laid_out_as_copy_wants_it() -> None:
    """The manual of COPY, "Binary Format": field count, then each field's length and bytes, all big-endian."""
    time = microseconds(EPOCH) + 7
    block = copy.staged_block(np.array([3], np.int32), np.array([time]), np.array([1.5]), np.array([9], np.int32))
    assert block.tobytes() == struct.pack("!hiiiqidii", 4, 4, 3, 8, 7, 8, 1.5, 4, 9)
    block = copy.reading_block(np.array([3], np.int32), np.array([time]), np.array([1.5]))
    assert block.tobytes() == struct.pack("!hiiiqid", 3, 4, 3, 8, 7, 8, 1.5)


@given(st.lists(INT64, max_size=20), st.lists(st.floats(width=64), max_size=20))
def test_aggregated_bytes_come_back(times: list[int], values: list[float]) -> None:
    sent = b"".join(struct.pack("!q", time - microseconds(EPOCH)) for time in times)
    assert copy.instants(sent).tolist() == times
    found = copy.float8s(b"".join(struct.pack("!d", value) for value in values))
    np.testing.assert_array_equal(found, np.array(values))


@given(st.integers(0, 253_000_000_000), st.integers(0, 999_999))
def test_an_instant_comes_back(seconds: int, fraction: int) -> None:
    moment = instant(seconds * 1_000_000 + fraction)
    assert (moment.replace(microsecond=0).timestamp(), moment.microsecond) == (seconds, fraction)
    assert microseconds(moment) == seconds * 1_000_000 + fraction


def test_a_naive_time_is_no_instant() -> None:
    with pytest.raises(ValueError, match="time zone"):
        microseconds(datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_becomes_one_that_the_database_takes(value: str) -> None:
    text = copy.text(value)
    assert "\x00" not in text
    assert len(text) == len(value)
    text.encode("utf-8")
