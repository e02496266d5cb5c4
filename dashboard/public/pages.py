"""Pages that anybody may read: accessibility, privacy; and the two addresses that watch the service."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from dashboard.web.site import Site
from store import daily, migrations

#: Whoever asks whether we are ready gives up soon himself [s].
_READY_SECONDS = 2.0


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/accessibility")
    async def accessibility(request: Request) -> Response:
        """The accessibility statement."""
        return site.page(request, "public/accessibility.html", {})

    @routes.get("/privacy")
    async def privacy(request: Request) -> Response:
        """What is held about people and why."""
        return site.page(request, "public/privacy.html", {})

    @routes.get("/health/live")
    async def live() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @routes.get("/health/ready")
    def ready() -> Response:
        """The database is reached, at this program's schema, and its days are of our time zone; else 503."""
        with site.connection(_READY_SECONDS) as connection:
            if not migrations.is_current(connection):
                return PlainTextResponse("the schema is not current\n", 503)
            try:
                daily.check_zone(connection, site.zone)
            except daily.OtherZone as error:
                return PlainTextResponse(f"{error}\n", 503)
        return PlainTextResponse("ok\n")

    return routes
