"""A file of a snapshot on its way is no page that exports wait for, and a range that is none is no range."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.types import Message

from dashboard.open_data.snapshots import Stored


def _sent(path: Path, *headers: tuple[bytes, bytes]) -> tuple[list[Message], list[str]]:
    """What goes out, and in which order: that no page waits, and the messages."""
    order: list[str] = []
    messages: list[Message] = []
    page = ExitStack()
    page.callback(order.append, "no page")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        order.append(message["type"])
        messages.append(message)

    scope = {"type": "http", "method": "GET", "headers": list(headers), "extensions": {}, "borough.page": page}
    asyncio.run(Stored(path)(scope, receive, send))
    return messages, order


def test_a_file_that_goes_out_slowly_keeps_no_export_waiting(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    _, order = _sent(tmp_path / "a")
    assert order[:2] == ["no page", "http.response.start"]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (b"bytes=0-1", 206), (b"BYTES = 2-", 206), (b"bytes=-3", 206), (b"bytes=0-1,4-5", 206), (b"bytes=10-", 416),
        (b"bytes=5-2", 200), (b"rows=0-1", 200), (b"bytes", 200), (b"bytes=,", 200), (b"bytes=0-1,x", 200),
        (b"bytes=" + b"9" * 5_000 + b"-", 200),
    ],
)  # fmt: skip
def test_a_range_is_one_of_bytes_or_none(tmp_path: Path, wanted: bytes, status: int) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    messages, _ = _sent(tmp_path / "a", (b"range", wanted))
    assert messages[0]["status"] == status
