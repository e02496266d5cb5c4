"""Air alerts: anybody asks to be told when the air of a place reaches a band, confirms it by e-mail, and ends it.

Nobody signs in: a link in an e-mail is the key. Links are opened by mail programs and by what looks for viruses, so a
link opens a page with a button, and the button does it. Whoever asks is told the same, whether an address is known or
not; what is known of an address its own mailbox tells alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from analytics.air.index import BANDS, BEGINS, LABELS
from dashboard.public import air_alert_mail as mail
from dashboard.public.air_alert_mail import Here
from dashboard.web.forms import Form as Typed
from dashboard.web.guard import open_form
from dashboard.web.site import Site
from dashboard.web.values import Fields, Text, Word
from dashboard.web.visitor import Anybody
from devices.device import Origin
from devices.places_file import Place, is_outward
from store import air_alerts, air_places, contacts, outbox, places
from store.air_alerts import UNCONFIRMED, Band, Subscription
from store.connect import Connection
from store.times import microseconds

PATH = "/air/alerts"
#: Bands that somebody may ask to be told of: an index is never below the first of them all.
ASKED = tuple(BANDS[1:])
#: Choices where a name is that of several places.
_MEANT = 10


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()
    origin: Origin = "simulated" if site.options.demo else "real"

    @routes.get(PATH)
    async def form(request: Request, place: Text = "", band: Word = "") -> Response:
        """The form, with a place and a band where a page that leads here says them."""
        return _form(site, request, {"place": place, "band": band if band in ASKED else ASKED[0]}, {})

    @routes.post(PATH)
    @open_form
    def ask(request: Request, visitor: Anybody, given: Fields) -> Response:
        """Note the request and send a link to the address; nothing is sent before somebody with that mailbox agrees."""
        site.limit(request, "air-alert", visitor)
        typed = Typed(given)
        wanted = " ".join(typed.text("place").split())
        with site.connection() as connection:
            meant = _meant(site, connection, wanted)
            if not wanted:
                typed.errors["place"] = "Enter a postcode, an area, a street or the name of a monitor"
            elif not meant:
                typed.errors["place"] = "We do not know this place. Enter a postcode, an area or a street here"
            elif len(meant) > 1:
                typed.errors["place"] = "Choose which of these places you mean"
            elif not air_places.within(site.air.current(connection).rows, meant[0].lon, meant[0].lat):
                typed.errors["place"] = (
                    f"No monitor within 2 km of {meant[0].name} measures the air. Enter another place"
                )
            band = typed.choice("band", ASKED, "Choose from which index on you want to be told")
            address = _address(typed)
            if typed.errors:
                choices = [one.name for one in meant] if len(meant) > 1 else []
                return _form(site, request, given, typed.errors, choices, 400)
            # the same page follows where this mailbox has had its fill: whoever fills it learns nothing
            if not site.limits.take("air-alert-mailbox", None, address.lower()):
                tell_end = typed.text("tell_end") == "yes"
                _ask(connection, request, address, meant[0], cast("Band", band), tell_end=tell_end)
        return RedirectResponse(f"{PATH}/sent", 303)

    def _ask(
        connection: Connection, request: Request, address: str, place: Place, band: Band, *, tell_end: bool
    ) -> None:
        now = datetime.now(UTC)
        whole = is_outward(place.name) or air_alerts.is_area(connection, place.name)
        here = _here(site, request)
        with connection.transaction():
            contact = contacts.email(connection, address, origin=origin)
            asked = None if contact is None else air_alerts.ask(
                connection, contact, place.name, place.lon, place.lat, band, now, whole=whole, tell_end=tell_end
            )  # fmt: skip
            if contact is None or asked is None:
                return  # it has as many as it can have, or is being erased at this moment
            if asked.confirmed:
                link, stopped = (
                    f"{here.site}{PATH}/manage/{asked.token}",
                    contacts.stopped(connection, contact, "air-alert"),
                )
                said = mail.known(here, place.name, band, link, stopped=stopped)
            else:
                link = f"{here.site}{PATH}/confirm/{asked.token}"
                said = mail.confirm(here, place.name, band, link, tell_end=tell_end)
            outbox.put(
                connection, key=f"air-confirm:{asked.subscription}:{microseconds(now)}", contact=contact,
                kind="air-confirm", origin=origin, subject=said.subject, text=said.text, html=said.html,
                due_at=now, expires_at=now + UNCONFIRMED,
            )  # fmt: skip

    @routes.get(f"{PATH}/sent")
    async def sent(request: Request) -> Response:
        """What to do now; the same for everybody."""
        return site.page(request, "public/air_alerts_sent.html", {})

    @routes.get(PATH + "/confirm/{token}")
    def confirm_page(request: Request, token: Text) -> Response:
        """The button. What opens links by itself presses none."""
        with site.connection() as connection:
            found = _unconfirmed(connection, token)
        if found is None:
            return gone(site, request)
        if found.confirmed_at is not None:
            return RedirectResponse(f"{PATH}/manage/{token}", 303)
        context = {"one": found, "token": token, "words": LABELS[found.band]}
        return site.page(request, "public/air_alerts_confirm.html", context)

    @routes.post(PATH + "/confirm/{token}")
    @open_form
    def confirm(request: Request, visitor: Anybody, token: Text) -> Response:
        """They have the mailbox, and want it."""
        site.limit(request, "air-alert-link", visitor)
        with site.connection() as connection, connection.transaction():
            found = _unconfirmed(connection, token)
            if found is None or not air_alerts.confirm(connection, found.id, datetime.now(UTC)):
                return gone(site, request)
        return RedirectResponse(f"{PATH}/manage/{token}?done=confirmed", 303)

    return routes


def _form(
    site: Site,
    request: Request,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    meant: Sequence[str] = (),
    status: int = 200,
) -> Response:
    bands = {band: f"{LABELS[band]} or above (index {BEGINS[band]} or more)" for band in ASKED[:-1]}
    bands[ASKED[-1]] = f"{LABELS[ASKED[-1]]} (index {BEGINS[ASKED[-1]]})"
    context = {"values": values, "errors": errors, "bands": bands, "meant": meant[:_MEANT]}
    return site.page(request, "public/air_alerts.html", context, status)


def gone(site: Site, request: Request) -> Response:
    """A link that is none, or none any more: which of both is nobody's business."""
    return site.page(request, "public/air_alerts_gone.html", {}, 404)


def _address(typed: Typed) -> str:
    text = typed.text("email")
    if not text:
        typed.errors["email"] = "Enter your e-mail address"
        return ""
    try:
        return contacts.checked(text)
    except contacts.BadAddress as error:
        typed.errors["email"] = f"Enter an e-mail address such as name@example.com: {error}"
        return ""


def _meant(site: Site, connection: Connection, wanted: str) -> Sequence[Place]:
    """The places that somebody may mean: a monitor of exactly this name, or what a postcode or a name finds."""
    if not wanted:
        return []
    board = site.air.current(connection)
    called = [one.monitor for one in board.exactly(wanted)]
    if len(called) == 1 and called[0].lon is not None and called[0].lat is not None:
        return [Place(called[0].name, called[0].lon, called[0].lat)]
    return places.find(connection, wanted, simulated=site.options.demo, most=_MEANT)


def _unconfirmed(connection: Connection, token: str) -> Subscription | None:
    """What a link confirms, or has confirmed; None where it is none, or too old."""
    found = air_alerts.by_token(connection, token)
    if found is None or (found.confirmed_at is None and datetime.now(UTC) - found.asked_at > UNCONFIRMED):
        return None
    return found


def _here(site: Site, request: Request) -> Here:
    return Here(site.options.demo, site.zone, site.url(request, "/").rstrip("/"))
