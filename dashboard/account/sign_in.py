"""Signing in by OpenID Connect: the code flow with PKCE, state and nonce, at any issuer that has a discovery document.

What the browser carries meanwhile stands in a signed cookie that lasts ten minutes. After it, the session is ours and
stands in the database; no token of the issuer is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from joserfc.errors import JoseError

from dashboard import roles
from dashboard.account.issuer import Client
from dashboard.options import SignIn
from dashboard.web.site import Site
from dashboard.web.values import Way, local_path
from dashboard.web.visitor import Anybody
from store import accounts, care

log = logging.getLogger(__name__)

#: Seconds that a sign-in may take from its start to its return.
UNDER_WAY_SECONDS = 600
#: Only signatures that the issuer alone can make: a shared secret or none at all would do in others.
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

#: kind -> (status, title, sentences) of a sign-in that did not come about.
_WORDS = {
    "denied": (403, "You did not sign in", "The sign-in service says that you, or it, ended the sign-in."),
    "stale": (
        400,
        "This sign-in cannot be finished",
        "It took longer than ten minutes, was finished already, or was begun in another window or browser.",
    ),
    "wrong": (400, "This sign-in cannot be trusted", "What the sign-in service said does not fit what we asked it."),
    "away": (
        503,
        "The sign-in service does not answer",
        "It is another service than these pages. Try again in a few minutes.",
    ),
}


#: Where to go on after it.
Next = Annotated[Way, Query(alias="next")]


class IssuerError(Exception):
    """The issuer is away or says what it must not. ``kind``: away or wrong."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def router(site: Site) -> APIRouter:
    """The sign-in's pages; without an issuer there is only the one that says so."""
    routes = APIRouter()

    @routes.get("/sign-in")
    async def page(request: Request, visitor: Anybody, wish: Next = "") -> Response:
        """What signing in is for, and the way to the issuer."""
        if visitor.account_id is not None:
            return RedirectResponse(wish or "/", 303)
        return site.page(request, "account/sign_in.html", {"next": wish})

    if site.options.sign_in is not None:
        _flow(site, routes, site.options.sign_in)
    return routes


def _flow(site: Site, routes: APIRouter, options: SignIn) -> None:
    oauth = OAuth()
    client = oauth.register(
        "issuer",
        client_cls=Client,
        client_id=options.client_id,
        client_secret=options.secret,
        server_metadata_url=options.issuer.rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid",
            "code_challenge_method": "S256",
            "timeout": 10,
            **({} if options.secret else {"token_endpoint_auth_method": "none"}),
        },
    )

    @routes.get("/sign-in/start")
    async def start(request: Request, visitor: Anybody, wish: Next = "") -> Response:
        """Away to the issuer. A link and not a form: the policy lets forms lead to this site alone."""
        site.limit(request, "sign-in", visitor)
        try:
            await _metadata(client, options)
            answer: Response = await client.authorize_redirect(request, site.url(request, "/sign-in/callback"))
        except IssuerError as error:
            return _not_signed_in(site, request, error.kind, str(error))
        request.session["next"] = wish
        return answer

    @routes.get("/sign-in/callback")
    async def callback(request: Request, visitor: Anybody) -> Response:
        """Back from the issuer, with a code or a refusal."""
        site.limit(request, "sign-in", visitor)
        try:
            await _metadata(client, options)
            claims = await _claims(request, client, options)
        except OAuthError as error:
            kind = {"mismatching_state": "stale", "access_denied": "denied"}.get(str(error.error), "wrong")
            return _not_signed_in(site, request, kind, str(error.error))
        except IssuerError as error:
            return _not_signed_in(site, request, error.kind, str(error))
        wish = local_path(request.session.get("next"), "")
        request.session.clear()
        old = request.cookies.get(site.options.session_cookie)
        token, home = await run_in_threadpool(_signed_in, site, options, claims, old)
        return signed_in(site, token, wish or home)


async def _metadata(client: Any, options: SignIn) -> None:
    """Read the issuer's discovery document, once. Raises IssuerError."""
    try:
        found = await client.load_server_metadata()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise IssuerError("away", f"discovery: {type(error).__name__}") from None
    if found.get("issuer", "").rstrip("/") != options.issuer.rstrip("/"):
        client.server_metadata.clear()  # whatever that was, it is asked for again next time
        raise IssuerError("wrong", "its discovery document names another issuer")
    offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    found["id_token_signing_alg_values_supported"] = [name for name in offered if name in _SIGNATURES]


async def _claims(request: Request, client: Any, options: SignIn) -> Mapping[str, Any]:
    """What the issuer says of who signed in: the ID token, checked. Raises OAuthError, IssuerError."""
    try:
        token = await client.authorize_access_token(
            request,
            claims_options={
                "iss": {"essential": True, "value": client.server_metadata["issuer"]},
                "aud": {"essential": True, "value": options.client_id},
                "sub": {"essential": True},
            },
        )
    except httpx2.HTTPError as error:
        raise IssuerError("away", f"token: {type(error).__name__}") from None
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise IssuerError("wrong", f"ID token: {type(error).__name__}") from None
    claims = token.get("userinfo")
    if not claims or not isinstance(claims.get("sub"), str):
        raise IssuerError("wrong", "no ID token")
    found: Mapping[str, Any] = claims
    return found


def _signed_in(site: Site, options: SignIn, claims: Mapping[str, Any], old: str | None) -> tuple[str, str]:
    """Account, binding by claim and a new session: the cookie's token, and where this visitor lands."""
    now = datetime.now(UTC)
    given = claims.get(options.roles_claim)
    listed = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    held = [role for role in roles.ROLES if role in listed]
    with site.connection() as connection, connection.transaction():
        account = accounts.sign_in(connection, options.issuer.rstrip("/"), claims["sub"])
        tenancy = account.tenancy_id
        named = str(claims.get(options.tenancy_claim, ""))
        if named.isascii() and named.isdigit() and len(named) <= 18 and int(named) != tenancy:
            if accounts.bind(connection, account.id, int(named), "claim", now, site.today()):
                tenancy = int(named)
            else:
                log.warning("the issuer names a tenancy that there is not, or that has ended")
        if old:
            accounts.end_session(connection, old)
        token = accounts.open_session(connection, account.id, held, now, site.options.session_lifetime)
        # whom a resident has named is a carer, whatever the issuer says
        named_by = care.links_of_account(connection, account.id, site.today())
    return token, roles.landing([*held, *(["carer"] if named_by else [])], tenancy=tenancy is not None)


def signed_in(site: Site, token: str, path: str) -> Response:
    """On to a page with the cookie of a session; it goes with the browser and is for this host alone."""
    answer = RedirectResponse(path, 303)
    answer.set_cookie(
        site.options.session_cookie, token, httponly=True, secure=site.options.secure, samesite="lax", path="/"
    )
    return answer


def _not_signed_in(site: Site, request: Request, kind: str, reason: str) -> Response:
    log.warning("a sign-in failed: %s (%s)", kind, reason[:100])
    status, title, sentence = _WORDS[kind]
    return site.page(request, "account/not_signed_in.html", {"title": title, "sentence": sentence}, status)
