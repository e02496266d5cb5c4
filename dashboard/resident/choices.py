"""Consents that are given and withdrawn, who looked, and leaving: everything erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from dashboard.labels import CHANNEL_WORDS
from dashboard.roles import ROLE_WORDS
from dashboard.web import erasures as words
from dashboard.web.erasures import left_path
from dashboard.web.household import Access, looks
from dashboard.web.site import Site
from dashboard.web.values import Flag, Text, Whole, Word
from dashboard.web.visitor import Anybody, Resident
from devices.homes import PURPOSES, Consent
from store import accounts, erasures, homes
from store.times import local_day

_PAGE = 50


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a consent is for: its name, what we do with it, and what ends when it is withdrawn."""

    title: str
    doing: str
    ending: str


PURPOSE_WORDS: Mapping[str, Purpose] = {
    "comparison": Purpose(
        "Comparing my home with similar homes nearby",
        "We use your meter readings to show you how your home compares. Your use also counts in the averages that your "
        "neighbours see. Nobody sees your use on its own.",
        "Your home leaves the comparisons at once. You still see your own use.",
    ),
    "evaluation": Purpose(
        "Finding out whether comparisons help",
        "The council studies whether comparisons help people to use less energy. It looks at many homes together. In a "
        "trial a draw may decide that you see less of other homes for a time.",
        "Your home is left out of the study from now on. What we show you from then on is what everybody sees.",
    ),
    "messages": Purpose(
        "Sending me letters and messages",
        "We send you your comparison by post, and messages about your energy use.",
        "We stop sending you letters and messages about your energy use.",
    ),
    "finer-storage": Purpose(
        "Keeping more readings than one each half-hour",
        "Some displays send a reading every few seconds. We keep them all, instead of one each half-hour.",
        "From now on we keep one reading each half-hour.",
    ),
    "care": Purpose(
        "Using the movement sensors in my home",
        "Sensors notice movement in your rooms, and when your front door opens or closes; some also measure how warm "
        "it is. There is no camera and no microphone. We work out what is usual in your home, and note when nothing "
        "moves for longer than that, or your home stays cold. Only the people whom you name see it. This is about your "
        "data alone: it is no agreement to be cared for, and no care depends on it.",
        "The people whom you named see nothing any more and are told nothing. What is usual in your home is deleted. "
        "To have the sensors taken away, tell us.",
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One purpose as it stands: agreed to since a day, withdrawn on a day, or never agreed to (both None)."""

    purpose: str
    words: Purpose
    since: date | None
    ended: date | None
    channel: str


def router(site: Site) -> APIRouter:
    """Routes /home/consents, /home/access, /home/leave and, for who has left, /left."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/home/consents")
    def consents(
        request: Request, access: Annotated[Access, looks("looked at the consents")], done: Word = ""
    ) -> Response:
        with access.open() as (connection, household):
            given = homes.consents(connection, household.tenancy.id)
        found = choices(given, site)
        changed = next((choice for choice in found if choice.purpose == done), None)
        return site.page(request, "resident/consents.html", {"choices": found, "changed": changed})

    @routes.post("/home/consents")
    def change(
        access: Annotated[Access, looks("changed a consent")],
        purpose: Annotated[Word, Form()] = "",
        give: Annotated[Word, Form()] = "",
    ) -> Response:
        if purpose not in PURPOSES or give not in ("yes", "no"):
            raise HTTPException(400)
        now = datetime.now(UTC)
        with access.open(transaction=True) as (connection, household):
            if give == "yes":
                changed = homes.give_consent(connection, household.tenancy.id, purpose, "page", now)
            else:
                changed = homes.withdraw_consent(connection, household.tenancy.id, purpose, now)
            access.action = "gave a consent" if give == "yes" else "withdrew a consent"
            access.detail = PURPOSE_WORDS[purpose].title
            if not changed:
                access.tells_nothing()
        return RedirectResponse(f"/home/consents?done={purpose}", 303)

    @routes.get("/home/access")
    def show_access(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks("looked at who looked")],
        before: Whole | None = None,
    ) -> Response:
        with access.open() as (connection, household):
            found = accounts.accesses(connection, household.tenancy.id, below=before, limit=_PAGE + 1)
        rows = [(look.at.astimezone(site.zone), who(look, visitor.account_id), look) for look in found[:_PAGE]]
        earlier = found[_PAGE - 1].id if len(found) > _PAGE else None
        only_you = bool(rows) and all(name == "You" for _, name, _ in rows)
        context = {"rows": rows, "earlier": earlier, "first": before is None, "only_you": only_you}
        return site.page(request, "resident/access.html", context)

    @routes.get("/home/leave")
    def leave(request: Request, access: Annotated[Access, looks(None)], sure: Flag = False) -> Response:
        return _leave(request, access, sure=sure)

    @routes.post("/home/leave")
    def erase(
        request: Request,
        visitor: Resident,
        access: Annotated[Access, looks(None)],
        understood: Annotated[Word, Form()] = "",
    ) -> Response:
        if site.options.erase is None:
            raise HTTPException(404)
        if understood != "yes":
            return _leave(request, access, sure=True, status=400)
        # leaving is never limited, however often somebody was here before
        state = site.options.erase(visitor.tenancy)
        answer = RedirectResponse(left_path(state), 303)
        answer.delete_cookie(
            site.options.session_cookie, path="/", secure=site.options.secure, httponly=True, samesite="lax"
        )
        return answer

    @routes.get("/left")
    def left(request: Request, _: Anybody, reference: Text = "") -> Response:
        state = None
        if reference:
            with site.connection() as connection:
                state = erasures.by_reference(connection, reference)
        context = {"state": state, "left": [] if state is None else words.left(state), "zone": site.zone}
        return site.page(request, "resident/left.html", context)

    def _leave(request: Request, access: Access, *, sure: bool, status: int = 200) -> Response:
        with access.open() as (_, household):
            pass
        errors = {} if status == 200 else {"understood": "Tick the box to say that you understand"}
        context = {"household": household, "sure": sure, "errors": errors, "possible": site.options.erase is not None}
        return site.page(request, "resident/leave.html", context, status)

    return routes


def choices(given: Sequence[Consent], site: Site) -> list[Choice]:
    """Every purpose as it stands, in the usual order; days are local."""
    found = []
    for purpose in PURPOSES:
        last = max((one for one in given if one.purpose == purpose), key=lambda one: one.given_at, default=None)
        since = None if last is None or last.withdrawn_at is not None else local_day(last.given_at, site.zone)
        ended = None if last is None or last.withdrawn_at is None else local_day(last.withdrawn_at, site.zone)
        channel = "" if last is None else CHANNEL_WORDS.get(last.channel, "")
        found.append(Choice(purpose, PURPOSE_WORDS[purpose], since, ended, channel))
    return found


def who(look: accounts.Access, account_id: int | None) -> str:
    """Who it was, in words: an account is told from others, never named."""
    if look.account_id is not None and look.account_id == account_id:
        return "You"
    if look.account_id is None:
        return "This service"
    return "Another sign-in of your household" if look.role == "resident" else ROLE_WORDS.get(look.role, "The council")
