"""Live pages: server-sent events, for all topics from one broadcaster a process (docs/explanation/live-updates.md).

A thread learns of commits by asking the database, and has each topic that somebody watches say what has changed. What
it says is encoded once into the topic's ring; each client has a cursor there and no queue. A client whose cursor is no
longer in the ring gets a snapshot, one whose socket takes nothing for ten seconds is cut.

A page's module gives the topic, ``feed = site.events.add(topic)``, and a route answers
``return site.events.stream(feed, request)``.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import uniform
from typing import NamedTuple, Protocol

import psycopg
from fastapi import HTTPException, Request, Response
from psycopg_pool import PoolTimeout
from starlette.types import Receive, Scope, Send

from dashboard.web.connections import connection_of
from dashboard.web.lane import no_page
from dashboard.web.ring import PIECE, Ring, frame
from store import accounting
from store.connect import Connection, abort, connect

log = logging.getLogger(__name__)

#: How often the database is asked for commits, how often a topic is looked at without one, and after how long again
#: when the database is away [s].
_POLL, _LOOK, _AGAIN = 0.1, 1.0, 0.5
#: How long a page waits to be told where it stands [s]; it is made all the same.
_PATIENCE = 0.5
#: After so long without an event a client gets a sign of life, and so long it waits for its first snapshot [s].
HEARTBEAT, _FIRST = 15.0, 5.0
#: Whoever has signed in is looked up again after so long, and after so long again where that cannot be done [s].
_CHECK, _CHECK_AGAIN = (40.0, 55.0), 5.0
#: So long the events go on though nobody can say whether they may, while the database is there [s].
_UNCONFIRMED = 120.0
#: A client that takes nothing for so long is cut [s].
STALL = 10.0
#: A snapshot that is further behind is made anew [events].
_FRESH = 1_024
#: What a client is asked to wait before it comes again: where there are too many, and after a lost connection [s, ms].
_RETRY_AFTER, _RETRY = "30", b"retry: 3000\n\n"

_MEDIA, _NOTHING = "text/event-stream", memoryview(b"")
_ALIVE, _AWAY, _BACK = b":\n\n", b"event: away\ndata:\n\n", b"event: back\ndata:\n\n"
_ENDED = b"event: ended\ndata:\n\n"


class Topic(Protocol):
    """What is shown live. Both are called by the broadcaster's thread, one at a time; payloads have no line ends."""

    def changes(self, connection: Connection) -> list[bytes]:
        """What is different from what it said last, one payload a thing; the first time nothing, and it remembers.

        The connection commits each statement. Raises psycopg.Error, and then remembers what it did before.
        """

    def snapshot(self) -> bytes:
        """Everything, as of the last `changes`."""


class Stand(NamedTuple):
    """Where a topic stood: the id of the newest event in it, and what pages show of it."""

    id: str
    shown: object


class Feed:
    """One topic on its way to its clients. All but the topic itself belongs to the event loop."""

    def __init__(self, topic: Topic, wish: Callable[[], None], shown: Callable[[], object] | None = None) -> None:
        self.topic = topic
        self.shown = shown
        self.stand: Stand | None = None
        self.ring = Ring()
        self.clients: set[Client] = set()
        #: The newest snapshot and the number of the last event that is in it.
        self.snapshot: tuple[int, bytes] | None = None
        #: Whether somebody waits for a newer one.
        self.wished = False
        #: Whether the database is away, so that nothing is learnt.
        self.away = False
        #: Pages that wait for a look, for nobody watches; and when the topic was looked at last (monotonic).
        self.waiting: list[threading.Event] = []
        self.looked = -_LOOK
        self._wish = wish

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client, as long as it is there."""
        made = Client(self)
        self.clients.add(made)
        self._wish()
        try:
            yield made
        finally:
            self.clients.discard(made)
            if not self.clients:
                # nobody looks from now on: what was known grows old
                self.snapshot, self.away = None, False

    def take(
        self,
        events: list[bytes],
        snapshot: bytes | None,
        shown: object = None,
        waiting: Sequence[threading.Event] = (),
        looked: float = -_LOOK,
    ) -> None:
        """What the topic has said when ``looked`` at (monotonic); ``waiting`` are told when it is in the ring."""
        was = self.away
        self.away = False
        self.ring.add(events)
        self.stand = Stand(self.ring.name(self.ring.last), shown)
        self.looked = looked  # after the stand: pages read it first, in their threads
        if snapshot is not None:
            self.snapshot = (self.ring.last, frame(self.ring.name(self.ring.last), b"snapshot", snapshot))
            self.wished = False
        if events or snapshot is not None or was:
            self.wake()
        for one in waiting:
            one.set()

    def lose(self) -> None:
        """The database is away."""
        if not self.away:
            self.away = True
            self.wake()

    def wake(self) -> None:
        """Have every client look."""
        for client in self.clients:
            client.wake()

    def fresh(self) -> tuple[int, bytes] | None:
        """A snapshot from which the ring goes on; None: it is being made."""
        found = self.snapshot
        if found is not None and self.ring.holds(found[0]) and self.ring.last - found[0] <= _FRESH:
            return found
        self.wished = True
        self._wish()
        return None


class Client:
    """Where one client is: its cursor in the ring, or in a snapshot that it has not read to the end."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.cursor: int | None = None
        self._rest = _NOTHING
        self._away = False
        self._sleeping: asyncio.Future[None] | None = None

    def wake(self, *_: object) -> None:
        """Something may have changed for it."""
        if self._sleeping is not None and not self._sleeping.done():
            self._sleeping.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait for `wake`, no longer than ``seconds``."""
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        timer = loop.call_later(seconds, self.wake)
        try:
            await self._sleeping
        finally:
            timer.cancel()
            self._sleeping = None

    def following(self) -> bytes | None:
        """What it is to be told next, about `PIECE` bytes; None: nothing now."""
        if not self._rest and (self.cursor is None or not self.feed.ring.holds(self.cursor)):
            found = self.feed.fresh()
            if found is None:
                return None
            self.cursor, self._rest = found[0], memoryview(found[1])
        if self._rest:
            told = bytes(self._rest[:PIECE])
            # what is read to the end is not held: even an empty part would keep the whole snapshot
            self._rest = self._rest[PIECE:] if len(self._rest) > PIECE else _NOTHING
            return told
        if self._away != self.feed.away:
            self._away = self.feed.away
            return _AWAY if self._away else _BACK
        assert self.cursor is not None
        if self.cursor == self.feed.ring.last:
            return None
        piece, self.cursor = self.feed.ring.after(self.cursor)
        return piece


class Events:
    """The broadcaster of one process. It opens and closes with the application; ``most`` clients of each topic."""

    def __init__(self, database_url: str, most: int) -> None:
        self._url = database_url
        self._most = most
        self._feeds: list[Feed] = []
        self._end, self._wanted = threading.Event(), threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._lost = False

    def add(self, topic: Topic, shown: Callable[[], object] | None = None) -> Feed:
        """A topic that can be watched from now on; ``shown``: what pages show as of its last `changes`, for `stand`.
        Only before `open`."""
        self._feeds.append(Feed(topic, self._wanted.set, shown))
        return self._feeds[-1]

    def stream(
        self,
        feed: Feed,
        request: Request,
        still: Callable[[Request], Awaitable[bool]] | None = None,
        after: str = "",
    ) -> Response:
        """The answer that goes on. ``still``: asked about once a minute whether the visitor may still see it;
        ``after``: the id of a `stand`, for a client that has heard no event yet."""
        return _Stream(feed, self._most, request, still, after)

    def stand(self, feed: Feed) -> Stand | None:
        """Where the topic stood at a look of the last second, for a page that shows just that and goes on from there;
        None where that cannot be had soon.

        For a thread, not for the event loop. Where nobody watches, the topic is looked at now. A page that reads its
        state by itself cannot go on from an id: what changed and changed back before the next look is never told.
        """
        if time.monotonic() - feed.looked >= _LOOK:
            looked = threading.Event()
            feed.waiting.append(looked)
            self._wanted.set()
            if not looked.wait(_PATIENCE):
                with suppress(ValueError):  # a look that is under way has taken it
                    feed.waiting.remove(looked)
                return None
        return feed.stand

    def open(self) -> None:
        """Begin. To be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a query under way is broken off."""
        self._end.set()
        self._wanted.set()
        if self._connection is not None:
            abort(self._connection)
        if self._thread is not None:
            self._thread.join(2.0)  # it may be connecting to a host that does not answer: it ends with the process

    def _run(self) -> None:
        while not self._end.is_set():
            self._wanted.wait()
            try:
                with connect(self._url, "borough dashboard live", autocommit=True, statement_timeout=10) as connection:
                    self._connection = connection
                    self._watch(connection)
            except Exception as error:  # noqa: BLE001 - a fault of one topic must not end all live pages
                if self._end.is_set():
                    return
                self._lose(error)
                self._end.wait(_AGAIN)

    def _watch(self, connection: Connection) -> None:
        """Look at the topics as long as somebody watches one."""
        seen, looked = None, 0.0
        while not self._end.is_set():
            self._wanted.clear()  # before we look: who comes later wakes us again
            watched = [feed for feed in self._feeds if feed.clients or feed.waiting]
            if not watched:
                return
            committed = accounting.committed(connection)
            now = time.monotonic()
            due = committed != seen or now - looked >= _LOOK
            for feed in watched:
                if due or feed.wished or feed.waiting:
                    waiting, feed.waiting = feed.waiting, []
                    events = feed.topic.changes(connection)
                    snapshot = feed.topic.snapshot() if feed.wished else None
                    shown = feed.shown and feed.shown()
                    self._tell(feed.take, events, snapshot, shown, waiting, time.monotonic())
            if due:
                seen, looked = committed, now
            if self._lost:
                self._lost = False
                log.info("live pages go on")
            self._end.wait(_POLL)

    def _lose(self, error: Exception) -> None:
        if not self._lost:
            # where, and not what with: the text of a database's error names rows and values
            where = "" if isinstance(error, psycopg.Error) else "".join(traceback.format_tb(error.__traceback__))
            log.warning("live pages stand still: %s %s", type(error).__name__, where)
        self._lost = True
        for feed in self._feeds:
            if feed.clients:
                self._tell(feed.lose)
        if any(feed.clients for feed in self._feeds):
            self._wanted.set()

    def _tell(self, do: Callable[..., None], *arguments: object) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has ended, and we are about to
            self._loop.call_soon_threadsafe(do, *arguments)


class _Stream(Response):
    """Events until the client leaves, may no longer see them, or the server ends."""

    def __init__(
        self,
        feed: Feed,
        most: int,
        request: Request,
        still: Callable[[Request], Awaitable[bool]] | None,
        after: str,
    ) -> None:
        # a proxy that gathers answers before it passes them on would make them late
        super().__init__(None, 200, {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, _MEDIA)
        del self.headers["content-length"]
        self._feed, self._most, self._request, self._still = feed, most, request, still
        self._after = request.headers.get("last-event-id", after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # as in ASGI
        """Write until the end. Raises HTTPException 503 where too many watch, PoolTimeout where nothing is known."""
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        if scope.get("borough.method") == "HEAD":
            await send(start)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        connection = connection_of(scope)
        assert connection is not None, "a stream needs the connections of dashboard.web.connections"
        # the rest is for pages, and for those who are told that there are too many
        if len(self._feed.clients) >= min(self._most, connection.limits.connections * 3 // 4):
            raise HTTPException(503, headers={"Retry-After": _RETRY_AFTER})
        no_page(scope)
        with self._feed.client() as client:
            connection.gone.add_done_callback(client.wake)
            connection.ending.add_done_callback(client.wake)
            client.cursor = self._feed.ring.number(self._after)
            piece = await self._first(client)
            if connection.gone.done():
                return  # its socket is closed
            connection.stream(STALL, PIECE)
            await send(start)
            await send({"type": "http.response.body", "body": _RETRY, "more_body": True})
            written = confirmed = time.monotonic()
            check = confirmed + uniform(*_CHECK)
            while not (connection.gone.done() or connection.ending.done()):
                now = time.monotonic()
                if self._still is not None and now >= check:
                    allowed = await self._allowed()
                    confirmed = now if allowed else confirmed
                    if allowed is False or (now - confirmed > _UNCONFIRMED and not self._feed.away):
                        await send({"type": "http.response.body", "body": _ENDED, "more_body": True})
                        break
                    check = now + (_CHECK_AGAIN if allowed is None else uniform(*_CHECK))
                if piece is None and (piece := client.following()) is None and now - written >= HEARTBEAT:
                    piece = _ALIVE
                if piece is None:
                    due = written + HEARTBEAT if self._still is None else min(written + HEARTBEAT, check)
                    await client.sleep(max(0.0, due - now))
                else:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    piece, written = None, now
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _first(self, client: Client) -> bytes | None:
        """What it is told first; None where it goes on where it was and nothing has happened since."""
        until = time.monotonic() + _FIRST
        while (piece := client.following()) is None and client.cursor is None:
            left = until - time.monotonic()
            if left <= 0 or self._feed.away:
                raise PoolTimeout("nothing is known yet")
            await client.sleep(left)
        return piece

    async def _allowed(self) -> bool | None:
        """Whether the visitor may still see it; None: nobody can say just now."""
        assert self._still is not None
        try:
            return await self._still(self._request)
        except (psycopg.OperationalError, PoolTimeout):
            return None
