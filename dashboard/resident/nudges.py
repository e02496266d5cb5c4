"""Energy notes (nudges): what a household was told, as told, by which ways, and one press that stops them all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from analytics.report import words
from dashboard.resident.choices import PURPOSE_WORDS
from dashboard.resident.messages import paragraphs
from dashboard.web.household import Access, Household, looks
from dashboard.web.site import Site
from dashboard.web.values import Whole, Word
from devices.device import Origin
from store import homes, nudge_ways, nudges
from store.connect import Connection
from store.nudge_ways import Channel, Way
from store.nudges import Message, Told

#: Notes on one page.
_PAGE = 10
#: Why a note says what it says, by its kind.
WHY = {
    "compare": "We set your use beside that of homes like yours near you.",
    "zone": "We set your use beside that of the homes like yours that use least.",
    "own": "We looked at your own use alone.",
    "help": "Your readings look as if the home was empty, cold or without supply.",
}
CHANNELS = {"page": "On this page", "email": "By e-mail", "letter": "By letter"}
STATES = {
    "waiting": "it waits to go out",
    "sending": "it is going out",
    "sent": "it went out",
    "perhaps": "it may have arrived",
    "failed": "it could not be delivered",
    "expired": "it was too late and did not go out",
    "withheld": "it did not go out",
}
#: What a page says after a form, by the word in its address.
_DONE = {
    "stopped": "You get no more notes about your energy use: not here, not by e-mail and not by letter.",
    "started": "You get notes about your energy use again.",
    "sent": "We have sent a code to that address. Enter it below.",
    "email": "Notes come to your e-mail address from now on.",
    "no-email": "Notes do not come by e-mail any more. We have deleted the address.",
    "letter": "Notes come by letter too from now on.",
    "no-letter": "Notes do not come by letter any more.",
}

#: The same after a way was chosen by who gets no notes.
_NOT_NOW = "We have noted that. You get no notes for now, as you see here."


def router(site: Site) -> APIRouter:
    """Routes /home/nudges and below."""
    routes = APIRouter(include_in_schema=False)
    origin: Origin = "simulated" if site.options.demo else "real"

    @routes.get("/home/nudges")
    def show(
        request: Request,
        access: Annotated[Access, looks("read notes about energy use")],
        done: Word = "",
        before: Whole | None = None,
    ) -> Response:
        with access.open() as (connection, household):
            return page(site, request, connection, household, {"done": done, "before": before})

    @routes.post("/home/nudges/stop")
    def stop(access: Annotated[Access, looks("stopped notes about energy use")]) -> Response:
        """One step: no question, by every way at once."""
        with access.open(transaction=True) as (connection, household):
            if not nudge_ways.stop(connection, household.tenancy.id, origin, datetime.now(UTC)):
                access.tells_nothing()
        return RedirectResponse("/home/nudges?done=stopped", 303)

    @routes.post("/home/nudges/start")
    def start(access: Annotated[Access, looks("started notes about energy use")]) -> Response:
        with access.open(transaction=True) as (connection, household):
            if not nudge_ways.start(connection, household.tenancy.id):
                access.tells_nothing()
        return RedirectResponse("/home/nudges?done=started", 303)

    return routes


def page(site: Site, request: Request, connection: Connection, household: Household, more: dict[str, Any]) -> Response:
    tenancy, before = household.tenancy.id, more.pop("before", None)
    kinds = nudges.shown(connection, tenancy, household.today)
    found = nudges.of_tenancy(connection, tenancy, kinds=kinds, below=before, limit=_PAGE + 1)
    told = [note(site, one, nudges.messages(connection, one)) for one in found[:_PAGE]]
    ways = {way.channel: way for way in nudge_ways.of_tenancy(connection, tenancy)}
    stopped = nudge_ways.stopped(connection, tenancy)
    given = homes.consents(connection, tenancy)
    agreed = any(one.purpose == "messages" and one.withdrawn_at is None for one in given)
    done = _said(more.pop("done", ""), ways, gets=agreed and stopped is None, stopped=stopped is not None)
    context: dict[str, Any] = {
        "notes": told, "earlier": found[_PAGE - 1].id if len(found) > _PAGE else None, "first": before is None,
        "stopped": None if stopped is None else stopped.astimezone(site.zone).date(),
        "agreed": agreed, "purpose": PURPOSE_WORDS["messages"], "lives": household.lives, "email": ways.get("email"),
        "letter": ways.get("letter"), "letters": household.tenancy.letters, "now": datetime.now(UTC), "done": done,
        "errors": {}, "typed": "", **more,
    }  # fmt: skip
    return site.page(request, "resident/nudges.html", context, 400 if context["errors"] else 200)


def _said(done: str, ways: Mapping[Channel, Way], *, gets: bool, stopped: bool) -> str:
    """What the page says after a form; nothing where that is not so (any more), for its address can be opened again."""
    email, letter = ways.get("email"), ways.get("letter")
    confirmed = email is not None and email.confirmed_at is not None
    holds = {
        "stopped": stopped, "started": gets, "sent": email is not None and not confirmed, "email": confirmed,
        "no-email": email is None, "letter": letter is not None, "no-letter": letter is None,
    }  # fmt: skip
    if not holds.get(done):
        return ""
    return _DONE[done] if gets or done not in ("email", "letter") else _NOT_NOW


def note(site: Site, one: Told, messages: list[Message]) -> dict[str, Any]:
    """A note as the page shows it."""
    made = one.made_at.astimezone(site.zone).date()
    # it stands there for who reads this, whatever became of its message
    ways = [f"{CHANNELS['page']}, {words.day(made)}."]
    for message in messages:
        if message.channel == "page":
            continue
        at = (message.settled_at or message.due_at).astimezone(site.zone).date()
        ways.append(f"{CHANNELS[message.channel]}, {words.day(at)}: {STATES[message.state]}.")
    return {
        "id": one.id, "subject": one.subject, "day": made,
        "parts": paragraphs(one.text), "why": WHY[one.kind], "ways": ways,
    }  # fmt: skip
