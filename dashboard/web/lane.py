"""The lane: exports and every other costly answer, beside the pages and never in their way.

Threads and connections of its own, few of each: whatever is asked for, no more than ``WORKERS`` pieces are made at
once, and each piece is short. A session is looked up for one costly request at a time, an account has a small share of
what is open; the rest waits, holding neither a thread nor a connection, or is told when to come again.

A route is in the lane by ``@site.lane.work``; `dashboard.web.guard` takes its turns.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Coroutine, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, ParamSpec, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.web.connections import connection_of
from dashboard.web.exceptions import TooOften
from dashboard.web.limits import address
from dashboard.web.pool import make_pool
from store.connect import Connection

P = ParamSpec("P")
T = TypeVar("T")

#: Pieces that are made at once. They share one interpreter and one database with the pages.
WORKERS = 2
#: Costly answers that are open at once: of everybody, and of one account. A slow reader holds no more than that.
OPEN, SHARE = 32, 2
#: Costly answers that are open at once for people who have not signed in; one address has ``SHARE`` of them.
STRANGERS = 8
#: Costly requests that wait, those of one account among them, and for how long [s]; then: 429.
WAITING, EACH, PATIENCE = 500, 64, 15.0

#: How long a piece waits for a moment without pages [s].
_COURTESY = 0.05

_HELD, _PAGE = "borough.held", "borough.page"
_MARK = "__in_lane__"


class Turns:
    """``most`` at once, ``share`` of them of one key; the others wait in the order of their coming.

    No more than ``waiting`` do, ``each`` of one key: nobody fills the queue alone. For one event loop.
    Whoever waits is a future and nothing else.
    """

    def __init__(self, most: int, share: int, waiting: int = WAITING, each: int = EACH) -> None:
        self.most = most
        self.share = share
        self.waiting = waiting
        self.each = each
        self._queue: dict[asyncio.Future[None], Hashable] = {}
        self._inside: Counter[Hashable] = Counter()

    async def enter(self, key: Hashable, seconds: float, gone: asyncio.Future[None] | None = None) -> None:
        """Wait for a turn, ``seconds`` at most; ``gone``: the client has left. Each entry needs its ``leave``.

        Raises TooOften where it takes longer or too many wait, ClientDisconnect.
        """
        if len(self._queue) >= self.waiting or sum(one == key for one in self._queue.values()) >= self.each:
            raise TooOften(seconds)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue[turn] = key
        self._call()
        entered = False
        try:
            if not turn.done():
                await asyncio.wait({turn, gone} if gone else {turn}, timeout=seconds, return_when="FIRST_COMPLETED")
            if gone is not None and gone.done():
                raise ClientDisconnect
            if not turn.done():
                raise TooOften(PATIENCE)
            entered = True
        finally:
            self._queue.pop(turn, None)
            if turn.done() and not entered:
                self.leave(key)

    def leave(self, key: Hashable) -> None:
        """Give the turn back; the next comes in."""
        self._inside[key] -= 1
        if not self._inside[key]:
            del self._inside[key]
        self._call()

    def _call(self) -> None:
        free = self.most - self._inside.total()
        for turn, key in list(self._queue.items()):
            if free <= 0:
                return
            if self._inside[key] < self.share:
                self._inside[key] += 1
                del self._queue[turn]
                turn.set_result(None)
                free -= 1


class Lane:
    """The lane of one site. It opens and closes with the application.

    ``processes`` of a site share out threads, open answers and shares; each has one of them at least.
    """

    def __init__(self, database_url: str, processes: int = 1) -> None:
        #: Pieces that this process makes at once.
        self.workers = max(1, WORKERS // processes)
        most, share = max(1, OPEN // processes), max(1, SHARE // processes)
        self.pool = make_pool(database_url, "borough dashboard lane", 0, self.workers)
        # a session's requests knock one after the other, so that two hundred of them are not two hundred look-ups
        # (who was let in here stays in until the end: what waits for a place of its account takes none from others)
        self._knocking = Turns(most + WAITING, share)
        self._open = Turns(most, share)
        # who has not signed in is told by the address, and takes no place from those who have
        self._strangers = Turns(max(1, STRANGERS // processes), share)
        self._threads: ThreadPoolExecutor | None = None
        self._pages = 0
        self._quiet = asyncio.Event()

    def open(self) -> None:
        """Be ready for work."""
        self.pool.open()
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="lane")

    def close(self) -> None:
        """Finish the pieces that are being made and give everything back."""
        if self._threads is not None:
            self._threads.shutdown()
        self.pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for one piece of work. Raises psycopg_pool.PoolTimeout, psycopg.Error."""
        with self.pool.connection() as connection:
            yield connection

    async def run(self, make: Callable[[], T]) -> T:
        """Have a piece made in a thread of the lane, when no page is being made; but it does not wait for that long."""
        assert self._threads is not None
        if self._pages:
            try:
                async with asyncio.timeout(_COURTESY):
                    await self._quiet.wait()
            except TimeoutError:
                pass  # pages are made all the time: files are made among them
        return await asyncio.get_running_loop().run_in_executor(self._threads, make)

    def soon(self, make: Callable[[], object]) -> None:
        """Have something done in a thread of the lane, without waiting for it."""
        assert self._threads is not None
        try:
            self._threads.submit(make)
        except RuntimeError:  # the lane has closed: the server is ending
            make()

    def work(self, route: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
        """A route's function that runs in the lane, and whose answer counts as open there until it has been taken."""

        @functools.wraps(route)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            return await self.run(functools.partial(route, *args, **kwargs))

        setattr(run, _MARK, True)
        return run

    def steps(self, route: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """A route of the lane that is a coroutine and has its pieces made one after the other, each by `run`."""
        setattr(route, _MARK, True)
        return route

    async def knock(self, request: Request, token: str | None) -> None:
        """Before a costly request's session is looked up. Raises TooOften, ClientDisconnect."""
        if not costly(request):
            return
        no_page(request.scope)
        if token:
            await self.hold(request, self._knocking, hashlib.sha256(token.encode()).digest())

    async def enter(self, request: Request, account_id: int | None) -> None:
        """Before a costly request's work begins. Raises TooOften, ClientDisconnect."""
        if not costly(request):
            return
        if account_id is not None:
            await self.hold(request, self._open, account_id)
        else:
            await self.hold(request, self._strangers, address(request))

    @contextmanager
    def page(self) -> Iterator[None]:
        """While a page is being made."""
        self._pages += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._pages -= 1
            if not self._pages:
                self._quiet.set()

    async def hold(self, request: Request, turns: Turns, key: Hashable) -> None:
        """Wait for a turn that is given back when the request's answer is over. Raises TooOften, ClientDisconnect."""
        held: ExitStack = request.scope[_HELD]
        connection = connection_of(request.scope)
        await turns.enter(key, PATIENCE, None if connection is None else connection.gone)
        held.callback(turns.leave, key)


def costly(request: Request) -> bool:
    """Whether a request's route is in the lane."""
    return hasattr(getattr(request.scope["route"], "endpoint", None), _MARK)


def no_page(scope: Scope) -> None:
    """A request turns out to be none for a page: nobody waits for its end."""
    scope[_PAGE].close()


class GiveBack:
    """ASGI middleware: what a request holds of the lane is given back when its answer is over, however it ended.

    Until it turns out to be costly a request counts as one for a page.
    """

    def __init__(self, app: ASGIApp, lane: Lane) -> None:
        self._app = app
        self._lane = lane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":  # the application's own life is no page: it lasts as long as the server
            await self._app(scope, receive, send)
            return
        with ExitStack() as held, ExitStack() as page:
            page.enter_context(self._lane.page())
            # into the scope itself: what stands around looks there for the route
            scope[_HELD], scope[_PAGE] = held, page
            await self._app(scope, receive, send)
