"""A household's own details and prices, corrected by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.resident.forms import read_tariff
from dashboard.web.details import common, read_details, values
from dashboard.web.forms import Form
from dashboard.web.household import Access, looks
from dashboard.web.site import Site
from dashboard.web.values import Fields, Word
from store import homes

_DONE = {
    "details": "Your details are saved.",
    "same": "Nothing was changed.",
    "tariff": "Your price is saved. Costs of periods that are still being worked out will use it.",
    "removed": "The price is removed.",
}


def router(site: Site) -> APIRouter:
    """Routes /home/details and /home/tariff."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/details")
    def show(request: Request, access: Annotated[Access, looks("looked at the details")], done: Word = "") -> Response:
        with access.open() as (connection, household):
            prices = homes.tariffs(connection, household.tenancy.id)
        context = {"values": values(household), "errors": {}, "done": _DONE.get(done), "prices": prices[::-1]}
        return site.page(request, "resident/details.html", {**common(household), **context})

    @routes.post("/home/details")
    def change(request: Request, access: Annotated[Access, looks("changed the details")], given: Fields) -> Response:
        form = Form(given)
        with access.open(transaction=True) as (connection, household):
            if not household.lives:
                raise HTTPException(403)
            details, tenancy = read_details(form, household.home.details, household.tenancy)
            if form.errors:
                access.action = "looked at the details"  # the page has their prices
                context = {
                    "values": given,
                    "errors": form.errors,
                    "prices": homes.tariffs(connection, household.tenancy.id),
                }
                return site.page(request, "resident/details.html", {**common(household), **context}, 400)
            changed = [
                homes.change_details(connection, household.home.id, details, "resident", datetime.now(UTC)),
                homes.change_tenancy(connection, tenancy),
            ]
            if not any(changed):
                access.tells_nothing()
        return RedirectResponse(f"/home/details?done={'details' if any(changed) else 'same'}", 303)

    @routes.get("/home/tariff")
    def ask(request: Request, access: Annotated[Access, looks(None)]) -> Response:
        with access.open() as (_, household):
            pass
        if not household.lives:
            raise HTTPException(403)
        context = {"values": {"fuel": "electricity"}, "errors": {}}
        return site.page(request, "resident/tariff.html", {**common(household), **context})

    @routes.post("/home/tariff")
    def price(request: Request, access: Annotated[Access, looks("entered a price")], given: Fields) -> Response:
        form = Form(given)
        with access.open(transaction=True) as (connection, household):
            if not household.lives:
                raise HTTPException(403)
            tariff = read_tariff(form, household.first)
            if tariff is None:
                access.tells_nothing()
                context = {"values": given, "errors": form.errors}
                return site.page(request, "resident/tariff.html", {**common(household), **context}, 400)
            try:
                changed = homes.set_tariff(connection, household.tenancy.id, tariff)
            except homes.TooManyTariffs:
                access.tells_nothing()
                wrong = f"You have told us {homes.MOST_TARIFFS} prices. Remove one that you no longer need first"
                context = {"values": given, "errors": {"fuel": wrong}}
                return site.page(request, "resident/tariff.html", {**common(household), **context}, 400)
            access.detail = tariff.fuel
            if not changed:
                access.tells_nothing()
        return RedirectResponse("/home/details?done=tariff", 303)

    @routes.post("/home/tariff/remove")
    def remove(access: Annotated[Access, looks("removed a price")], given: Fields) -> Response:
        found = Form(
            {**given, **dict(zip(("d-year", "d-month", "d-day"), given.get("from", "").split("-"), strict=False))}
        )
        day = found.day("d", "the day")
        if day is None:
            raise HTTPException(400)
        with access.open(transaction=True) as (connection, household):
            access.detail = found.text("fuel")
            if not homes.remove_tariff(connection, household.tenancy.id, access.detail, day):
                access.tells_nothing()
        return RedirectResponse("/home/details?done=removed", 303)

    return routes
