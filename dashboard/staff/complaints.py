"""The data protection officer's queue of complaints: how old each is, what is due, and what was sent about it.

A complaint that came by telephone or post is entered here too: its 30 days begin on the day it came. What is sent is
kept as it was sent (`dashboard.staff.complaint`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.labels import COMPLAINT_WORDS, age
from dashboard.web import complaint_mail
from dashboard.web.forms import Form
from dashboard.web.site import Site
from dashboard.web.values import Fields
from dashboard.web.visitor import Anybody
from devices import lengths
from store import complaints
from store.accounts import new_code
from store.complaints import Complaint, Given
from store.times import begin_of

#: Messages of the outbox are looked at for so long.
_LOOKED_AT = timedelta(days=60)
CHANNELS = {"telephone": "By telephone", "post": "By post", "email": "By e-mail"}
WAYS = {"email": "By e-mail", "post": "By post", "none": "Not at all"}
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A complaint in the queue. ``urgent``: overdue, soon or empty."""

    reference: str
    about: str
    age: str
    state: str
    due: date
    urgent: str
    unreached: bool


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/data-protection/complaints")
    def queue(request: Request) -> Response:
        """All that is to be done, what is late first; then the newest that are done."""
        now = datetime.now(UTC)
        with site.connection() as connection:
            unreached = complaints.unreached(connection, now - _LOOKED_AT)
            open_ = [row_of(site, one, now, unreached) for one in complaints.unanswered(connection)]
            done = [row_of(site, one, now, unreached) for one in complaints.answered(connection)]
            waiting, unanswered = complaints.counts(connection)
        context = {
            "open": open_, "done": done, "waiting": waiting, "unanswered": unanswered,
            "late": sum(row.urgent == "overdue" for row in open_), "now": now.astimezone(site.zone),
        }  # fmt: skip
        return site.page(request, "staff/complaints.html", context)

    # before the pages of single ones
    @routes.get("/data-protection/complaints/new")
    async def ask(request: Request) -> Response:
        """A complaint that came by another way."""
        return _entry(request, {}, {})

    @routes.post("/data-protection/complaints/new")
    def enter(request: Request, visitor: Anybody, given: Fields) -> Response:
        """Take it."""
        form, now = Form(given), datetime.now(UTC)
        read, received = _entered(form, site, now)
        if form.errors or received is None:
            return _entry(request, given, form.errors, 400)
        # what makes it the same one, so that a second press enters nothing
        number = f"{visitor.account_id} {received} {read}"
        with site.connection() as connection, connection.transaction():
            taken = complaints.take(connection, read, secret=new_code(), form=number, received_at=received, now=now)
            assert taken is not None  # only the page has a limit
            complaints.log_access(connection, taken.id, visitor.account_id, visitor.acting, "entered it", now)
        return RedirectResponse(f"/data-protection/complaints/{taken.reference}", 303)

    def _entry(request: Request, values: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
        context = {
            "values": values, "errors": errors, "channels": {"": "", **CHANNELS}, "about": {"": "", **COMPLAINT_WORDS},
            "ways": WAYS, "longest": complaints.LONGEST,
        }  # fmt: skip
        return site.page(request, "staff/complaints_new.html", context, status)

    return routes


def row_of(site: Site, one: Complaint, now: datetime, unreached: set[int]) -> Row:
    due, urgent = one.due(site.zone), ""
    if one.acknowledged_at is None:
        left = (due - now.astimezone(site.zone).date()).days
        urgent = "overdue" if left < 0 else "soon" if left < complaints.SOON_DAYS else ""
    words = age((now - one.received_at) // _MICROSECOND)
    return Row(one.reference, COMPLAINT_WORDS[one.about], words, one.state, due, urgent, one.id in unreached)


def _entered(form: Form, site: Site, now: datetime) -> tuple[Given, datetime | None]:
    """What was entered and when it came; ``form.errors`` has what is wrong."""
    channel: Any = form.choice("channel", tuple(CHANNELS), "Choose how it came")
    day = form.day("received", "the day it came")
    received = None
    if day is not None:
        today = now.astimezone(site.zone).date()
        if not today - timedelta(days=366) <= day <= today:
            form.errors["received-day"] = "The day it came must be within the last year and not in the future"
        else:
            received = min(begin_of(day, site.zone), now)
    about = form.choice("about", complaints.ABOUT, "Choose what it is about")
    text = complaint_mail.read_text(form, "text", "Say what was complained of", "What you wrote")
    way: Any = form.choice("answer_by", tuple(WAYS), "Choose how to answer")
    name, address = form.text("name"), ""
    if wrong := lengths.refusal(name, lengths.NAME):
        form.errors["name"] = f"The name {wrong}"
    if way == "email":
        address = complaint_mail.read_email(form, "email")
    elif way == "post":
        address = complaint_mail.read_address(form, "address")
    return Given(text, about, way, address, name, None, channel), received
