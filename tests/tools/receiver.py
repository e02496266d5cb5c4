"""A receiver of webhooks on a free port of 127.0.0.1 that takes, refuses, redirects, hangs or drips as it is told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Mapping
from typing import Literal, NamedTuple, Self

How = Literal["takes", "refuses", "redirects", "hangs", "drips", "floods"]


class Received(NamedTuple):
    """A request: its path, headers in small letters, body."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """``with Receiver() as receiver:``; ``how`` can be changed at any time, ``got`` is what came, taken or not."""

    def __init__(self, how: How = "takes") -> None:
        self.how: How = how
        self.got: list[Received] = []
        self.came = threading.Event()
        self._end = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                pass

            def log_error(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.got.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                outer.came.set()
                outer.answer(self)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/of-a-secret"

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        if self.how == "takes":
            handler.send_response(204)
            handler.end_headers()
        elif self.how == "refuses":
            handler.send_error(500)
        elif self.how == "redirects":
            handler.send_response(307)
            handler.send_header("Location", f"{self.url}/elsewhere")
            handler.end_headers()
        elif self.how == "hangs":
            self._end.wait(60)
        elif self.how == "drips":
            # each byte comes in time, all of them never
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not self._end.wait(0.05):
                handler.wfile.write(b"x")
        else:
            handler.send_response(200)
            handler.end_headers()
            while not self._end.is_set():
                handler.wfile.write(b"x" * 65_536)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()
