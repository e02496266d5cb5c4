"""The live states of parking bays: one reading a look, and a feed for each that may see another part of it.

Officers see all bays, engineers those of no household, both with what is over; the public sees the states of bays that
are of no household, and nothing else.
"""

from __future__ import annotations

import time

import numpy as np
from fastapi import APIRouter, Request, Response

from dashboard.web.board import OFFICER, Board, Boards
from dashboard.web.guard import may_still
from dashboard.web.live_rows import LiveRows, Rows
from dashboard.web.site import Site
from dashboard.web.visitor import Anybody
from store.connect import Connection

#: What is read for one feed serves the others of the same look [s].
_SAME = 0.05
_SECOND = 1_000_000


class _Reader:
    """Reads once a look, whoever asks."""

    def __init__(self, boards: Boards) -> None:
        self._boards = boards
        self._at = -1.0
        self._board: Board | None = None

    def board(self, connection: Connection) -> Board:
        """The board of now."""
        begun = time.monotonic()
        if self._board is None or begun - self._at > _SAME:
            self._board = self._boards.newest(connection)
            self._at = time.monotonic()
        return self._board

    def all(self, connection: Connection) -> Rows:
        """Of all bays."""
        return _rows(self.board(connection))

    def some(self, connection: Connection) -> Rows:
        """Of those that are of no household."""
        return _rows(self.board(connection).open)

    def open(self, connection: Connection) -> Rows:
        """What of them anybody sees."""
        board = self.board(connection).open
        return Rows(board.bays.id, {"state": board.now.state})


def _rows(board: Board) -> Rows:
    """``since`` [s]: since when it is so; ``over_from`` [s]: since when that is too long, -1 where it is not."""
    now = board.now
    over_from = np.where(now.over > 0, now.over_from, -1)
    return Rows(board.bays.id, {"state": now.state, "since": now.since // _SECOND, "over_from": over_from // _SECOND})


def router(site: Site) -> APIRouter:
    """The streams."""
    routes = APIRouter()
    reader = _Reader(site.boards)
    every = site.events.add(LiveRows(reader.all))
    engineers = site.events.add(LiveRows(reader.some))
    public = site.events.add(LiveRows(reader.open))

    @routes.get("/parking/events")
    async def events(request: Request, visitor: Anybody) -> Response:
        """For operations: until the session ends."""
        feed = every if OFFICER in visitor.roles else engineers
        return site.events.stream(feed, request, may_still)

    @routes.get("/parking/live")
    async def live(request: Request) -> Response:
        """For anybody."""
        return site.events.stream(public, request)

    return routes
