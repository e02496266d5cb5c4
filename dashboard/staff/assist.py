"""Entering a tear-off slip for a household that does not use the pages: its code opens that home's details, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from dashboard.resident.details import common, values
from dashboard.resident.forms import read_details
from dashboard.resident.household import Own
from dashboard.web.forms import Form
from dashboard.web.site import Site
from dashboard.web.values import Fields
from dashboard.web.visitor import Anybody
from store import accounts, homes
from store.connect import Connection


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/assist")
    async def ask(request: Request) -> Response:
        """The code of a slip."""
        return site.page(request, "staff/assist.html", {"wrong": False, "done": False})

    @routes.post("/assist/slip")
    def opened(request: Request, visitor: Anybody, given: Fields) -> Response:
        """The details of the home that the code opens; the code is good until they are saved."""
        site.limit(request, "slip", visitor)
        with site.connection() as connection:
            mine = _own(connection, given.get("code", ""))
            if mine is None:
                return _wrong(request)
            site.log_access(connection, visitor, mine.tenancy.id, "opened the details to enter a slip")
        return _form(request, mine, given.get("code", ""), values(mine), {})

    @routes.post("/assist/details")
    def save(request: Request, visitor: Anybody, given: Fields) -> Response:
        """Save what the slip says."""
        site.limit(request, "slip", visitor)
        code, now = given.get("code", ""), datetime.now(UTC)
        with site.connection() as connection, connection.transaction():
            mine = _own(connection, code)
            if mine is None:
                return _wrong(request)
            form = Form(given)
            details, household = read_details(form, mine.home.details, mine.tenancy)
            if form.errors:
                return _form(request, mine, code, given, form.errors)
            if accounts.use_code(connection, "slip", code, now) is None:
                return _wrong(request)
            homes.change_details(connection, mine.home.id, details, "assist", now)
            homes.change_tenancy(connection, household)
            site.log_access(connection, visitor, mine.tenancy.id, "entered the details of a slip")
        return site.page(request, "staff/assist.html", {"wrong": False, "done": True})

    def _own(connection: Connection, code: str) -> Own | None:
        """Whose slip it is; None for a code that is none, used or too old, and where the household has moved out."""
        found = accounts.find_code(connection, "slip", code, datetime.now(UTC))
        tenancy = None if found is None or found.tenancy_id is None else homes.tenancy(connection, found.tenancy_id)
        home = None if tenancy is None else homes.home(connection, tenancy.home_id)
        if tenancy is None or home is None:
            return None
        mine = Own(tenancy, home, site.today())
        return mine if mine.lives else None

    def _wrong(request: Request) -> Response:
        return site.page(request, "staff/assist.html", {"wrong": True, "done": False}, 400)

    def _form(request: Request, mine: Own, code: str, typed: dict[str, str], errors: dict[str, str]) -> Response:
        context: dict[str, Any] = {**common(mine), "values": typed, "errors": errors, "code": code}
        return site.page(request, "staff/assist_details.html", context, 400 if errors else 200)

    return routes
