"""A household's own details and prices, corrected by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard import labels as words
from dashboard.resident.forms import read_details, read_tariff
from dashboard.resident.household import Own, own
from dashboard.web.forms import Form
from dashboard.web.site import Site
from dashboard.web.values import Fields, Word
from dashboard.web.visitor import Resident
from devices.homes import EPC_BANDS
from store import homes
from store.times import next_quarter, quarter

_DONE = {
    "details": "Your details are saved.",
    "same": "Nothing was changed.",
    "tariff": "Your price is saved. Costs of periods that are still being worked out will use it.",
    "removed": "The price is removed.",
}
_YES_NO = {"yes": "Yes", "no": "No", "": "I would rather not say"}


def router(site: Site) -> APIRouter:
    """Routes /home/details and /home/tariff."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/details")
    def show(request: Request, visitor: Resident, done: Word = "") -> Response:
        with site.connection() as connection:
            mine = own(site, connection, visitor)
            prices = homes.tariffs(connection, mine.tenancy.id)
            site.log_access(connection, visitor, mine.tenancy.id, "looked at the details")
        context = {"values": values(mine), "errors": {}, "done": _DONE.get(done), "prices": prices[::-1]}
        return site.page(request, "resident/details.html", {**common(mine), **context})

    @routes.post("/home/details")
    def change(request: Request, visitor: Resident, given: Fields) -> Response:
        form = Form(given)
        with site.connection() as connection, connection.transaction():
            mine = own(site, connection, visitor)
            if not mine.lives:
                raise HTTPException(403)
            details, household = read_details(form, mine.home.details, mine.tenancy)
            if form.errors:
                context = {"values": given, "errors": form.errors, "prices": homes.tariffs(connection, mine.tenancy.id)}
                return site.page(request, "resident/details.html", {**common(mine), **context}, 400)
            changed = [
                homes.change_details(connection, mine.home.id, details, "resident", datetime.now(UTC)),
                homes.change_tenancy(connection, household),
            ]
            if any(changed):
                site.log_access(connection, visitor, mine.tenancy.id, "changed the details")
        return RedirectResponse(f"/home/details?done={'details' if any(changed) else 'same'}", 303)

    @routes.get("/home/tariff")
    def ask(request: Request, visitor: Resident) -> Response:
        with site.connection() as connection:
            mine = own(site, connection, visitor)
        if not mine.lives:
            raise HTTPException(403)
        context = {"values": {"fuel": "electricity"}, "errors": {}}
        return site.page(request, "resident/tariff.html", {**common(mine), **context})

    @routes.post("/home/tariff")
    def price(request: Request, visitor: Resident, given: Fields) -> Response:
        form = Form(given)
        with site.connection() as connection, connection.transaction():
            mine = own(site, connection, visitor)
            if not mine.lives:
                raise HTTPException(403)
            tariff = read_tariff(form, mine.first)
            if tariff is None:
                context = {"values": given, "errors": form.errors}
                return site.page(request, "resident/tariff.html", {**common(mine), **context}, 400)
            try:
                changed = homes.set_tariff(connection, mine.tenancy.id, tariff)
            except homes.TooManyTariffs:
                wrong = f"You have told us {homes.MOST_TARIFFS} prices. Remove one that you no longer need first"
                context = {"values": given, "errors": {"fuel": wrong}}
                return site.page(request, "resident/tariff.html", {**common(mine), **context}, 400)
            if changed:
                site.log_access(connection, visitor, mine.tenancy.id, "entered a price", tariff.fuel)
        return RedirectResponse("/home/details?done=tariff", 303)

    @routes.post("/home/tariff/remove")
    def remove(visitor: Resident, given: Fields) -> Response:
        found = Form(
            {**given, **dict(zip(("d-year", "d-month", "d-day"), given.get("from", "").split("-"), strict=False))}
        )
        day = found.day("d", "the day")
        if day is None:
            raise HTTPException(400)
        with site.connection() as connection, connection.transaction():
            if homes.remove_tariff(connection, visitor.tenancy, found.text("fuel"), day):
                site.log_access(connection, visitor, visitor.tenancy, "removed a price", found.text("fuel"))
        return RedirectResponse("/home/details?done=removed", 303)

    return routes


def values(mine: Own) -> dict[str, str]:
    """What the fields of the details say before anything is typed."""
    details, household = mine.home.details, mine.tenancy
    plain: dict[str, Any] = {
        "dwelling": details.dwelling,
        "heating": details.heating,
        "floor_area": None if details.floor_area is None else f"{details.floor_area:g}",
        "bedrooms": details.bedrooms,
        "epc": details.epc,
        "tenure": details.tenure,
        "occupants": household.occupants,
        "electric_vehicle": _yes(household.electric_vehicle),
        "medical_equipment": _yes(household.medical_equipment),
        "large_print": "yes" if household.large_print else "",
        "letters": "yes" if household.letters else "",
    }
    return {name: "" if value is None else str(value) for name, value in plain.items()}


def common(mine: Own) -> dict[str, Any]:
    """What the pages of details and prices say beside their fields."""
    start = quarter(mine.today)
    following = next_quarter(start)
    return {
        "own": mine,
        "next_quarter": following,
        "dwellings": words.DWELLING_WORDS,
        "heatings": words.HEATING_WORDS,
        "tenures": {**words.TENURE_WORDS, "": "I would rather not say"},
        "epcs": {**{band: band for band in EPC_BANDS}, "": "I do not know"},
        "yes_no": _YES_NO,
        "payments": words.PAYMENT_WORDS,
        "fuels": {fuel: words.FUEL_WORDS[fuel] for fuel in ("electricity", "gas", "heat")},
    }


def _yes(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"
