"""Entering a tear-off slip for a household that does not use the pages: its code opens that home's details, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from dashboard.web.details import common, read_details, values
from dashboard.web.forms import Form
from dashboard.web.household import Access, Household, household_of
from dashboard.web.site import Site
from dashboard.web.values import Fields
from dashboard.web.visitor import Anybody
from store import accounts, homes
from store.connect import Connection


class WrongCode(Exception):
    """A code that opens no slip: none, used, too old, or of a household that has moved out."""


def _slip(action: str) -> Any:
    """The household whose slip's code is in the form. Its `open` raises WrongCode."""

    async def access(request: Request, visitor: Anybody, given: Fields) -> Access:
        def find(site: Site, connection: Connection) -> Household:
            code = accounts.find_code(connection, "slip", given.get("code", ""), datetime.now(UTC))
            tenancy_id = None if code is None else code.tenancy_id
            found = None if tenancy_id is None else household_of(site, connection, tenancy_id)
            if found is None or not found.lives:
                raise WrongCode
            return found

        return Access(request, visitor, find, action)

    return Depends(access)


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/assist")
    async def ask(request: Request) -> Response:
        """The code of a slip."""
        return site.page(request, "staff/assist.html", {"wrong": False, "done": False})

    @routes.post("/assist/slip")
    def opened(
        request: Request,
        visitor: Anybody,
        given: Fields,
        access: Annotated[Access, _slip("opened the details to enter a slip")],
    ) -> Response:
        """The details of the home that the code opens; the code is good until they are saved."""
        site.limit(request, "slip", visitor)
        try:
            with access.open() as (_, household):
                pass
        except WrongCode:
            return _wrong(request)
        return _form(request, household, given.get("code", ""), values(household), {})

    @routes.post("/assist/details")
    def save(
        request: Request,
        visitor: Anybody,
        given: Fields,
        access: Annotated[Access, _slip("entered the details of a slip")],
    ) -> Response:
        """Save what the slip says."""
        site.limit(request, "slip", visitor)
        code, now = given.get("code", ""), datetime.now(UTC)
        try:
            with access.open(transaction=True) as (connection, household):
                form = Form(given)
                details, tenancy = read_details(form, household.home.details, household.tenancy)
                if form.errors:
                    access.tells_nothing()  # but what was typed just now
                    return _form(request, household, code, given, form.errors)
                if accounts.use_code(connection, "slip", code, now) is None:
                    raise WrongCode
                homes.change_details(connection, household.home.id, details, "assist", now)
                homes.change_tenancy(connection, tenancy)
        except WrongCode:
            return _wrong(request)
        return site.page(request, "staff/assist.html", {"wrong": False, "done": True})

    def _wrong(request: Request) -> Response:
        return site.page(request, "staff/assist.html", {"wrong": True, "done": False}, 400)

    def _form(
        request: Request, household: Household, code: str, typed: dict[str, str], errors: dict[str, str]
    ) -> Response:
        context: dict[str, Any] = {**common(household), "values": typed, "errors": errors, "code": code}
        return site.page(request, "staff/assist_details.html", context, 400 if errors else 200)

    return routes
