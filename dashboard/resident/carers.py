"""Whom a resident names as carers: up to three, in the order in which they are told, each ended in one step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.resident.choices import PURPOSE_WORDS
from dashboard.web import forms
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.values import Fields, Whole, Word
from devices import lengths
from store import care
from store.connect import Connection

#: What a page says after a form, by the word in its address.
_DONE = {
    "ended": "That person sees nothing of your home any more, and is told nothing.",
    "moved": "The order has changed.",
}
KIND_WORDS = {
    "family": "Family or friend",
    "practitioner": "Practitioner of the council or a care service",
}


def router(site: Site) -> APIRouter:
    """Routes /home/carers and below."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/carers")
    def carers(request: Request, access: Annotated[Access, looks("looked at the carers")], done: Word = "") -> Response:
        with access.open() as (connection, household):
            return _page(request, connection, household, {"done": _DONE.get(done, "")})

    @routes.post("/home/carers")
    def name(request: Request, given: Fields, access: Annotated[Access, looks("named a carer")]) -> Response:
        """Name somebody; the code that they enter is shown once, here."""
        form = forms.Form(given)
        kind = form.choice("kind", care.KINDS, "Choose who they are")
        carer = form.line("carer", lengths.CARER, "Their name", "Enter what you call them, such as Anna")
        home = form.line("home", lengths.CARER, "The name of your home", "Enter what they should read, such as Mum")
        now = datetime.now(UTC)
        with access.open(transaction=True) as (connection, household):
            if not household.lives:
                raise HTTPException(404)
            named = None
            if not form.errors:
                chosen = next(one for one in care.KINDS if one == kind)
                try:
                    named = care.name_carer(connection, household.tenancy.id, chosen, carer, home, now, household.today)
                except care.TooManyCarers:
                    form.errors["carer"] = f"You have named {care.MOST} people; end one of them first"
            access.detail = carer
            if named is None:
                access.tells_nothing()
                return _page(request, connection, household, {"errors": form.errors, "values": given})
            return _page(request, connection, household, {"code": named[1], "named": carer})

    @routes.post("/home/carers/code")
    def code(
        request: Request, access: Annotated[Access, looks("made a carer's code")], link: Annotated[Whole, Form()] = 0
    ) -> Response:
        """Another code for somebody who has not entered theirs; the earlier one is worth nothing any more."""
        with access.open(transaction=True) as (connection, household):
            found = next(
                (one for one in care.links_of_tenancy(connection, household.tenancy.id) if one.id == link), None
            )
            if found is None or found.taken_at is not None:
                raise HTTPException(404)
            access.detail = found.carer
            made = care.make_code(connection, link, datetime.now(UTC))
            return _page(request, connection, household, {"code": made, "named": found.carer})

    @routes.post("/home/carers/end")
    def end(access: Annotated[Access, looks("ended a carer")], link: Annotated[Whole, Form()] = 0) -> Response:
        """One step: no question, nothing to wait for."""
        with access.open(transaction=True) as (connection, household):
            access.detail = _name(connection, household, link)
            done = care.withdraw(connection, household.tenancy.id, link, "resident", datetime.now(UTC), household.today)
            if not done:
                access.tells_nothing()
        return RedirectResponse(f"/home/carers{'?done=ended' if done else ''}", 303)

    @routes.post("/home/carers/up")
    def up(
        access: Annotated[Access, looks("changed the order of carers")], link: Annotated[Whole, Form()] = 0
    ) -> Response:
        """Have somebody told before the one who is told before them now."""
        with access.open(transaction=True) as (connection, household):
            access.detail = _name(connection, household, link)
            done = care.move_up(connection, household.tenancy.id, link, household.today)
            if not done:
                access.tells_nothing()
        return RedirectResponse(f"/home/carers{'?done=moved' if done else ''}", 303)

    def _page(request: Request, connection: Connection, household: Household, more: dict[str, Any]) -> Response:
        links = care.links_of_tenancy(connection, household.tenancy.id)
        context: dict[str, Any] = {
            "links": links, "agreed": care.consents(connection, household.tenancy.id), "lives": household.lives,
            "purpose": PURPOSE_WORDS["care"], "kinds": KIND_WORDS, "most": care.MOST, "zone": site.zone,
            "days": care.CODE_LIFETIME.days, "errors": {}, "values": {}, **more,
        }  # fmt: skip
        return site.page(request, "resident/carers.html", context, 400 if context["errors"] else 200)

    return routes


def _name(connection: Connection, household: Household, link: int) -> str | None:
    found = care.links_of_tenancy(connection, household.tenancy.id)
    return next((one.carer for one in found if one.id == link), None)
