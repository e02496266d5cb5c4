"""What a household was told on its page: messages of the outbox whose channel is the page."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Request, Response

from dashboard.web.household import Access, looks
from dashboard.web.site import Site
from dashboard.web.values import Whole
from store import nudges, outbox_list

#: Messages on one page.
_PAGE = 20


def router(site: Site) -> APIRouter:
    """Route /home/messages."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/messages")
    def show(
        request: Request, access: Annotated[Access, looks("read messages")], before: Whole | None = None
    ) -> Response:
        with access.open() as (connection, household):
            # a trial that began since may have made them more than the household may see
            hidden = nudges.hidden(connection, household.tenancy.id, household.today)
            found = outbox_list.on_page(connection, household.tenancy.id, hidden=hidden, below=before, limit=_PAGE + 1)
        context = {
            "messages": [(one, one.at.astimezone(site.zone), paragraphs(one.text)) for one in found[:_PAGE]],
            "earlier": found[_PAGE - 1].id if len(found) > _PAGE else None,
            "first": before is None,
        }
        return site.page(request, "resident/messages.html", context)

    return routes


def paragraphs(text: str) -> list[list[str]]:
    """A text as paragraphs of lines."""
    parts = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [part.split("\n") for part in parts]
