"""What stands before every route: who is asking, may they come in, and is the form from one of our own pages."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlsplit

import psycopg
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import PoolTimeout

from dashboard import roles
from dashboard.web.erasures import already_left
from dashboard.web.exceptions import Elsewhere
from dashboard.web.site import Site
from dashboard.web.values import read_form
from dashboard.web.visitor import Visitor
from store import accounts

_SAFE = ("GET", "HEAD", "OPTIONS")
#: Header in which a script sends the form's token with JSON.
CSRF_HEADER = "X-CSRF-Token"
#: How long a page that anybody may read waits for the database, only to know who is reading [s].
_ANYBODY_SECONDS = 1.0
_OWN_BODY = "__reads_its_body__"
_OPEN_FORM = "__open_form__"
_ANY_FORM = "__takes_any_form__"
_Route = TypeVar("_Route", bound=Callable[..., object])


async def guard(request: Request) -> None:
    """Find the visitor, refuse who may not come in, and refuse forms that are not from our own pages.

    A costly request waits here for its turn (`dashboard.web.lane`). Raises Elsewhere (303 to the sign-in, or to the
    code's page where a tenancy is missing), HTTPException 401, 403, TooOften.
    """
    site: Site = request.app.state.site
    wanted = roles.need(request.scope["route"].path)
    await site.lane.knock(request, request.cookies.get(site.options.session_cookie))
    visitor = await _find(request, site, wanted)
    if visitor.account_id is None:
        await already_left(request, site)
    visitor = _enter(request, visitor, wanted, demo=site.options.demo)
    request.state.visitor = visitor
    await site.lane.enter(request, visitor.account_id)
    if request.method not in _SAFE and not hasattr(getattr(request.scope["route"], "endpoint", None), _ANY_FORM):
        await _check_form(request, site, visitor)


async def may_still(request: Request) -> bool:
    """Whether who was let in once, and is being answered still, would see the same now. It counts as using the session.

    Raises psycopg.OperationalError, psycopg_pool.PoolTimeout.
    """
    site: Site = request.app.state.site
    before: Visitor = request.state.visitor
    found = await _find(request, site, roles.need(request.scope["route"].path))
    return (found.account_id, found.tenancy_id, found.roles) == (before.account_id, before.tenancy_id, before.roles)


async def _find(request: Request, site: Site, wanted: roles.Need) -> Visitor:
    token = request.cookies.get(site.options.session_cookie)
    # whether the process is well does not depend on who asks, nor on the database
    if token and not request.url.path.startswith("/health/"):
        try:
            found = await run_in_threadpool(
                _session, site, token, _ANYBODY_SECONDS if wanted == roles.ANYBODY else None
            )
        except (psycopg.OperationalError, PoolTimeout):
            # the statement on accessibility and the like can be read while the database is away
            if wanted != roles.ANYBODY:
                raise
            found = None
        if found is not None:
            held = found.roles - {roles.RESIDENT} | ({roles.RESIDENT} if found.tenancy_id is not None else set())
            return Visitor(found.account_id, found.tenancy_id, frozenset(held), form_token(site.options.secret, token))
    if not request.url.path.startswith("/sign-in"):
        return Visitor()
    # somebody else's form must not sign anybody in here: nobody's forms have a token too, in the short-lived cookie
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(32)
    return Visitor(csrf=request.session["csrf"])


def _session(site: Site, token: str, timeout: float | None) -> accounts.Session | None:
    with site.connection(timeout) as connection:
        return accounts.session(connection, token, datetime.now(UTC), site.options.session_idle)


def form_token(secret: str, token: str) -> str:
    """The token of a session's forms: nobody can make it without the session's cookie and the site's secret."""
    return hmac.new(secret.encode(), b"form " + token.encode(), hashlib.sha256).hexdigest()


def _enter(request: Request, visitor: Visitor, wanted: roles.Need, *, demo: bool) -> Visitor:
    signed_in = visitor.account_id is not None
    if roles.allowed(wanted, visitor.roles, account=signed_in, demo=demo):
        acting = next((role for role in roles.ROLES if role in wanted.roles & visitor.roles), "")
        return Visitor(visitor.account_id, visitor.tenancy_id, visitor.roles, visitor.csrf, acting)
    request.state.visitor = visitor  # the page that says no has a heading too
    if request.url.path.startswith("/api/"):
        raise HTTPException(403 if signed_in else 401)
    if not signed_in:
        wish = request.url.path if request.method in _SAFE else "/"
        raise Elsewhere(f"/sign-in?next={quote(wish, safe='')}")
    if wanted.roles == {roles.RESIDENT} and not visitor.roles:
        raise Elsewhere("/sign-in/code")
    raise HTTPException(403)


async def _check_form(request: Request, site: Site, visitor: Visitor) -> None:
    """Refuse an unsafe request that another site made a browser send. Raises HTTPException 403."""
    origin = request.headers.get("origin")
    fetched = request.headers.get("sec-fetch-site")
    if origin is not None:
        own = {request.headers.get("host", "")}
        if site.options.public_url is not None:
            own.add(urlsplit(site.options.public_url).netloc)
        if _netloc(origin) not in own:
            raise HTTPException(403, "foreign-form")
    elif fetched is not None and fetched not in ("same-origin", "none"):
        raise HTTPException(403, "foreign-form")
    if visitor.account_id is None and hasattr(getattr(request.scope["route"], "endpoint", None), _OPEN_FORM):
        return
    sent: object = request.headers.get(CSRF_HEADER)
    if sent is None and hasattr(getattr(request.scope["route"], "endpoint", None), _OWN_BODY):
        return
    if sent is None and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        sent = (await read_form(request)).get("csrf")
    check_token(visitor, sent)


def reads_its_body(route: _Route) -> _Route:
    """A route whose form is too long to be read before it: it reads it piece by piece, and has to `check_token` what
    stands first in it before it takes anything, where the header has none."""
    setattr(route, _OWN_BODY, True)
    return route


def open_form(route: _Route) -> _Route:
    """A route whose form anybody may send who has no session: nothing is done there in anybody's name, so nobody can be
    made to send it to their harm. Whoever has a session still needs its token, and another site's form is refused.

    What somebody has written for an hour is not lost because a cookie has ended meanwhile.
    """
    setattr(route, _OPEN_FORM, True)
    return route


def takes_any_form(route: _Route) -> _Route:
    """A route whose forms need not be from our own pages: its address is the secret, and nobody is signed in for it. A
    mail service posts there by itself (RFC 8058)."""
    setattr(route, _ANY_FORM, True)
    return route


def check_token(visitor: Visitor, sent: object) -> None:
    """Raises HTTPException 403 where ``sent`` is not the token of the visitor's forms."""
    if not isinstance(sent, str) or not visitor.csrf or not hmac.compare_digest(sent.encode(), visitor.csrf.encode()):
        raise HTTPException(403, "form-expired")


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
