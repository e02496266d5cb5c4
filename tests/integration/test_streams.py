"""A long answer that nobody takes to its end gives back what its pieces hold."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.web.lane import Lane
from dashboard.web.streams import Stream


@pytest.mark.parametrize("error", [asyncio.CancelledError, ConnectionResetError])
async def test_an_iterator_that_is_dropped_is_closed(database: str, error: type[BaseException]) -> None:
    closed = threading.Event()

    def made() -> Iterator[bytes]:
        try:
            while True:
                yield b"a piece"
        finally:
            closed.set()

    pieces = made()  # held here, so that nothing else than the answer closes it
    lane = Lane(database)
    lane.open()
    try:
        answer = Stream(lane, pieces, media_type="text/plain", headers={})

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                raise error

        with pytest.raises(error):
            await answer({"type": "http"}, None, send)  # type: ignore[arg-type]
        assert await asyncio.to_thread(closed.wait, 30)
    finally:
        lane.close()


async def test_a_piece_of_any_size_is_written_in_small_parts_and_made_when_the_last_was_taken(database: str) -> None:
    """What is written at once is what a reader has to take in its time."""
    made: list[int] = []
    parts: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield bytes([number]) * 300_000

    lane = Lane(database)
    lane.open()
    try:

        async def send(message: dict[str, Any]) -> None:
            if body := message.get("body"):
                parts.append(body)
                assert made == list(range(body[0] + 1)), "no piece is made before the one before it is taken"

        await Stream(lane, pieces(), media_type="text/plain", headers={})({"type": "http"}, None, send)  # type: ignore[arg-type]
    finally:
        lane.close()
    assert b"".join(parts) == b"".join(bytes([number]) * 300_000 for number in range(3))
    assert max(map(len, parts)) <= 65_536
