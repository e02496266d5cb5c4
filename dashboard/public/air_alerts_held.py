"""What is held of somebody for air alerts: a page with a button for whatever can be done with it, and a document.

The key is a link: that of the e-mail which confirmed them, or that at the end of every alert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from analytics.air.index import LABELS
from dashboard.public.air_alert_mail import hour_words
from dashboard.public.air_alerts import PATH, gone
from dashboard.web.guard import open_form
from dashboard.web.site import Site
from dashboard.web.values import Text, Whole, Word
from dashboard.web.visitor import Anybody
from store import air_alerts
from store.air_alerts import Held, Noted, instant_of

#: What became of a message.
STATES: Mapping[str, str] = {
    "waiting": "waits to be sent",
    "sending": "is being sent",
    "sent": "sent",
    "perhaps": "perhaps sent: the answer of the mail server was lost",
    "failed": "could not be sent",
    "expired": "not sent: it could not be sent in time",
    "withheld": "not sent",
}


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get(f"{PATH}/erased")
    async def erased(request: Request) -> Response:
        """Nothing is held any more."""
        return site.page(request, "public/air_alerts_erased.html", {})

    @routes.get(PATH + "/manage/{token}")
    def manage(request: Request, token: Text, done: Word = "") -> Response:
        """All that is held, and a button for each thing that can be done with it."""
        with site.connection() as connection:
            contact = air_alerts.contact_by_token(connection, token)
            held = None if contact is None else air_alerts.held(connection, contact)
        if held is None:
            return gone(site, request)
        context = {
            "held": held, "token": token, "done": done, "bands": LABELS, "states": STATES,
            "episodes": episodes(held, site.zone), "when": when(site.zone),
        }  # fmt: skip
        return site.page(request, "public/air_alerts_manage.html", context)

    @routes.post(PATH + "/manage/{token}")
    @open_form
    def change(
        request: Request,
        visitor: Anybody,
        token: Text,
        action: Annotated[Word, Form()] = "",
        subscription: Annotated[Whole, Form()] = 0,
    ) -> Response:
        """Stop one, have ends told or not, be told again, or have everything erased."""
        site.limit(request, "air-alert-link", visitor)
        with site.connection() as connection:
            contact = air_alerts.contact_by_token(connection, token)
            if contact is None:
                return gone(site, request)
            if action == "erase":
                air_alerts.erase(connection, contact)
            elif action == "stop":
                air_alerts.stop(connection, contact, subscription)
            elif action in ("ends", "no-ends"):
                air_alerts.set_tell_end(connection, contact, subscription, action == "ends")
            elif action == "start":
                air_alerts.start(connection, contact)
            if air_alerts.contact_by_token(connection, token) is None:
                # the link was that of what is deleted; where something is left it has another
                token = air_alerts.new_link(connection, contact, datetime.now(UTC)) or ""
        return RedirectResponse(f"{PATH}/manage/{token}?done={action}" if token else f"{PATH}/erased", 303)

    @routes.get(PATH + "/manage/{token}/data.json")
    def data(request: Request, token: Text) -> Response:
        """All that is held, for a program."""
        with site.connection() as connection:
            contact = air_alerts.contact_by_token(connection, token)
            held = None if contact is None else air_alerts.held(connection, contact)
        if held is None:
            return gone(site, request)
        body = orjson.dumps(document(held), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
        return Response(
            body,
            media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="air-alerts.json"'},
        )

    return routes


def when(zone: ZoneInfo) -> Callable[[datetime], str]:
    """Says an instant in local words."""
    return lambda moment: hour_words(moment, zone)


def episodes(held: Held, zone: ZoneInfo) -> dict[int, Sequence[str]]:
    """A line for each episode by subscription, the newest first."""
    return {
        number: [_line(one, zone) for one in sorted(some, key=lambda one: -one.episode.begin)]
        for number, some in held.episodes.items()
    }


def _line(noted: Noted, zone: ZoneInfo) -> str:
    one = noted.episode
    begin = hour_words(instant_of(one.begin), zone)
    if one.how == "withdrawn":
        said = f"From {begin}: later readings showed that there was none"
    elif one.end is None:
        said = f"Since {begin}, highest index {one.highest}: goes on"
    else:
        end = hour_words(instant_of(one.end), zone)
        left = f"to {end}" if one.how == "below" else f"not known any more since {end}"
        said = f"From {begin}, {left}, highest index {one.highest}"
    return f"{said}. {'You were told' if noted.told is not None else 'You were not told'}."


def document(held: Held) -> dict[str, Any]:
    """All of it, with instants in UTC."""
    return {
        "address": held.address,
        "asked_at": held.asked_at,
        "confirmed_at": held.confirmed_at,
        "stopped_at": held.stopped_at,
        "refused_by_the_mail_server": held.bounce,
        "alerts": [
            {
                "place": one.place,
                "longitude": one.lon,
                "latitude": one.lat,
                "band": one.band,
                "told_of_ends": one.tell_end,
                "asked_at": one.asked_at,
                "confirmed_at": one.confirmed_at,
                "episodes": [_episode(noted) for noted in held.episodes.get(one.id, ())],
            }
            for one in held.subscriptions
        ],
        "messages": [one._asdict() for one in held.messages],
    }


def _episode(noted: Noted) -> dict[str, Any]:
    one = noted.episode
    return {
        "begin": instant_of(one.begin),
        "end": None if one.end is None else instant_of(one.end),
        "ended_as": one.how,
        "highest_index": one.highest,
        "told_at": noted.told,
        "end_told_at": noted.end_told,
    }
