"""/health/live, /health/ready and /metrics of a collector, served from a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ingest.errors import OptionsError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A scrape every few seconds is no news."""


class HealthServer:
    """Answers on ``host:port`` until closed. ``ready`` returns what is missing, in words; empty means ready.

    Raises OptionsError where the port cannot be taken.
    """

    def __init__(self, host: str, port: int, ready: Callable[[], list[str]], metrics: Callable[[], bytes]) -> None:
        self._ready = ready
        self._metrics = metrics
        try:
            self._server = make_server(host, port, self._answer, server_class=_Server, handler_class=_Quiet)
        except OSError as error:
            raise OptionsError(
                f"BOROUGH_METRICS_PORT: cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from None
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), daemon=True, name="health")
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        kind = "text/plain; charset=utf-8"
        match environ["PATH_INFO"]:
            case "/health/live":
                status, body = "200 OK", b"live\n"
            case "/health/ready":
                missing = self._ready()
                status = "503 Service Unavailable" if missing else "200 OK"
                body = ("; ".join(missing) or "ready").encode() + b"\n"
            case "/metrics":
                status, body = "200 OK", self._metrics()
                kind = "text/plain; version=0.0.4; charset=utf-8"
            case _:
                status, body = "404 Not Found", b"there are /health/live, /health/ready and /metrics\n"
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]
