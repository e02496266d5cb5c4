"""Movement in one's own home, just as the carers see it; and who of them looked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response

from dashboard.web import movement
from dashboard.web.csv import csv_file
from dashboard.web.household import Access, looks
from dashboard.web.movement import CSV_COLUMNS, csv_rows
from dashboard.web.site import Site
from store import accounts, care

#: So many looks of carers are shown; the others stand in the log of access.
_LOOKS, _READ = 10, 500


def router(site: Site) -> APIRouter:
    """Routes /home/movement and /home/movement/today.csv."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/movement")
    def own(request: Request, access: Annotated[Access, looks("looked at movement")]) -> Response:
        now = datetime.now(UTC)
        with access.open() as (connection, household):
            shown = movement.look(site, connection, household.tenancy.id, now, "/home/movement/today.csv")
            agreed = care.consents(connection, household.tenancy.id)
            found = accounts.accesses(connection, household.tenancy.id, limit=_READ)
        seen = [(one.at.astimezone(site.zone), one) for one in found if one.role == "carer"][:_LOOKS]
        context = {
            "movement": shown, "agreed": agreed, "looks": seen, "now": now.astimezone(site.zone).strftime("%H:%M"),
        }  # fmt: skip
        return site.page(request, "resident/movement.html", context)

    @routes.get("/home/movement/today.csv")
    @site.lane.work
    def today(access: Annotated[Access, looks("downloaded movement of today")]) -> Response:
        with access.open() as (connection, household):
            day = movement.today(connection, household.tenancy.id, datetime.now(UTC), site.zone)
        return csv_file(site, "movement-today", CSV_COLUMNS, csv_rows(day))

    return routes
