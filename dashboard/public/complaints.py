"""Complaints about how somebody's data were used: a form for anybody, and the page on which one sees what became of it.

Nobody need sign in. A reference and a key are shown at once; both together open the complaint's page, and nobody else
can. The form carries a number: sent twice, by a second press or a reload, it is one complaint with one key.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.labels import COMPLAINT_WORDS
from dashboard.web import complaint_mail, forms
from dashboard.web.guard import open_form
from dashboard.web.site import Site
from dashboard.web.values import Fields, Text
from dashboard.web.visitor import Anybody, Visitor
from devices import lengths
from store import complaints
from store.accounts import ALPHABET
from store.complaints import Complaint, Given, Letter, Taken
from store.connect import Connection

#: What the form may choose for an answer.
_WAYS = ("email", "post", "none")
_FORM = re.compile(r"[A-Za-z0-9_-]{20,60}")
_KEY_LETTERS, _KEY_GROUP = 16, 4


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/complaints")
    def ask(request: Request, reference: Text = "") -> Response:
        """The form; or on to a complaint's page, where a reference was entered."""
        if reference.strip():
            return RedirectResponse(f"/complaints/{quote(complaints.plain_reference(reference), safe='')}", 303)
        return _form(request, {"home": "yes"}, {})

    @routes.post("/complaints")
    @open_form
    def take(request: Request, visitor: Anybody, given: Fields) -> Response:
        """Take a complaint; its reference and key are shown at once."""
        form = forms.Form(given)
        read = _read(form, visitor)
        if form.errors:
            return _form(request, given, form.errors, 400)
        site.limit(request, "complaint", visitor)
        number = form.text("form")
        if _FORM.fullmatch(number) is None:
            number = new_form()  # of another page than ours: nothing tells it from a second one
        key, now = key_of(site.options.secret, number), datetime.now(UTC)
        with site.connection() as connection, connection.transaction():
            taken = complaints.take(connection, read, secret=key, form=_same(number, read), received_at=now, now=now)
            if taken is not None and taken.new:
                _tell(site, request, connection, read, taken, now)
        if taken is None:
            return site.page(request, "public/complaints_full.html", {}, 503, headers={"Retry-After": "86400"})
        context = {
            "reference": taken.reference, "key": key, "due": complaints.last_day(now, site.zone), "given": read,
            "now": now.astimezone(site.zone),
        }  # fmt: skip
        return site.page(request, "public/complaints_taken.html", context, 201)

    @routes.get("/complaints/{reference}")
    async def closed(request: Request, reference: Text) -> Response:
        """Ask for the key."""
        context = {"reference": complaints.plain_reference(reference), "wrong": False}
        return site.page(request, "public/complaints_key.html", context)

    @routes.post("/complaints/{reference}")
    @open_form
    def show(request: Request, visitor: Anybody, given: Fields, reference: Text) -> Response:
        """What became of a complaint, for who knows its key."""
        site.limit(request, "complaint-look", visitor)
        now = datetime.now(UTC)
        with site.connection() as connection:
            found = complaints.opened(connection, reference, given.get("key", ""))
            if found is None:
                context = {"reference": complaints.plain_reference(reference), "wrong": True}
                return site.page(request, "public/complaints_key.html", context, 404)
            complaints.log_access(connection, found.id, None, "complainant", "looked at the complaint", now)
            letters = complaints.letters(connection, found.id)
        context = {
            "complaint": found, "letters": [(one, one.at.astimezone(site.zone)) for one in letters],
            "received": found.received_at.astimezone(site.zone), "about": COMPLAINT_WORDS[found.about],
            "due": found.due(site.zone), "overdue": is_overdue(found, site, now),
        }  # fmt: skip
        return site.page(request, "public/complaints_one.html", context)

    def _form(request: Request, values: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
        number = values.get("form", "")
        context = {
            "values": values, "errors": errors, "about": {"": "", **COMPLAINT_WORDS}, "longest": complaints.LONGEST,
            "form": number if _FORM.fullmatch(number) else new_form(),
        }  # fmt: skip
        return site.page(request, "public/complaints.html", context, status)

    return routes


def new_form() -> str:
    """The number of a new form."""
    return secrets.token_urlsafe(24)


def _same(number: str, given: Given) -> str:
    """What makes it the same complaint: who goes back, writes more and sends that has said something new."""
    said = (given.about, given.answer_by, given.address, given.name, given.text)
    return "\n".join([number, *said])


def key_of(secret: str, form: str) -> str:
    """The key of the complaint that comes with a form: the same each time, and of the site's secret, so that whoever
    reads the database cannot make it. 69 bits, as ``BCDF-GHJK-LMNP-QRTV``."""
    number = int.from_bytes(hmac.new(secret.encode(), b"complaint " + form.encode(), sha256).digest(), "big")
    letters = []
    for _ in range(_KEY_LETTERS):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    text = "".join(letters)
    return "-".join(text[start : start + _KEY_GROUP] for start in range(0, _KEY_LETTERS, _KEY_GROUP))


def is_overdue(complaint: Complaint, site: Site, now: datetime) -> bool:
    """Whether its acknowledgement is late."""
    return complaint.acknowledged_at is None and complaint.received_at < complaints.overdue_before(now, site.zone)


def _read(form: forms.Form, visitor: Visitor) -> Given:
    """What the form says; ``form.errors`` has what is wrong with it."""
    about = form.choice("about", complaints.ABOUT, "Choose what your complaint is about")
    text = complaint_mail.read_text(form, "text", "Say what happened", "What you wrote")
    way: Any = form.choice("answer_by", _WAYS, "Choose how you want to be answered")
    address, name = "", ""
    if way == "email":
        address = complaint_mail.read_email(form, "email")
    elif way == "post":
        name = form.line("name", lengths.NAME, "Your name", "Enter your name, so that the letter reaches you")
        address = complaint_mail.read_address(form, "address")
    joined = visitor.tenancy_id if form.text("home") == "yes" else None
    return Given(text, about, way, address, name, joined)


def _tell(site: Site, request: Request, connection: Connection, given: Given, taken: Taken, now: datetime) -> None:
    """The receipt: on the page always, by e-mail where that is wished."""
    text = complaint_mail.receipt(site, taken.reference, site.url(request, f"/complaints/{taken.reference}"), now)
    subject = f"Your complaint {taken.reference}"
    complaints.add_letter(connection, taken.id, Letter("receipt", "page", text, now, None), None)
    if given.answer_by == "email":
        message = complaint_mail.send(
            site, connection, given, key=f"complaint:{taken.reference}:receipt", subject=subject, text=text, now=now
        )
        complaints.add_letter(connection, taken.id, Letter("receipt", "email", text, now, message), None)
