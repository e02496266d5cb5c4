"""One complaint before the data protection officer: all that was said, sent and looked at, and what is to be done.

What is sent is kept as it was sent. Every look is noted with the complaint, and in its tenancy's own log where it is of
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard import roles
from dashboard.labels import COMPLAINT_WORDS
from dashboard.staff.complaints import CHANNELS, WAYS, row_of
from dashboard.web import complaint_mail
from dashboard.web.exceptions import ErasedMeanwhile
from dashboard.web.forms import Form
from dashboard.web.site import Site
from dashboard.web.values import Fields, Text, Word
from dashboard.web.visitor import Anybody, Visitor
from store import complaints, outbox
from store.complaints import Complaint, Letter
from store.connect import Connection


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter with its local time and what became of it where it went by e-mail."""

    letter: Letter
    at: datetime
    became: str
    unreached: bool


def router(site: Site) -> APIRouter:
    """The pages."""
    routes = APIRouter()

    @routes.get("/data-protection/complaints/{reference}")
    def show(request: Request, visitor: Anybody, reference: Text, done: Word = "") -> Response:
        """One complaint with all that was sent about it and who looked."""
        with site.connection() as connection:
            found = _found(connection, reference)
            found = _logged(connection, visitor, found, "looked at the complaint")
            return _page(request, connection, found, {}, {}, done=done)

    @routes.post("/data-protection/complaints/{reference}/{kind}")
    def send(request: Request, visitor: Anybody, given: Fields, reference: Text, kind: Word) -> Response:
        """Acknowledge or answer a complaint, or note that what did not arrive was posted."""
        if kind not in ("acknowledgement", "answer", "posted"):
            raise HTTPException(404)
        now = datetime.now(UTC)
        with site.connection() as connection, connection.transaction():
            found = _found(connection, reference)
            if kind == "posted":
                return _posted(connection, visitor, found, given.get("letter", ""), now)
            form = Form(given)
            text = complaint_mail.read_text(form, kind, f"Write the {kind}", f"The {kind}")
            if text == "\n".join(complaint_mail.DRAFTS["answer"](site, found).splitlines()):
                form.errors[kind] = "Write the answer: this is only what stands around it"
            if form.errors:
                found = _logged(connection, visitor, found, "looked at the complaint")
                return _page(request, connection, found, given, form.errors, status=400)
            noted = complaints.acknowledge if kind == "acknowledgement" else complaints.answer
            if not noted(connection, found.id, now):
                # a colleague was faster, or the button was pressed twice: what was sent stands
                return _back(found, "already")
            _sent(connection, visitor, found, kind, text, now)
            return _back(found, kind)

    def _sent(connection: Connection, visitor: Visitor, found: Complaint, kind: str, text: str, now: datetime) -> None:
        message = None
        if found.answer_by == "email":
            subject = f"Your complaint {found.reference}"
            message = complaint_mail.send(
                site, connection, found, key=f"complaint:{found.reference}:{kind}", subject=subject, text=text, now=now
            )
        way = "page" if found.answer_by == "none" else found.answer_by
        complaints.add_letter(connection, found.id, Letter(kind, way, text, now, message), visitor.account_id)
        words = "acknowledged the complaint" if kind == "acknowledgement" else "answered the complaint"
        _logged(connection, visitor, found, words)

    def _posted(connection: Connection, visitor: Visitor, found: Complaint, kind: str, now: datetime) -> Response:
        letters = complaints.letters(connection, found.id)
        text = next((one.text for one in reversed(letters) if one.kind == kind and one.way == "email"), None)
        if text is None:
            raise HTTPException(404)
        if not any(one.kind == kind and one.way == "post" for one in letters):
            complaints.add_letter(connection, found.id, Letter(kind, "post", text, now, None), visitor.account_id)
            _logged(connection, visitor, found, f"posted the {kind}")
        return _back(found, "posted")

    def _logged(connection: Connection, visitor: Visitor, found: Complaint, action: str) -> Complaint:
        """Note it with the complaint and in its tenancy's log; of a household that is being erased, it is nobody's."""
        complaints.log_access(connection, found.id, visitor.account_id, visitor.acting, action, datetime.now(UTC))
        if found.tenancy_id is None:
            return found
        try:
            site.log_access(connection, visitor, found.tenancy_id, action, found.reference)
        except ErasedMeanwhile:
            return found._replace(tenancy_id=None)
        return found

    def _page(
        request: Request,
        connection: Connection,
        found: Complaint,
        values: Mapping[str, str],
        errors: Mapping[str, str],
        *,
        done: str = "",
        status: int = 200,
    ) -> Response:
        now = datetime.now(UTC)
        sent = [_became(site, connection, one) for one in complaints.letters(connection, found.id)]
        looks = [
            (one.at.astimezone(site.zone), roles.ROLE_WORDS.get(one.role, "Whoever has the key"), one.action)
            for one in complaints.accesses(connection, found.id)
        ]
        drafts = {name: draft(site, found) for name, draft in complaint_mail.DRAFTS.items()}
        typed = {**drafts, **values}
        context: dict[str, Any] = {
            "complaint": found, "row": row_of(site, found, now, set()), "about": COMPLAINT_WORDS[found.about],
            "received": found.received_at.astimezone(site.zone), "sent": sent, "looks": looks, "values": typed,
            "errors": errors, "done": done, "ways": WAYS, "longest": complaints.LONGEST, "channels": CHANNELS,
        }  # fmt: skip
        return site.page(request, "staff/complaints_one.html", context, status)

    return routes


def _back(found: Complaint, done: str) -> Response:
    return RedirectResponse(f"/data-protection/complaints/{found.reference}?done={done}", 303)


def _found(connection: Connection, reference: str) -> Complaint:
    found = complaints.one(connection, reference)
    if found is None:
        raise HTTPException(404)
    return found


def _became(site: Site, connection: Connection, letter: Letter) -> Sent:
    at = letter.at.astimezone(site.zone)
    if letter.way != "email":
        return Sent(letter, at, "", unreached=False)
    found = None if letter.message_id is None else outbox.standing(connection, letter.message_id)
    if found is None:
        return Sent(letter, at, "not known any more", unreached=False)
    why = f": {found.reason}" if found.reason else ""
    return Sent(letter, at, f"{found.state}{why}", found.state in ("failed", "expired", "withheld"))
