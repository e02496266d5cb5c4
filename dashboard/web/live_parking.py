"""The live states of parking bays: one reading a look, and a feed for each that may see another part of it.

Officers see all bays, engineers those of no household, both with what is over; the public sees the states of bays that
are of no household, and nothing else.
"""

from __future__ import annotations

import time
from urllib.parse import quote

import numpy as np

from dashboard.web.board import OFFICER, Board, Boards
from dashboard.web.events import Events, Feed
from dashboard.web.live_rows import LiveRows, Rows
from dashboard.web.visitor import Visitor
from store.connect import Connection

#: The addresses of the streams.
OPERATIONS, PUBLIC = "/parking/events", "/parking/live"
#: What is read for one feed serves the others of the same look [s].
_SAME = 0.05
_SECOND = 1_000_000


class LiveParking:
    """The feeds of a site's parking bays."""

    def __init__(self, boards: Boards, events: Events) -> None:
        reader = _Reader(boards)
        self._boards = boards
        self._events = events
        self._officers = events.add(LiveRows(reader.all), reader.last)
        self._engineers = events.add(LiveRows(reader.some), reader.last)
        self.public: Feed = events.add(LiveRows(reader.open), reader.last)

    def operations(self, visitor: Visitor) -> Feed:
        """What a visitor of the operations' pages may see."""
        return self._officers if OFFICER in visitor.roles else self._engineers

    def current(self, connection: Connection, visitor: Visitor | None = None) -> tuple[Board, str]:
        """The board of now for a page, no older than a second, and the address of the stream that goes on from it. Of
        operations for a ``visitor`` there, else of what the public sees. Raises psycopg.Error."""
        path, feed = (PUBLIC, self.public) if visitor is None else (OPERATIONS, self.operations(visitor))
        stand = self._events.stand(feed)
        if stand is None or not isinstance(stand.shown, Board):
            board, address = self._boards.current(connection), path
        else:
            board, address = stand.shown, f"{path}?after={quote(stand.id)}"
        return board.open if visitor is None else board.seen(visitor), address


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

    def last(self) -> Board | None:
        """The board of the last look."""
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
