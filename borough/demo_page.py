"""The demo's page, served on 127.0.0.1 from a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import uvicorn

from borough.errors import Failure
from dashboard.app import create_app
from dashboard.simulation import Simulation


@contextmanager
def listen(port: int | None) -> Iterator[socket.socket]:
    """A listening socket on 127.0.0.1. Raises Failure where the port is taken."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port or 0))
        except OSError as error:
            raise Failure(f"port {port} cannot be used for the page: {error.strerror}; choose another --port") from None
        listener.listen(128)
        yield listener


class Page:
    """Serves from ``with`` to its end; ``simulation`` tells how far the simulation is.

    Raises Failure where it does not start.
    """

    def __init__(
        self, database_url: str, listener: socket.socket, simulation: Callable[[], Simulation] | None = None
    ) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        config = uvicorn.Config(
            create_app(database_url, simulation=simulation),
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise Failure("the page does not start")
            time.sleep(0.01)
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(10)
