"""The streams of parking bays."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from dashboard.web import live_parking
from dashboard.web.guard import may_still
from dashboard.web.site import Site
from dashboard.web.values import Word
from dashboard.web.visitor import Anybody


def router(site: Site) -> APIRouter:
    """The streams; ``after``: the place from which the page that asks was made, where no event was heard since."""
    routes = APIRouter()

    @routes.get(live_parking.OPERATIONS)
    async def events(request: Request, visitor: Anybody, after: Word = "") -> Response:
        """For operations: until the session ends."""
        return site.events.stream(site.parking.operations(visitor), request, may_still, after)

    @routes.get(live_parking.PUBLIC)
    async def live(request: Request, after: Word = "") -> Response:
        """For anybody."""
        return site.events.stream(site.parking.public, request, after=after)

    return routes
