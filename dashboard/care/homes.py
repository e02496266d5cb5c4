"""The homes that named a carer: what was noticed last in each, what is usual, and notices that the carer answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.care.looking import LinkAccess, looks
from dashboard.web import movement
from dashboard.web.csv import csv_file
from dashboard.web.movement import CSV_COLUMNS, Movement, csv_rows
from dashboard.web.site import Site
from dashboard.web.values import Whole, Word
from dashboard.web.visitor import Anybody
from store import care, care_alerts
from store.care import Link

#: What a page says after a form, by the word in its address.
_DONE = {
    "answered": "You have answered. The people after you are not told of this notice.",
    "faster": "Somebody has answered this notice before you, or it has ended.",
    "sent": "We have sent a code to this address. Enter it below within 30 minutes.",
    "mail": "Notices come to this address from now on.",
    "page": "Notices stand on this page alone from now on. Nobody sends you anything.",
}
_PROBLEMS = ("faster",)


@dataclass(frozen=True, slots=True)
class Named:
    """A home that named the carer."""

    link: Link
    movement: Movement


def router(site: Site) -> APIRouter:
    """The routes below /care."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/care")
    def homes(request: Request, visitor: Anybody, left: Word = "") -> Response:
        """All homes that named the carer."""
        now = datetime.now(UTC)
        found = []
        with site.connection() as connection:
            assert visitor.account_id is not None
            for link in care.links_of_account(connection, visitor.account_id, site.today()):
                shown = movement.look(site, connection, link.tenancy_id, now, None)
                site.log_access(connection, visitor, link.tenancy_id, "looked at the list of homes", link.carer)
                found.append(Named(link, shown))
        return site.page(request, "care/homes.html", {"homes": found, "left": left == "yes", "now": _clock(site, now)})

    @routes.get("/care/{link}")
    def home(
        request: Request,
        access: Annotated[LinkAccess, looks("looked at movement")],
        done: Word = "",
    ) -> Response:
        """One home."""
        return show(site, request, access, done=done)

    @routes.get("/care/{link}/today.csv")
    @site.lane.work
    def today(access: Annotated[LinkAccess, looks("downloaded movement of today")]) -> Response:
        """The numbers of the figure."""
        with access.open() as (connection, household):
            day = movement.today(connection, household.tenancy.id, datetime.now(UTC), site.zone)
        return csv_file(site, "movement-today", CSV_COLUMNS, csv_rows(day))

    @routes.post("/care/{link}/answer")
    def answer(
        access: Annotated[LinkAccess, looks("answered a notice")], notice: Annotated[Whole, Form()] = 0
    ) -> Response:
        """The carer looks into it: nobody else is told."""
        with access.open(transaction=True) as (connection, _):
            link = access.link
            done = care_alerts.acknowledge(connection, notice, link.id, datetime.now(UTC))
            if not done:
                access.tells_nothing()
        return RedirectResponse(f"/care/{link.id}?done={'answered' if done else 'faster'}", 303)

    @routes.post("/care/{link}/leave")
    def leave(access: Annotated[LinkAccess, looks("is your carer no more")]) -> Response:
        """The carer is none any more."""
        with access.open(transaction=True) as (connection, _):
            account = access.link.account_id
            assert account is not None
            care.leave(connection, account, access.link.id, datetime.now(UTC), site.today())
            others = care.links_of_account(connection, account, site.today())
        return RedirectResponse("/care?left=yes" if others else "/", 303)

    return routes


def show(
    site: Site,
    request: Request,
    access: LinkAccess,
    *,
    done: str = "",
    errors: dict[str, str] | None = None,
    typed: str = "",
) -> Response:
    """The page of one home; ``done``: the word of what a form did. Raises HTTPException 404, psycopg.Error."""
    now = datetime.now(UTC)
    with access.open() as (connection, household):
        link = access.link
        shown = movement.look(site, connection, household.tenancy.id, now, f"/care/{link.id}/today.csv")
        reached = care.mail(connection, link.id, now)
    context: dict[str, Any] = {
        "link": link, "movement": shown, "mail": reached, "done": _DONE.get(done, ""), "problem": done in _PROBLEMS,
        "errors": errors or {}, "typed": typed, "now": _clock(site, now), "pages_of": f"/care/{link.id}",
    }  # fmt: skip
    return site.page(request, "care/home.html", context, 400 if errors else 200)


def _clock(site: Site, now: datetime) -> str:
    return now.astimezone(site.zone).strftime("%H:%M")
