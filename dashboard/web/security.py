"""Headers that every page carries: nothing is loaded from, sent to or framed by another origin."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def plotly_script() -> Path:
    """The script of the installed plotly package. Raises FileNotFoundError where it is not installed."""
    found = find_spec("plotly")
    script = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else Path("plotly")
    if not script.is_file():
        raise FileNotFoundError("the script of the plotly package is not installed")
    return script


def content_security_policy(script: bytes) -> str:
    """The policy under which Plotly's ``script`` runs without a complaint and without unsafe-eval.

    Plotly puts two style elements into the page: an empty one, and the map library's, which is read from the script
    itself, so that a new version brings its own hash along.
    """
    styles = [b"", *re.findall(rb"\.textContent='([^'\\]*)'", script)]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(style).digest()).decode()}'" for style in styles)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"style-src-elem 'self' {hashes}",
            "style-src-attr 'unsafe-inline'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )


class SecurityHeaders:
    """ASGI middleware that adds the headers to every HTTP response; ``https``: browsers shall use nothing else here."""

    def __init__(self, app: ASGIApp, policy: str, *, https: bool = False) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),  # for browsers older than frame-ancestors
            # with no-referrer browsers send our own forms with `Origin: null`
            (b"referrer-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            *([(b"strict-transport-security", b"max-age=31536000")] if https else []),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to its answer; what says nothing else is kept by nobody."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # styles and scripts have their hash in their address
        kept = b"max-age=86400" if scope["path"].startswith("/static/") else b"no-store"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", kept))
                message["headers"] = [*headers, *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)


class Head:
    """ASGI middleware: HEAD is answered as GET would be, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, a HEAD as GET."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self._app({**scope, "method": "GET", "borough.method": "HEAD"}, receive, without_body)


class BodyLimit:
    """ASGI middleware: a request's body is no longer than ``most`` bytes; longer ones get 413 (a page by the handler).

    A body that says its length is refused before it is read, another one where it goes beyond. ``beyond``: paths whose
    route counts for itself what it reads.
    """

    def __init__(self, app: ASGIApp, most: int = 64 * 1024, beyond: Collection[str] = ()) -> None:
        self._app = app
        self._most = most
        self._beyond = frozenset(beyond)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what it sends."""
        if scope["type"] != "http" or scope["path"] in self._beyond:
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        held = int(said) if said.isdigit() else 0
        read = 0

        async def counted() -> Message:
            nonlocal read
            if held > self._most:
                raise HTTPException(413)
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
