"""How a carer is told: by e-mail to an address that a code has shown to be theirs, or on the page alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.care.homes import show
from dashboard.care.looking import LinkAccess, looks
from dashboard.web import mail_code as mail_codes
from dashboard.web.site import Site
from dashboard.web.values import Text
from dashboard.web.visitor import Anybody
from devices.device import Origin
from store import care, care_alerts, contacts


def router(site: Site) -> APIRouter:
    """The routes /care/{link}/mail and /care/{link}/page."""
    routes = APIRouter(include_in_schema=False)

    @routes.post("/care/{link}/mail")
    def mail(
        request: Request,
        visitor: Anybody,
        access: Annotated[LinkAccess, looks(None)],
        address: Annotated[Text, Form()] = "",
    ) -> Response:
        """Send a code to an address, to see that it is the carer's."""
        site.limit(request, "code", visitor)
        now = datetime.now(UTC)
        try:
            checked = contacts.checked(address)
        except contacts.BadAddress as error:
            return show(site, request, access, errors={"address": f"Enter an e-mail address: {error}"}, typed=address)
        with access.open(transaction=True) as (connection, _):
            origin: Origin = "simulated" if site.options.demo else "real"  # of the person, not of the home
            contact = contacts.email(connection, checked, origin=origin, account=visitor.account_id)
            if contact is None:
                raise HTTPException(404)
            code = care.put_mail_code(connection, access.link.id, contact, now)
            mail_codes.send(connection, f"care-code:{access.link.id}", contact, code, origin, now)
        return RedirectResponse(f"/care/{access.link.id}?done=sent#told", 303)

    @routes.post("/care/{link}/mail/code")
    def mail_code(
        request: Request,
        visitor: Anybody,
        access: Annotated[LinkAccess, looks("changed how they are told")],
        code: Annotated[Text, Form()] = "",
    ) -> Response:
        """The code that was sent shows that the address is the carer's."""
        site.limit(request, "code", visitor)
        now = datetime.now(UTC)
        with access.open(transaction=True) as (connection, _):
            contact = care.use_mail_code(connection, access.link.id, code, now)
            if contact is None:
                access.tells_nothing()
            else:
                contacts.confirm(connection, contact, now)
                care.set_contact(connection, access.link.id, contact)
                for kind in ("care-alert", "care-note"):
                    for thread in ("", care_alerts.thread(access.link.id)):
                        contacts.start(connection, contact, kind, thread)
        if contact is None:
            wrong = {"code": mail_codes.WRONG}
            return show(site, request, LinkAccess(request, visitor, access.link.id, None), errors=wrong)
        return RedirectResponse(f"/care/{access.link.id}?done=mail#told", 303)

    @routes.post("/care/{link}/page")
    def page_only(access: Annotated[LinkAccess, looks("changed how they are told")]) -> Response:
        """Notices stand on the page alone."""
        with access.open(transaction=True) as (connection, _):
            care.set_contact(connection, access.link.id, None)
        return RedirectResponse(f"/care/{access.link.id}?done=page#told", 303)

    return routes
