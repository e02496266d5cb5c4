"""What is said when something is refused or fails: a page in plain words, or problem+json (RFC 9457) to programs.

What is not there and what is somebody else's take the same way and get the same answer.
"""

from __future__ import annotations

import logging
import math
import traceback
from http import HTTPStatus

import orjson
import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.web.exceptions import Elsewhere, TooOften
from dashboard.web.site import Site
from devices.counts import counted

log = logging.getLogger(__name__)


#: status, or the word for one kind of it -> (title, sentences).
WORDS: dict[int | str, tuple[str, tuple[str, ...]]] = {
    400: ("Something in this request is not right", ("Go back, check what you entered, and try again.",)),
    401: ("Sign in first", ("This is shown to people who have signed in.",)),
    403: ("You cannot open this page", ("Your sign-in does not include it. If it should, ask the council.",)),
    404: (
        "Page not found",
        ("If you typed the address, check that it is right.", "If you followed a link, the page may have moved."),
    ),
    405: ("This cannot be done here", ("Go back to the page before and use its buttons and links.",)),
    410: (
        "This is not published any more",
        ("It was withdrawn. The page of its dataset has what is published now.",),
    ),
    413: ("That is too much to send", ("What was sent is larger than any form of ours.",)),
    429: ("Too many tries", ("To keep everybody's data safe, there is a limit on how often this can be tried.",)),
    500: ("Sorry, something went wrong", ("It is our fault. We have noted that it happened. Try again later.",)),
    503: (
        "The service is not available just now",
        ("Nothing is lost: what the meters send waits until we are back.", "Try again in a few minutes."),
    ),
    "export-long": (
        "This export would be too long",
        (
            "An export has at most 10,000,000 readings of at most 366 days.",
            "Ask for fewer days, devices or properties, one part after the other.",
        ),
    ),
    "export-room": (
        "There is no room for this export just now",
        ("Others are being made, and the disk has no room for one more.", "Try again in a few minutes."),
    ),
    "other-report": (
        "This report cannot be shown any more",
        ("Another version of the program made it.", "Ask whoever runs the platform to make it anew."),
    ),
    "foreign-form": ("This form did not come from our page", ("Open the page here and fill in the form again.",)),
    "form-expired": (
        "This form is too old",
        ("You may have signed in or out since you opened it. Open the page again and fill in the form once more.",),
    ),
}

#: Beginnings of addresses whose readers are programs: they get problem+json.
_FOR_PROGRAMS = ("/api/", "/sta/")


def handlers(app: FastAPI, site: Site) -> None:
    """Register the answers with the application."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        asked = request.url.path
        if error.status_code == 404 and asked.endswith("/") and asked.rstrip("/") in site.paths:
            return RedirectResponse(asked.rstrip("/"), status_code=307)
        kind = error.detail if error.detail in WORDS else error.status_code
        return answer(site, request, error.status_code, kind, headers=dict(error.headers or {}))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # the names of what is wrong and never what was sent: that may be anything
        found = (part for problem in error.errors() for part in problem["loc"][1:])
        names = sorted({part for part in found if isinstance(part, str)})  # numbers are places in a list
        return answer(site, request, 400, 400, detail=f"Not right: {', '.join(names)}." if names else None)

    async def elsewhere(_: Request, error: Exception) -> Response:
        assert isinstance(error, Elsewhere)
        return RedirectResponse(error.path, status_code=303)

    async def too_often(request: Request, error: Exception) -> Response:
        assert isinstance(error, TooOften)
        minutes = math.ceil(error.seconds / 60)
        wait = counted(minutes, "minute") if minutes > 1 else counted(error.seconds, "second")
        words = f"Try again in {wait}."
        return answer(site, request, 429, 429, detail=words, headers={"Retry-After": str(error.seconds)})

    async def away(request: Request, error: Exception) -> Response:
        log.warning("the database is away: %s", type(error).__name__)
        return answer(site, request, 503, 503, headers={"Retry-After": "60"})

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Elsewhere, elsewhere)
    app.add_exception_handler(TooOften, too_often)
    app.add_exception_handler(psycopg.OperationalError, away)
    app.add_exception_handler(psycopg.InterfaceError, away)
    app.add_exception_handler(PoolTimeout, away)


def answer(
    site: Site,
    request: Request,
    status: int,
    kind: int | str,
    *,
    detail: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A status in words. ``kind`` chooses them from ``WORDS``; ``detail`` is one more sentence."""
    title, sentences = WORDS.get(kind) or (HTTPStatus(status).phrase, ())
    said = [*sentences, *([detail] if detail else [])]
    if request.url.path.startswith(_FOR_PROGRAMS):
        return problem(status, title, " ".join(said), headers)
    return site.page(request, "error.html", {"title": title, "sentences": said}, status, headers=headers)


def problem(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """An answer of the API by RFC 9457."""
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    return Response(body, status, headers, media_type="application/problem+json")


class ErrorPages:
    """ASGI middleware: an error that nobody expected becomes a page in plain words, and a line in the log.

    It stands inside the other middlewares, so that such a page has their headers.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 where that fails before the answer has begun."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            # they hung up before all was said: nobody's fault, and nobody is there to be answered
            log.info("a client left while it was waiting or sending")
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            # where it failed, and not what with: the text of a database's error names rows and values
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a page failed: %s\n%s", type(error).__name__, where)
            await answer(self._site, Request(scope, receive), 500, 500)(scope, receive, send)
