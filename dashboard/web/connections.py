"""How long a connection may keep us waiting: uvicorn's protocol with an end to every wait.

A head that does not come, a body that trickles, an answer that nobody takes: each has its seconds, and then the
connection is cut. So is the one that has waited longest when there are more than a process can hold.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

#: Key in ``scope["extensions"]``: the `Connection` that a request came by.
_KEY = "borough.connection"
#: So many bytes of an answer have to be taken in the time that there is for them.
_TAKEN = 65_536
#: How long an answer without an end may take for its end, once the server ends [s].
_LAST_WORDS = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a client may take: for the ``head`` of a request, for its whole ``body`` (64 KiB at most), and for
    what is written to it: ``stall`` for each 64 KiB. ``connections``: so many are held by a process.
    """

    head: float = 10.0
    body: float = 30.0
    stall: float = 20.0
    connections: int = 1_000


def patience(stall: float) -> Patience:
    """What this process can hold by its limit of open files; the rest of them is for files and the database."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = 1_000 if most == resource.RLIM_INFINITY else min(1_000, max(most - 128, most // 2))
    return Patience(stall=stall, connections=held)


def config(app: Any, patience: Patience, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration with connections that end; ``options`` as uvicorn has them."""

    class Protocol(Connection):
        limits = patience

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # the application does it: dashboard/web/forwarded.py
        **options,
    )


class Connection(H11Protocol):
    """One connection of a client."""

    limits = Patience()

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._served = self.app
        self.app = self._known
        #: Done when nobody is there any more.
        self.gone: asyncio.Future[None] = self.loop.create_future()
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        #: Done when the server ends: whoever writes without an end stops.
        self.ending: asyncio.Future[None] = self.loop.create_future()
        self._stall, self._streams = self.limits.stall, False
        #: Since when it waits for a request [s, monotonic].
        self.since = self.loop.time()

    async def _known(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[_KEY] = self
        try:
            await self._served(scope, receive, send)
        except asyncio.CancelledError:
            # the server ends and has waited for this answer long enough
            self.cut()
            await self.gone

    def cut(self) -> None:
        """End it at once: a reader sees that its answer is broken, and what it has not taken yet is lost."""
        self.transport.abort()

    def stream(self, stall: float, piece: int) -> None:
        """From now on it is written to without an end, ``piece`` bytes at once and no more before they are taken.

        Whoever takes nothing for ``stall`` seconds is cut.
        """
        self._stall, self._streams = min(self._stall, stall), True
        self.transport.set_write_buffer_limits(high=0)
        line: socket.socket = self.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, piece)

    def shutdown(self) -> None:
        """The server ends: an answer without an end is told so, and has a second for its last words."""
        super().shutdown()
        if not self.ending.done():
            self.ending.set_result(None)
        if self._streams:
            self.loop.call_later(_LAST_WORDS, self.cut)

    def goes_on(self) -> None:
        """A piece of a long body has been taken: the next one has as much time as a whole body has."""
        if self._reading is not None:
            self._expect(self.limits.body)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's type does not say that there may be none yet
        return cycle is None or cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A client is there; where there are too many, whoever has waited longest without a request goes."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            # one that was cut in this turn of the loop is still in the set
            held = [one for one in self.connections if isinstance(one, Connection) and not one.transport.is_closing()]
            if len(held) > self.limits.connections:
                min((one for one in held if one.idle), key=lambda one: one.since).cut()
        self._expect(self.limits.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over: nothing is waited for any more."""
        self._stop_reading()
        self._stop_writing()
        if not self.gone.done():
            self.gone.set_result(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something of a request; from its first byte on the whole head has to come in time."""
        if self.idle and self._reading is None:
            self._expect(self.limits.head)
        super().data_received(data)

    def handle_events(self) -> None:
        """A head is there, or a body's end: what is waited for next has a time of its own."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_reading()
            if self.cycle.more_body:
                self._expect(self.limits.body)
        elif not self.idle and not self.cycle.more_body:
            self._stop_reading()

    def pause_writing(self) -> None:
        """64 KiB wait to be taken."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Most of it was taken."""
        self._stop_writing()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """The last bytes of an answer have to be taken in time too, though nobody writes behind them."""
        self.since = self.loop.time()
        self._watch()
        super().on_response_complete()

    def _watch(self) -> None:
        """See to it that what waits to be taken is taken, 64 KiB or all of it each time."""
        self._stop_writing()
        if held := self.transport.get_write_buffer_size():
            self._writing = self.loop.call_later(self._stall, self._taken, self.cycle, held)

    def _taken(self, cycle: object, held: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self.cycle is cycle and left > held - _TAKEN:
            self.cut()
        else:
            self._watch()

    def _expect(self, seconds: float) -> None:
        self._stop_reading()
        self._reading = self.loop.call_later(seconds, self.cut)

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


def connection_of(scope: Scope) -> Connection | None:
    """The connection that a request came by; None behind another server than ours."""
    found = scope.get("extensions", {}).get(_KEY)
    return found if isinstance(found, Connection) else None
