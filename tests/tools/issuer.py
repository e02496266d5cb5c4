"""A real OpenID Connect issuer for tests, in a process of its own, and the wire to it, which remembers and can lie.

The issuer takes its own name from the ``Host`` of a request, so behind the wire it has the wire's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from borough.postgres_server import free_port
from tests.tools.program import WITH_US
from tests.tools.servers import PATIENCE, wait_for
from tests.tools.site import NO_CERTIFICATES


@dataclass
class Seen:
    """One request that went over the wire; names of ``headers`` in small letters."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Wire:
    """Between a site and its issuer. ``ask`` may change what is asked, ``answer`` what comes back (path, body)."""

    issuer_port: int
    seen: list[Seen] = field(default_factory=list)
    ask: Callable[[Seen], None] | None = None
    answer: Callable[[str, bytes], bytes] | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """The issuer's name."""
        return f"http://127.0.0.1:{self.port}"

    def key_requests(self) -> int:
        """How often the site asked for the issuer's keys."""
        return sum(one.path.endswith("/jwks") for one in self.seen)

    def token_requests(self) -> list[Seen]:
        """What the site sent to exchange a code."""
        return [one for one in self.seen if one.path.endswith("/token")]


def _handler(wire: Wire) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass()

        def do_POST(self) -> None:
            self._pass()

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, body)
            wire.seen.append(Seen(seen.method, seen.path, dict(seen.headers), seen.body))
            if wire.ask is not None:
                wire.ask(seen)
            answer = httpx.request(
                seen.method,
                f"http://127.0.0.1:{wire.issuer_port}{seen.path}",
                headers={name: value for name, value in seen.headers.items() if name != "content-length"},
                content=seen.body,
                timeout=PATIENCE,
                verify=NO_CERTIFICATES,
            )
            content = answer.content if wire.answer is None else wire.answer(self.path, answer.content)
            self.send_response(answer.status_code)
            for name in ("content-type", "location"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing: what went over the wire is in ``seen``."""

    return Handler


@contextmanager
def issuer(people: Sequence[dict[str, Any]] = (), *, token_seconds: int = 3600) -> Iterator[int]:
    """An issuer that knows ``people`` (claims with ``sub``); its port."""
    port = free_port()
    known = [json.dumps(person) for person in people]
    process = subprocess.Popen(
        [*WITH_US, sys.executable, "-W", "ignore", "-m", "tests.tools.issuer_process", str(port), str(token_seconds),
         *known],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert wait_for(lambda: _answers(port) or process.poll() is not None, 30)
        assert process.poll() is None, "the issuer did not start"
        yield port
    finally:
        process.terminate()
        process.wait(60)


def change_key(port: int) -> None:
    """The issuer takes another key."""
    assert httpx.post(f"http://127.0.0.1:{port}/new-key", timeout=PATIENCE).status_code == 200


def _answers(port: int) -> bool:
    try:
        return (
            httpx.get(
                f"http://127.0.0.1:{port}/.well-known/openid-configuration", verify=NO_CERTIFICATES, timeout=PATIENCE
            ).status_code
            == 200
        )
    except httpx.HTTPError:
        return False


@contextmanager
def wired(issuer_port: int) -> Iterator[Wire]:
    """The wire to an issuer, listening."""
    wire = Wire(issuer_port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(wire))
    wire.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def authorize(url: str, subject: str | None) -> str:
    """What a person does at the issuer: sign in as ``subject`` (None: refuse); where the issuer sends them."""
    form = {"action": "deny"} if subject is None else {"sub": subject}
    answer = httpx.post(url, data=form, timeout=PATIENCE, verify=NO_CERTIFICATES)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"])
