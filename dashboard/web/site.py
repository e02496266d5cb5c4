"""The site: what every page needs. Routers take it: ``def router(site: Site) -> APIRouter``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates

from analytics.report import words as report_words
from dashboard import roles
from dashboard.audiences import audience_of
from dashboard.labels import FUEL_WORDS, amount
from dashboard.options import SiteOptions
from dashboard.web.air_board import AirBoards
from dashboard.web.board import Boards
from dashboard.web.events import Events
from dashboard.web.exceptions import ErasedMeanwhile, TooOften
from dashboard.web.hours import hours
from dashboard.web.lane import Lane
from dashboard.web.limits import Limits, address
from dashboard.web.live_parking import LiveParking
from dashboard.web.pool import make_pool
from dashboard.web.visitor import Visitor
from devices.counts import counted
from devices.text import visible
from store import accounts
from store.connect import Connection
from store.doctor import PAGES
from store.sta_read import BUDGET
from store.sta_series import PLANNED

#: The package's folder: templates and static files stand in it.
HERE = Path(__file__).parents[1]


class Site:
    """One site over one database: its options, connections, templates and limits.

    ``paths``: the routes that there are, as the navigation must know. ``pool`` is the pages', ``lane`` what costs more
    than a page, ``planned`` what is short and asked often, ``events`` the live pages'; all open with the application.
    """

    def __init__(self, options: SiteOptions) -> None:
        self.options = options
        self.limits = Limits()
        self.paths: frozenset[str] = frozenset()
        self.lane = Lane(options.database_url, options.workers)
        self.boards = Boards(options.zone, options.parking_grace, options.parking_silence)
        #: A demo's monitors are simulated, a council's real.
        self.air = AirBoards("simulated" if options.demo else "real")
        self.events = Events(options.database_url, options.live_clients)
        self.parking = LiveParking(self.boards, self.events)
        #: For questions to open readings that are planned once a connection, within their budget of time.
        self.planned = make_pool(
            options.database_url,
            "borough dashboard observations",
            0,
            self.lane.workers,
            {**PLANNED, "statement_timeout": f"{round(BUDGET * 1000)}"},
        )
        self.pool = make_pool(options.database_url, f"{PAGES}{options.zone.key}", 1, 8)
        self.templates = Jinja2Templates(directory=HERE / "templates")
        self.templates.env.trim_blocks = self.templates.env.lstrip_blocks = True
        self.templates.env.filters.update(
            words=lambda number: f"{number:,}",
            shown=visible,
            shown_lines=lambda text: visible(text, lines=True),
            day_words=report_words.day,
            lower_first=lambda text: text[:1].lower() + text[1:],
            upper_first=report_words.sentence,
            after=lambda text, word: report_words.sentence(text.removeprefix(f"{word}: ")),
            amount=amount,
            count=counted,
            hours=lambda register: hours(register, options.zone),
        )
        self.templates.env.globals.update(
            options=options, static=static, fuel_words=FUEL_WORDS, pages=lambda: self.paths
        )

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone: its local days are the days of use."""
        return self.options.zone

    def today(self) -> date:
        """The local day."""
        return datetime.now(self.zone).date()

    def url(self, request: Request, path: str) -> str:
        """A path as a whole address, as people reach it."""
        if self.options.public_url is not None:
            return self.options.public_url.rstrip("/") + path
        # the name that was asked for is one of ours; what it says of a port may be anything
        name, port = request.url.hostname or "", request.scope["server"][1]
        return f"{request.url.scheme}://{f'[{name}]' if ':' in name else name}:{port}{path}"

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Connection]:
        """A connection that commits each statement; ``connection.transaction()`` for more than one.

        ``timeout`` [s]: how long to wait for one, where five seconds are too long.

        Raises psycopg_pool.PoolTimeout, psycopg.Error: a page leaves both to the application, which then says 503.
        """
        with self.pool.connection(timeout) as connection:
            yield connection

    def log_access(
        self, connection: Connection, visitor: Visitor, tenancy_id: int, action: str, detail: str | None = None
    ) -> None:
        """Note that ``visitor`` looked at or changed a tenancy's data, before the page goes out.

        ``action`` and ``detail`` are words that its resident will read: ``looked at the comparison``, ``October 2026``.
        Raises ErasedMeanwhile, psycopg.Error; then the page does not go out.
        """
        role = roles.RESIDENT if visitor.tenancy_id == tenancy_id else visitor.acting
        now = datetime.now(UTC)
        if not accounts.log_access(connection, tenancy_id, visitor.account_id, role, action, now, detail):
            raise ErasedMeanwhile

    def limit(self, request: Request, kind: str, visitor: Visitor) -> None:
        """Count one try of a kind, see ``dashboard.web.limits.RATES``. Raises TooOften, which becomes a 429."""
        wait = self.limits.take(kind, visitor.account_id, address(request))
        if wait:
            raise TooOften(wait)

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any],
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A page in the layout. It sees ``visitor``, ``navigation``, ``audience``, ``options`` and ``context``."""
        visitor: Visitor = getattr(request.state, "visitor", Visitor())
        return self.templates.TemplateResponse(
            request,
            template,
            {
                "visitor": visitor,
                "navigation": self.navigation(request, visitor),
                "audience": audience_of(request.url.path),
                **context,
            },
            status_code=status,
            headers={"Cache-Control": "no-store", **(headers or {})},
        )

    def navigation(self, request: Request, visitor: Visitor) -> list[tuple[str, str, bool]]:
        """Path, words and whether it is the present page, of the pages that the visitor may open."""
        here = request.url.path
        return [
            (path, words, here == path or here.startswith(f"{path}/"))
            for path, words in roles.NAVIGATION
            if path in self.paths
            and roles.allowed(
                roles.need(path),
                visitor.roles,
                account=visitor.account_id is not None,
                demo=self.options.demo,
            )
        ]


@cache
def static(name: str) -> str:
    """The address of a file in ``static``, with its hash: browsers keep it until it changes."""
    return f"/static/{name}?{hashlib.sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:12]}"
