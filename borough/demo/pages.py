"""The demo's pages, served on 127.0.0.1 from a thread of its own."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import uvicorn

from borough.demo.analyst import LIFETIME
from borough.demo.mailbox import Mailbox
from borough.errors import Failure
from borough.uploads.site import replays_of
from dashboard.app import create_app
from dashboard.options import SiteOptions, Trials
from dashboard.replays import Limits
from dashboard.simulation import Simulation
from dashboard.web.connections import Patience, config
from store import accounts
from store.connect import connect
from store.erasures import State
from store.subject import Open


class Rights(Protocol):
    """What households may ask for, and engineers of rejected messages."""

    @property
    def trials(self) -> Trials:
        """Rejected messages tried and taken."""

    def erase(self, tenancy_id: int) -> State:
        """Erase a tenancy; how far it is."""

    def erasure(self, tenancy_id: int) -> State | None:
        """How far the erasure of a tenancy is."""

    def subject(self, tenancy_id: int, open_: Open) -> Iterator[bytes]:
        """All that is held about a tenancy: JSON in pieces."""


@contextmanager
def listen(port: int | None) -> Iterator[socket.socket]:
    """A listening socket on 127.0.0.1. Raises Failure where the port is taken."""
    # with its protocol named asyncio sends without delay; else each answer over a kept connection waits 40 ms
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port or 0))
        except OSError as error:
            raise Failure(f"port {port} cannot be used for the page: {error.strerror}; choose another --port") from None
        listener.listen(128)
        yield listener


def demo_site(
    database_url: str,
    simulation: Callable[[], Simulation] | None = None,
    rights: Rights | None = None,
    jobs: Path | None = None,
    mailbox: Mailbox | None = None,
    example: Callable[[], Mapping[str, Any] | None] | None = None,
) -> SiteOptions:
    """The site of a demo: everybody may see what is arriving, and codes of the purpose ``demo`` sign in.

    ``simulation`` tells how far the simulation is; ``rights`` as in SiteOptions.
    ``jobs``: the folder of jobs, without which none are started. ``mailbox``: what the demo's relay took.
    ``example``: the report of a worked example of a trial, as in SiteOptions.
    """
    return SiteOptions(
        database_url,
        secret=secrets.token_hex(32),
        demo=True,
        council_name="Demo Borough",
        council_address=("Demo Borough Council", "1 Example Square", "DB1 1AA"),
        help_line="0800 000 0000 (nobody answers in a demo)",
        simulation=simulation,
        mailbox=None if mailbox is None else mailbox.mails,
        example=example,
        erase=None if rights is None else rights.erase,
        erasure=None if rights is None else rights.erasure,
        subject=None if rights is None else rights.subject,
        trials=None if rights is None else rights.trials,
        replays=None if jobs is None else replays_of("demo", jobs, Limits()),
    )


def engineer_link(url: str, page: str) -> str:
    """Where an engineer signs in: a line to tell. Raises psycopg.Error."""
    with connect(url, "borough demo") as connection:
        code = accounts.make_code(connection, "demo", None, datetime.now(UTC), LIFETIME, ("engineer",))
    return f"  engineer  {page}sign-in/demo/{code}  (the pipeline; replays and simulations)"


class Page:
    """Serves a site from ``with`` to its end. Raises Failure where it does not start."""

    def __init__(self, options: SiteOptions, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        self._server = uvicorn.Server(config(create_app(options), Patience(), timeout_graceful_shutdown=3))
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
