"""The web application put together: middlewares, pages, and who may open them. Everything is rendered on the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dashboard import (
    assist,
    binding,
    data_protection,
    errors,
    overview_page,
    pages,
    programme,
    roles,
    security,
    sign_in,
)
from dashboard.options import SiteOptions
from dashboard.request_log import RequestLog
from dashboard.site import HERE, Site
from dashboard.visitor import guard

#: Every router of the application. Those of the API are in its description, pages are not.
PAGES: tuple[Callable[[Site], APIRouter], ...] = (
    pages.router,
    sign_in.router,
    binding.router,
    overview_page.router,
    programme.router,
    data_protection.router,
    assist.router,
)
API: tuple[Callable[[Site], APIRouter], ...] = ()


def create_app(options: SiteOptions) -> FastAPI:
    """The application; it answers only to the names in ``options.hosts``.

    Raises LookupError where a route is in no row of ``dashboard/roles.py``, FileNotFoundError where plotly is missing.
    """
    site = Site(options)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        site.pool.open()
        try:
            yield
        finally:
            site.pool.close()

    app = FastAPI(
        title="Borough Telemetry",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        dependencies=[Depends(guard)],
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.site = site
    errors.handlers(app, site)
    # the last one added is the outermost
    app.add_middleware(errors.Faults, site=site)
    app.add_middleware(
        SessionMiddleware,
        secret_key=options.secret,
        session_cookie="__Host-borough-sign-in" if options.secure else "borough-sign-in",
        max_age=sign_in.UNDER_WAY_SECONDS,
        https_only=options.secure,
    )
    app.add_middleware(security.BodyLimit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(options.hosts), www_redirect=False)
    app.add_middleware(RequestLog)
    policy = security.content_security_policy(security.plotly_script().read_bytes())
    app.add_middleware(security.SecurityHeaders, policy=policy, https=options.secure)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    for make in PAGES:
        app.include_router(make(site), include_in_schema=False)
    for make in API:
        app.include_router(make(site))
    found = [route.path for route in app.routes if isinstance(route, APIRoute)]
    for path in found:
        roles.need(path)
    site.paths = frozenset(found)
    return app
