"""What belongs to a sign-in: a letter's code that makes it a home's, a demo's one-time links, and signing out."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard import roles
from dashboard.account.sign_in import signed_in
from dashboard.web.site import Site
from dashboard.web.values import Text
from dashboard.web.visitor import Anybody
from store import accounts, care

log = logging.getLogger(__name__)

#: Issuer of the accounts that a demo's links sign in to; no real issuer is called so.
DEMO_ISSUER = "demo"


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/sign-in/code")
    async def code_page(request: Request) -> Response:
        """Where the code of a letter is entered."""
        return site.page(request, "account/code.html", {"wrong": False})

    @routes.post("/sign-in/code")
    def enter_code(request: Request, visitor: Anybody, code: Annotated[Text, Form()] = "") -> Response:
        """Make the sign-in the home's, or a carer's of a home that named one. A wrong code, a used one and one of a
        tenancy that has ended look the same."""
        site.limit(request, "code", visitor)
        now = datetime.now(UTC)
        assert visitor.account_id is not None
        with site.connection() as connection, connection.transaction():
            link = care.take_code(connection, visitor.account_id, code, now, site.today())
            if link is not None:
                site.log_access(
                    connection, replace(visitor, acting="carer"), link.tenancy_id, "became your carer", link.carer
                )
                token = accounts.rotate_session(connection, request.cookies[site.options.session_cookie], now)
                return signed_in(site, token, f"/care/{link.id}") if token else RedirectResponse("/sign-in", 303)
            found = accounts.use_code(connection, "bind", code, now)
            if (
                found is None
                or found.tenancy_id is None
                or not accounts.bind(connection, visitor.account_id, found.tenancy_id, "code", now, site.today())
            ):
                return site.page(request, "account/code.html", {"wrong": True}, 400)
            site.log_access(connection, visitor, found.tenancy_id, "signed in for the first time with a letter's code")
            token = accounts.rotate_session(connection, request.cookies[site.options.session_cookie], now)
        if token is None:
            return RedirectResponse("/sign-in", 303)
        return signed_in(site, token, "/home")

    @routes.get("/sign-in/demo/{code}")
    def demo_page(request: Request, code: Text) -> Response:
        """A button that signs in: mail programs and browsers open links by themselves, buttons they leave alone."""
        found = _demo_code(site, code)
        return site.page(request, "account/demo_sign_in.html", {"code": code, "who": _who(found)})

    @routes.post("/sign-in/demo/{code}")
    def demo_sign_in(request: Request, visitor: Anybody, code: Text) -> Response:
        """Sign in with a demo's link; it works as long as the demo does."""
        site.limit(request, "sign-in", visitor)
        found = _demo_code(site, code)
        now = datetime.now(UTC)
        subject = f"tenancy {found.tenancy_id}" if found.tenancy_id is not None else f"role {' '.join(found.roles)}"
        with site.connection() as connection, connection.transaction():
            account = accounts.sign_in(connection, DEMO_ISSUER, subject)
            if found.tenancy_id is not None and account.tenancy_id is None:
                accounts.bind(connection, account.id, found.tenancy_id, "demo", now, site.today())
            if old := request.cookies.get(site.options.session_cookie):
                accounts.end_session(connection, old)
            token = accounts.open_session(connection, account.id, found.roles, now, site.options.session_lifetime)
        request.session.clear()
        return signed_in(site, token, roles.landing(found.roles, tenancy=found.tenancy_id is not None))

    @routes.post("/sign-out")
    def sign_out(request: Request, visitor: Anybody, everywhere: Annotated[Text, Form()] = "") -> Response:
        """End the session, or all sessions of the account."""
        assert visitor.account_id is not None
        with site.connection() as connection:
            if everywhere:
                accounts.end_sessions(connection, visitor.account_id)
            else:
                accounts.end_session(connection, request.cookies[site.options.session_cookie])
        answer = RedirectResponse("/sign-out/done", 303)
        answer.delete_cookie(
            site.options.session_cookie, path="/", secure=site.options.secure, httponly=True, samesite="lax"
        )
        return answer

    @routes.get("/sign-out/done")
    async def signed_out(request: Request) -> Response:
        """What signing out did, and what it did not."""
        return site.page(request, "account/signed_out.html", {})

    return routes


def _demo_code(site: Site, code: str) -> accounts.Code:
    """What a demo's code opens. Raises HTTPException 404 for any other code, and outside a demo for every one."""
    if site.options.demo:
        with site.connection() as connection:
            found = accounts.find_code(connection, "demo", code, datetime.now(UTC))
        if found is not None:
            return found
    raise HTTPException(404)


def _who(code: accounts.Code) -> str:
    """Whom a demo's link signs in."""
    if code.tenancy_id is not None:
        return "a resident"
    return " and ".join(roles.ROLE_WORDS[role].lower() for role in code.roles if role in roles.ROLE_WORDS)
