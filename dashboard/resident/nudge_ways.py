"""By which ways a household is told energy notes beside its page: an address that a code confirms, letters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.resident.nudges import page
from dashboard.web import mail_code
from dashboard.web.household import Access, looks
from dashboard.web.site import Site
from dashboard.web.values import Text, Word
from dashboard.web.visitor import Resident
from devices.device import Origin
from store import contacts, nudge_ways


def router(site: Site) -> APIRouter:
    """Routes below /home/nudges that change the ways."""
    routes = APIRouter(include_in_schema=False)
    origin: Origin = "simulated" if site.options.demo else "real"

    @routes.post("/home/nudges/email")
    def email(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("gave an e-mail address for notes")],
        address: Annotated[Text, Form()] = "",
    ) -> Response:
        """Send a code to an address, to see that it is theirs."""
        site.limit(request, "code", visitor)
        now = datetime.now(UTC)
        errors, checked = {}, ""
        try:
            checked = contacts.checked(address)
        except contacts.BadAddress as error:
            errors = {"address": f"Enter an e-mail address: {error}"}
        with access.open(transaction=True) as (connection, household):
            if errors:
                access.action = "read notes about energy use"
                return page(site, request, connection, household, {"errors": errors, "typed": address})
            if not household.lives:
                raise HTTPException(404)
            contact = contacts.email(connection, checked, origin=origin, tenancy=household.tenancy.id)
            if contact is None:
                raise HTTPException(404)
            code = nudge_ways.ask_email(connection, household.tenancy.id, contact, now)
            mail_code.send(connection, "nudge-code", contact, code, origin, now)
        return RedirectResponse("/home/nudges?done=sent#ways", 303)

    @routes.post("/home/nudges/email/code")
    def enter(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("confirmed an e-mail address for notes")],
        code: Annotated[Text, Form()] = "",
    ) -> Response:
        """The code that was sent shows that the address is theirs."""
        site.limit(request, "code", visitor)
        with access.open(transaction=True) as (connection, household):
            if not nudge_ways.enter_code(connection, household.tenancy.id, code, datetime.now(UTC)):
                access.action = "read notes about energy use"
                wrong = {"code": mail_code.WRONG}
                return page(site, request, connection, household, {"errors": wrong})
        return RedirectResponse("/home/nudges?done=email#ways", 303)

    @routes.post("/home/nudges/ways")
    def change(
        access: Annotated[Access, looks("changed how notes come")],
        channel: Annotated[Word, Form()] = "",
        give: Annotated[Word, Form()] = "",
    ) -> Response:
        """Letters too or no more, no e-mails more."""
        if (channel, give) not in (("email", "no"), ("letter", "yes"), ("letter", "no")):
            raise HTTPException(400)
        with access.open(transaction=True) as (connection, household):
            tenancy = household.tenancy.id
            if give == "no":
                changed = nudge_ways.drop(connection, tenancy, "email" if channel == "email" else "letter")
            else:
                contact = contacts.letter(connection, origin=origin, tenancy=tenancy) if household.lives else None
                if contact is None:
                    raise HTTPException(404)
                changed = nudge_ways.add_letter(connection, tenancy, contact, datetime.now(UTC))
            if not changed:
                access.tells_nothing()
        return RedirectResponse(f"/home/nudges?done={'no-' if give == 'no' else ''}{channel}#ways", 303)

    return routes
