"""The overview page: what is arriving. For engineers, and in a demo, which is wholly simulated, for anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from dashboard.engineer import traffic
from dashboard.web import security
from dashboard.web.site import Site
from dashboard.web.values import Flag, Word
from store import accounting, overview

#: How far the chart goes back, and how many devices of a family the page lists.
_MINUTES, _DEVICES = 30, 20
_REFRESH_SECONDS = 10
#: How many of one family, where somebody asks for it.
_MOST = 2_000


def router(site: Site) -> APIRouter:
    """The page and the script of its chart. Raises FileNotFoundError where plotly is missing."""
    routes = APIRouter()
    script = security.plotly_script()

    @routes.get("/plotly.min.js")
    def plotly() -> FileResponse:
        return FileResponse(script, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    @routes.get("/overview")
    def page(request: Request, refresh: Flag = False, family: Word | None = None) -> Response:
        """Rates, readings by minute, accounting and newest readings."""
        now = datetime.now(UTC)
        with site.connection() as connection:
            counts = overview.minutes(connection, now - timedelta(minutes=_MINUTES))
            totals = accounting.totals(connection)
            heard = overview.simulated_heard(connection)
            latest = overview.latest_simulated(connection, _MOST if family else _DEVICES, family)
        families, rows = traffic.by_minute(counts)
        simulation = site.options.simulation
        return site.page(
            request,
            "engineer/arriving.html",
            {
                "now": now,
                "refresh": _REFRESH_SECONDS if refresh else None,
                "seconds": _REFRESH_SECONDS,
                "rates": traffic.rates(counts, now),
                "families": families,
                "minutes": rows,
                "headline": traffic.headline(rows),
                "present": traffic.present(rows, now),
                "accounting": traffic.accounting(totals),
                "newest": traffic.newest(latest, heard),
                "family": family,
                "address": traffic.address,
                "simulation": None if simulation is None else simulation(),
            },
        )

    return routes
