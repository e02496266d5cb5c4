"""Long answers: pieces that are made one after the other, each with its own short use of the lane.

Nothing is held while a reader is waited for, but the place in the lane's count of open answers. A reader that takes
less than 64 KiB in twenty seconds is cut (`dashboard.web.connections`), and so is an answer that cannot be finished:
it never ends like a whole one.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator, Mapping

from fastapi import Response
from starlette.types import Receive, Scope, Send

from dashboard.web.connections import connection_of
from dashboard.web.lane import Lane

log = logging.getLogger(__name__)

#: Bytes that are written together; each of them must be taken before the next are.
_WRITE = 65_536


class Stream(Response):
    """An answer of ``pieces`` (bytes), an iterator that is run in the lane and closed there, whatever happens.

    Between two pieces it must hold nothing that others wait for. Errors before the first piece are answered as those
    of any page.
    """

    def __init__(self, lane: Lane, pieces: Iterator[bytes], *, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(None, 200, headers, media_type)
        del self.headers["content-length"]
        self._lane = lane
        self._pieces = _Pieces(pieces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # as in ASGI
        """Write piece after piece until the last, or until nobody is there to read."""
        connection = connection_of(scope)
        begun = False
        try:
            piece = await self._lane.run(self._pieces.following)
            begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece is not None and scope.get("borough.method") != "HEAD":
                for place in range(0, len(piece), _WRITE):
                    if connection is not None and connection.gone.done():
                        return
                    part = piece[place : place + _WRITE]
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                piece = await self._lane.run(self._pieces.following)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception as error:
            if connection is None or not begun:
                raise
            # where it failed, and not what with: the text of a database's error names rows and values
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a download was broken off: %s\n%s", type(error).__name__, where)
            connection.cut()
            await connection.gone
        finally:
            self._pieces.give_up()
            # not awaited: a task that is cancelled would not get there
            self._lane.soon(self._pieces.close)


class _Pieces:
    """An iterator for threads that take turns: it is closed once, and not while it runs."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._running = threading.Lock()
        self._over = False

    def following(self) -> bytes | None:
        """The next piece, None after the last."""
        with self._running:
            return None if self._over else next(self._pieces, None)

    def give_up(self) -> None:
        """Nobody will ask for another piece."""
        self._over = True

    def close(self) -> None:
        """Have a generator give back what it holds."""
        with self._running:
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
