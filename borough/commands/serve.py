"""``borough serve``: the pages and their API, until it is told to end."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

import typer

from borough import logs, workers
from borough.database import reachable, require_schema, require_zone
from borough.errors import Failure
from borough.output import say
from borough.rights.finishing import Finisher
from borough.rights.for_pages import for_pages
from borough.settings.settings import Settings, read_settings, unknown_variables, variable
from borough.site import site_options
from dashboard.options import SiteOptions
from store.connect import connect

log = logging.getLogger(__name__)

#: How long pages under way may take once the end was asked for [s].
_END_SECONDS = 10
#: Bytes of an answer that the kernel holds for a reader.
_SEND_BUFFER = 65_536


def serve() -> int:
    """Serve the pages until SIGTERM or Ctrl-C: then finish what is under way and end with status 0.

    Logs go to standard error, one JSON object a line. /health/live and /health/ready say how it is.

    Example: BOROUGH_WEB_PORT=8000 borough serve
    """
    settings = read_settings()
    rights = for_pages(settings)
    options = site_options(settings, rights)
    logs.set_up(settings.log_level)
    for warning in unknown_variables():
        log.warning("%s", warning)
    with reachable(options.database_url), connect(options.database_url, "borough serve") as connection:
        require_schema(connection, options.database_url)
        require_zone(connection, options.zone)

    def work(first: bool) -> None:
        # in one process of the site, and not before it was forked: threads do not survive that
        with Finisher(rights.context) if first and rights.context is not None else nullcontext():
            _run(listener, settings, options, says=first)

    with closing(_listen(settings.web_host, settings.web_port)) as listener:
        if settings.web_workers > 1:
            return workers.run(settings.web_workers, work)
        work(True)
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with its protocol named asyncio sends without delay; else each answer over a kept connection waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # of its connections: a reader that takes nothing holds so much of the kernel, and not megabytes
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise Failure(
            f"{host} port {port} cannot be used: {error.strerror};"
            f" see {variable('web_host')} and {variable('web_port')}"
        ) from None
    return listener


def _run(listener: socket.socket, settings: Settings, options: SiteOptions, *, says: bool = True) -> None:
    # Imported when it is needed: the other commands start faster without.
    import uvicorn

    from dashboard.app import create_app
    from dashboard.web.connections import config, patience

    # pages and exports share an interpreter: a page's turn of it comes after one millisecond of an export's, not five
    sys.setswitchinterval(0.001)

    class Server(uvicorn.Server):
        """Ends by itself when told to; the original then kills the process by the same signal."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started and says:
                shown = f"[{settings.web_host}]" if ":" in settings.web_host else settings.web_host
                say(f"Listening on http://{shown}:{listener.getsockname()[1]}")

    app = create_app(options)
    _settle_garbage()
    made = config(
        app,
        patience(settings.web_stall),
        timeout_graceful_shutdown=_END_SECONDS,
    )
    Server(made).run(sockets=[listener])
    log.info("ended")


def _settle_garbage() -> None:
    """Keep the program itself out of the collector's way: looking through all of it takes longer than a page does, and
    a page of a year makes thousands of objects that are gone without it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("serve")(serve)
