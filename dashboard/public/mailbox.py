"""The mailbox of a demo: what its relay took, as text. In any other installation there is no such page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request, Response
from markupsafe import Markup, escape

from dashboard.options import DemoMail
from dashboard.web.site import Site
from dashboard.web.values import Text
from devices.text import visible

#: E-mails of the list.
_MOST = 100


def router(site: Site) -> APIRouter:
    """The list, and a page for each e-mail."""
    routes = APIRouter()

    def mails() -> Sequence[DemoMail]:
        if not site.options.demo or site.options.mailbox is None:
            raise HTTPException(404)
        return site.options.mailbox()

    @routes.get("/demo/mailbox")
    def listed(request: Request) -> Response:
        """All of them, the newest first."""
        found = mails()
        return site.page(request, "public/mailbox.html", {"mails": found[:_MOST], "more": len(found) - _MOST})

    @routes.get("/demo/mailbox/{name}")
    def one(request: Request, name: Text) -> Response:
        """One e-mail: its text with our own links, and its HTML as it came."""
        found = next((mail for mail in mails() if mail.name == name), None)
        if found is None:
            raise HTTPException(404)
        own = site.url(request, "")
        return site.page(request, "public/mail.html", {"mail": found, "text": linked(found.text, own)})

    return routes


def linked(text: str, own: str) -> Markup:
    """A text with the addresses of this site's own pages as links, and no others."""
    text = visible(text, lines=True)
    parts: list[Markup] = []
    place = 0
    for match in re.finditer(re.escape(own) + r"/[^\s<>\"']*[^\s<>\"'.,;:!?)]", text):
        parts.append(escape(text[place : match.start()]))
        path = match[0].removeprefix(own)
        parts.append(Markup('<a href="{}">{}</a>').format(path, match[0]))
        place = match.end()
    return Markup("").join([*parts, escape(text[place:])])
