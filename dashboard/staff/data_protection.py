"""The data protection officer's pages: who looked at a tenancy's data, all that is held about it, and its erasure.

The officer names a tenancy by its pseudonym, in a form: no address of a page ever carries one. Everything done here is
itself in the tenancy's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response

from dashboard import roles
from dashboard.web import erasures, values
from dashboard.web.exceptions import ErasedMeanwhile
from dashboard.web.site import Site
from dashboard.web.streams import Stream
from dashboard.web.values import Text, Whole
from dashboard.web.visitor import Anybody, Visitor
from store import accounts, homes
from store.connect import Connection
from store.erasures import State

log = logging.getLogger(__name__)

_PAGE = 100
Number = Annotated[Text, Form(max_length=40)]
Below = Annotated[Whole | None, Form()]


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/data-protection")
    async def ask(request: Request) -> Response:
        """Which tenancy."""
        return site.page(request, "staff/data_protection.html", {"wrong": False, "number": ""})

    @routes.post("/data-protection/tenancy")
    def show(request: Request, visitor: Anybody, number: Number = "", below: Below = None) -> Response:
        """The log of a tenancy, and what can be done for its residents."""
        with site.connection() as connection:
            found = _tenancy(connection, number)
            if found is None:
                return _gone(request, number)
            if not _logged(connection, visitor, found, "looked at the log of access"):
                return _gone(request, number)
            return _shown(request, connection, found, below)

    @routes.post("/data-protection/export")
    @site.lane.work
    def export(request: Request, visitor: Anybody, number: Number = "") -> Response:
        """Everything that is held about a tenancy, as a file."""
        if site.options.subject is None:
            raise HTTPException(404)
        site.limit(request, "export", visitor)
        with site.lane.connection() as connection:
            found = _tenancy(connection, number)
            if found is None or not _logged(connection, visitor, found, "exported all that is held"):
                return _gone(request, number)
        headers = {"Content-Disposition": 'attachment; filename="subject.json"'}
        pieces = site.options.subject(found, site.lane.connection)
        return Stream(site.lane, pieces, media_type="application/json", headers=headers)

    @routes.post("/data-protection/erase")
    def erase(request: Request, visitor: Anybody, number: Number = "", again: Number = "") -> Response:
        """Erase everything about a tenancy; the number is typed once more, because nothing brings it back."""
        if site.options.erase is None:
            raise HTTPException(404)
        with site.connection() as connection:
            found = _tenancy(connection, number)
            if found is not None and _number(again) != found:
                if not _logged(connection, visitor, found, "looked at the log of access"):
                    return _gone(request, number)
                return _shown(request, connection, found, None, wrong=True)
            # goes with all the rest once it has worked, and stays where it has not; where another officer's erasure
            # is at it already, this one waits for that
            if found is not None:
                _logged(connection, visitor, found, "asked for everything to be erased")
        if found is None:  # outside: what is waited for here holds no connection
            return _gone(request, number, go_on=site.options.erase)
        state = site.options.erase(found)
        log.info("an officer had a tenancy erased")
        return _state(request, found, state)

    def _logged(connection: Connection, visitor: Visitor, tenancy_id: int, action: str) -> bool:
        """Note it; False where the household is being erased at this moment, or just was."""
        try:
            site.log_access(connection, visitor, tenancy_id, action)
        except ErasedMeanwhile:
            return False
        return True

    def _gone(request: Request, number: str, go_on: Callable[[int], State] | None = None) -> Response:
        """How far the erasure of a tenancy is that is not there any more, or that nobody knows the number.

        ``go_on``: asked for once more, what is left of it is tried now.
        """
        wanted = _number(number)
        state = None if wanted is None or site.options.erasure is None else site.options.erasure(wanted)
        if wanted is None or state is None:
            return _none(request, number)
        if go_on is not None and state.done is None:
            state = go_on(wanted)
        return _state(request, wanted, state)

    def _state(request: Request, number: int, state: State) -> Response:
        context = {
            "state": state, "left": erasures.left(state), "places": erasures.places(state), "zone": site.zone,
            "number": number,
        }  # fmt: skip
        return site.page(request, "staff/erased.html", context)

    def _none(request: Request, number: str) -> Response:
        return site.page(request, "staff/data_protection.html", {"wrong": True, "number": number}, 404)

    def _shown(
        request: Request, connection: Connection, tenancy_id: int, below: int | None, *, wrong: bool = False
    ) -> Response:
        found = accounts.accesses(connection, tenancy_id, below=below, limit=_PAGE + 1)
        context: dict[str, Any] = {
            "number": tenancy_id,
            "accesses": [(row, row.at.astimezone(site.zone), roles.ROLE_WORDS.get(row.role, row.role or "System"))
                         for row in found[:_PAGE]],
            "below": found[_PAGE - 1].id if len(found) > _PAGE else None,
            "now": datetime.now(UTC).astimezone(site.zone),
            "wrong": wrong,
        }  # fmt: skip
        return site.page(request, "staff/data_protection_tenancy.html", context, 400 if wrong else 200)

    return routes


def _number(text: str) -> int | None:
    """A pseudonym as typed, spaces and hyphens left out."""
    plain = text.replace(" ", "").replace("-", "")
    return values.number(plain)


def _tenancy(connection: Connection, text: str) -> int | None:
    number = _number(text)
    return None if number is None or homes.tenancy(connection, number) is None else number
