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
