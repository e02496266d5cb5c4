"""The page that a link in an e-mail leads to: it stops a kind of message, without a sign-in (RFC 8058).

Only a POST changes something: programs of mail services look at links. The page says nothing of whom the link is of.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response

from dashboard.web.guard import takes_any_form
from dashboard.web.site import Site
from dashboard.web.values import Text
from dashboard.web.visitor import Anybody
from store import contacts
from store.contacts import Stop

#: What each kind is called, after "e-mails".
KIND_WORDS = {
    "air-alert": "that warn of air pollution",
    "care-alert": "that alert you to the home of somebody you care for",
    "care-note": "with notes about the home of somebody you care for",
    "nudge": "about your energy use",
    "letter-notice": "about letters from us",
}
#: What else stops with e-mails of a kind.
ALSO = {"nudge": "It stops them on the page of your home and by letter too."}


def router(site: Site) -> APIRouter:
    """The page."""
    routes = APIRouter()

    @routes.get("/stop/{token}")
    def ask(request: Request, visitor: Anybody, token: Text) -> Response:
        """What the link stops, and a button."""
        site.limit(request, "stop", visitor)
        with site.connection() as connection:
            found = contacts.by_token(connection, token)
        return _page(request, found, "stopped" if found is not None and found.stopped else "ask", token)

    @routes.post("/stop/{token}")
    @takes_any_form
    def stop(request: Request, visitor: Anybody, token: Text, again: Annotated[Text, Form()] = "") -> Response:
        """Stop it; with the field ``again`` take that back. The same twice is the same."""
        site.limit(request, "stop", visitor)
        with site.connection() as connection:
            found = contacts.by_token(connection, token)
            if found is None:
                return _page(request, None, "ask", token)
            if again:
                contacts.start(connection, found.contact_id, found.kind, found.thread)
                found = contacts.by_token(connection, token)
            else:
                contacts.stop(connection, found.contact_id, found.kind, found.thread, datetime.now(UTC))
        return _page(request, found, "started" if again else "stopped", token)

    def _page(request: Request, found: Stop | None, state: str, token: str) -> Response:
        if found is None:
            return site.page(request, "public/stop.html", {"state": "gone"}, 404)
        # all of a kind may have been stopped by another link than this one
        state = "stopped" if found.stopped and state == "started" else state
        context = {
            "state": state,
            "words": KIND_WORDS.get(found.kind, "of this kind"),
            "thread": bool(found.thread),
            "also": ALSO.get(found.kind, ""),
            # the same link shows, changes and erases what is held for air alerts (`dashboard.public.air_alerts_held`)
            "manage": f"/air/alerts/manage/{quote(token, safe='')}" if found.kind == "air-alert" else "",
        }
        return site.page(request, "public/stop.html", context)

    return routes
