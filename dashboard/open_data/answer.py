"""How an export goes out, so that a part is never taken for the whole.

What is short, and whatever an HTTP/1.0 client asks for, is made first and goes out with its length, an ETag of its
content, and in parts where a part is asked for. What is long goes to others in chunks while it is made: broken off it
has no last chunk, which every client notices.
"""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import Message, Receive, Scope, Send

from dashboard.open_data.spool import Spool
from dashboard.web.api import has_already
from dashboard.web.connections import Connection, connection_of
from dashboard.web.lane import Lane

log = logging.getLogger(__name__)

#: What is no longer than this has its length [bytes].
SHORT = 1 << 20
#: Bytes that are made in one turn of the lane, and that are written together.
_TURN, _WRITE = 1 << 20, 65_536
#: After so long an answer is cut, however it is read [s].
_LONGEST = 6 * 3_600.0

_RANGE = re.compile(r"bytes=(?:(\d{1,19})-(\d{1,19})?|-(\d{1,19}))", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """What of a file goes out: from ``begin`` to ``end`` (not included) with a status; 416 goes without any."""

    status: int
    begin: int
    end: int


def part_of(request: Request, etag: str, size: int) -> Part:
    """Which part of a file a request wants, by RFC 9110: 206 where it asks for one that there is, 416 where there is
    none, else all of it with 200. Several parts at once, and a part of another version (If-Range): all of it."""
    whole = Part(200, 0, size)
    wanted = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    condition = request.headers.get("if-range")
    if wanted is None or (condition is not None and condition != etag):
        return whole
    first, last, suffix = wanted.groups()
    if suffix is not None:
        begin, end = max(0, size - int(suffix)), size
    else:
        begin, end = int(first), size if last is None else min(size, int(last) + 1)
        if last is not None and int(last) < begin:
            return whole  # no range at all: as if there were none
    return Part(206, begin, end) if begin < end else Part(416, 0, 0)


class Export(Response):
    """The answer with what ``spool`` makes. ``tag``: an ETag of what it is made of, for where it has no length."""

    def __init__(self, request: Request, lane: Lane, spool: Spool, tag: str, headers: Mapping[str, str]) -> None:
        super().__init__(None, 200, headers)
        del self.headers["content-length"]
        self._request, self._lane, self._spool, self._tag = request, lane, spool, tag

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # as in ASGI
        """Make it and send it; whatever happens, what it holds is given back."""
        connection = connection_of(scope)
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(_LONGEST):
                await self._answer(scope, noted, connection)
        except Exception as error:
            if connection is None or not begun:
                raise
            # where it failed, and not what with: the text of a database's error names rows and values
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("an export was broken off: %s\n%s", type(error).__name__, where)
            connection.cut()
            await connection.gone
        finally:
            self._spool.give_up()
            # not awaited: a task that is cancelled would not get there
            self._lane.soon(self._spool.close)

    async def _answer(self, scope: Scope, send: Send, connection: Connection | None) -> None:
        head = scope.get("borough.method") == "HEAD"
        spool = self._spool
        await self._make(lambda: spool.size >= SHORT, connection)
        if scope.get("http_version") == "1.0" and not head:
            await self._make(lambda: False, connection)
        if _left(connection):
            return
        if spool.whole:
            await self._sized(send, connection, head=head)
        else:
            await self._chunks(send, connection, head=head)

    async def _sized(self, send: Send, connection: Connection | None, *, head: bool) -> None:
        etag = f'"{self._spool.digest[:32]}"'
        self.headers["etag"], self.headers["accept-ranges"] = etag, "bytes"
        if has_already(self._request, etag):
            part = Part(304, 0, 0)
        else:
            # of HEAD a part is not defined
            part = Part(200, 0, self._spool.size) if head else part_of(self._request, etag, self._spool.size)
            self.headers["content-length"] = str(part.end - part.begin)
        if part.status == 206:
            self.headers["content-range"] = f"bytes {part.begin}-{part.end - 1}/{self._spool.size}"
        elif part.status == 416:
            self.headers["content-range"] = f"bytes */{self._spool.size}"
        await send({"type": "http.response.start", "status": part.status, "headers": self.raw_headers})
        if not head:
            await self._write(send, connection, part.begin, part.end)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self, send: Send, connection: Connection | None, *, head: bool) -> None:
        self.headers["etag"], self.headers["accept-ranges"] = self._tag, "none"
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if not head:
            grown = asyncio.Event()
            making = asyncio.create_task(self._make(lambda: False, connection, grown))
            try:
                await self._follow(send, connection, making, grown)
            finally:
                making.cancel()
        if not _left(connection):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _follow(
        self, send: Send, connection: Connection | None, making: asyncio.Task[None], grown: asyncio.Event
    ) -> None:
        """Write what there is while more is made. Raises what making it does."""
        sent = 0
        while not _left(connection):
            grown.clear()
            if sent == self._spool.size:
                if making.done():
                    return making.result()
                await grown.wait()
            until = self._spool.size
            await self._write(send, connection, sent, until)
            sent = until
        return None

    async def _make(
        self, enough: Callable[[], bool], connection: Connection | None, grown: asyncio.Event | None = None
    ) -> None:
        """Have more of it made, turn by turn, until it is whole, or enough, or nobody is there."""
        try:
            while not (self._spool.whole or enough() or _left(connection)):
                await self._lane.run(lambda: self._spool.more(_TURN))
                if grown is not None:
                    grown.set()
        finally:
            if grown is not None:
                # whoever waits for more sees that there will be none: only after this task is done
                asyncio.get_running_loop().call_soon(grown.set)

    async def _write(self, send: Send, connection: Connection | None, begin: int, end: int) -> None:
        for first in range(begin, end, _TURN):
            piece = await asyncio.to_thread(self._spool.read, first, min(_TURN, end - first))
            for place in range(0, len(piece), _WRITE):
                if _left(connection):
                    return
                await send({"type": "http.response.body", "body": piece[place : place + _WRITE], "more_body": True})


def _left(connection: Connection | None) -> bool:
    return connection is not None and connection.gone.done()
