"""The web application: one overview page for now, rendered on the server, working without scripts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import psycopg
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from psycopg_pool import ConnectionPool, PoolTimeout
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboard import overview, security
from dashboard.simulation import Simulation
from store import accounting
from store import overview as table
from store.connect import Connection

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
#: How far the chart goes back, and how many devices of a family the page lists.
_MINUTES, _DEVICES = 30, 20
_REFRESH_SECONDS = 10
#: How many of one family, where somebody asks for it.
_MOST = 2_000


def create_app(
    database_url: str,
    *,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
    simulation: Callable[[], Simulation] | None = None,
) -> FastAPI:
    """The application over one database; it answers only to the names in ``hosts``.

    ``simulation`` tells how far the simulation behind it is, where there is one in this process.

    Pages say that the database is away (503) rather than fail. Raises FileNotFoundError where plotly is missing.
    """
    pool: ConnectionPool[Connection] = ConnectionPool(
        database_url,
        min_size=1,
        max_size=4,
        open=False,
        timeout=5,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True, "options": "-c TimeZone=UTC", "application_name": "borough dashboard"},
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pool.open()
        try:
            yield
        finally:
            pool.close()

    script = security.plotly_script()
    app = FastAPI(title="Borough Telemetry", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.add_middleware(security.SecurityHeaders, policy=security.content_security_policy(script.read_bytes()))
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    templates = Jinja2Templates(directory=_HERE / "templates")
    templates.env.filters["words"] = lambda number: f"{number:,}"

    @app.get("/plotly.min.js", include_in_schema=False)
    def plotly() -> FileResponse:
        return FileResponse(script, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    @app.get("/", response_class=HTMLResponse)
    def page(
        request: Request, refresh: Annotated[bool, Query()] = False, family: Annotated[str | None, Query()] = None
    ) -> Response:
        """Rates, readings by minute, accounting and newest readings."""
        now = datetime.now(UTC)
        try:
            with pool.connection() as connection:
                counts = table.minutes(connection, now - timedelta(minutes=_MINUTES))
                totals = accounting.totals(connection)
                heard = table.simulated_heard(connection)
                latest = table.latest_simulated(connection, _MOST if family else _DEVICES, family)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the page cannot read the database: %s", type(error).__name__)
            return templates.TemplateResponse(request, "away.html", {}, status_code=503)
        families, rows = overview.by_minute(counts)
        return templates.TemplateResponse(
            request,
            "overview.html",
            {
                "now": now,
                "refresh": _REFRESH_SECONDS if refresh else None,
                "seconds": _REFRESH_SECONDS,
                "rates": overview.rates(counts, now),
                "families": families,
                "minutes": rows,
                "headline": overview.headline(rows),
                "accounting": overview.accounting(totals),
                "newest": overview.newest(latest, heard),
                "family": family,
                "address": overview.address,
                "simulation": None if simulation is None else simulation(),
            },
            headers={"Cache-Control": "no-store"},
        )

    return app
