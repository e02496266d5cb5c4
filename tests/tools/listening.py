"""Clients of server-sent events: each a socket, all in one event loop."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from tests.tools.site import COOKIE

#: No snapshot in a test is larger.
_SNAPSHOT = 1 << 24


class Event(NamedTuple):
    """One event, its id in two parts; ``number`` -1 where it has none."""

    epoch: str
    number: int
    kind: str
    data: Any
    size: int


class Listener:
    """One client. ``await listener.open()``, then ``await listener.until(…)``; what was heard is in ``events``."""

    def __init__(self, url: str, path: str, cookie: str | None = None, last: str | None = None) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._host, self._port = host, int(port)
        # HTTP/1.0, so that the events come as they are and not in chunks
        head = f"GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
        head += f"Cookie: {COOKIE}={cookie}\r\n" if cookie else ""
        head += f"Last-Event-ID: {last}\r\n" if last else ""
        self._head = f"{head}\r\n".encode()
        self.status = 0
        self.headers: dict[str, str] = {}
        self.events: list[Event] = []
        self.comments = 0
        self.bytes = 0

    async def open(self, *, receive: int | None = None) -> Listener:
        """Ask, and read the head of the answer. ``receive``: it takes in no more than about so many bytes.

        Raises ConnectionError where the other side hangs up first.
        """
        line = socket.socket()
        if receive is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, (self._host, self._port))
        self.reader, self.writer = await asyncio.open_connection(sock=line, limit=receive or _SNAPSHOT)
        self.writer.write(self._head)
        first = await self.reader.readline()
        if not first:
            self.writer.close()
            raise ConnectionError("closed without an answer")
        self.status = int(first.split()[1])
        while text := (await self.reader.readline()).decode().strip():
            name, _, value = text.partition(": ")
            self.headers[name.lower()] = value
        return self

    async def next(self) -> Event | None:
        """The next event; None at the end of the stream."""
        while block := await self._block():
            fields = dict(text.partition(": ")[::2] for text in block.decode().splitlines())
            if "data" not in fields and "data:" not in fields:
                self.comments += "retry" not in fields
                continue
            epoch, _, number = fields.get("id", "-1").rpartition("-")
            data = orjson.loads(fields["data"]) if fields.get("data") else None
            event = Event(epoch, int(number) if epoch else -1, fields.get("event", ""), data, len(block))
            self.events.append(event)
            return event
        return None

    async def _block(self) -> bytes:
        try:
            block = await self.reader.readuntil(b"\n\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        self.bytes += len(block)
        return block

    async def any(self) -> Event:
        """The next event, whatever it is; there must be one."""
        return await self.until(lambda _: True)

    async def kind(self, kind: str) -> Event:
        """Read until an event of a kind; it."""
        return await self.until(lambda event: event.kind == kind)

    async def until(self, seen: Callable[[Event], bool], seconds: float = 20.0) -> Event:
        """Read until an event of which ``seen`` is true; it."""
        async with asyncio.timeout(seconds):
            while (event := await self.next()) is not None:
                if seen(event):
                    return event
        raise AssertionError("the stream ended")

    async def ended(self, seconds: float = 20.0) -> None:
        """Read until the stream is over."""
        async with asyncio.timeout(seconds):
            while await self.next() is not None:
                pass
        await self.close()

    async def close(self, *, abruptly: bool = False) -> None:
        """Hang up."""
        if abruptly:
            line: socket.socket = self.writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    def assert_no_gap(self) -> None:
        """A snapshot, then every number after it, once."""
        found = [event for event in self.events if event.number >= 0]
        assert found
        assert found[0].kind == "snapshot"
        numbers = [event.number for event in found]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        assert len({event.epoch for event in found}) == 1
        assert all(event.kind == "change" for event in found[1:])


def rows(event: Event) -> dict[str, dict[str, int]]:
    """The rows of a snapshot by id."""
    names = event.data["columns"]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in event.data["rows"]}
