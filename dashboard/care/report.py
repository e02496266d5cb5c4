"""The pattern report of a home, for the practitioner whom its resident named: to look at, to print, and as a file.

Made when it is asked for and kept nowhere. Each look stands in the home's log of access before the page goes out. A
link of another kind, of another account, withdrawn or of a home that has gone is not there, and all look the same.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, HTTPException, Request, Response

from analytics.movement import home_report
from analytics.movement.patterns import BEGINS, DAYS, Report
from dashboard.care import report_words as words
from dashboard.care.looking import LinkAccess, looks
from dashboard.web.csv import csv_file
from dashboard.web.exceptions import ErasedMeanwhile
from dashboard.web.site import Site
from store.care import Link

_NIGHT = timedelta(microseconds=BEGINS)


class _Found(NamedTuple):
    link: Link
    report: Report | None
    end: date


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/care/{link}/report")
    @site.lane.work
    def report(request: Request, access: Annotated[LinkAccess, looks("looked at the pattern report")]) -> Response:
        """Four weeks beside the four before."""
        found = _read(access)
        shown = None
        if found.report is not None:
            shown = words.show(found.report, found.end, f"/care/{found.link.id}/report.csv")
        context = {
            "link": found.link, "shown": shown, "least": words.LEAST, "days": DAYS, "made": datetime.now(site.zone),
            "first": found.end - timedelta(days=DAYS), "last": found.end - timedelta(days=1),
            "before": found.end - timedelta(days=2 * DAYS), "before_last": found.end - timedelta(days=DAYS + 1),
        }  # fmt: skip
        return site.page(request, "care/report.html", context)

    @routes.get("/care/{link}/report.csv")
    @site.lane.work
    def table(access: Annotated[LinkAccess, looks("downloaded the pattern report")]) -> Response:
        """Its days as a file."""
        found = _read(access)
        if found.report is None:
            raise HTTPException(404)
        head, rows = words.table(found.report, found.end)
        return csv_file(site, "pattern-report", head, rows)

    def _read(access: LinkAccess) -> _Found:
        """The report of a link; the look is noted before anything goes out."""
        # a day of the report lasts until four in the morning
        end = (datetime.now(site.zone).replace(tzinfo=None) - _NIGHT).date()
        try:
            with access.open() as (connection, household):
                if access.link.kind != "practitioner":
                    raise HTTPException(404)
                made = home_report.of_home(connection, household.tenancy.id, end, site.zone)
        except ErasedMeanwhile:
            raise HTTPException(404) from None
        return _Found(access.link, made, end)

    return routes
