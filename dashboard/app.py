"""The web application put together: middlewares, pages, and who may open them. Everything is rendered on the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboard import api_document, roles
from dashboard.account import binding, sign_in
from dashboard.care import homes as care_homes
from dashboard.care import report, telling
from dashboard.engineer import (
    alarms,
    arriving,
    completeness,
    jobs,
    outbox,
    pipeline,
    rejected,
    rejected_trial,
    runs,
    series,
    silence,
    uploads,
)
from dashboard.open_data import catalogue, exports, revisions, snapshots
from dashboard.operations import board, health, patterns, precision, queue, wall
from dashboard.options import SiteOptions
from dashboard.public import (
    air,
    air_alerts,
    air_alerts_held,
    air_api,
    air_checks,
    air_compare,
    air_files,
    air_monitor,
    feeds,
    mailbox,
    overview,
    pages,
    stop,
)
from dashboard.public import complaints as public_complaints
from dashboard.public import parking as public_parking
from dashboard.resident import api as resident_api
from dashboard.resident import (
    carers,
    choices,
    data,
    details,
    home,
    messages,
    movement,
    nudge_ways,
    nudges,
    nudges_api,
    use,
)
from dashboard.sensorthings import routes as sensorthings
from dashboard.staff import assist, complaint, complaints, data_protection, programme, trials
from dashboard.web import errors, parking, security
from dashboard.web.forwarded import Forwarded
from dashboard.web.guard import guard
from dashboard.web.lane import GiveBack
from dashboard.web.request_log import RequestLog
from dashboard.web.site import HERE, Site

#: Every router of the application. Those of the API are in its description, pages are not.
PAGES: tuple[Callable[[Site], APIRouter], ...] = (
    # first, for routers are looked through in this order, and programs ask it thousands of times an hour
    sensorthings.router,
    overview.router,
    pages.router,
    public_complaints.router,
    feeds.router,
    catalogue.router,
    exports.router,
    revisions.router,
    snapshots.router,
    stop.router,
    mailbox.router,
    sign_in.router,
    binding.router,
    parking.router,
    public_parking.router,
    air.router,
    air_alerts.router,
    air_alerts_held.router,
    air_monitor.router,
    air_files.router,
    air_compare.router,
    air_checks.router,
    board.router,
    queue.router,
    patterns.router,
    precision.router,
    health.router,
    wall.router,
    arriving.router,
    # before the pages of single ones, whose addresses its own look like
    rejected_trial.router,
    rejected.router,
    alarms.router,
    outbox.router,
    pipeline.router,
    silence.router,
    completeness.router,
    series.router,
    uploads.router,
    runs.router,
    jobs.router,
    programme.router,
    trials.router,
    data_protection.router,
    complaints.router,
    complaint.router,
    assist.router,
    report.router,
    home.router,
    use.router,
    data.router,
    details.router,
    choices.router,
    carers.router,
    messages.router,
    nudges.router,
    nudge_ways.router,
    movement.router,
    care_homes.router,
    telling.router,
)
API: tuple[Callable[[Site], APIRouter], ...] = (resident_api.router, nudges_api.router, air_api.router)


def create_app(options: SiteOptions) -> FastAPI:
    """The application; it answers only to the names in ``options.hosts``.

    Raises LookupError where a route is in no row of ``dashboard/roles.py``, FileNotFoundError where plotly is missing.
    """
    site = Site(options)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        site.pool.open()
        site.lane.open()
        site.planned.open()
        site.events.open()
        try:
            yield
        finally:
            site.events.close()
            site.lane.close()
            site.planned.close()
            site.pool.close()

    app = FastAPI(
        title="Borough Telemetry",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # its redirects repeat the request's Host; errors.py has its own
        dependencies=[Depends(guard)],
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.site = site
    errors.handlers(app, site)
    # the last one added is the outermost
    app.add_middleware(errors.ErrorPages, site=site)
    app.add_middleware(
        SessionMiddleware,
        secret_key=options.secret,
        session_cookie="__Host-borough-sign-in" if options.secure else "borough-sign-in",
        max_age=sign_in.UNDER_WAY_SECONDS,
        https_only=options.secure,
    )
    app.add_middleware(security.BodyLimit, beyond=(uploads.PATH,))
    app.add_middleware(GiveBack, lane=site.lane)
    app.add_middleware(security.Head)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(options.hosts), www_redirect=False)
    app.add_middleware(RequestLog)
    policy = security.content_security_policy(security.plotly_script().read_bytes())
    app.add_middleware(security.SecurityHeaders, policy=policy, https=options.secure)
    app.add_middleware(Forwarded, proxies=options.proxies)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    routers = [(make(site), make in API) for make in (*PAGES, *API)]
    for router, described in routers:
        app.include_router(router, include_in_schema=described)
    # of the routers themselves, for what the application makes of them is no list of routes
    found = [route.path for router, _ in routers for route in router.routes if isinstance(route, APIRoute)]
    if not found:
        raise LookupError("no route was found to check")
    for path in found:
        roles.need(path)
    site.paths = frozenset(found)
    api = [route for router, described in routers if described for route in router.routes]
    api_document.describe(app, options, [route for route in api if isinstance(route, APIRoute)])
    return app
